/**
 * Transactions of one database handle. Grouped ones that come close together share one commit: each is a savepoint of the same SQLite
 * transaction, so that pages that all of them touch are encrypted and logged once. Nothing else reads the file meanwhile.
 */
import type Sqlite from 'better-sqlite3-multiple-ciphers'

export interface Transactions {
  /** Whether an action is running inside of a transaction. */
  running(): boolean
  run<T>(action: () => T, durability: 'flushed' | 'grouped'): T
  /** Once what is being written is committed, and never when it is not. */
  afterCommit(action: () => void): void
  /** Commits the open group. Throws when that fails: all of the group is undone then. */
  settle(): void
  /** What is written next, outside of a transaction, is flushed by itself. */
  flushEach(): void
  /** Grouped transactions so far. */
  readonly grouped: number
  /** What undid a group a moment ago; null when none was. */
  lost(): unknown
}

/** A group that nobody waits for is committed so soon. */
const SETTLE_AFTER_MS = 40
const MOST_GROUPED = 256
/** Who asks whether everything is safe asks at once: so long nobody is told that it is. */
const LOST_FOR_MS = 2000

export function createTransactions(raw: Sqlite.Database): Transactions {
  const statement = {
    begin: raw.prepare('BEGIN IMMEDIATE'),
    commit: raw.prepare('COMMIT'),
    rollback: raw.prepare('ROLLBACK'),
    save: raw.prepare('SAVEPOINT grouped'),
    release: raw.prepare('RELEASE grouped'),
    undo: raw.prepare('ROLLBACK TO grouped'),
  }
  let isRunning = false
  let grouped = 0
  /** Transactions in the open group. */
  let open = 0
  let timer: NodeJS.Timeout | null = null
  let afterwards: (() => void)[] = []
  let loss: { readonly error: unknown; readonly at: number } | null = null
  let mode: 'FULL' | 'NORMAL' = 'FULL'

  /** It cannot be changed inside of a transaction. */
  const synchronous = (wanted: typeof mode): void => {
    if (mode !== wanted) raw.pragma(`synchronous = ${wanted}`)
    mode = wanted
  }

  const tell = (): void => {
    for (const told of afterwards.splice(0)) told()
  }

  const closeGroup = (): void => {
    open = 0
    if (timer !== null) clearTimeout(timer)
    timer = null
  }

  const lose = (error: unknown): void => {
    closeGroup()
    afterwards = []
    loss = { error, at: performance.now() }
    if (raw.inTransaction) statement.rollback.run()
  }

  const settle = (): void => {
    if (open === 0 || isRunning) return
    try {
      statement.commit.run()
    } catch (error) {
      lose(error)
      throw error
    }
    closeGroup()
    tell()
  }

  /** What fails here was noted, and is told to whoever asks whether it is safe. */
  const settleQuietly = (): void => {
    timer = null
    try {
      settle()
    } catch {}
  }

  const during = <T>(action: () => T): T => {
    isRunning = true
    try {
      const result = action()
      if (result instanceof Promise) throw new TypeError('a transaction ends before its promise does')
      return result
    } finally {
      isRunning = false
    }
  }

  const runGrouped = <T>(action: () => T): T => {
    if (open === 0) {
      synchronous('NORMAL')
      statement.begin.run()
      timer = setTimeout(settleQuietly, SETTLE_AFTER_MS)
    }
    open++
    const told = afterwards.length
    try {
      statement.save.run()
      const result = during(action)
      statement.release.run()
      grouped++
      if (open >= MOST_GROUPED) settle()
      return result
    } catch (error) {
      // A full disk may end the whole transaction, and whatever was in the group with it.
      if (!raw.inTransaction) {
        if (open > 0) lose(error)
        throw error
      }
      statement.undo.run()
      statement.release.run()
      afterwards.length = told
      throw error
    }
  }

  const runFlushed = <T>(action: () => T): T => {
    settle()
    synchronous('FULL')
    statement.begin.run()
    try {
      const result = during(action)
      statement.commit.run()
      tell()
      return result
    } catch (error) {
      afterwards = []
      if (raw.inTransaction) statement.rollback.run()
      throw error
    }
  }

  return {
    running: () => isRunning,
    run: (action, durability) => (durability === 'grouped' ? runGrouped(action) : runFlushed(action)),
    afterCommit(action) {
      if (isRunning) afterwards.push(action)
      else action()
    },
    settle,
    flushEach() {
      settle()
      synchronous('FULL')
    },
    get grouped() {
      return grouped
    },
    lost: () => (loss !== null && performance.now() - loss.at < LOST_FOR_MS ? loss.error : null),
  }
}
