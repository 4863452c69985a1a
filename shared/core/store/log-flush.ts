/** Flushes the database's write-ahead log on another thread, once for all who wait at the same time. */
import { open, type FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LogFlush {
  /** Resolves when what was in the log at the call is on the disk. Rejects with `LogUnreachable`, and with what `before` throws. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** Flushes that begin so soon after the last one are many. */
const BUSY_MS = 5
const PATIENCE_MS = 2
/** Where so many waited for the last one, their next steps come close together again, and pages that all of them touch are encrypted and logged once. */
const MANY = 4
const PATIENCE_OF_MANY_MS = 8

/** The log could not be opened or flushed. */
export class LogUnreachable extends Error {}

/**
 * `before` is called before each flush: it may bring more into the log. `log` is SQLite's `-wal` file, which keeps its inode as long as the database is open; SQLite holds no locks on it, so that opening
 * and closing it here takes none away. Flushing it is what `synchronous = FULL` does at each commit, on the thread that commits.
 */
export function createLogFlush(log: string, before: () => void): LogFlush {
  let handle: Promise<FileHandle> | null = null
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null
  /** The one that runs has not looked yet at what there is to flush. */
  let isGathering = false
  let endedAt = -Infinity
  /** Who waits for the one that gathers, or that starts next; and who waited for the last one. */
  let waiting = 0
  let waited = 0

  const sync = async (): Promise<void> => {
    isGathering = true
    // Where one follows the other, a moment's patience lets several come along.
    if (performance.now() - endedAt < BUSY_MS) await sleep(waited >= MANY ? PATIENCE_OF_MANY_MS : PATIENCE_MS)
    else await new Promise((resolve) => void setImmediate(resolve))
    isGathering = false
    waited = waiting
    waiting = 0
    before()
    try {
      // Windows flushes only what was opened for writing.
      handle ??= open(log, 'r+')
      await (await handle).datasync()
    } catch (error) {
      handle = null
      throw new LogUnreachable('the log cannot be flushed', { cause: error })
    }
  }

  const start = (): Promise<void> => {
    const mine = sync().finally(() => {
      endedAt = performance.now()
      if (running === mine) running = null
    })
    running = mine
    return mine
  }

  return {
    flush() {
      waiting++
      if (running === null) return start()
      if (isGathering) return running
      // The one that runs may have begun before the last commit: all who come meanwhile share the one after it.
      next ??= running
        .catch(() => undefined)
        .then(() => {
          next = null
          return start()
        })
      return next
    },
    async close() {
      const opened = handle
      handle = null
      await running?.catch(() => undefined)
      await (await opened?.catch(() => null))?.close()
    },
  }
}
