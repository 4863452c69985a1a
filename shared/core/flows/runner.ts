/**
 * Runs flows: chooses files, hands them to the ledger together with the note which flow sent them, waits until they rest, and puts
 * them away once they arrived at everybody. A crash between any two steps is repaired by the next look.
 */
import { join } from 'node:path'
import type { Delivery } from '../../contract/deliveries.ts'
import type { WireError } from '../../contract/errors/index.ts'
import type { FlowDocument, OutboundFlow } from '../../contract/flow-document.ts'
import type { FlowRun, RunOutcome } from '../../contract/flows.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Collect } from '../deliveries/inbound/collect.ts'
import type { DeliveryService } from '../deliveries/service.ts'
import { systemActor, type Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, asAppError, toWireError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Database } from '../store/database.ts'
import { noticeRaiser } from '../notifications/raise.ts'
import { chooseFiles, type Chosen, type NamedFiles, type Skipped } from './choice.ts'
import type { FlowFiles } from './files.ts'
import { EMPTY_REPORT, type FlowRepository, type RunReport, type StoredRun } from './repository.ts'
import { runNotice } from './notices.ts'
import { duplicateKey, judgeRun, nameThere, splitTarget } from './rules.ts'
import { forgetSent, putAway, type SourceFolders } from './source-folder.ts'

/** Runs that work at the same time; the others wait for their turn. */
const MOST_AT_ONCE = 8
const MOST_REPORTED = 100
/** Files that one look deletes of a flow; the next goes on. */
const MOST_FORGOTTEN = 1000
const DAY_MS = 86_400_000
/** Between writing a run down and working on it. */
const BEGUN_MS = 60_000

export interface RunnerDeps {
  readonly database: Database
  readonly repository: FlowRepository
  readonly files: FlowFiles
  readonly folders: SourceFolders
  readonly deliveries: Pick<DeliveryService, 'send' | 'retry' | 'wait' | 'preview'>
  /** The present state of a delivery; null when there is none. */
  readonly deliveryOf: (id: string) => Delivery | null
  /** SHA-256 of a file's content. */
  readonly digest: (path: string, signal: AbortSignal) => Promise<string>
  readonly collect: Collect
  readonly inboxOf: (partner: string) => string
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
  readonly logger: Logger
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
  const { database, repository, files, deliveries, audit, publisher, clock, logger } = deps
  const ending = new AbortController()
  const working = new Set<Promise<unknown>>()
  const waiting: (() => void)[] = []
  const listeners: ((run: FlowRun) => void)[] = []
  const raise = noticeRaiser(deps)
  let active = 0
  /** Runs of this process that have not ended. */
  const executing = new Set<string>()
  /** Paths of files that are being put away. */
  const inHand = new Set<string>()

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

  const sendOne = async (run: string, flow: OutboundFlow, chosen: Chosen, actor: Actor): Promise<{ delivery: string } | { error: WireError }> => {
    const { partner, connection } = splitTarget(chosen.target)
    const as = nameThere(flow, chosen.file.name, { now: clock.now(), partner })
    const { windowMinutes } = flow.retry
    const [result] = await deliveries.send({ partner, connection, files: [{ path: chosen.file.path, name: chosen.file.name, as }] }, chosen.allowDuplicate, actor, ending.signal, {
      trace: run,
      retryUntil: windowMinutes === undefined ? null : timestamp(clock.now() + windowMinutes * 60_000),
      // With the delivery itself or not at all: what is sent is never unknown to its flow.
      within({ id, sha256 }) {
        files.add({ ...chosen.file, delivery: id, flow: flow.id, run, target: chosen.target, duplicateKey: duplicateKey(flow.duplicates, chosen.file, sha256), afterwards: chosen.stays ? 'kept' : 'pending', createdAt: timestamp(clock.now()) })
        if (chosen.release !== null) files.useRelease(chosen.release, id)
      },
    })
    return result?.delivery ? { delivery: result.delivery.id } : { error: result?.error ?? toWireError(new AppError('internal.unexpected', 'nothing was sent')) }
  }

  const sendAll = async (run: string, flow: OutboundFlow, actor: Actor, byPerson: boolean, named?: NamedFiles): Promise<RunReport> => {
    const choice = await chooseFiles(flow, { ...deps, signal: ending.signal }, { byPerson, wait: true, ...(named === undefined ? {} : { named }) })
    const skipped: Skipped[] = [...choice.skip]
    const errors: RunReport['errors'][number][] = []
    const started: string[] = []
    for (const chosen of choice.send) {
      ending.signal.throwIfAborted()
      if (chosen.again !== null) {
        files.moveToRun(chosen.again, run)
        await deliveries.retry(chosen.again, actor, ending.signal)
        started.push(chosen.again)
        continue
      }
      const result = await sendOne(run, flow, chosen, actor)
      if ('delivery' in result) started.push(result.delivery)
      else if (result.error.code === 'delivery.duplicate') skipped.push({ name: chosen.file.name, target: chosen.target, why: 'duplicate', reason: result.error.message })
      else errors.push({ name: chosen.file.name, target: chosen.target, error: result.error })
    }
    await deliveries.wait(started, ending.signal)
    return { found: choice.found, skippedTotal: skipped.length, skipped: skipped.slice(0, MOST_REPORTED), errors: errors.slice(0, MOST_REPORTED) }
  }

