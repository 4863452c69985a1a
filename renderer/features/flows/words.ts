/** States of flows, runs and due times as an office worker reads them. Pure. */
import type { DueTime, FlowFile, FlowRun, FlowSummary } from '../../../shared/contract/flows.ts'
import { textOf } from '../../../shared/contract/errors/index.ts'
import { absoluteText } from '../../lib/format.ts'
import type { Tone } from '../../ui/status.tsx'

interface Words {
  readonly tone: Tone
  readonly word: string
}

export const OUTCOMES: Readonly<Record<FlowRun['outcome'], Words>> = {
  running: { tone: 'run', word: 'Running' },
  delivered: { tone: 'ok', word: 'Done' },
  partly: { tone: 'bad', word: 'Done in part' },
  retrying: { tone: 'wait', word: 'Tried again later' },
  attention: { tone: 'warn', word: 'Needs a look' },
  failed: { tone: 'bad', word: 'Failed' },
  nothing: { tone: 'ok', word: 'Nothing to do' },
  refused: { tone: 'bad', word: 'Refused' },
  interrupted: { tone: 'warn', word: 'Interrupted' },
}

export const TRIGGERS: Readonly<Record<FlowRun['trigger'], string>> = {
  manual: 'by hand',
  schedule: 'on schedule',
  'catch-up': 'to make up for a missed time',
  watch: 'a file appeared',
  after: 'after another flow',
}

interface DueWords extends Words {
  readonly sentence: string
}

/** What became of a due time, and what it means. */
export const DUE: Readonly<Record<string, DueWords>> = {
  ran: { tone: 'ok', word: 'Ran', sentence: 'Started on time.' },
  late: { tone: 'ok', word: 'Made up for', sentence: 'Nobody was there at the time; it ran afterwards.' },
  asleep: { tone: 'warn', word: 'Asleep', sentence: 'The computer slept at this time, so nothing ran.' },
  'app-closed': { tone: 'warn', word: 'Closed', sentence: 'Waybill was not running at this time.' },
  paused: { tone: 'wait', word: 'Paused', sentence: 'Somebody had paused it.' },
  blocked: { tone: 'warn', word: 'Blocked', sentence: 'The partner was suspended.' },
  offline: { tone: 'warn', word: 'Offline', sentence: 'There was no network to collect over.' },
  'still-running': { tone: 'warn', word: 'Still running', sentence: 'The run before had not ended, and two never overlap.' },
  superseded: { tone: 'wait', word: 'Covered', sentence: 'A later run made up for it.' },
  'clock-changed': { tone: 'wait', word: 'Clock changed', sentence: 'The clock of this computer was set over this time.' },
}

export function dueWords({ status, decision }: Pick<DueTime, 'status' | 'decision'>): DueWords {
  const words = DUE[status] ?? { tone: 'wait', word: status, sentence: '' }
  if (decision === 'pending') return { ...words, sentence: `${words.sentence} Shall it run now?` }
  return decision === 'skip' && status !== 'superseded' ? { ...words, sentence: `${words.sentence} It was decided to skip it.` } : words
}

/** What a flow is doing: one word, and when it is next due. */
export function flowState(flow: Pick<FlowSummary, 'paused' | 'running' | 'pending' | 'nextDueAt' | 'trigger'>): Words & { readonly next: string | null } {
  if (flow.running) return { tone: 'run', word: 'Running', next: null }
  if (flow.paused !== null) return { tone: 'wait', word: 'Paused', next: flow.paused.until === null ? null : `until ${shortText(flow.paused.until)}` }
  if (flow.pending > 0) return { tone: 'warn', word: 'Asks you', next: null }
  if (flow.trigger === 'manual') return { tone: 'wait', word: 'By hand', next: null }
  return { tone: 'ok', word: 'Active', next: flow.nextDueAt === null ? null : shortText(flow.nextDueAt) }
}

