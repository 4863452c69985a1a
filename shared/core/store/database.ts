/** The encrypted database: opens it, proves the key, moves it forward, and says in our words what SQLite says in its own. */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3-multiple-ciphers'
import { AppError, systemCode } from '../kernel/errors.ts'
import { createLogFlush, LogUnreachable } from './log-flush.ts'
import { MIGRATIONS, type Migration } from './migrations/index.ts'
import { moveForward, type Moving } from './moving.ts'
import { cipherOf } from './page-cipher.ts'
import { createTransactions } from './transactions.ts'

export interface Statement<Bind extends unknown[], Row> {
  get(...values: Bind): Row | undefined
  all(...values: Bind): Row[]
  run(...values: Bind): { readonly changes: number }
}

/** What repositories use. Statements are prepared once a text and kept. */
export interface Database {
  prepare<Bind extends unknown[] = unknown[], Row = unknown>(sql: string): Statement<Bind, Row>
  /**
   * Runs `action` in a transaction (nested calls join it): all of it or nothing. `grouped`: it is committed together with others of the next
   * milliseconds, and flushed with the next one that is not grouped or when somebody waits for `flushed`; until then a power cut, a kill or a
   * full disk may undo it. Whoever waits then is told.
   */
  transaction<T>(action: () => T, durability?: 'flushed' | 'grouped'): T
  /** Runs something once what is being written is committed, and never when it is not; at once outside of a transaction. */
  afterCommit(action: () => void): void
  /** Flushes what was grouped. Throws when any of it was undone. */
  flush(): void
  /**
   * Resolves when everything that was written so far is on the disk; whoever waits at the same time shares one commit and one flush. Call it
   * in the same turn in which it was written. Rejects when any of it was undone.
   */
  flushed(): Promise<void>
  /** Every problem that a full check of the file finds; empty when it is whole. */
  check(): string[]
  /** Writes a consistent copy under the same key into a new file. */
  copyTo(file: string): void
  close(): void
}

export interface OpenOptions {
  readonly file: string
  /** 32 bytes. */
  readonly key: Buffer
  readonly migrations?: readonly Migration[]
}

/** Above this a full walk at each start would be felt; `doctor` walks the whole file. */
const QUICK_CHECK_BELOW_PAGES = 25_000
/** Between two steps of a move: who is served over a network needs more than one turn. */
const PAUSE_MS = 4
/** 16 MiB of log: pages that many deliveries touch are written back once. */
const CHECKPOINT_PAGES = 4_000
/** What is kept open of the pages: decrypting one costs more than finding it. */
const CACHE_KIB = 16_384

/**
 * Opens or creates the database. Rejects with `workspace.corrupt`, `.newer`, `.disk_full`, `.read_only`; the key was proven
 * right before (it was unwrapped under authentication), so a page that does not decrypt is a damaged one.
 */
export function openDatabase(options: OpenOptions): Database {
  const steps = opening(options)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** The same; between the steps of moving an older file forward, others get their turn and are told how far it is. Rejects likewise. */
export async function openDatabaseInSteps(options: OpenOptions, onMoving: (progress: Moving) => Promise<void> | void): Promise<Database> {
  const steps = opening(options)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    try {
      await onMoving(step.value)
    } catch (error) {
      // Whoever is told may end it: closing undoes the step that is under way.
      steps.throw(error)
    }
    await pause(PAUSE_MS)
  }
}

function* opening(options: OpenOptions): Generator<Moving, Database> {
  const { file, key, migrations = MIGRATIONS } = options
  const existed = existsSync(file)
  const cipher = cipherOf(file)
  const raw = inOurWords(() => new Sqlite(file))
  try {
    const version = inOurWords(() => {
      raw.pragma(`cipher = '${cipher}'`)
      raw.pragma(`key = 'raw:${key.toString('hex')}'`)
      const version = userVersion(raw)
      refuseNewer(version, migrations)
      raw.pragma('journal_mode = WAL')
      raw.pragma('synchronous = FULL')
      raw.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
      raw.pragma('foreign_keys = ON')
      raw.pragma('temp_store = MEMORY')
      raw.pragma(`cache_size = -${CACHE_KIB}`)
      raw.pragma('busy_timeout = 5000')
      quickCheck(raw)
      return version
    })
    if (existed && version > 0 && version < migrations.length) {
      yield { stage: 'copy', from: version, to: migrations.length, percent: 0 }
      inOurWords(() => backUp(raw, file, version))
    }
    const steps = moveForward(raw, version, migrations)
    for (let step = inOurWords(() => steps.next()); step.done !== true; step = inOurWords(() => steps.next())) if (existed && version > 0) yield step.value
    return wrap(raw, file)
  } catch (error) {
    raw.close()
    throw error
  }
}

/** The first read: the key only shows here. */
function userVersion(raw: Sqlite.Database): number {
  raw.prepare('SELECT count(*) FROM sqlite_master').get()
  return Number(raw.pragma('user_version', { simple: true }))
}

