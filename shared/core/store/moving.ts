/** Moves a database forward in steps, so that whoever waits can be told how far it is. Killed anywhere, it is as it was before the step. */
import type Sqlite from 'better-sqlite3-multiple-ciphers'
import type { Migration } from './migrations/index.ts'

/** How far it is: `copy` puts the old file aside first. */
export interface Moving {
  readonly stage: 'copy' | 'move'
  readonly from: number
  readonly to: number
  /** 0 to 99. */
  readonly percent: number
}

/** Some tens of milliseconds. */
const PAGE_ROWS = 2_000

/** Yields before each piece of work. */
export function* moveForward(raw: Sqlite.Database, from: number, migrations: readonly Migration[]): Generator<Moving, void> {
  const pending = migrations.slice(from)
  // A step without rows to fill counts as a thousand of them.
  const weights = pending.map(({ fill }) => 1000 + (fill === undefined ? 0 : rowsOf(raw, fill.table)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let done = 0
  const now = (): Moving => ({ stage: 'move', from, to: migrations.length, percent: Math.min(99, Math.floor((done / total) * 100)) })
  for (const [index, { number, sql, fill }] of pending.entries()) {
    yield now()
    raw.exec('BEGIN IMMEDIATE')
    try {
      raw.exec(sql)
      const before = done
      if (fill !== undefined)
        for (const rows of fillPages(raw, fill)) {
          done += rows
          yield now()
        }
      raw.pragma(`user_version = ${number}`)
      raw.exec('COMMIT')
      done = before + (weights[index] ?? 0)
    } catch (error) {
      if (raw.inTransaction) raw.exec('ROLLBACK')
      throw error
    }
  }
}

function* fillPages(raw: Sqlite.Database, { table, key, sql }: NonNullable<Migration['fill']>): Generator<number, void> {
  const page = raw.prepare(`SELECT max(k) until, count(*) rows FROM (SELECT ${key} k FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT ${PAGE_ROWS})`)
  const insert = raw.prepare(sql)
  for (let after = ''; ; ) {
    const { until, rows } = page.get(after) as { until: string | null; rows: number }
    if (until === null) return
    insert.run({ after, until })
    after = until
    yield rows
  }
}

/** Of a table that an earlier pending step makes, none yet. */
function rowsOf(raw: Sqlite.Database, table: string): number {
  if (raw.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table) === undefined) return 0
  return (raw.prepare(`SELECT count(*) n FROM ${table}`).get() as { n: number }).n
}
