import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { FlowDetail, FlowFile, FlowRun } from '../../../contract/flows.ts'
import type { CommandContext } from '../command.ts'
import { exitOfAll, exitOfError, type Exit } from '../exit-codes.ts'
import { readDocument } from '../document-file.ts'
import { failureText, table } from '../output.ts'
import { OUTCOME_WORDS, nameOf, runText, runsTable, detailText, dryRunText, localText } from './flow-text.ts'
import { limitOption, splitList, timeOption, type Register } from '../register.ts'

export function flowCommands(program: Command, run: Register): void {
  const flow = program.command('flow').description('flows and their schedules')

  flow
    .command('apply <file>')
    .description('create or change a flow from a JSON document (- reads standard input)')
    .action(
      run(async ({ client, output }, file: string) => {
        const result = await client.flows.apply({ document: await readDocument(file) })
        output.result(result, () => `${result.flow.summary.id} ${result.created ? 'created' : result.changed ? 'changed' : 'unchanged'}: ${result.flow.summary.when}`)
      }),
    )

  flow
    .command('list')
    .description('all flows')
    .option(...limitOption)
    .option('--search <text>', 'part of the name')
    .action(
      run(async ({ client, output }, options: { limit: number; search?: string }) => {
        const result = await client.flows.list(options)
        output.result(result, () =>
          result.flows.length === 0
            ? 'No flows yet. Create one with `waybill flow apply FILE`.'
            : table([
                ['ID', 'WHEN', 'NEXT', 'LAST RUN'],
                ...result.flows.map((row) => [row.id, row.paused === null ? row.when : 'paused', row.nextDueAt ?? '', row.lastRun === null ? '' : `${OUTCOME_WORDS[row.lastRun.outcome]}, ${row.lastRun.startedAt}`]),
              ]),
        )
      }),
    )

  flow
    .command('show <name>')
    .description('one flow with its next times, runs and what became of each due time')
    .action(
      run(async ({ client, output }, id: string) => {
        const result = await client.flows.show({ id })
        output.result(result, () => detailText(result))
      }),
    )

  flow
    .command('run <name>')
    .description('run now and wait; what had failed is tried again')
    .action(
      run(async ({ client, output }, id: string) => {
        const result = await client.flows.run({ id, wait: true })
        output.result(result, () => runText(result.run, result.files))
        for (const file of result.files) if (file.error !== null) output.note(`${nameOf(file)}: ${failureText(file.error)}`)
        return exitOfRun(result.run, result.files)
      }),
    )

  flow
    .command('check <file>')
    .description('check a document without keeping it, and say when it would be due')
    .action(
      run(async ({ client, output }, file: string) => {
        const result = await client.flows.check({ document: await readDocument(file) })
        output.result(result, () => [`${result.document.id} is valid: ${result.when}`, ...result.next.map((at) => `  ${at}`)].join('\n'))
      }),
    )

  flow
    .command('dry-run [name]')
    .description('what a run would send now, under which name, where and how protected; and what not, and why')
    .option('--file <file>', 'of a document that is not kept yet')
    .action(
      run(async ({ client, output }, id: string | undefined, { file }: { file?: string }) => {
        if ((id === undefined) === (file === undefined)) {
          output.failure({ code: 'input.invalid', message: 'name a flow, or a document with --file' })
          return 2
        }
        const result = await client.flows.dryRun(file === undefined ? { id } : { document: await readDocument(file) })
        output.result(result, () => dryRunText(result))
        return exitOfAll(result.send.map(({ plan }): Exit => (plan.refusal === null ? 0 : exitOfError(plan.refusal))))
      }),
    )

  flow
    .command('pause <name>')
    .description('not started by itself any more')
    .option('--until <time>', 'resumes by itself then', timeOption)
    .option('--reason <text>', 'why')
    .action(
      run(async ({ client, output }, id: string, options: { until?: string; reason?: string }) => {
        const result = await client.flows.pause({ id, ...options })
        output.result(result, () => `${id} is paused${result.paused?.until ? ` until ${result.paused.until}` : ''}`)
      }),
    )

  flow
    .command('resume <name>')
    .description('started by itself again')
    .action(
      run(async ({ client, output }, id: string) => {
        const result = await client.flows.resume({ id })
        output.result(result, () => `${id} is active${result.nextDueAt === null ? '' : `; next ${result.nextDueAt}`}`)
      }),
    )

  flow
    .command('next <name>')
    .description('the next due times')
    .option('--count <n>', 'how many', Number, 5)
    .action(
      run(async ({ client, output }, id: string, { count }: { count: number }) => {
        const result = await client.flows.next({ id, count })
        output.result(result, () => (result.next.length === 0 ? `${id} has no schedule` : result.next.map((at) => `${at}  ${localText(at, result.zone ?? 'UTC')}`).join('\n')))
      }),
    )

  flow
    .command('runs [name]')
    .description('runs, newest first')
    .option(...limitOption)
    .action(
      run(async ({ client, output }, id: string | undefined, options: { limit: number }) => {
        const result = await client.flows.runs({ limit: options.limit, ...(id === undefined ? {} : { flow: id }) })
        output.result(result, () => runsTable(result.runs))
      }),
    )

  flow
    .command('due [name]')
    .description('what became of each due time, newest first')
    .option(...limitOption)
    .option('--since <time>', 'due at or after', timeOption)
    .option('--status <status...>', 'ran, late, asleep, app-closed, paused, blocked, offline, still-running, superseded, clock-changed', splitList)
    .action(
      run(async ({ client, output }, id: string | undefined, options: { limit: number; since?: string; status?: FlowDetail['due'][number]['status'][] }) => {
        const result = await client.flows.due({ ...options, ...(id === undefined ? {} : { flow: id }) })
        output.result(result, () => (result.due.length === 0 ? 'No due times.' : table([['FLOW', 'DUE', 'WHAT HAPPENED', 'RUN'], ...result.due.map((row) => [row.flow, row.at, `${row.status}${row.decision === 'pending' ? ' (decide: flow decide)' : ''}`, row.run ?? ''])])))
      }),
    )

  flow
    .command('decide <name> <time>')
    .description('answer whether a missed time is made up for')
    .requiredOption('--run <yes|no>', 'yes runs it now')
    .action(
      run(async ({ client, output }, id: string, at: string, options: { run: string }) => {
        if (options.run !== 'yes' && options.run !== 'no') {
          output.failure({ code: 'input.invalid', message: '--run: write yes or no' })
          return 2
        }
        const result = await client.flows.decide({ flow: id, at: timeOption(at), decision: options.run === 'yes' ? 'run' : 'skip' })
        output.result(result, () => `${result.at}: ${result.status}`)
        return 0
      }),
    )

  flow
    .command('release <name> <delivery>')
    .description('permit one more sending of a file that the rule for duplicates skips')
    .requiredOption('--reason <text>', 'why it must go again')
    .action(
      run(async ({ client, output }, id: string, delivery: string, { reason }: { reason: string }) => {
        await client.flows.release({ flow: id, delivery, reason })
        output.result({ flow: id, delivery, released: true }, () => `the file of ${delivery} goes once more, if it stands in the source`)
      }),
    )

  flow
    .command('pause-all')
    .description('nothing is started by itself any more')
    .option('--until <time>', 'resumes by itself then', timeOption)
    .option('--reason <text>', 'why')
    .action(
      run(async ({ client, output }, options: { until?: string; reason?: string }) => {
        await client.flows.pauseAll(options)
        output.result({ paused: true, until: options.until ?? null }, () => 'all flows are paused')
      }),
    )

  flow
    .command('resume-all')
    .description('flows are started by themselves again')
    .action(
      run(async ({ client, output }) => {
        await client.flows.resumeAll({})
        output.result({ paused: false }, () => 'flows are active')
      }),
    )

  flow
    .command('remove <name>')
    .description('remove a flow; its deliveries, runs and audit records stay')
    .action(
      run(async ({ client, output }, id: string) => {
        await client.flows.remove({ id })
        output.result({ id, removed: true }, () => `${id} was removed`)
      }),
    )

  flow
    .command('schema')
    .description('the JSON Schema of the flow document')
    .action(
      run(async ({ client, output }) => {
        const { schema } = await client.flows.schema({})
        output.result(schema, () => JSON.stringify(schema, null, 2))
      }),
    )
}

/** Sends named files as a flow says. */
export async function sendByFlow({ client, output }: CommandContext, target: string, files: readonly string[], flow: string): Promise<Exit> {
  const result = await client.flows.run({ id: flow, wait: true, target, files: files.map((file) => ({ path: resolve(file) })) })
  output.result(result, () => runText(result.run, result.files))
  for (const file of result.files) if (file.error !== null) output.note(`${nameOf(file)}: ${failureText(file.error)}`)
  return exitOfRun(result.run, result.files)
}

function exitOfRun(run: FlowRun, files: readonly FlowFile[]): Exit {
  switch (run.outcome) {
    case 'delivered':
    case 'nothing':
      return 0
    case 'failed':
    case 'refused':
      return exitOfAll([...new Set(files.flatMap(({ error }) => (error === null ? [] : [exitOfError(error)])))]) || 1
    case 'retrying':
      // Nothing is there yet, as with `send`.
      return run.counts.delivered > 0 ? 3 : 1
    default:
      return 3
  }
}
