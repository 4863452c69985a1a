/** What becomes of due times that nobody has accounted for yet. Pure. */
import type { CatchUp } from '../../contract/flow-document.ts'
import type { DueStatus } from '../../contract/flows.ts'
import type { z } from 'zod'

/** A run that starts within this time of its due time is on time. */
export const ON_TIME_MS = 60_000

/** A time in which nobody looked at the clock, and why. */
export interface Gap {
  /** Exclusive, milliseconds. */
  readonly from: number
  /** Inclusive. */
  readonly until: number
  readonly cause: 'asleep' | 'app-closed' | 'clock-changed'
}

export interface DueDecision {
  readonly at: number
  readonly status: DueStatus
  readonly decision: 'pending' | null
  /** At most one of a batch starts a run. */
  readonly run: boolean
}

export interface DueCircumstances {
  readonly now: number
  readonly gaps: readonly Gap[]
  readonly catchUp: z.infer<typeof CatchUp>
  readonly paused: boolean
  readonly blocked: boolean
  /** There is no network, and the flow does nothing without one. */
  readonly offline?: boolean
  readonly running: boolean
}

/** `due` in order, all of them up to now. Each gets its row; the newest may start a run. */
export function decideDue(due: readonly number[], circumstances: DueCircumstances): DueDecision[] {
  const { now, paused, blocked, running, catchUp } = circumstances
  const newest = due.at(-1)
  return due.map((at) => {
    const row = (status: DueStatus, more: Partial<DueDecision> = {}): DueDecision => ({ at, status, decision: null, run: false, ...more })
    const cause = causeOf(at, circumstances)
    if (paused) return row('paused')
    if (at !== newest) return row(cause ?? 'superseded')
    const onTime = now - at <= ON_TIME_MS
    const inTime = now - at <= catchUp.cutoffMinutes * 60_000
    if (!onTime && (!inTime || catchUp.missed === 'skip')) return row(cause ?? 'asleep')
    if (blocked) return row('blocked')
    if (circumstances.offline === true) return row('offline')
    if (running) return row('still-running')
    if (onTime) return row('ran', { run: true })
    return catchUp.missed === 'ask' ? row(cause ?? 'asleep', { decision: 'pending' }) : row('late', { run: true })
  })
}

function causeOf(at: number, { gaps, now }: DueCircumstances): Gap['cause'] | null {
  if (now - at <= ON_TIME_MS) return null
  return gaps.find((gap) => at > gap.from && at <= gap.until)?.cause ?? null
}

/** Slower ticks than this are a gap: the machine slept, or somebody set the clock. */
const MOST_DRIFT_MS = 30_000

export interface ClockReading {
  /** Wall clock, milliseconds. */
  readonly wall: number
  /** Time that really passed, sleep included; from any origin. */
  readonly elapsed: number
}

/** What lies between two looks at the clock. `back`: the clock went back, so that times may come a second time. */
export function compareClocks(before: ClockReading, now: ClockReading): { readonly gap: Gap | null; readonly back: boolean } {
  const wall = now.wall - before.wall
  const elapsed = now.elapsed - before.elapsed
  if (wall - elapsed > MOST_DRIFT_MS) return { gap: { from: before.wall, until: now.wall, cause: 'clock-changed' }, back: false }
  if (elapsed - wall > MOST_DRIFT_MS) return { gap: null, back: true }
  return { gap: wall > MOST_DRIFT_MS ? { from: before.wall, until: now.wall, cause: 'asleep' } : null, back: false }
}
