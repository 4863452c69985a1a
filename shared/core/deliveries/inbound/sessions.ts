/**
 * The sessions of one look at a partner's folder: the first, and further ones beside it while many files wait, where each carries one
 * file at a time. A further one is a help that nobody relies on: it may be refused, break, or be given up for somebody who waits.
 */
import { AppError } from '../../kernel/errors.ts'
import type { FileSession } from '../../protocols/file-protocol.ts'
import { forEachOf } from './parallel.ts'

/** While one file is being flushed here, the next one comes. */
const FILES_A_SESSION = 2

export interface Sessions {
  /**
   * Runs the action for each item, several at a time. What rejects is handed to `onProblem`, and what that throws ends the rest. Where
   * a further session broke, its item is done again on the first. `alone`: only the first serves.
   */
  forEachOf<T>(items: readonly T[], action: (item: T, session: FileSession) => Promise<void>, onProblem: (item: T, error: unknown) => void, options?: { readonly alone?: boolean }): Promise<void>
  /** Closes all of them. */
  close(): Promise<void>
}

export interface SessionSource {
  /** A further session, or null where there is no place for one. */
  another(): Promise<FileSession | null>
  /** How many to use in all for so many files. */
  most(files: number): number
  /** Calls when somebody else waits for a connection to this partner; answers what ends it. */
  onWanted(listener: () => void): () => void
}

export function createSessions(first: FileSession, source: SessionSource): Sessions {
  const further = new Set<FileSession>()
  const idle: FileSession[] = []
  /** No place for more. */
  let enough = first.capabilities.filesAtOnce > 1
  /** Somebody waits for a connection, or the look is over: none is held beside the first. */
  let over = false

  const end = async (session: FileSession): Promise<void> => {
    further.delete(session)
    await session.close()
  }

  const endIdle = async (): Promise<void> => void (await Promise.all(idle.splice(0).map(end)))

  const deafen = source.onWanted(() => {
    over = true
    void endIdle()
  })

  const open = async (): Promise<FileSession | null> => {
    // What cannot be opened must do: the first goes on, and if it cannot either, it says why.
    const session = enough || over ? null : await source.another().catch(() => null)
    if (session === null) {
      enough = true
      return null
    }
    further.add(session)
    if (!over) return session
    await end(session)
    return null
  }

  return {
    async forEachOf(items, action, onProblem, { alone = false } = {}) {
      const waiting = [...items]
      const onFirst = async (item: (typeof items)[number]): Promise<void> => await action(item, first).catch((error: unknown) => onProblem(item, error))

      const workOnFirst = async (): Promise<void> => {
        for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await onFirst(item)
      }

      const workBeside = async (session: FileSession): Promise<void> => {
        let broken = false
        const next = (): (typeof items)[number] | undefined => (broken || over ? undefined : waiting.shift())
        const work = async (): Promise<void> => {
          for (let item = next(); item !== undefined; item = next()) {
            const task = item
            await action(task, session).catch((error: unknown) => {
              if (!isOfLine(error)) return onProblem(task, error)
              broken = true
              waiting.push(task)
            })
          }
        }
        await Promise.all(Array.from({ length: FILES_A_SESSION }, work))
        if (broken || over) await end(session)
        else idle.push(session)
      }

      const beside = async (): Promise<void> => {
        const session = idle.pop() ?? (await open())
        await (session === null ? severally(workOnFirst) : workBeside(session))
      }

      const sessions = alone || over || enough ? 1 : Math.min(source.most(items.length), items.length)
      if (sessions > 1) await Promise.all([severally(workOnFirst), ...Array.from({ length: sessions - 1 }, beside)])
      // All of it, or what came back from one that broke.
      await forEachOf(waiting, onFirst)
    },

    async close() {
      over = true
      deafen()
      await Promise.all([first.close(), ...[...further].map(end)])
    },
  }
}

async function severally(work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: FILES_A_SESSION }, work))
}

function isOfLine(error: unknown): boolean {
  return error instanceof AppError && (error.code.startsWith('net.') || error.code.startsWith('ftps.'))
}
