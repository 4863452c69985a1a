import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Rehearsal, RehearsedMoment } from '../../../contract/rehearsal.ts'
import type { Rollover } from '../../../contract/rollover.ts'
import { AppError } from '../../../core/kernel/errors.ts'
import { writeWhole } from '../output-file.ts'
import { table } from '../output.ts'
import { limitOption, timeOption, type Register } from '../register.ts'

export function rolloverCommands(program: Command, run: Register): void {
  const rollover = program.command('rollover').description('the planned change from one key or certificate to the next')

  rollover
    .command('plan <old> <next>')
    .description('let the next item serve beside the old one: what comes in is accepted with either, what goes out changes at the switch')
    .option('--partner <id>', 'only for this partner; left out: wherever the old one is bound')
    .option('--announce <time>', 'when the partners are told', timeOption)
    .option('--switch <time>', 'when we change; left out: as soon as the partner is seen to use the next one', timeOption)
    .option('--retire <time>', 'when the old one ends, unless it was seen in the seven days before', timeOption)
    .action(
      run(async ({ client, output }, old: string, next: string, options: { partner?: string; announce?: string; switch?: string; retire?: string }) => {
        const result = await client.rollover.plan({
          old,
          next,
          ...(options.partner === undefined ? {} : { partner: options.partner }),
          ...(options.announce === undefined ? {} : { announceAt: options.announce }),
          ...(options.switch === undefined ? {} : { switchAt: options.switch }),
          ...(options.retire === undefined ? {} : { retireAt: options.retire }),
        })
        output.result(result, () => boardText(result))
      }),
    )

  rollover
    .command('list')
    .description('all of them, newest first')
    .option(...limitOption)
    .action(
      run(async ({ client, output }, options: { limit: number }) => {
        const result = await client.rollover.list(options)
        output.result(result, () => (result.rollovers.length === 0 ? 'No rollovers.' : result.rollovers.map(boardText).join('\n\n')))
      }),
    )

  rollover
    .command('show <id>')
    .description('where each partner stands, with proof from traffic')
    .action(
      run(async ({ client, output }, id: string) => {
        const result = await client.rollover.show({ id })
        output.result(result, () => boardText(result))
      }),
    )

  rollover
    .command('mark <id>')
    .description('note that a partner was told, or has answered')
    .option('--partner <id>', 'which partner; left out: everyone concerned')
    .requiredOption('--step <step>', 'sent or acknowledged')
    .action(
      run(async ({ client, output }, id: string, options: { partner?: string; step: 'sent' }) => {
        const result = await client.rollover.mark({ id, ...options })
        output.result(result, () => boardText(result))
      }),
    )

  rollover
    .command('mail <id>')
    .description('the text that tells a partner about it')
    .option('--partner <id>', 'which partner; left out, with --out: everyone concerned')
    .option('--out <folder>', 'write the texts and our cards there, one folder a partner')
    .action(
      run(async ({ client, output }, id: string, { partner, out }: { partner?: string; out?: string }) => {
        if (partner === undefined && out === undefined) throw new AppError('input.invalid', 'name a partner, or a folder with --out for everyone')
        const partners = partner === undefined ? (await client.rollover.show({ id })).partners.map((one) => one.partner) : [partner]
        const mails = await Promise.all(partners.map(async (one) => ({ partner: one, ...(await client.rollover.mail({ id, partner: one })) })))
        if (out !== undefined) for (const mail of mails) await writeMail(resolve(out, mail.partner), mail)
        const [first] = mails
        if (partner !== undefined && first !== undefined)
          output.result(first, () => [`Subject: ${first.subject}`, '', first.body, ...(first.card === null ? [] : [`Goes along: ${first.card.fileName}${out === undefined ? ' (write it with --out)' : ''}`, `Read out by phone: ${first.card.words.join(' ')}`])].join('\n'))
        else output.result({ folder: out, mails }, () => [`written to ${out ?? ''}`, ...mails.map((mail) => `  ${mail.partner}${mail.card === null ? '' : `: read out by phone ${mail.card.words.join(' ')}`}`)].join('\n'))
      }),
    )

  rollover
    .command('rehearse <id>')
    .description('play it through with the real items and the last real messages: what would fail, now, after the switch and at the end; ends with 3 when something is expected to')
    .option('--partner <id>', 'only with this partner')
    .option('--at <time>', 'as things will stand at this time', timeOption)
    .action(
      run(async ({ client, output }, id: string, options: { partner?: string; at?: string }) => {
        const result = await client.rollover.rehearse({ id, ...options })
        output.result(result, () => result.rehearsals.map(rehearsalText).join('\n\n'))
        return result.rehearsals.some(({ moments }) => moments.some(({ expected }) => expected.length > 0)) ? 3 : 0
      }),
    )

  rollover
    .command('check')
    .description('do what time and traffic ask for now: the switch at first use, the end of the old one (a running service does so by itself)')
    .action(
      run(async ({ client, output }) => {
        const result = await client.rollover.check({})
        output.result(result, () => `${result.changed} binding(s) changed`)
      }),
    )

  rollover
    .command('finish <id>')
    .description('end the old one now, with the next one in its place; refused while partners were not seen with the next one')
    .option('--anyway', 'although partners were not seen with it yet')
    .action(
      run(async ({ client, output }, id: string, options: { anyway?: boolean }) => {
        const result = await client.rollover.finish({ id, anyway: options.anyway ?? false })
        output.result(result, () => boardText(result))
      }),
    )

  rollover
    .command('cancel <id>')
    .description('the next item is bound no more; the old one serves on')
    .action(
      run(async ({ client, output }, id: string) => {
        const result = await client.rollover.cancel({ id })
        output.result(result, () => `${id} is cancelled`)
      }),
    )
}

