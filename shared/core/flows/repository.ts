import { FlowDocument } from '../../contract/flow-document.ts'
import type { FlowSummary } from '../../contract/flows.ts'
import { AppError } from '../kernel/errors.ts'
import type { Database } from '../store/database.ts'
import { createDueRepository } from './due-repository.ts'
import { createRunRepository } from './run-repository.ts'

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

interface FlowRow {
  id: string
  document: string
  holidays: string
  paused: string | null
  accounted_until: number
  next_due_at: number | null
  updated_at: string
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

    ...createDueRepository(database),
    ...createRunRepository(database),

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
