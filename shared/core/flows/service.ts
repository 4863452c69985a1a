import type { z } from 'zod'
import { FlowDocument } from '../../contract/flow-document.ts'
import { Schedule } from '../../contract/schedules.ts'
import type { DryRun, DueTime, FlowDetail, FlowFile, FlowRun, FlowSummary } from '../../contract/flows.ts'
import { textOf } from '../../contract/errors/index.ts'
import type { Actor } from '../kernel/actor.ts'
import type { ResolvedFile } from '../kernel/call-context.ts'
import { timestamp } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { parseDocument } from '../partners/rules.ts'
import type { Routes } from '../partners/routes.ts'
import { readHolidays } from '../schedules/holidays.ts'
import type { FlowAtTime } from '../trust/affected-flows.ts'
import { checkSchedule, nextDue } from '../schedules/rules.ts'
import { reloadCalendars } from './calendars.ts'
import { checkFlow } from './checking.ts'
import { dryRun } from './dry-run.ts'
import { namedFiles } from './named-files.ts'
import type { StoredFlow } from './repository.ts'
import type { StoredRun } from './run-repository.ts'
import { scheduleText, triggerText } from './rules.ts'
import type { FlowRunner, RunnerDeps } from './runner.ts'
import { PAUSED_ALL, type Scheduler } from './scheduler.ts'
import { asksForPgp, asUsed, stepsOf, type StepsDeps } from './steps.ts'

const SHOWN_NEXT = 5
const SHOWN_RUNS = 20
const SHOWN_DUE = 50

export type FlowService = ReturnType<typeof createFlowService>

