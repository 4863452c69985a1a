/** What rules look at of one flow. Pure. */
import type { FlowDetail } from '../../contract/flows.ts'
import { daysBetween } from './days.ts'
import type { FlowFact } from './facts.ts'

const WEEK_DAYS = 7

export function flowFactOf({ document, summary, runs, due }: FlowDetail, now: number): FlowFact {
  return {
    document,
    paused: summary.paused,
    updatedAt: summary.updatedAt,
    recent: runs.filter(({ outcome }) => outcome !== 'running').map(({ outcome }) => outcome),
    missedThisWeek: due.filter(({ at, status }) => (status === 'asleep' || status === 'app-closed') && daysBetween(at, now) < WEEK_DAYS).length,
    pending: summary.pending,
  }
}
