/** What the commands of flows print for a person. */
import type { DryRun, FlowDetail, FlowFile, FlowRun } from '../../../contract/flows.ts'
import { table } from '../output.ts'

export const OUTCOME_WORDS: Readonly<Record<FlowRun['outcome'], string>> = {
  running: 'running',
  delivered: 'delivered',
  partly: 'delivered in part',
  retrying: 'will be tried again',
  attention: 'needs a look',
  failed: 'failed',
  nothing: 'found nothing',
  refused: 'refused',
  interrupted: 'interrupted',
}

/** What has no name went wrong before there was a file: at a target, or in the whole flow. */
export const nameOf = ({ name, target }: Pick<FlowFile, 'name' | 'target'>): string => (name !== '' ? name : target !== '' ? 'all files' : 'the whole run')

export function runText(run: FlowRun, files: readonly FlowFile[]): string {
  const { found, delivered, failed, open, skipped } = run.counts
  return [
    `${run.id}: ${OUTCOME_WORDS[run.outcome]}. ${found} found, ${delivered} delivered, ${failed} failed, ${open} open, ${skipped} skipped`,
    ...(files.length === 0 ? [] : [table(files.map((file) => [nameOf(file), file.target, file.reason === null ? file.state : `${file.state}: ${file.reason}`, file.delivery ?? '', file.afterwards ?? '']))]),
  ].join('\n')
}

export function runsTable(runs: readonly FlowRun[]): string {
  return runs.length === 0
    ? 'No runs.'
    : table([['RUN', 'FLOW', 'BY', 'STARTED', 'OUTCOME', 'DELIVERED', 'FAILED'], ...runs.map((row) => [row.id, row.flow, row.trigger, row.startedAt, OUTCOME_WORDS[row.outcome], String(row.counts.delivered), String(row.counts.failed)])])
}

export function detailText({ summary, document, steps, next, runs, due }: FlowDetail): string {
  return [
    JSON.stringify(document, null, 2),
    '',
    `${summary.when}${summary.paused === null ? '' : `; paused${summary.paused.until === null ? '' : ` until ${summary.paused.until}`}`}`,
    ...stepLines(steps),
    ...(next.length === 0 ? [] : ['Next:', ...next.map((at) => `  ${at}`)]),
    '',
    runsTable(runs),
    ...(due.length === 0 ? [] : ['', table([['DUE', 'WHAT HAPPENED'], ...due.map((row) => [row.at, row.status])])]),
  ].join('\n')
}

export function dryRunText({ folder, send, skip, collect, steps }: DryRun): string {
  return [
    ...stepLines(steps),
    ...(folder === null ? [] : [`${folder}: ${send.length} would be sent, ${skip.length} skipped`]),
    ...send.flatMap(({ name, plan, together }) => [
      `  ${together === undefined ? name : `${together.length} files together (${together.slice(0, 5).join(', ')}${together.length > 5 ? ', …' : ''})`} → ${plan.remoteName} at ${plan.target}`,
      ...plan.protection.map(({ label, value }) => `      ${label}: ${value}`),
      ...(plan.refusal === null ? [] : [`      REFUSED: ${plan.refusal.message}`]),
    ]),
    ...skip.map(({ name, target, reason }) => `  ${name}${target === null ? '' : ` (${target})`}: skipped, ${reason}`),
    ...collect.map(({ target, from, patterns, afterwards }) => `${target}: ${patterns.join(', ') || 'nothing'} from ${from}; afterwards ${afterwards}`),
  ].join('\n')
}

function stepLines(steps: FlowDetail['steps']): string[] {
  return steps.length === 0 ? [] : ['Steps:', ...steps.map(({ text, by, target }, index) => `  ${index + 1}. ${target === null ? '' : `${target}: `}${text}${by === 'connection' ? ', by the connection’s setting' : ''}`)]
}

export function localText(at: string, zone: string): string {
  return new Date(at).toLocaleString('en-GB', { timeZone: zone, weekday: 'short', day: '2-digit', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' })
}
