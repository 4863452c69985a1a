import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Delivery, ReceiveReport } from '../../../contract/deliveries.ts'
import { textOf, type WireError } from '../../../contract/errors/index.ts'
import type { CommandContext } from '../command.ts'
import { deliveryText, receiptText, STATE_WORDS } from '../delivery-text.ts'
import { messageText } from '../message-text.ts'
import { sendByFlow } from './flow.ts'
import { exitOfAll, exitOfDelivery, exitOfError, exitOfReceived, type Exit } from '../exit-codes.ts'
import { bytesText, failureText, table } from '../output.ts'
import { limitOption, splitList, splitTarget, timeOption, type Register } from '../register.ts'

export function sendCommand(program: Command, run: Register): void {
  program
    .command('send <partner> <file...>')
    .description('deliver files now and wait (PARTNER or PARTNER/CONNECTION)')
    .option('--as <name>', 'name at the partner (one file only)')
    .option('--allow-duplicate <reason>', 'send the same content under the same name again, with the reason')
    .option('--flow <name>', 'as this flow says: its steps, rule for duplicates and retry')
    .action(
      run(async (context, target: string, files: string[], options: { as?: string; allowDuplicate?: string; flow?: string }) => {
        const { client, output } = context
        if (options.flow !== undefined) {
          if (options.as !== undefined || options.allowDuplicate !== undefined) {
            output.failure({ code: 'input.invalid', message: '--flow: the flow says the name and which repeats are permitted (`flow release`)' })
            return 2
          }
          return await sendByFlow(context, target, files, options.flow)
        }
        if (options.as !== undefined && files.length > 1) {
          output.failure({ code: 'input.invalid', message: '--as: give it with one file only' })
          return 2
        }
        const stopWatching = watchProgress(context)
        try {
          const { results } = await client.deliveries.send({
            ...splitTarget(target),
            files: files.map((file) => ({ source: { path: resolve(file) }, ...(options.as === undefined ? {} : { as: options.as }) })),
            ...(options.allowDuplicate === undefined ? {} : { allowDuplicate: options.allowDuplicate }),
          })
          for (const { fileName, delivery } of results) if (delivery !== null) output.note(`${fileName}: delivery ${delivery.id}`)
          const ids = results.flatMap(({ delivery }) => (delivery === null ? [] : [delivery.id]))
          const rested = new Map((await client.deliveries.wait({ ids })).deliveries.map((delivery) => [delivery.id, delivery]))
          const final = results.map((result) => ({ ...result, delivery: rested.get(result.delivery?.id ?? '') ?? null }))
          output.result({ results: final }, () => table(final.map(({ fileName, delivery, error }) => [fileName, delivery === null ? titleOf(error) : STATE_WORDS[delivery.state], delivery?.id ?? ''])))
          const exits = final.map(({ delivery, error }): Exit => (delivery === null ? exitOfNone(error) : exitOfDelivery(delivery)))
          for (const { delivery, error } of final) explain(output, delivery?.error ?? error)
          for (const { delivery } of final) if (delivery?.receipt?.kind === 'mdn') output.note(`${delivery.id}: ${receiptText(delivery.receipt)}`)
          for (const { delivery } of final) if (delivery !== null && delivery.state === 'waiting') output.note(nextTryText(delivery))
          return exitOfAll(exits)
        } finally {
          stopWatching()
        }
      }),
    )
}

export function receiveCommand(program: Command, run: Register): void {
  program
    .command('receive <partner>')
    .description('collect once from a partner (PARTNER or PARTNER/CONNECTION)')
    .action(
      run(async ({ client, output }, target: string) => {
        const report = await client.deliveries.receive(splitTarget(target))
        output.result(report, () => receivedText(report))
        for (const { name, error } of report.problems) output.note(`${name}: ${failureText(error)}`)
        for (const delivery of report.taken) explain(output, delivery.error)
        const exits = [...report.problems.map(({ error }) => exitOfError(error)), ...report.taken.map(exitOfReceived)]
        return exitOfAll(exits)
      }),
    )
}

const WAITING_WORDS = { 'not-stable': 'still changing', 'no-marker': 'its marker is missing' } as const