async function writeMail(folder: string, { subject, body, card }: { readonly subject: string; readonly body: string; readonly card: { readonly fileName: string; readonly text: string } | null }): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeWhole(join(folder, 'mail.txt'), `Subject: ${subject}\n\n${body}`)
  if (card !== null) await writeWhole(join(folder, card.fileName), card.text)
}

const MOMENTS: Readonly<Record<RehearsedMoment['moment'], string>> = { now: 'Now', switch: 'After the switch', retire: 'After the old one has ended', at: 'At that time' }

function rehearsalText({ partner, connection, moments }: Rehearsal): string {
  const moment = ({ moment: name, at, cells, conclusion }: RehearsedMoment): string =>
    [`${MOMENTS[name]} (${at.slice(0, 10)}): ${conclusion}`, table(cells.filter(({ outcome }) => outcome !== 'idle').map(({ with: which, outcome, message, proof }) => ['', outcome === 'fails' ? 'FAILS' : 'works', `with ${which}`, `${message}${proof === 'last-message' ? ' [real]' : ''}`]))].join('\n')
  return [`${partner}/${connection}`, ...moments.map(moment)].join('\n')
}

function boardText({ id, old, next, state, announceAt, switchAt, retireAt, partners }: Rollover): string {
  const day = (time: string | null): string => time?.slice(0, 10) ?? '-'
  return [
    `${id} (${state}): ${old.label} → ${next.label}; ${announceAt === null ? '' : `announced ${day(announceAt)}, `}switch ${switchAt === null ? 'at first use' : day(switchAt)}, old one retires ${day(retireAt)}`,
    table([['PARTNER', 'STEP', 'SENT', 'ACKNOWLEDGED', 'FIRST SEEN', 'PROOF', 'OLD LAST SEEN'], ...partners.map((one) => [one.partner, one.step, day(one.sent), day(one.acknowledged), day(one.firstSeen), one.proof ?? '-', day(one.oldLastSeen)])]),
  ].join('\n')
}
