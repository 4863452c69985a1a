/** What was read of a table, for as long as nothing is written to it: one process owns the database. */
import type { Database } from './database.ts'

export interface Kept<T> {
  /** What is kept under a key, or what `read` answers now. */
  of(key: string, read: () => T): T
  /** To be called before each write to the table. After a rollback all is read anew, until something is committed again. */
  written(): void
}

const known = new WeakMap<Database, Map<string, Kept<never>>>()

/** The same for whoever asks of this database for this table. */
export function keptOf<T>(database: Database, table: string): Kept<T> {
  const tables = known.get(database) ?? new Map<string, Kept<never>>()
  known.set(database, tables)
  const kept = tables.get(table) ?? (createKept<T>(database) as Kept<never>)
  tables.set(table, kept)
  return kept as Kept<T>
}

function createKept<T>(database: Database): Kept<T> {
  const values = new Map<string, T>()
  let isUncommitted = false
  return {
    of(key, read) {
      if (isUncommitted) return read()
      const value = values.get(key)
      if (value !== undefined) return value
      const now = read()
      values.set(key, now)
      return now
    },
    written() {
      values.clear()
      isUncommitted = true
      database.afterCommit(() => {
        isUncommitted = false
      })
    },
  }
}