function receivedText(report: ReceiveReport): string {
  const lines = [
    `${report.listed} files in ${report.folder}: ${report.taken.length} taken, ${report.ignored} ignored, ${report.waiting.length} not complete yet, ${report.tidied} tidied up there`,
    ...report.waiting.map(({ name, reason }) => `  ${name}: ${WAITING_WORDS[reason]}`),
  ]
  const rows = report.taken.map((delivery) => [delivery.fileName, STATE_WORDS[delivery.state], delivery.receipt?.kind === 'received' ? (delivery.receipt.releasedTo ?? '') : '', delivery.id])
  return rows.length === 0 ? lines.join('\n') : `${lines.join('\n')}\n${table(rows)}`
}

export function deliveriesCommands(program: Command, run: Register): void {
  const deliveries = program.command('deliveries').description('the ledger')

  deliveries
    .command('list')
    .description('newest first')
    .option(...limitOption)
    .option('--partner <id>', 'only this partner')
    .option('--direction <direction>', 'outbound or inbound')
    .option('--state <state...>', 'queued, sending, waiting, awaiting-receipt, disputed, unknown, delivered, failed, cancelled, received, held; several with commas or blanks', splitList)
    .option('--since <time>', 'created at or after', timeOption)
    .option('--search <text>', 'part of a file name, an id or a SHA-256')
    .action(
      run(async ({ client, output }, options: { limit: number; partner?: string; direction?: Delivery['direction']; state?: Delivery['state'][]; since?: string; search?: string }) => {
        const result = await client.deliveries.list(options)
        output.result(result, () =>
          result.deliveries.length === 0
            ? 'No deliveries.'
            : table([
                ['ID', 'CREATED', 'PARTNER', 'NAME THERE', 'SIZE', 'STATE'],
                ...result.deliveries.map((row) => [row.id, row.createdAt, row.partner, row.remoteName, bytesText(row.size), STATE_WORDS[row.state]]),
              ]),
        )
      }),
    )

  deliveries
    .command('show <id>')
    .description('one delivery with its attempts, and the AS2 message that it travelled as')
    .option('--raw <what>', 'write the raw AS2 message or its newest receipt: message or mdn')
    .option('--out <file>', 'where --raw goes; nothing is overwritten')
    .action(
      run(async ({ client, output }, id: string, options: { raw?: string; out?: string }) => {
        if (options.raw !== undefined || options.out !== undefined) return await writeRaw({ client, output }, id, options)
        const result = await client.deliveries.show({ id })
        const { message } = await client.as2.message({ delivery: id })
        output.result({ ...result, ...(message === null ? {} : { message }) }, () => [deliveryText(result), ...(message === null ? [] : ['', messageText(message)])].join('\n'))
        return 0
      }),
    )

  deliveries
    .command('retry [id]')
    .description('try again now, one or all that the filter finds; an unknown outcome is looked up first')
    .option('--all', 'everything that failed, waits or is unknown; at most 1000 a call')
    .option('--partner <id>', 'with --all: only this partner')
    .option('--state <state...>', 'with --all: waiting, unknown, failed; several with commas or blanks', splitList)
    .option('--since <time>', 'with --all: created at or after', timeOption)
    .option('--search <text>', 'with --all: part of a file name, an id or a SHA-256')
    .action(
      run(async (context, id: string | undefined, { all = false, ...filter }: RetryFilter & { all?: boolean }) => {
        if ((id === undefined) !== all || (!all && Object.keys(filter).length > 0)) {
          context.output.failure({ code: 'input.invalid', message: 'write one id, or --all with a filter' })
          return 2
        }
        const stopWatching = watchProgress(context)
        try {
          if (id === undefined) return await retryAll(context, filter)
          await context.client.deliveries.retry({ id })
          return await reportRested(context, id)
        } finally {
          stopWatching()
        }
      }),
    )

  deliveries
    .command('resolve <id>')
    .description("record the operator's word on an unknown outcome")
    .requiredOption('--outcome <outcome>', 'delivered or not-delivered')
    .requiredOption('--reason <text>', 'how it is known')
    .action(
      run(async ({ client, output }, id: string, options: { outcome: 'delivered' | 'not-delivered'; reason: string }) => {
        const delivery = await client.deliveries.resolve({ id, ...options })
        output.result(delivery, () => `${id}: ${STATE_WORDS[delivery.state]}`)
      }),
    )

  deliveries
    .command('cancel <id>')
    .description('stop a delivery that has not arrived')
    .action(
      run(async ({ client, output }, id: string) => {
        const delivery = await client.deliveries.cancel({ id })
        output.result(delivery, () => `${id}: ${STATE_WORDS[delivery.state]}`)
      }),
    )
}