  const collectAll = async (run: string, flow: FlowDocument, actor: Actor): Promise<RunReport> => {
    const errors: RunReport['errors'][number][] = []
    const skipped: Skipped[] = []
    let found = 0
    for (const target of flow.targets) {
      try {
        const report = await deps.collect(splitTarget(target), actor, ending.signal)
        found += report.taken.length + report.waiting.length + report.problems.length
        for (const { name, reason } of report.waiting) skipped.push({ name, target, why: 'not-stable', reason: reason === 'no-marker' ? 'its marker is missing' : 'it may still be changing' })
        for (const { name, error } of report.problems) errors.push({ name, target, error })
        for (const delivery of report.taken)
          files.add({ delivery: delivery.id, flow: flow.id, run, target, path: '', name: delivery.fileName, size: delivery.size, modified: 0, duplicateKey: delivery.sha256, afterwards: 'received', createdAt: timestamp(clock.now()) })
      } catch (error) {
        ending.signal.throwIfAborted()
        errors.push({ name: '', target, error: toWireError(error) })
      }
    }
    return { found, skippedTotal: skipped.length, skipped: skipped.slice(0, MOST_REPORTED), errors: errors.slice(0, MOST_REPORTED) }
  }

  const work = async (id: string, actor: Actor, named?: NamedFiles): Promise<FlowRun> => {
    await turn()
    try {
      await settle()
      const stored = repository.run(id)
      const { document } = repository.get(stored?.run.flow ?? '')
      const report = document.direction === 'outbound' ? await sendAll(id, document, actor, stored?.run.trigger === 'manual', named) : await collectAll(id, document, actor)
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

  /** Moves or deletes a file once every target of the flow has it. */
  const settleFile = async (delivery: string): Promise<void> => {
    const file = files.of(delivery)
    if (file === null || file.afterwards !== 'pending') return
    const stored = repository.find(file.flow)
    if (stored === null || stored.document.direction !== 'outbound') {
      files.setAfterwards(delivery, 'kept')
      return
    }
    const flow = stored.document
    const all = files.ofFile(flow.id, file)
    const done = flow.targets.every((target) => all.some((one) => one.target === target && deps.deliveryOf(one.delivery)?.state === 'delivered'))
    // Two runs may look at the same moment: a second hand would find the file half moved.
    if (!done || inHand.has(file.path)) return
    inHand.add(file.path)
    try {
      const what = await putAway(file, flow.afterwards, flow.moveTo ?? join(file.path, '..', 'Sent'))
      database.transaction(() => {
        for (const one of all) if (one.afterwards === 'pending') files.setAfterwards(one.delivery, what)
        audit.record({ actor: systemActor, type: 'flow.file_put_away', subject: { kind: 'flow', id: flow.id }, trace: file.run, data: { delivery, what } })
      })
    } catch (error) {
      // It stays; the next look tries again.
      logger.log('warn', 'a sent file could not be put away', { flow: flow.id, problem: asAppError(error).message })
    } finally {
      inHand.delete(file.path)
    }
  }

  const settleRun = async (run: string): Promise<void> => {
    for (const { delivery } of files.ofRun(run)) if (deps.deliveryOf(delivery)?.state === 'delivered') await settleFile(delivery)
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
        await settleFile(delivery)
        // It had failed, and a person mended that: the run says so.
        const stored = repository.run(run)
        if (stored !== null && ['failed', 'partly'].includes(stored.run.outcome)) refreshRun(stored)
      }
      after = page.at(-1)?.delivery ?? ''
      if (page.length < 500) break
    }
    for (const stored of repository.runsIn(['retrying', 'attention'], 500)) refreshRun(stored)
  }

  const forgetOld = async (): Promise<void> => {
    for (const { document } of repository.keepingForDays()) {
      if (document.direction !== 'outbound' || document.keepSentDays === undefined) continue
      for (const file of files.movedBefore(document.id, timestamp(clock.now() - document.keepSentDays * DAY_MS), MOST_FORGOTTEN)) {
        const what = await forgetSent(file, file.afterwards.slice('moved: '.length)).catch(() => null)
        if (what === null) continue
        database.transaction(() => {
          files.setAfterwards(file.delivery, what)
          audit.record({ actor: systemActor, type: 'flow.file_expired', subject: { kind: 'flow', id: document.id }, trace: file.run, data: { delivery: file.delivery, what, days: document.keepSentDays } })
        })
      }
    }
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
    forgetOld,

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
