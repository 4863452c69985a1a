import type { Command } from 'commander'
import type { Rollover } from '../../../contract/rollover.ts'
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
    .requiredOption('--partner <id>', 'which partner')
    .requiredOption('--step <step>', 'sent or acknowledged')
    .action(
      run(async ({ client, output }, id: string, options: { partner: string; step: 'sent' }) => {
        const result = await client.rollover.mark({ id, ...options })
        output.result(result, () => boardText(result))
      }),
    )

  rollover
    .command('mail <id>')
    .description('the text that tells a partner about it')
    .requiredOption('--partner <id>', 'which partner')
    .action(
      run(async ({ client, output }, id: string, options: { partner: string }) => {
        const result = await client.rollover.mail({ id, ...options })
        output.result(result, () => `Subject: ${result.subject}\n\n${result.body}`)
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

function boardText({ id, old, next, state, switchAt, retireAt, partners }: Rollover): string {
  const day = (time: string | null): string => time?.slice(0, 10) ?? '-'
  return [
    `${id} (${state}): ${old.label} → ${next.label}; switch ${switchAt === null ? 'at first use' : day(switchAt)}, old one retires ${day(retireAt)}`,
    table([['PARTNER', 'STEP', 'SENT', 'ACKNOWLEDGED', 'FIRST SEEN', 'OLD LAST SEEN'], ...partners.map((one) => [one.partner, one.step, day(one.sent), day(one.acknowledged), day(one.firstSeen), day(one.oldLastSeen)])]),
  ].join('\n')
}