async function writeRaw({ client, output }: Pick<CommandContext, 'client' | 'output'>, id: string, { raw, out }: { raw?: string; out?: string }): Promise<Exit> {
  if ((raw !== 'mdn' && raw !== 'message') || out === undefined) {
    output.failure({ code: 'input.invalid', message: '--raw: write --raw mdn --out FILE or --raw message --out FILE' })
    return 2
  }
  const written = await client.as2.exportRaw({ of: { delivery: id }, what: raw, path: resolve(out) })
  output.result(written, () => `${written.path}: ${written.bytes} bytes, SHA-256 ${written.sha256}`)
  return 0
}

interface RetryFilter {
  readonly partner?: string
  readonly state?: ('waiting' | 'unknown' | 'failed')[]
  readonly since?: string
  readonly search?: string
}

async function retryAll({ client, output }: CommandContext, filter: RetryFilter): Promise<Exit> {
  const { retried, refused, remaining } = await client.deliveries.retryAll(filter)
  const { deliveries } = await client.deliveries.wait({ ids: retried })
  output.result({ deliveries, refused, remaining }, () =>
    retried.length + refused.length === 0
      ? 'Nothing to try again.'
      : table([...deliveries.map(({ id, remoteName, state }) => [id, remoteName, STATE_WORDS[state]]), ...refused.map(({ id, fileName, error }) => [id, fileName, titleOf(error)])]),
  )
  for (const { error } of [...deliveries, ...refused]) explain(output, error)
  if (remaining > 0) output.note(`${remaining} more: call it again`)
  return exitOfAll([...deliveries.map(exitOfDelivery), ...refused.map(({ error }) => exitOfError(error))])
}

async function reportRested({ client, output }: CommandContext, id: string): Promise<Exit> {
  const { deliveries } = await client.deliveries.wait({ ids: [id] })
  const [delivery] = deliveries
  if (delivery === undefined) return 1
  output.result(delivery, () => `${id}: ${STATE_WORDS[delivery.state]}`)
  explain(output, delivery.error)
  if (delivery.state === 'waiting') output.note(nextTryText(delivery))
  return exitOfDelivery(delivery)
}

function explain(output: CommandContext['output'], error: WireError | null): void {
  if (error !== null) output.note(failureText(error))
}

function titleOf(error: WireError | null): string {
  return error === null ? 'not sent' : textOf(error).title
}

function exitOfNone(error: WireError | null): Exit {
  return error === null ? 1 : exitOfError(error)
}

function nextTryText(delivery: Delivery): string {
  return `${delivery.id} is tried again from ${delivery.nextTryAt ?? 'now'} on while Waybill runs (\`waybill serve\` or the window); \`waybill deliveries retry ${delivery.id}\` does it now.`
}

/** A line a second on a terminal; nothing where nobody watches. */
function watchProgress({ client, output, options }: CommandContext): () => void {
  if (!process.stderr.isTTY || options.json) return () => undefined
  let last = 0
  return client.deliveries.onProgress((progress) => {
    if (Date.now() - last < 1000 && progress.stage === 'transferring') return
    last = Date.now()
    const rate = progress.bytesPerSecond > 0 ? `, ${bytesText(progress.bytesPerSecond)}/s` : ''
    const left = progress.secondsLeft === null ? '' : `, ${progress.secondsLeft < 60 ? `${Math.ceil(progress.secondsLeft)} s` : `${Math.ceil(progress.secondsLeft / 60)} min`} left`
    output.note(`  ${progress.stage} ${bytesText(progress.bytes)} of ${bytesText(progress.total)}${rate}${left}`)
  })
}
