/**
 * Accounts for every due time and starts what is due. The wall clock is compared at every tick, because timers stand still while a
 * computer sleeps; a row is written in the transaction that starts the run, so that a due time never runs twice.
 */
import type { FlowRun } from '../../contract/flows.ts'
import type { AuditTrail } from '../audit/service.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { within, type Patience } from '../kernel/patience.ts'
import type { Logger } from '../kernel/logger.ts'
import { noticeRaiser } from '../notifications/raise.ts'
import { dueTimes } from '../schedules/rules.ts'
import type { Database } from '../store/database.ts'
import type { ChoiceDeps } from './choice.ts'
import { compareClocks, decideDue, type ClockReading, type Gap } from './due-times.ts'
import type { FlowRepository, StoredFlow } from './repository.ts'
import { isFinal, type FlowRunner } from './runner.ts'
import { splitTarget } from './rules.ts'
import { createWatching } from './watching.ts'

/** The wall clock is compared at least this often. */
const TICK_MS = 5_000
/** Due times of one flow that one tick accounts for; the next tick goes on. */
const MOST_DUE = 5_000
/** Flows that one tick accounts for. */
const MOST_FLOWS = 500
/** Nothing else waits longer than this for the accounting, give or take one flow and a flush. */
const SLICE_MS = 20
/** Rows of due times are kept for so long. */
const KEEP_DUE_MS = 400 * 86_400_000
/** The longest cut-off that a flow may have. */
const LONGEST_CUTOFF_MS = 31 * 86_400_000
const PRUNE_EVERY_MS = 6 * 3_600_000
export const PAUSED_ALL = 'paused-all'

export interface SchedulerDeps {
  readonly database: Database
  readonly repository: FlowRepository
  readonly runner: FlowRunner
  readonly choice: Omit<ChoiceDeps, 'signal'>
  readonly isSuspended: (partner: string) => boolean
  /** Whether there is no network to reach this target over. */
  readonly isOffline: (target: string) => boolean
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
  /** The clock was set back: times come a second time. */
  readonly onClockBack: () => void
  /** Milliseconds that really passed since some moment, sleep included. */
  readonly elapsed: () => number
  readonly logger: Logger
}

export interface Scheduler {
  start(): void
  /** Starts nothing any more; ends what runs when there is no patience left. */
  stop(patience?: Patience): Promise<void>
  /** Looks at the clock at once: something changed, or the computer woke up. */
  wake(): void
  /** The network is back. */
  online(): void
  /** One look at the clock. */
  tick(): Promise<void>
  /** Writes down that nobody was there for due times up to now, without running anything: before a schedule changes. */
  accountMissed(flow: StoredFlow): void
  /** The next due time after the accounted ones; null when there is none. */
  nextAfter(flow: Pick<StoredFlow, 'document' | 'holidays'>, after: number): number | null
}

