import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import type { Finding, FindingRef, FindingState, PostureCounts, PostureDomain, Severity } from '../../../contract/posture.ts'
import type { CommandContext } from '../command.ts'
import type { Exit } from '../exit-codes.ts'
import { writeWhole } from '../output-file.ts'
import { table } from '../output.ts'
import { limitOption, timeOption, type Register } from '../register.ts'

interface Filters {
  limit: number
  partner?: string
  domain?: PostureDomain
  severity?: Severity
  code?: string
  subject?: string
  suppressed?: true
  resolved?: true
}

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info']

function severity(text: string): Severity {
  const found = SEVERITIES.find((one) => one === text)
  if (found === undefined) throw new InvalidArgumentError('give error, warning or info')
  return found
}

function dayOption(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text))) throw new InvalidArgumentError('write a day as 2027-01-31')
  return text
}

const countsText = ({ error, warning, info, suppressed }: PostureCounts): string => `${error} errors, ${warning} warnings, ${info} notes${suppressed === 0 ? '' : `, ${suppressed} suppressed`}`

function findingText({ severity: how, code, subject, state, message, rationale, suggestion, evidence, deliveries, firstSeen, suppression }: Finding): string {
  return [
    `${how.toUpperCase()} ${code} ${subject.id}${state === 'open' ? '' : ` (${state})`}, since ${firstSeen.slice(0, 10)}`,
    `  ${message}`,
    `  Why it matters: ${rationale}`,
    `  What to do: ${suggestion}`,
    ...evidence.map(({ label, value }) => `  ${label}: ${value}`),
    ...(deliveries.length === 0 ? [] : [`  Deliveries: ${deliveries.join(', ')}`]),
    ...(suppression === null ? [] : [`  Suppressed until ${suppression.until} by ${suppression.owner}: ${suppression.reason}`]),
  ].join('\n')
}

const refLine = (sign: string) => ({ severity: how, code, subject, message }: FindingRef): string => `  ${sign} ${how} ${code} ${subject}: ${message}`

/** Looks anew, then lists. What is suppressed does not count for the exit code. */
async function list({ client, output }: CommandContext, options: Filters): Promise<Exit> {
  const { suppressed, resolved, ...filters } = options
  const { appeared } = await client.posture.evaluate({})
  const state: FindingState[] = ['open', 'reappeared', ...(suppressed ? (['suppressed'] as const) : []), ...(resolved ? (['resolved'] as const) : [])]
  const result = await client.posture.list({ ...filters, state })
  const fresh = new Set(appeared.map(({ id }) => id))
  const shown = result.findings.map(findingText)
  output.result(result, () => [...shown, `${result.total === 0 ? 'Nothing is open' : `${result.total} findings`} (${countsText(result.counts)}${fresh.size === 0 ? '' : `; ${fresh.size} new`}).`].join('\n\n'))
  // Without a question for a severity, errors alone ask for attention: every company has warnings.
  const asked = SEVERITIES.indexOf(filters.severity ?? 'error')
  const open = await client.posture.list({ ...filters, limit: 1, severity: SEVERITIES[asked] ?? 'error' })
  return open.total > 0 ? 3 : 0
}

