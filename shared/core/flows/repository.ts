import { FlowDocument } from '../../contract/flow-document.ts'
import type { DueStatus, DueTime, FlowRun, FlowSummary, RunOutcome } from '../../contract/flows.ts'
import type { WireError } from '../../contract/errors/index.ts'
import { timestamp } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Database } from '../store/database.ts'
import type { DueDecision } from './due-times.ts'

/** A flow as stored. */
export interface StoredFlow {
  readonly id: string
  readonly document: FlowDocument
  readonly holidays: readonly string[]
  readonly paused: FlowSummary['paused']
  /** Every due time up to here has its row; milliseconds. */
  readonly accountedUntil: number
  readonly nextDueAt: number | null
  readonly updatedAt: string
}

/** What a run found besides its deliveries. */
export interface RunReport {
  readonly found: number
  readonly skippedTotal: number
  /** The first hundred. */
  readonly skipped: readonly { readonly name: string; readonly target: string; readonly why: string; readonly reason: string; readonly delivery?: string }[]
  readonly errors: readonly { readonly name: string; readonly target: string; readonly error: WireError }[]
}

export const EMPTY_REPORT: RunReport = { found: 0, skippedTotal: 0, skipped: [], errors: [] }

const MOST_REPORTED = 100

export function reportOf(found: number, skipped: RunReport['skipped'], errors: RunReport['errors']): RunReport {
  return { found, skippedTotal: skipped.length, skipped: skipped.slice(0, MOST_REPORTED), errors: errors.slice(0, MOST_REPORTED) }
}

export interface StoredRun {
  readonly run: Omit<FlowRun, 'counts'>
  readonly report: RunReport
}

interface FlowRow {
  id: string
  document: string
  holidays: string
  paused: string | null
  accounted_until: number
  next_due_at: number | null
  updated_at: string
}

interface RunRow {
  id: string
  flow: string
  trigger: FlowRun['trigger']
  due_at: number | null
  started_at: string
  ended_at: string | null
  outcome: RunOutcome
  report: string
  error: string | null
}

interface DueRow {
  flow: string
  at: number
  status: DueStatus
  run: string | null
  decision: DueTime['decision']
  recorded_at: string
}

export type FlowRepository = ReturnType<typeof createFlowRepository>

