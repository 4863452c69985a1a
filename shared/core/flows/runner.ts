/**
 * Runs flows: chooses files, hands them to the ledger together with the note which flow sent them, waits until they rest, and puts
 * them away once they arrived at everybody. A crash between any two steps is repaired by the next look.
 */
import type { FlowRun, RunOutcome } from '../../contract/flows.ts'
import type { Collect } from '../deliveries/inbound/collect.ts'
import type { DeliveryService } from '../deliveries/service.ts'
import { systemActor, type Actor } from '../kernel/actor.ts'
import { timestamp } from '../kernel/clock.ts'
import { AppError, toWireError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'
import { noticeRaiser } from '../notifications/raise.ts'
import type { NamedFiles } from './choice.ts'
import type { FlowFiles } from './files.ts'
import { EMPTY_REPORT, type RunReport, type StoredRun } from './run-repository.ts'
import { runNotice } from './notices.ts'
import { collectAll } from './inbound.ts'
import { sendAll } from './outbound.ts'
import { createPuttingAway, type PutAwayDeps } from './put-away.ts'
import { judgeRun } from './rules.ts'
import type { SourceFolders } from './source-folder.ts'

/** Runs that work at the same time; the others wait for their turn. */
const MOST_AT_ONCE = 8
/** Between writing a run down and working on it. */
const BEGUN_MS = 60_000

export interface RunnerDeps extends PutAwayDeps {
  readonly files: FlowFiles
  readonly folders: SourceFolders
  readonly deliveries: Pick<DeliveryService, 'send' | 'retry' | 'wait' | 'preview'>
  /** SHA-256 of a file's content. */
  readonly digest: (path: string, signal: AbortSignal) => Promise<string>
  readonly collect: Collect
  readonly inboxOf: (partner: string) => string
  readonly publisher: Publisher
}

export interface FlowRunner {
  /** Writes a run down as running, inside the caller's transaction. Rejects with `flow.running`. */
  begin(flow: string, trigger: FlowRun['trigger'], dueAt: number | null, actor: Actor): string
  /** Works on a run that was begun; resolves when its deliveries rest for the first time. Never rejects. */
  execute(run: string, actor: Actor, named?: NamedFiles): Promise<FlowRun>
  /** The run with what is known of it now. */
  show(run: StoredRun): FlowRun
  /** After a crash: whatever ran is no longer running. */
  recover(): number
  /** Puts away what arrived meanwhile, and brings the outcomes of earlier runs up to date. */
  settle(): Promise<void>
  /** Deletes moved files that a flow keeps no longer. */
  forgetOld(): Promise<void>
  /** Told of each run that ended or changed its outcome for good. */
  onEnded(listener: (run: FlowRun) => void): void
  stop(): Promise<void>
}

export function createFlowRunner(deps: RunnerDeps): FlowRunner {
  const { database, repository, files, audit, publisher, clock } = deps
  const ending = new AbortController()
  const working = new Set<Promise<unknown>>()
  const waiting: (() => void)[] = []
  const listeners: ((run: FlowRun) => void)[] = []
  const raise = noticeRaiser(deps)
  let active = 0
  /** Runs of this process that have not ended. */
  const executing = new Set<string>()
  const puttingAway = createPuttingAway(deps)

  const turn = async (): Promise<void> => {
    if (active >= MOST_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
    active += 1
  }
  const giveTurn = (): void => {
    active -= 1
    waiting.shift()?.()
  }

  const show = ({ run, report }: StoredRun): FlowRun => {
    const states = files.ofRun(run.id).flatMap(({ delivery }) => deps.deliveryOf(delivery) ?? [])
    return { ...run, counts: judgeRun({ found: report.found, skipped: report.skippedTotal, errors: report.errors.map(({ error }) => error) }, states).counts }
  }

  const tell = (id: string): FlowRun => {
    const stored = repository.run(id)
    if (stored === null) throw new AppError('input.not_found', `there is no run ${id}`)
    const run = show(stored)
    publisher.publish('flows.ran', run)
    publisher.publish('flows.changed', { id: run.flow, removed: false })
    return run
  }

  const end = (id: string, report: RunReport, actor: Actor): FlowRun => {
    const states = files.ofRun(id).flatMap(({ delivery }) => deps.deliveryOf(delivery) ?? [])
    const { outcome, counts } = judgeRun({ found: report.found, skipped: report.skippedTotal, errors: report.errors.map(({ error }) => error) }, states)
    const error = report.errors[0]?.error ?? null
    const before = repository.run(id)
    const flow = before?.run.flow ?? ''
    database.transaction(() => {
      repository.endRun(id, outcome, { at: timestamp(clock.now()), report, error })
      const document = repository.find(flow)?.document
      // Told once a run, and again when what was tried anew has come to its end.
      const notice = document === undefined || (before?.run.outcome !== 'running' && !isFinal(outcome)) ? null : runNotice(document, { outcome, counts }, report.errors.map((entry) => entry.error), repository.runBefore(flow, id)?.run ?? null)
      if (notice !== null) raise(notice)
      audit.record({ actor, type: 'flow.run_ended', subject: { kind: 'flow', id: flow }, trace: id, data: { run: id, outcome, counts, ...(error === null ? {} : { error }) } })
    })
    const run = tell(id)
    for (const listener of listeners) listener(run)
    return run
  }

  const work = async (id: string, actor: Actor, named?: NamedFiles): Promise<FlowRun> => {
    await turn()
    try {
      await settle()
      const stored = repository.run(id)
      const { document } = repository.get(stored?.run.flow ?? '')
      const report = document.direction === 'outbound' ? await sendAll({ run: id, flow: document, actor, byPerson: stored?.run.trigger === 'manual', named }, deps, ending.signal) : await collectAll({ run: id, flow: document, actor }, deps, ending.signal)
      const run = end(id, report, actor)
      await settleRun(id)
      return run
    } catch (error) {
      if (ending.signal.aborted) {
        // The process ends: the next one finds this run and says so.
        const stored = repository.run(id)
        if (stored !== null) return show(stored)
      }
      return end(id, { ...EMPTY_REPORT, errors: [{ name: '', target: '', error: toWireError(error) }] }, actor)
    } finally {
      giveTurn()
    }
  }

  const settleRun = async (run: string): Promise<void> => {
    for (const delivery of new Set(files.ofRun(run).map((file) => file.delivery))) await puttingAway.settle(delivery)
  }

  const refreshRun = (stored: StoredRun): void => {
    const { run, report } = stored
    const { outcome } = judgeRun({ found: report.found, skipped: report.skippedTotal, errors: report.errors.map(({ error }) => error) }, files.ofRun(run.id).flatMap(({ delivery }) => deps.deliveryOf(delivery) ?? []))
    if (outcome !== run.outcome) end(run.id, report, systemActor)
  }

  /** A run that nobody works on any more (its end could not be written down, say) must not bar its flow for ever. */
  const takeOver = (): void => {
    for (const { run } of repository.runsIn(['running'], 10_000)) {
      // A run from the future is as old: the clock was set back since.
      if (executing.has(run.id) || Math.abs(clock.now() - Date.parse(run.startedAt)) < BEGUN_MS) continue
      interrupt(run.id, run.flow, 'nobody works on the run any more')
    }
  }

  const interrupt = (run: string, flow: string, why: string): void =>
    database.transaction(() => {
      repository.endRun(run, 'interrupted', { at: timestamp(clock.now()), error: toWireError(new AppError('delivery.interrupted', why)) })
      audit.record({ actor: systemActor, type: 'flow.run_interrupted', subject: { kind: 'flow', id: flow }, trace: run, data: { run } })
    })

  const settle = async (): Promise<void> => {
    takeOver()
    for (let after = ''; ; ) {
      const page = files.pending(after, 500)
      for (const { delivery, run } of page) {
        if (deps.deliveryOf(delivery)?.state !== 'delivered') continue
        await puttingAway.settle(delivery)
        // It had failed, and a person mended that: the run says so.
        const stored = repository.run(run)
        if (stored !== null && ['failed', 'partly'].includes(stored.run.outcome)) refreshRun(stored)
      }
      after = page.at(-1)?.delivery ?? ''
      if (page.length < 500) break
    }
    for (const stored of repository.runsIn(['retrying', 'attention'], 500)) refreshRun(stored)
  }

  return {
    begin(flow, trigger, dueAt, actor) {
      const id = newId('run', clock.now())
      repository.startRun({ id, flow, trigger, dueAt, at: timestamp(clock.now()) })
      audit.record({ actor, type: 'flow.run_started', subject: { kind: 'flow', id: flow }, trace: id, data: { run: id, trigger, ...(dueAt === null ? {} : { dueAt: timestamp(dueAt) }) } })
      return id
    },

    async execute(run, actor, named) {
      publisher.publish('flows.changed', { id: repository.run(run)?.run.flow ?? '', removed: false })
      executing.add(run)
      const job = work(run, actor, named)
      working.add(job)
      try {
        return await job
      } finally {
        working.delete(job)
        executing.delete(run)
      }
    },

    show,

    recover() {
      const stale = repository.runsIn(['running'], 10_000)
      for (const { run } of stale) interrupt(run.id, run.flow, 'the process ended during the run')
      return stale.length
    },

    settle,
    forgetOld: puttingAway.forgetOld,

    onEnded: (listener) => void listeners.push(listener),

    async stop() {
      ending.abort(new AppError('call.cancelled', 'Waybill is ending'))
      for (const wake of waiting.splice(0)) wake()
      await Promise.allSettled(working)
    },
  }
}

/** Whether nothing more will come of a run by itself. */
export function isFinal(outcome: RunOutcome): boolean {
  return outcome !== 'running' && outcome !== 'retrying'
}
