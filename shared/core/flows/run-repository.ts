/** Runs of flows and what they found. Part of the repository of flows. */
import type { FlowRun, RunOutcome } from '../../contract/flows.ts'
import type { WireError } from '../../contract/errors/index.ts'
import { timestamp } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Database } from '../store/database.ts'

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

export function createRunRepository(database: Database) {
  const runs = {
    /** Rejects with `flow.running` when a run of this flow has not ended. */
    startRun(run: { id: string; flow: string; trigger: FlowRun['trigger']; dueAt: number | null; at: string }): void {
      if (runs.runningOf(run.flow) !== null) throw new AppError('flow.running', `a run of ${run.flow} has not ended yet`)
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
      return database.prepare<[string, number], RunRow>('SELECT * FROM flow_runs WHERE outcome IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?').all(JSON.stringify(outcomes), limit).flatMap(readable)
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
        .flatMap(readable)
    },
  }
  return runs
}

/** A damaged row never breaks a list. */
function readable(row: RunRow): StoredRun[] {
  try {
    return [runOf(row)]
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
