/** States of flows, runs and due times as an office worker reads them. Pure. */
import { DeliveryState } from '../../../shared/contract/deliveries.ts'
import type { DueTime, FlowFile, FlowRun, FlowSummary } from '../../../shared/contract/flows.ts'
import { textOf } from '../../../shared/contract/errors/index.ts'
import { shortText } from '../../lib/format.ts'
import type { Tone } from '../../ui/status.tsx'
import { stateWords } from '../deliveries/words.ts'

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

/** How a file of a run stands: as its delivery says, where there is one. */
export function fileWords({ state, skipped, nextTryAt }: Pick<FlowFile, 'state' | 'skipped' | 'nextTryAt'>, inbound: boolean): Words {
  if (skipped !== null) return ['duplicate', 'under-way', 'limit', 'not-stable'].includes(skipped) ? { tone: 'wait', word: 'Skipped' } : { tone: 'warn', word: 'Needs a look' }
  if (state === 'refused') return { tone: 'bad', word: 'Refused' }
  const known = DeliveryState.safeParse(state)
  return known.success ? stateWords({ state: known.data, outcome: 'unknown', direction: inbound ? 'inbound' : 'outbound', nextTryAt }) : { tone: 'wait', word: 'Not there any more' }
}

/** Why, in one line: `The sign-in was refused`. */
export function fileReason(file: Pick<FlowFile, 'reason' | 'error' | 'afterwards'>): string {
  return file.error !== null ? textOf(file.error).title : (file.reason ?? afterwardsText(file.afterwards))
}

function afterwardsText(afterwards: string | null): string {
  if (afterwards === null) return ''
  if (afterwards.startsWith('moved: ')) return `moved to ${afterwards.slice('moved: '.length)}`
  const words: Readonly<Record<string, string>> = { deleted: 'deleted here', kept: 'kept where it was', gone: 'no longer where it was', changed: 'another content stands there now: left alone', received: 'in the Inbox', expired: 'deleted here after its time', failed: 'could not be moved' }
  return words[afterwards] ?? afterwards
}