export function createFlowService(deps: RunnerDeps & StepsDeps & { readonly runner: FlowRunner; readonly scheduler: Scheduler; readonly routes: Routes; /** Of a received file: whether it can be collected again. */ readonly takeAgain: (delivery: string) => boolean; readonly partnerExists: (partner: string, connection: string | undefined) => boolean; /** The computer woke up. */ readonly onResume: () => void }) {
  const { database, repository, files, runner, scheduler, audit, publisher, clock } = deps

  const changed = (id: string, removed = false): void => {
    publisher.publish('flows.changed', { id, removed })
    scheduler.wake()
  }

  const summaryOf = (flow: StoredFlow): FlowSummary => {
    const last = repository.lastRun(flow.id)
    return {
      id: flow.id,
      name: flow.document.name,
      direction: flow.document.direction,
      targets: flow.document.targets,
      trigger: flow.document.trigger.kind,
      when: triggerText(flow.document),
      paused: flow.paused,
      running: repository.runningOf(flow.id) !== null,
      nextDueAt: flow.nextDueAt === null ? null : timestamp(flow.nextDueAt),
      lastRun: last === null ? null : runner.show(last),
      pending: repository.pending(flow.id),
      updatedAt: flow.updatedAt,
    }
  }

  const nextOf = ({ document, holidays }: Pick<StoredFlow, 'document' | 'holidays'>, count: number): string[] =>
    document.trigger.kind === 'schedule' ? nextDue(document.trigger.schedule, clock.now(), count, new Set(holidays)).map(timestamp) : []

  const detailOf = (id: string): FlowDetail => {
    const flow = repository.get(id)
    return {
      summary: summaryOf(flow),
      document: flow.document,
      steps: stepsOf(flow.document, deps),
      next: nextOf(flow, SHOWN_NEXT),
      runs: repository.runs({ flow: id, limit: SHOWN_RUNS }).map(runner.show),
      due: repository.listDue({ flow: id, limit: SHOWN_DUE }),
    }
  }

  const parse = (input: unknown): FlowDocument => {
    const { $schema: _, ...document } = parseDocument(FlowDocument, input)
    return document
  }

  const fileOf = (run: StoredRun): FlowFile[] => [
    ...files.ofRun(run.run.id).map((file): FlowFile => {
      const delivery = deps.deliveryOf(file.delivery)
      return { run: run.run.id, name: file.name, target: file.target, delivery: file.delivery, state: delivery?.state ?? 'gone', skipped: null, reason: null, error: delivery?.error ?? null, nextTryAt: delivery?.nextTryAt ?? null, afterwards: file.afterwards === 'pending' ? null : file.afterwards }
    }),
    ...run.report.errors.map((entry): FlowFile => ({ run: run.run.id, name: entry.name, target: entry.target, delivery: null, state: textOf(entry.error).exit === 4 ? 'refused' : 'failed', skipped: null, reason: null, error: entry.error, nextTryAt: null, afterwards: null })),
    ...run.report.skipped.map((entry): FlowFile => ({ run: run.run.id, name: entry.name, target: entry.target, delivery: entry.delivery ?? null, state: 'skipped', skipped: entry.why as FlowFile['skipped'], reason: entry.reason, error: null, nextTryAt: null, afterwards: null })),
  ]

  const runOf = (id: string): StoredRun => {
    const run = repository.run(id)
    if (run === null) throw new AppError('input.not_found', `there is no run ${id}`)
    return run
  }

  const setPaused = (id: string, paused: FlowSummary['paused'], actor: Actor): FlowSummary => {
    const flow = repository.get(id)
    if ((flow.paused === null) !== (paused === null) || paused !== null)
      database.transaction(() => {
        if (paused === null) {
          scheduler.accountMissed(flow)
          repository.account(id, Math.max(flow.accountedUntil, clock.now()), scheduler.nextAfter(flow, clock.now()))
        }
        repository.setPaused(id, paused)
        audit.record({ actor, type: paused === null ? 'flow.resumed' : 'flow.paused', subject: { kind: 'flow', id }, data: paused === null ? {} : { until: paused.until, reason: paused.reason } })
      })
    changed(id)
    return summaryOf(repository.get(id))
  }

  return {
    list(query: { limit: number; search?: string | undefined; after?: string | undefined }): { flows: FlowSummary[]; total: number } {
      const { flows, total } = repository.list(query)
      return { flows: flows.map(summaryOf), total }
    },

    show: detailOf,

    async check(input: unknown): Promise<{ document: FlowDocument; next: string[]; when: string }> {
      const document = parse(input)
      const holidays = await checkFlow(document, deps)
      return { document, next: nextOf({ document, holidays }, SHOWN_NEXT), when: triggerText(document) }
    },

    async apply(input: unknown, actor: Actor): Promise<{ flow: FlowDetail; changed: boolean; created: boolean }> {
      const document = parse(input)
      const holidays = await checkFlow(document, deps)
      const before = repository.find(document.id)
      const same = before !== null && JSON.stringify(before.document) === JSON.stringify(document) && JSON.stringify(before.holidays) === JSON.stringify(holidays)
      if (!same) {
        const now = clock.now()
        const rescheduled = before === null || JSON.stringify([before.document.trigger, before.holidays]) !== JSON.stringify([document.trigger, holidays])
        const accountedUntil = rescheduled ? Math.max(now, before?.accountedUntil ?? 0) : before.accountedUntil
        database.transaction(() => {
          if (before !== null && rescheduled) scheduler.accountMissed(before)
          repository.save(document, { at: timestamp(now), holidays, accountedUntil, nextDueAt: scheduler.nextAfter({ document, holidays }, accountedUntil) })
          audit.record({ actor, type: before === null ? 'flow.created' : 'flow.changed', subject: { kind: 'flow', id: document.id }, data: { name: document.name, direction: document.direction, targets: document.targets, when: triggerText(document) } })
        })
        changed(document.id)
      }
      return { flow: detailOf(document.id), changed: !same, created: before === null }
    },

    remove(id: string, actor: Actor): void {
      repository.get(id)
      if (repository.runningOf(id) !== null) throw new AppError('flow.running', `a run of ${id} has not ended yet`)
      const after = repository.withTrigger('after').filter(({ document: { trigger } }) => trigger.kind === 'after' && trigger.flow === id)
      if (after.length > 0) throw new AppError('input.in_use', `${after.map((flow) => flow.id).join(', ')} runs after ${id}`, { details: { flows: after.map((flow) => flow.id).join(', ') } })
      database.transaction(() => {
        repository.remove(id)
        audit.record({ actor, type: 'flow.removed', subject: { kind: 'flow', id } })
      })
      changed(id, true)
    },

    pause: (id: string, until: string | undefined, reason: string | undefined, actor: Actor) => setPaused(id, { at: timestamp(clock.now()), until: until ?? null, reason: reason ?? null }, actor),
    resume: (id: string, actor: Actor) => setPaused(id, null, actor),

    async run(id: string, options: { readonly wait: boolean; readonly files?: readonly ResolvedFile[] | undefined; readonly target?: string | undefined }, actor: Actor): Promise<{ run: FlowRun; files: FlowFile[] }> {
      const named = options.files === undefined ? undefined : await namedFiles(repository.get(id), options.files, options.target)
      repository.get(id)
      const run = database.transaction(() => runner.begin(id, 'manual', null, actor))
      const done = runner.execute(run, actor, named)
      if (options.wait) await done
      else void done.catch(() => undefined)
      const stored = runOf(run)
      return { run: runner.show(stored), files: fileOf(stored) }
    },

    /** Of a stored flow, or of a document that nobody has kept yet. */
    async dryRun(asked: { readonly id?: string | undefined; readonly document?: unknown }, signal: AbortSignal): Promise<z.input<typeof DryRun>> {
      const document = asked.document === undefined ? repository.get(asked.id ?? '').document : parse(asked.document)
      if (asked.document !== undefined) await checkFlow(document, deps)
      return await dryRun(document, deps, signal)
    },

    async schedule(input: unknown): Promise<{ when: string; next: string[]; zone: string }> {
      const schedule = parseDocument(Schedule, input ?? {})
      checkSchedule(schedule)
      return { when: scheduleText(schedule), next: nextDue(schedule, clock.now(), SHOWN_NEXT, new Set(await readHolidays(schedule))).map(timestamp), zone: schedule.zone }
    },

    /** Every flow, for questions about a day to come. */
    atTimes: (): FlowAtTime[] =>
      repository.all().map(({ id, document, holidays, paused }) => ({
        id,
        name: document.name,
        direction: document.direction,
        targets: document.targets,
        protects: asksForPgp(document),
        // A partner who has come to AS2 since: OpenPGP has no place there, and runs say so.
        asUsed: (connection) => (connection.protocol === 'as2' ? connection : asUsed(document, connection)),
        paused: paused !== null,
        when: triggerText(document),
        dueAfter: (after, count) => (document.trigger.kind === 'schedule' ? nextDue(document.trigger.schedule, after, count, new Set(holidays)).map(timestamp) : []),
      })),

    next(id: string, count: number): { next: string[]; zone: string | null } {
      const flow = repository.get(id)
      const { trigger } = flow.document
      return { next: nextOf(flow, count), zone: trigger.kind === 'schedule' ? trigger.schedule.zone : null }
    },

    runs: (query: { flow?: string | undefined; limit: number; before?: string | undefined }) => repository.runs(query).map(runner.show),

    showRun(id: string): { run: FlowRun; files: FlowFile[] } {
      const stored = runOf(id)
      return { run: runner.show(stored), files: fileOf(stored) }
    },

    due: repository.listDue,

    decide(flow: string, at: string, decision: 'run' | 'skip', actor: Actor): DueTime {
      const time = Date.parse(at)
      const before = repository.findDue(flow, time)
      if (before?.decision !== 'pending') throw new AppError('input.conflict', `nobody waits for a decision about ${flow} at ${at}`)
      const run = database.transaction(() => {
        audit.record({ actor, type: 'flow.missed_time_decided', subject: { kind: 'flow', id: flow }, data: { at, decision } })
        if (decision === 'skip') {
          repository.decideDue(flow, time, { decision })
          return null
        }
        const begun = runner.begin(flow, 'catch-up', time, actor)
        repository.decideDue(flow, time, { decision, status: 'late', run: begun })
        return begun
      })
      if (run !== null) void runner.execute(run, actor).catch(() => undefined)
      changed(flow)
      return repository.findDue(flow, time) ?? before
    },

    release(flow: string, delivery: string, reason: string, actor: Actor): void {
      const sent = files.of(delivery).filter((file) => file.flow === flow)
      if (sent.length === 0) throw new AppError('input.not_found', `${delivery} was not sent by ${flow}`)
      database.transaction(() => {
        for (const file of sent) {
          if (file.path === '') {
            if (!deps.takeAgain(delivery)) throw new AppError('input.conflict', `the file of ${delivery} stands no longer at ${file.target}, so it cannot be received again`)
          } else files.release({ id: newId('rel', clock.now()), flow, target: file.target, duplicateKey: file.duplicateKey, name: file.name, size: file.size, reason, at: timestamp(clock.now()) })
          audit.record({ actor, type: 'flow.file_released', subject: { kind: 'flow', id: flow }, trace: file.run, data: { delivery, name: file.name, target: file.target, reason } })
        }
      })
      changed(flow)
    },

    reloadCalendars: async (actor: Actor): Promise<void> => await reloadCalendars(actor, { ...deps, changed }),

    pauseAll(until: string | undefined, reason: string | undefined, actor: Actor): void {
      database.transaction(() => {
        repository.setState(PAUSED_ALL, JSON.stringify({ until: until ?? null }))
        audit.record({ actor, type: 'flows.paused', subject: { kind: 'workspace', id: 'flows' }, data: { until: until ?? null, reason: reason ?? null } })
      })
      scheduler.wake()
    },

    resumeAll(actor: Actor): void {
      database.transaction(() => {
        // Their due times get the rows of a pause before it ends.
        for (const flow of repository.due(clock.now(), 100_000)) {
          scheduler.accountMissed({ ...flow, paused: flow.paused ?? { at: timestamp(clock.now()), until: null, reason: null } })
          repository.account(flow.id, clock.now(), scheduler.nextAfter(flow, clock.now()))
        }
        repository.setState(PAUSED_ALL, null)
        audit.record({ actor, type: 'flows.resumed', subject: { kind: 'workspace', id: 'flows' } })
      })
      scheduler.wake()
    },

    overview() {
      const all = repository.state(PAUSED_ALL)
      return {
        paused: all === null ? null : (JSON.parse(all) as { until: string | null }),
        running: repository.runsIn(['running'], 50).map(({ run }) => run.flow),
        next: repository.upcoming(5).map((flow) => ({ flow: flow.id, name: flow.document.name, at: timestamp(flow.nextDueAt ?? 0) })),
        pending: repository.pending(null),
      }
    },

    /** Sleep is written down, so that a missed time is explained; a locked screen changes nothing. */
    power(event: 'suspend' | 'resume' | 'lock' | 'unlock', actor: Actor): void {
      if (event === 'suspend' || event === 'resume') audit.record({ actor, type: event === 'suspend' ? 'power.suspended' : 'power.resumed', subject: { kind: 'workspace', id: 'power' } })
      if (event === 'resume') {
        scheduler.wake()
        deps.onResume()
      }
    },
  }
}