export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { database, repository, runner, audit, publisher, clock, logger } = deps
  const ending = new AbortController()
  const raise = noticeRaiser(deps)
  const started = clock.now()
  let last: ClockReading = { wall: started, elapsed: deps.elapsed() }
  let gaps: Gap[] = [{ from: 0, until: started, cause: 'app-closed' }]
  let waking = new AbortController()
  let looping: Promise<void> = Promise.resolve()
  let prunedAt = 0
  /** Also at the start: the network may have come back while nobody was there. */
  let cameBack = true
  /** Runs that this scheduler started and that have not ended. */
  const background = new Set<Promise<unknown>>()

  const nextAfter: Scheduler['nextAfter'] = ({ document, holidays }, after) => {
    if (document.trigger.kind !== 'schedule') return null
    const next = dueTimes(document.trigger.schedule, after, new Set(holidays)).next()
    return next.done === true ? null : next.value
  }

  const dueUpTo = (flow: StoredFlow, now: number): number[] => {
    const { trigger } = flow.document
    if (trigger.kind !== 'schedule') return []
    const due: number[] = []
    for (const at of dueTimes(trigger.schedule, flow.accountedUntil, new Set(flow.holidays))) {
      if (at > now || due.length === MOST_DUE) break
      due.push(at)
    }
    return due
  }

  const execute = (run: string): void => {
    const job = runner.execute(run, systemActor).catch((error: unknown) => logger.log('error', 'a run failed', { run, problem: asAppError(error).message }))
    background.add(job)
    void job.finally(() => background.delete(job))
  }

  const isBlocked = (flow: StoredFlow): boolean => flow.document.targets.every((target) => deps.isSuspended(splitTarget(target).partner))

  /** What is sent waits in the ledger; collecting has no use without a network. */
  const isOffline = (flow: StoredFlow): boolean => flow.document.direction === 'inbound' && flow.document.targets.every(deps.isOffline)

  /** The network is back: one run makes up for what was missed without it. */
  const makeUp = (now: number): void => {
    for (const { flow: id, at } of repository.missedOffline(now - LONGEST_CUTOFF_MS)) {
      const flow = repository.find(id)
      if (flow === null || flow.paused !== null || isBlocked(flow) || isOffline(flow) || repository.runningOf(id) !== null) continue
      const { missed, cutoffMinutes } = flow.document.catchUp
      if (missed !== 'once' || now - at > cutoffMinutes * 60_000) continue
      execute(
        database.transaction(() => {
          const run = runner.begin(id, 'catch-up', at, systemActor)
          repository.madeUpFor(id, at, run)
          return run
        }),
      )
    }
  }

  /** One transaction for the rows, the mark up to which they reach, and the run; answers the run, to be executed once it is flushed. */
  const account = (flow: StoredFlow, now: number, pausedAll: boolean): string | null => {
    const due = dueUpTo(flow, now)
    const reached = due.length === MOST_DUE ? (due.at(-1) ?? now) : now
    const decided = decideDue(due, { now, gaps, catchUp: flow.document.catchUp, paused: pausedAll || flow.paused !== null, blocked: isBlocked(flow), offline: due.length > 0 && isOffline(flow), running: repository.runningOf(flow.id) !== null })
    // Where not all fitted, the newest is not known yet: nothing runs before it is.
    const rows = reached < now ? decided.map((row) => ({ ...row, run: false, decision: null, status: row.run ? ('superseded' as const) : row.status })) : decided
    const at = timestamp(now)
    const run = database.transaction(() => {
      let begun: string | null = null
      for (const row of rows) {
        if (row.run && repository.findDue(flow.id, row.at) === null) {
          repository.supersedePending(flow.id)
          begun = runner.begin(flow.id, row.status === 'late' ? 'catch-up' : 'schedule', row.at, systemActor)
          repository.addDue(flow.id, row, begun, at)
        } else repository.addDue(flow.id, row, null, at)
      }
      repository.account(flow.id, Math.max(reached, flow.accountedUntil), nextAfter(flow, reached))
      if (rows.some(({ decision }) => decision === 'pending'))
        raise({ severity: 'attention', title: 'A scheduled run was missed', body: `${flow.document.name} did not run while nobody was there. Shall it run now?`, subject: { kind: 'flow', id: flow.id } })
      return begun
    }, 'grouped')
    if (rows.length > 0) publisher.publish('flows.changed', { id: flow.id, removed: false })
    return run
  }

  /** Times come a second time: rows at which nothing ran are forgotten, those that ran hold. */
  const clockWentBack = (now: number): void => {
    deps.onClockBack()
    for (const flow of repository.accountedBeyond(now))
      database.transaction(() => {
        repository.forgetDueAfter(flow.id, now)
        repository.account(flow.id, now, nextAfter(flow, now))
      })
    gaps = gaps.filter(({ from }) => from < now).map((gap) => ({ ...gap, until: Math.min(gap.until, now) }))
    audit.record({ actor: systemActor, type: 'clock.went_back', subject: { kind: 'workspace', id: 'clock' }, data: { from: timestamp(last.wall), to: timestamp(now) } })
  }

  const compare = (): void => {
    const reading = { wall: clock.now(), elapsed: deps.elapsed() }
    const { gap, back } = compareClocks(last, reading)
    if (gap !== null) {
      gaps = [...gaps.slice(-20), gap]
      if (gap.cause === 'clock-changed') audit.record({ actor: systemActor, type: 'clock.went_forward', subject: { kind: 'workspace', id: 'clock' }, data: { from: timestamp(gap.from), to: timestamp(gap.until) } })
    }
    if (back) clockWentBack(reading.wall)
    last = reading
  }

  const resumePaused = (now: number): boolean => {
    for (const flow of repository.pausedUntil(timestamp(now)))
      database.transaction(() => {
        // What came due in the pause gets its rows while it still counts as paused.
        account(flow, Math.min(now, Date.parse(flow.paused?.until ?? '') || now), false)
        repository.setPaused(flow.id, null)
        audit.record({ actor: systemActor, type: 'flow.resumed', subject: { kind: 'flow', id: flow.id }, data: { reason: 'its time was over' } })
      })
    const all = repository.state(PAUSED_ALL)
    if (all === null) return false
    const { until } = JSON.parse(all) as { until: string | null }
    if (until === null || Date.parse(until) > now) return true
    repository.setState(PAUSED_ALL, null)
    return false
  }

  const watch = createWatching({ ...deps, isBlocked, start: (flow) => execute(database.transaction(() => runner.begin(flow, 'watch', null, systemActor))) })

  const startFollowers = (run: FlowRun): void => {
    if (!isFinal(run.outcome) || ending.signal.aborted || repository.state(PAUSED_ALL) !== null) return
    for (const flow of repository.withTrigger('after')) {
      const { trigger } = flow.document
      if (trigger.kind !== 'after' || trigger.flow !== run.flow || flow.paused !== null || repository.runningOf(flow.id) !== null) continue
      if (trigger.when === 'delivered' && run.outcome !== 'delivered') continue
      execute(database.transaction(() => runner.begin(flow.id, 'after', null, systemActor)))
    }
  }

  /** In slices, so that nothing else waits for many flows that are due together; one flush a slice, before its runs begin. */
  const accountDue = async (now: number, pausedAll: boolean): Promise<void> => {
    const due = repository.due(now, MOST_FLOWS)
    for (let at = 0; at < due.length && !ending.signal.aborted; ) {
      const runs: string[] = []
      const until = performance.now() + SLICE_MS
      do {
        const flow = due[at++]
        if (flow === undefined) break
        try {
          const run = account(flow, now, pausedAll)
          if (run !== null) runs.push(run)
        } catch (error) {
          logger.log('error', 'due times could not be accounted for', { flow: flow.id, problem: asAppError(error).message })
        }
      } while (performance.now() < until)
      database.flush()
      for (const run of runs) execute(run)
      if (at < due.length) await new Promise((resolve) => void setImmediate(resolve))
    }
  }

  const tick = async (): Promise<void> => {
    compare()
    const now = clock.now()
    const pausedAll = resumePaused(now)
    await accountDue(now, pausedAll)
    if (cameBack && !pausedAll) {
      cameBack = false
      makeUp(now)
    }
    if (!pausedAll) await watch(ending.signal)
    await runner.settle()
    if (now - prunedAt > PRUNE_EVERY_MS) {
      prunedAt = now
      repository.forgetDueBefore(now - KEEP_DUE_MS)
      await runner.forgetOld()
    }
  }

  const loop = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await tick().catch((error: unknown) => {
        if (!ending.signal.aborted) logger.log('error', 'the scheduler stumbled', { problem: asAppError(error).message })
      })
      const next = repository.nextDueAt()
      const pause = next === null ? TICK_MS : Math.min(TICK_MS, Math.max(50, next - clock.now()))
      waking = new AbortController()
      await clock.sleep(pause, AbortSignal.any([ending.signal, waking.signal])).catch(() => undefined)
    }
  }

  return {
    start() {
      const now = clock.now()
      if (repository.accountedBeyond(now + 60_000).length > 0) clockWentBack(now)
      runner.onEnded(startFollowers)
      looping = loop()
    },
    async stop(patience) {
      ending.abort()
      await within(patience, Promise.allSettled(background))
      await runner.stop()
      await looping
      await Promise.allSettled(background)
    },
    wake: () => waking.abort(),
    online() {
      cameBack = true
      waking.abort()
    },
    tick,
    accountMissed(flow) {
      const now = clock.now()
      for (const at of dueUpTo(flow, now)) repository.addDue(flow.id, { at, status: flow.paused === null ? 'app-closed' : 'paused', decision: null, run: false }, null, timestamp(now))
    },
    nextAfter,
  }
}