/** `2 delivered, 1 failed, 3 skipped`. */
export function countsText({ counts, outcome }: Pick<FlowRun, 'counts' | 'outcome'>, inbound: boolean): string {
  const parts = [
    [counts.delivered, inbound ? 'received' : 'delivered'],
    [counts.failed, 'failed'],
    [counts.open, 'open'],
    [counts.skipped, 'skipped'],
  ] as const
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`)
  return said.length > 0 ? said.join(', ') : outcome === 'running' ? 'just started' : 'no file found'
}

/** How a file of a run stands. */
export function fileWords(file: Pick<FlowFile, 'state' | 'skipped'>, inbound: boolean): Words {
  if (file.skipped !== null) return file.skipped === 'duplicate' || file.skipped === 'under-way' || file.skipped === 'limit' || file.skipped === 'not-stable' ? { tone: 'wait', word: 'Skipped' } : { tone: 'warn', word: 'Needs a look' }
  switch (file.state) {
    case 'delivered':
      return { tone: 'ok', word: inbound ? 'Received' : 'Delivered' }
    case 'failed':
      return { tone: 'bad', word: 'Failed' }
    case 'refused':
      return { tone: 'bad', word: 'Refused' }
    case 'unknown':
    case 'disputed':
    case 'held':
      return { tone: 'warn', word: 'Needs a look' }
    case 'cancelled':
      return { tone: 'wait', word: 'Given up' }
    case 'queued':
    case 'sending':
      return { tone: 'run', word: 'Under way' }
    default:
      return { tone: 'wait', word: 'Waiting' }
  }
}

/** Why, in one line: `Next try 14:05. The sign-in was refused`. */
export function fileReason(file: Pick<FlowFile, 'reason' | 'error' | 'nextTryAt' | 'afterwards'>): string {
  const next = file.nextTryAt === null ? [] : [`Next try ${clockText(file.nextTryAt)}`]
  const why = file.error !== null ? [textOf(file.error).title] : file.reason !== null ? [file.reason] : []
  return [...next, ...why, ...(next.length + why.length === 0 ? afterwardsText(file.afterwards) : [])].join('. ')
}

function afterwardsText(afterwards: string | null): string[] {
  if (afterwards === null) return []
  if (afterwards.startsWith('moved: ')) return [`moved to ${afterwards.slice('moved: '.length)}`]
  const words: Readonly<Record<string, string>> = { deleted: 'deleted here', kept: 'kept where it was', gone: 'no longer where it was', changed: 'another content stands there now: left alone', received: 'in the Inbox', expired: 'deleted here after its time', failed: 'could not be moved' }
  return [words[afterwards] ?? afterwards]
}

/** `14:05` in this computer's zone. */
export function clockText(at: string): string {
  return absoluteText(at).slice(11, 16)
}

/** `Wed 25 Nov, 14:05` in this computer's zone. */
export function shortText(at: string): string {
  return new Date(at).toLocaleString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', ...yearOf(at), hour: '2-digit', minute: '2-digit' })
}

/** The year, where it is another one than this. */
function yearOf(at: string): { year?: 'numeric' } {
  return at.slice(0, 4) === new Date().toISOString().slice(0, 4) ? {} : { year: 'numeric' }
}

/** The same on the wall clock of a named zone. */
export function wallText(at: string, zone: string): string {
  return new Date(at).toLocaleString('en-GB', { timeZone: zone, weekday: 'short', day: 'numeric', month: 'short', ...yearOf(at), hour: '2-digit', minute: '2-digit', timeZoneName: 'short' })
}

/** `Today`, `Yesterday`, else the day. */
export function dayText(at: string, now: number): string {
  const day = absoluteText(at).slice(0, 10)
  if (day === absoluteText(new Date(now).toISOString()).slice(0, 10)) return 'Today'
  if (day === absoluteText(new Date(now - 86_400_000).toISOString()).slice(0, 10)) return 'Yesterday'
  return new Date(at).toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
}