export function createFlowRepository(database: Database) {
  let changes = 0

  const repository = {
    /** Grows with every change of a flow's document or pause; one process owns the workspace. */
    version: (): number => changes,

    find(id: string): StoredFlow | null {
      const row = database.prepare<[string], FlowRow>('SELECT * FROM flows WHERE id = ?').get(id)
      return row === undefined ? null : flowOf(row)
    },

    get(id: string): StoredFlow {
      const found = repository.find(id)
      if (found === null) throw new AppError('input.not_found', `there is no flow ${id}`)
      return found
    },

    list(query: { limit: number; search?: string | undefined; after?: string | undefined }): { flows: StoredFlow[]; total: number } {
      const where = "WHERE (@search IS NULL OR instr(lower(id || ' ' || name), lower(@search)) > 0)"
      const values = { search: query.search ?? null }
      const total = database.prepare<[typeof values], { n: number }>(`SELECT count(*) n FROM flows ${where}`).get(values)?.n ?? 0
      const rows = database
        .prepare<[Record<string, unknown>], FlowRow>(`SELECT * FROM flows ${where} AND (@after IS NULL OR id > @after) ORDER BY id LIMIT @limit`)
        .all({ ...values, after: query.after ?? null, limit: query.limit })
      return { flows: rows.flatMap(readable), total }
    },

    all(): StoredFlow[] {
      return database.prepare<[], FlowRow>('SELECT * FROM flows ORDER BY id').all().flatMap(readable)
    },

    /** Flows whose document has a setting. */
    having(setting: 'keepSentDays' | 'keepDays'): StoredFlow[] {
      return database.prepare<[string], FlowRow>('SELECT * FROM flows WHERE json_extract(document, ?) IS NOT NULL ORDER BY id').all(`$.${setting}`).flatMap(readable)
    },

    inbound(): StoredFlow[] {
      return database.prepare<[], FlowRow>("SELECT * FROM flows WHERE json_extract(document, '$.direction') = 'inbound' ORDER BY id").all().flatMap(readable)
    },

    withTrigger(kind: FlowDocument['trigger']['kind']): StoredFlow[] {
      return database.prepare<[string], FlowRow>("SELECT * FROM flows WHERE json_extract(document, '$.trigger.kind') = ? ORDER BY id").all(kind).flatMap(readable)
    },

    /** Those whose schedule knows holidays. */
    withCalendar(): StoredFlow[] {
      return database.prepare<[], FlowRow>("SELECT * FROM flows WHERE json_extract(document, '$.trigger.schedule.calendar') IS NOT NULL ORDER BY id").all().flatMap(readable)
    },

    save(document: FlowDocument, facts: { at: string; holidays: readonly string[]; accountedUntil: number; nextDueAt: number | null }): void {
      changes += 1
      database
        .prepare(
          `INSERT INTO flows (id, name, document, holidays, accounted_until, next_due_at, created_at, updated_at)
           VALUES (@id, @name, @document, @holidays, @accountedUntil, @nextDueAt, @at, @at)
           ON CONFLICT (id) DO UPDATE SET name = @name, document = @document, holidays = @holidays, accounted_until = @accountedUntil, next_due_at = @nextDueAt, updated_at = @at`,
        )
        .run({ id: document.id, name: document.name, document: JSON.stringify(document), holidays: JSON.stringify(facts.holidays), accountedUntil: facts.accountedUntil, nextDueAt: facts.nextDueAt, at: facts.at })
    },

    remove(id: string): void {
      changes += 1
      database.prepare('DELETE FROM flows WHERE id = ?').run(id)
    },

    setPaused(id: string, paused: FlowSummary['paused']): void {
      changes += 1
      database.prepare('UPDATE flows SET paused = ? WHERE id = ?').run(paused === null ? null : JSON.stringify(paused), id)
    },

    setHolidays(id: string, holidays: readonly string[], nextDueAt: number | null): void {
      database.prepare('UPDATE flows SET holidays = ?, next_due_at = ? WHERE id = ?').run(JSON.stringify(holidays), nextDueAt, id)
    },

    /** Flows that have due times up to now. */
    due(now: number, limit: number): StoredFlow[] {
      return database.prepare<[number, number], FlowRow>('SELECT * FROM flows WHERE next_due_at <= ? ORDER BY next_due_at LIMIT ?').all(now, limit).flatMap(readable)
    },

    nextDueAt(): number | null {
      return database.prepare<[], { at: number | null }>('SELECT min(next_due_at) at FROM flows').get()?.at ?? null
    },

    upcoming(limit: number): StoredFlow[] {
      return database.prepare<[number], FlowRow>('SELECT * FROM flows WHERE next_due_at IS NOT NULL AND paused IS NULL ORDER BY next_due_at LIMIT ?').all(limit).flatMap(readable)
    },

    pausedUntil(now: string): StoredFlow[] {
      return database.prepare<[string], FlowRow>("SELECT * FROM flows WHERE paused IS NOT NULL AND json_extract(paused, '$.until') <= ?").all(now).flatMap(readable)
    },

    account(id: string, until: number, nextDueAt: number | null): void {
      database.prepare('UPDATE flows SET accounted_until = ?, next_due_at = ? WHERE id = ?').run(until, nextDueAt, id)
    },

    accountedBeyond(now: number): StoredFlow[] {
      return database.prepare<[number], FlowRow>('SELECT * FROM flows WHERE accounted_until > ?').all(now).flatMap(readable)
    },

    /** False when this due time has its row already: a clock that went back shows times twice. */
    addDue(flow: string, row: DueDecision, run: string | null, at: string): boolean {
      return (
        database
          .prepare('INSERT INTO flow_due (flow, at, status, run, decision, recorded_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
          .run(flow, row.at, row.status, run, row.decision, at).changes === 1
      )
    },

    findDue(flow: string, at: number): DueTime | null {
      const row = database.prepare<[string, number], DueRow>('SELECT * FROM flow_due WHERE flow = ? AND at = ?').get(flow, at)
      return row === undefined ? null : dueOf(row)
    },

    decideDue(flow: string, at: number, change: { decision: 'run' | 'skip'; status?: DueStatus; run?: string }): void {
      database.prepare('UPDATE flow_due SET decision = @decision, status = coalesce(@status, status), run = coalesce(@run, run) WHERE flow = @flow AND at = @at').run({ flow, at, decision: change.decision, status: change.status ?? null, run: change.run ?? null })
    },

    /** The newest due time of a flow, where it was missed for want of a network. */
    missedOffline(since: number): { flow: string; at: number }[] {
      return database
        .prepare<[number], { flow: string; at: number; status: string }>('SELECT flow, max(at) at, status FROM flow_due WHERE at >= ? GROUP BY flow')
        .all(since)
        .filter(({ status }) => status === 'offline')
    },

    madeUpFor(flow: string, at: number, run: string): void {
      database.prepare("UPDATE flow_due SET status = 'late', run = ? WHERE flow = ? AND at = ? AND run IS NULL").run(run, flow, at)
    },

    /** Questions that a later run has answered. */
    supersedePending(flow: string): void {
      database.prepare("UPDATE flow_due SET decision = 'skip', status = 'superseded' WHERE flow = ? AND decision = 'pending'").run(flow)
    },

    pending(flow: string | null): number {
      return database.prepare<[{ flow: string | null }], { n: number }>(`SELECT count(*) n FROM flow_due WHERE decision = 'pending'${flow === null ? '' : ' AND flow = @flow'}`).get({ flow })?.n ?? 0
    },

    /** Rows of times that will come again and at which nothing ran. */
    forgetDueAfter(flow: string, at: number): void {
      database.prepare('DELETE FROM flow_due WHERE flow = ? AND at > ? AND run IS NULL').run(flow, at)
    },

    forgetDueBefore(at: number): void {
      database.prepare('DELETE FROM flow_due WHERE at < ?').run(at)
    },

    listDue(query: { flow?: string | undefined; since?: string | undefined; status?: readonly DueStatus[] | undefined; limit: number }): DueTime[] {
      return database
        .prepare<[Record<string, unknown>], DueRow>(
          `SELECT * FROM flow_due WHERE ${query.flow === undefined ? 'true' : 'flow = @flow'} AND (@since IS NULL OR at >= @since)
           AND (@status IS NULL OR status IN (SELECT value FROM json_each(@status))) ORDER BY at DESC LIMIT @limit`,
        )
        .all({ flow: query.flow ?? null, since: query.since === undefined ? null : Date.parse(query.since), status: query.status === undefined ? null : JSON.stringify(query.status), limit: query.limit })
        .map(dueOf)
    },

    /** Rejects with `flow.running` when a run of this flow has not ended. */
    startRun(run: { id: string; flow: string; trigger: FlowRun['trigger']; dueAt: number | null; at: string }): void {
      if (repository.runningOf(run.flow) !== null) throw new AppError('flow.running', `a run of ${run.flow} has not ended yet`)
      database.prepare("INSERT INTO flow_runs (id, flow, trigger, due_at, started_at, outcome) VALUES (?, ?, ?, ?, ?, 'running')").run(run.id, run.flow, run.trigger, run.dueAt, run.at)
    },

    runningOf(flow: string): string | null {
      return database.prepare<[string], { id: string }>("SELECT id FROM flow_runs WHERE flow = ? AND outcome = 'running'").get(flow)?.id ?? null
    },

    endRun(id: string, outcome: RunOutcome, facts: { at: string; report?: RunReport; error?: WireError | null }): void {
      database
        .prepare('UPDATE flow_runs SET outcome = @outcome, ended_at = @at, report = coalesce(@report, report), error = @error WHERE id = @id')
        .run({ id, outcome, at: facts.at, report: facts.report === undefined ? null : JSON.stringify(facts.report), error: facts.error ? JSON.stringify(facts.error) : null })
    },

    run(id: string): StoredRun | null {
      const row = database.prepare<[string], RunRow>('SELECT * FROM flow_runs WHERE id = ?').get(id)
      return row === undefined ? null : runOf(row)
    },

    runsIn(outcomes: readonly RunOutcome[], limit: number): StoredRun[] {
      return database.prepare<[string, number], RunRow>('SELECT * FROM flow_runs WHERE outcome IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?').all(JSON.stringify(outcomes), limit).map(runOf)
    },

    lastRun(flow: string): StoredRun | null {
      const row = database.prepare<[string], RunRow>('SELECT * FROM flow_runs WHERE flow = ? ORDER BY id DESC LIMIT 1').get(flow)
      return row === undefined ? null : runOf(row)
    },

    runBefore(flow: string, run: string): StoredRun | null {
      const row = database.prepare<[string, string], RunRow>('SELECT * FROM flow_runs WHERE flow = ? AND id < ? ORDER BY id DESC LIMIT 1').get(flow, run)
      return row === undefined ? null : runOf(row)
    },

    runs(query: { flow?: string | undefined; limit: number; before?: string | undefined }): StoredRun[] {
      return database
        .prepare<[Record<string, unknown>], RunRow>(`SELECT * FROM flow_runs WHERE ${query.flow === undefined ? 'true' : 'flow = @flow'} AND ${query.before === undefined ? 'true' : 'id < @before'} ORDER BY id DESC LIMIT @limit`)
        .all({ flow: query.flow ?? null, before: query.before ?? null, limit: query.limit })
        .map(runOf)
    },

    state(key: string): string | null {
      return database.prepare<[string], { value: string }>('SELECT value FROM flow_state WHERE key = ?').get(key)?.value ?? null
    },

    setState(key: string, value: string | null): void {
      if (value === null) database.prepare('DELETE FROM flow_state WHERE key = ?').run(key)
      else database.prepare('INSERT INTO flow_state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(key, value)
    },
  }
  return repository
}

function flowOf(row: FlowRow): StoredFlow {
  return {
    id: row.id,
    document: FlowDocument.parse(JSON.parse(row.document)),
    holidays: JSON.parse(row.holidays) as string[],
    paused: row.paused === null ? null : (JSON.parse(row.paused) as FlowSummary['paused']),
    accountedUntil: row.accounted_until,
    nextDueAt: row.next_due_at,
    updatedAt: row.updated_at,
  }
}

/** A damaged row never breaks a list. */
function readable(row: FlowRow): StoredFlow[] {
  try {
    return [flowOf(row)]
  } catch {
    return []
  }
}

function runOf(row: RunRow): StoredRun {
  return {
    run: {
      id: row.id,
      flow: row.flow,
      trigger: row.trigger,
      dueAt: row.due_at === null ? null : timestamp(row.due_at),
      startedAt: row.started_at,
      endedAt: row.ended_at,
      outcome: row.outcome,
      error: row.error === null ? null : (JSON.parse(row.error) as WireError),
    },
    report: { ...EMPTY_REPORT, ...(JSON.parse(row.report) as Partial<RunReport>) },
  }
}

function dueOf(row: DueRow): DueTime {
  return { flow: row.flow, at: timestamp(row.at), status: row.status, run: row.run, decision: row.decision, recordedAt: row.recorded_at }
}