/** `posture`, `posture history`, `posture suppress` and what belongs to them. */
export function postureCommands(program: Command, run: Register): void {
  const posture = program
    .command('posture')
    .description('what is weak or has drifted, and what to do first; ends with 3 when an error is open, or anything of the severity that is asked for')
    .option(...limitOption)
    .option('--partner <id>', 'only this partner')
    .option('--domain <domain>', 'crypto, lifecycle, transport, auth, secrets, flow, audit or platform')
    .option('--severity <severity>', 'error, warning or info: this and worse', severity)
    .option('--code <code>', 'only findings of this code')
    .option('--subject <id>', 'only what concerns this: acme, acme/sftp, an item\'s id, platform')
    .option('--suppressed', 'suppressed ones too')
    .option('--resolved', 'resolved ones too')
    .action(run(list))

  posture
    .command('history')
    .description('numbers over time, and what appeared and went')
    .option(...limitOption)
    .option('--partner <id>', 'only this partner')
    .action(
      run(async ({ client, output }, _: unknown, command: Command) => {
        const options = command.optsWithGlobals<{ limit: number; partner?: string }>()
        const result = await client.posture.history({ limit: options.limit, ...(options.partner === undefined ? {} : { partner: options.partner }) })
        output.result(result, () => result.snapshots.flatMap(({ at, cause, counts, appeared, resolved }) => [`${at} (${cause}): ${countsText(counts)}`, ...appeared.map(refLine('+')), ...resolved.map(refLine('-'))]).join('\n'))
      }),
    )

  posture
    .command('suppress <code> <subject>')
    .description('tolerates a finding up to the end of a day')
    .requiredOption('--reason <text>', 'why it is tolerable')
    .requiredOption('--until <date>', 'last day (UTC), at most a year away', dayOption)
    .option('--owner <name>', 'who answers for it; left out: the account that runs this')
    .action(
      run(async ({ client, output }, code: string, subject: string, { reason, until, owner }: { reason: string; until: string; owner?: string }) => {
        const result = await client.posture.suppress({ code, subject, reason, until, owner: owner ?? userInfo().username })
        output.result(result, () => `${code} about ${subject} is suppressed until ${until}.`)
      }),
    )

  posture
    .command('unsuppress <code> <subject>')
    .description('takes a suppression back')
    .action(
      run(async ({ client, output }, code: string, subject: string) => {
        const result = await client.posture.unsuppress({ code, subject })
        output.result(result, () => `${code} about ${subject} is open again.`)
      }),
    )

  posture
    .command('compare')
    .description('what differs from a time, or from the approved baseline; ends with 3 when something has appeared')
    .option('--at <time>', 'a time or date', timeOption)
    .action(
      run(async ({ client, output }, options: { at?: string }) => {
        const result = await client.posture.compare(options)
        output.result(result, () => [`Since ${result.from}${result.approved === null ? '' : ` (baseline approved by ${result.approved.by}: ${result.approved.reason})`}: ${result.appeared.length} appeared, ${result.gone.length} gone, ${result.same} the same.`, ...result.appeared.map(refLine('+')), ...result.gone.map(refLine('-')), ...(result.lines.length === 0 ? [] : ['Trust and policy differ from what was approved:', ...result.lines.map(({ change, text }) => `  ${change === 'added' ? '+' : '-'} ${text}`)])].join('\n'))
        return result.appeared.length + result.lines.length > 0 ? 3 : 0
      }),
    )

  posture
    .command('approve')
    .description('approves trust and policy as they stand (the lock file): that moment is the baseline')
    .requiredOption('--by <name>', 'who approves')
    .requiredOption('--reason <text>', 'why')
    .action(
      run(async ({ client, output }, options: { by: string; reason: string }) => {
        const result = await client.posture.approve(options)
        output.result(result, () => `The baseline is that of ${result.at}: ${countsText(result.counts)}.`)
      }),
    )

  posture
    .command('export')
    .description('writes the open findings to a file')
    .requiredOption('--out <file>', 'file to write; must not exist')
    .option('--format <format>', 'json, csv or sarif', 'json')
    .action(
      run(async ({ client, output }, _: unknown, command: Command) => {
        const { out, format, partner } = command.optsWithGlobals<{ out: string; format: string; partner?: string }>()
        const known = (['json', 'csv', 'sarif'] as const).find((one) => one === format)
        if (known === undefined) throw new InvalidArgumentError('--format is json, csv or sarif')
        const { text } = await client.posture.export({ format: known, ...(partner === undefined ? {} : { partner }) })
        await writeWhole(resolve(out), text)
        output.result({ file: resolve(out), format: known }, () => `Written to ${resolve(out)}.`)
      }),
    )

  posture
    .command('rules')
    .description('every rule, why it is there, and who says so')
    .action(
      run(async ({ client, output }) => {
        const result = await client.posture.rules({})
        output.result(result, () => table([['CODE', 'DOMAIN', 'SEVERITY', 'WHAT', 'SOURCES'], ...result.rules.map(({ code, domain, severity: how, title, sources }) => [code, domain, how, title, sources.join('; ')])]))
      }),
    )
}
