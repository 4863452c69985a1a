/** The attempts of a delivery, as they are stored. */
import type { Attempt } from '../../contract/deliveries.ts'
import type { WireError } from '../../contract/errors/index.ts'
import type { Database } from '../store/database.ts'
import { jsonOrNull, parsed } from './cells.ts'

interface AttemptRow {
  id: string
  number: number
  started_at: string
  ended_at: string | null
  result: Attempt['result']
  bytes: number
  resumed_at: number
  observed: string
  error: string | null
}

export function createAttemptRows(database: Database) {
  return {
    startAttempt(attempt: { id: string; delivery: string; number: number; at: string }): void {
      database
        .prepare("INSERT INTO attempts (id, delivery, number, started_at, result) VALUES (@id, @delivery, @number, @at, 'running')")
        .run(attempt)
    },

    /** What was really negotiated at the newest attempt on a connection that noted anything. */
    lastObserved(partner: string, connection: string): Readonly<Record<string, string>> {
      const row = database
        .prepare<[string, string], { observed: string }>(
          "SELECT a.observed FROM attempts a JOIN deliveries d ON d.id = a.delivery WHERE d.partner = ? AND d.connection = ? AND a.observed <> '{}' ORDER BY a.id DESC LIMIT 1",
        )
        .get(partner, connection)
      return row === undefined ? {} : (parsed<Record<string, string>>(row.observed) ?? {})
    },

    /** Grouped: what a power cut undoes is sent again from an earlier byte. */
    updateAttempt(id: string, change: { resumedAt?: number; bytes?: number; observed?: Readonly<Record<string, string>> }): void {
      const update = database
        .prepare(
          'UPDATE attempts SET resumed_at = coalesce(@resumedAt, resumed_at), bytes = coalesce(@bytes, bytes), observed = coalesce(@observed, observed) WHERE id = @id',
        )
      const values = { id, resumedAt: change.resumedAt ?? null, bytes: change.bytes ?? null, observed: change.observed === undefined ? null : JSON.stringify(change.observed) }
      database.transaction(() => update.run(values), 'grouped')
    },

    /** Ends whatever attempt of the delivery is still running; left out of `last` stays as it was noted. */
    endAttempt(delivery: string, result: Attempt['result'], at: string, error: WireError | null, last: { bytes?: number; observed?: Readonly<Record<string, string>> } = {}): void {
      database
        .prepare("UPDATE attempts SET result = @result, ended_at = @at, error = @error, bytes = coalesce(@bytes, bytes), observed = coalesce(@observed, observed) WHERE delivery = @delivery AND result = 'running'")
        .run({ delivery, result, at, error: jsonOrNull(error) ?? null, bytes: last.bytes ?? null, observed: last.observed === undefined ? null : JSON.stringify(last.observed) })
    },

    attempts(delivery: string): Attempt[] {
      return database
        .prepare<[string], AttemptRow>('SELECT * FROM attempts WHERE delivery = ? ORDER BY number')
        .all(delivery)
        .map(attemptOf)
    },

    /** Whether an attempt may have asked for the final name without learning the answer. `size`: of what travels, all of which is there by then. */
    askedBefore(delivery: string, size: number): boolean {
      return (
        database
          .prepare<[string, number], { found: 1 }>("SELECT 1 AS found FROM attempts WHERE delivery = ? AND (result = 'unknown' OR (result = 'interrupted' AND bytes > 0 AND bytes >= ?)) LIMIT 1")
          .get(delivery, size) !== undefined
      )
    },

    /** Length of the prefix of the temporary file that the attempt before the given one saw acknowledged. */
    acknowledgedBefore(delivery: string, attempt: string): number {
      return (
        database
          .prepare<[string, string], { bytes: number }>('SELECT bytes FROM attempts WHERE delivery = ? AND id <> ? ORDER BY number DESC LIMIT 1')
          .get(delivery, attempt)?.bytes ?? 0
      )
    },
  }
}

function attemptOf(row: AttemptRow): Attempt {
  return {
    id: row.id,
    number: row.number,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    result: row.result,
    bytes: row.bytes,
    resumedAt: row.resumed_at,
    observed: parsed<Record<string, string>>(row.observed) ?? {},
    exceptions: [],
    error: parsed<WireError>(row.error),
  }
}