function refuseNewer(version: number, migrations: readonly Migration[]): void {
  if (version > migrations.length)
    throw new AppError('workspace.newer', `the database has structure ${version}; this program knows ${migrations.length}`, {
      details: { database: String(version), program: String(migrations.length) },
    })
}

function quickCheck(raw: Sqlite.Database): void {
  if (Number(raw.pragma('page_count', { simple: true })) > QUICK_CHECK_BELOW_PAGES) return
  const problems = problemsIn(raw, 'quick_check')
  if (problems[0] !== undefined) throw new AppError('workspace.corrupt', problems[0])
}

function problemsIn(raw: Sqlite.Database, pragma: 'quick_check' | 'integrity_check'): string[] {
  const rows = raw.pragma(`${pragma}(20)`) as Record<string, string>[]
  return rows.flatMap((row) => Object.values(row)).filter((text) => text !== 'ok')
}

/** `backup()` does not work on encrypted files; `VACUUM INTO` writes one under the same key. */
function backUp(raw: Sqlite.Database, file: string, version: number): void {
  const folder = join(dirname(file), 'before-update')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const target = join(folder, `structure-${version}.db`)
  rmSync(target, { force: true })
  raw.prepare('VACUUM INTO ?').run(target)
}

function wrap(raw: Sqlite.Database, file: string): Database {
  const transactions = createTransactions(raw)
  /** How many of the grouped transactions are on the disk. */
  let safe = 0
  const log = createLogFlush(`${file}-wal`, () => inOurWords(() => transactions.settle()))
  const statements = new Map<string, Sqlite.Statement>()
  const statement = (sql: string): Sqlite.Statement => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const made = inOurWords(() => raw.prepare(sql))
    statements.set(sql, made)
    return made
  }
  const transact = <T>(action: () => T, durability: 'flushed' | 'grouped'): T => {
    const result = inOurWords(() => transactions.run(action, durability))
    if (durability === 'flushed') safe = transactions.grouped
    return result
  }
  const refuseWhenLost = (): void => {
    const error = transactions.lost()
    if (error !== null) throw translated(error)
  }
  const flush = (): void => {
    if (transactions.running()) return
    inOurWords(() => transactions.settle())
    refuseWhenLost()
    if (safe === transactions.grouped) return
    // A commit that writes nothing flushes nothing; one that does flushes the whole log, whatever came before it included.
    transact(() => raw.pragma(`user_version = ${userVersion(raw)}`), 'flushed')
  }
  /** What writes by itself is a transaction of its own, and those are flushed. */
  const ready = (sql: string): Sqlite.Statement => {
    const found = statement(sql)
    if (!transactions.running() && !found.readonly) transactions.flushEach()
    return found
  }
  const prepared = new Map<string, Statement<unknown[], unknown>>()
  const made = (sql: string): Statement<unknown[], unknown> => ({
    get: (...values) => inOurWords(() => ready(sql).get(...values)),
    all: (...values) => inOurWords(() => ready(sql).all(...values)),
    run: (...values) => inOurWords(() => ready(sql).run(...values)),
  })
  return {
    prepare<Bind extends unknown[], Row>(sql: string): Statement<Bind, Row> {
      const known = prepared.get(sql) ?? made(sql)
      prepared.set(sql, known)
      return known as Statement<Bind, Row>
    },
    transaction: (action, durability = 'flushed') => (transactions.running() ? action() : transact(action, durability)),
    afterCommit: (action) => transactions.afterCommit(action),
    flush,
    async flushed() {
      refuseWhenLost()
      const upTo = transactions.grouped
      if (upTo <= safe) return
      try {
        await log.flush()
      } catch (error) {
        if (!(error instanceof LogUnreachable)) throw error
        // No log, or no way to it: the database itself flushes, on this thread.
        if (raw.open) flush()
      }
      safe = Math.max(safe, upTo)
    },
    check: () => inOurWords(() => problemsIn(raw, 'integrity_check')),
    copyTo(file) {
      inOurWords(() => {
        transactions.settle()
        raw.prepare('VACUUM INTO ?').run(file)
      })
    },
    close() {
      try {
        if (raw.open) inOurWords(() => transactions.settle())
      } finally {
        void log.close().catch(() => undefined)
        raw.close()
      }
    },
  }
}

function inOurWords<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw translated(error)
  }
}

function translated(error: unknown): unknown {
  const code = systemCode(error) ?? ''
  const message = error instanceof Error ? error.message : String(error)
  if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC') return new AppError('workspace.disk_full', message, { cause: error })
  if (code.startsWith('SQLITE_READONLY') || code === 'SQLITE_CANTOPEN' || code === 'EROFS' || code === 'EACCES')
    return new AppError('workspace.read_only', message, { cause: error })
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) return new AppError('workspace.corrupt', message, { cause: error })
  // The write-ahead log could not grow: the disk is full or failing, and SQLite says only that.
  if (code.startsWith('SQLITE_IOERR_WRITE') || code.startsWith('SQLITE_IOERR_SHMSIZE')) return new AppError('workspace.disk_full', message, { cause: error })
  return error
}
