import type { LeftAlone } from '../../contract/background.ts'
import type { WireError } from '../../contract/errors/index.ts'
import type { Database } from '../store/database.ts'

interface Row {
  partner: string
  connection: string
  failures: number
  since: string
  next_try_at: string
  error: string
}

export type TroubleRepository = ReturnType<typeof createTroubleRepository>

/** Connections that could not be reached, also those that are not left alone yet. */
export function createTroubleRepository(database: Database) {
  return {
    all: (): LeftAlone[] =>
      database
        .prepare<[], Row>('SELECT * FROM connection_trouble ORDER BY partner, connection')
        .all()
        .map((row) => ({ partner: row.partner, connection: row.connection, failures: row.failures, since: row.since, nextTryAt: row.next_try_at, error: JSON.parse(row.error) as WireError })),

    save(trouble: LeftAlone): void {
      database
        .prepare('INSERT OR REPLACE INTO connection_trouble (partner, connection, failures, since, next_try_at, error) VALUES (@partner, @connection, @failures, @since, @nextTryAt, @error)')
        .run({ ...trouble, error: JSON.stringify(trouble.error) })
    },

    remove(partner: string, connection: string): void {
      database.prepare('DELETE FROM connection_trouble WHERE partner = ? AND connection = ?').run(partner, connection)
    },
  }
}
