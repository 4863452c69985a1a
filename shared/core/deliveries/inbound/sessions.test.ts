import { describe, expect, it } from 'vitest'
import { AppError } from '../../kernel/errors.ts'
import type { FileSession } from '../../protocols/file-protocol.ts'
import { createSessions, type SessionSource } from './sessions.ts'

interface Line {
  readonly session: FileSession
  closed: number
}

function line(filesAtOnce = 1): Line {
  const one: Line = { session: { capabilities: { filesAtOnce }, close: async () => void (await Promise.resolve((one.closed += 1))) } as unknown as FileSession, closed: 0 }
  return one
}

/** `permitted`: further ones that the partner gives. */
function world({ filesAtOnce = 1, permitted = 3 }: { readonly filesAtOnce?: number; readonly permitted?: number } = {}) {
  const first = line(filesAtOnce)
  const further: Line[] = []
  const ring: (() => void)[] = []
  const source: SessionSource = {
    async another() {
      if (further.length >= permitted) return await Promise.resolve(null)
      const one = line()
      further.push(one)
      return one.session
    },
    most: (files) => Math.min(4, files),
    onWanted(listener) {
      ring.push(listener)
      return () => void ring.splice(ring.indexOf(listener), 1)
    },
  }
  return { first, further, ring, sessions: createSessions(first.session, source) }
}

const names = Array.from({ length: 40 }, (_, number) => `file ${number}`)
const never = (name: string, error: unknown): void => {
  throw new Error(`${name} failed`, { cause: error })
}
const moment = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))

describe('the sessions of one look', () => {
  it('shares many files out, each to one session, and closes all that it opened', async () => {
    const { first, further, ring, sessions } = world()
    const done: string[] = []
    const used = new Set<FileSession>()
    const action = async (name: string, session: FileSession): Promise<void> => {
      used.add(session)
      await moment()
      done.push(name)
    }
    await sessions.forEachOf(names, action, never)
    await sessions.forEachOf(['one more'], action, never)
    expect(done.toSorted()).toEqual([...names, 'one more'].toSorted())
    expect([used.size, further.length]).toEqual([4, 3])
    await sessions.close()
    expect([first, ...further].map(({ closed }) => closed)).toEqual([1, 1, 1, 1])
    expect(ring).toEqual([])
  })

  it.each([
    { filesAtOnce: 8, permitted: 3, alone: false, why: 'a session carries several at a time' },
    { filesAtOnce: 1, permitted: 0, alone: false, why: 'the partner gives no other' },
    { filesAtOnce: 1, permitted: 3, alone: true, why: 'the work is for one alone' },
  ])('works over the first only where $why', async ({ alone, ...options }) => {
    const { first, further, sessions } = world(options)
    const done: string[] = []
    const action = async (name: string, session: FileSession): Promise<void> => {
      expect(session).toBe(first.session)
      await moment()
      done.push(name)
    }
    await sessions.forEachOf(names, action, never, { alone })
    expect(done.toSorted()).toEqual(names.toSorted())
    expect(further).toEqual([])
  })

  it('does again on the first what failed with the line of another, and tells what failed for another reason', async () => {
    const { first, further, sessions } = world()
    const done: string[] = []
    const problems: string[] = []
    const action = async (name: string, session: FileSession): Promise<void> => {
      await moment()
      if (session !== first.session) throw new AppError('net.connection_lost', 'cut')
      if (name === 'file 7') throw new AppError('receive.changed', name)
      done.push(name)
    }
    await sessions.forEachOf(names, action, (name, error) => void problems.push(`${name}: ${(error as AppError).code}`))
    expect(done.toSorted()).toEqual(names.filter((name) => name !== 'file 7').toSorted())
    expect(problems).toEqual(['file 7: receive.changed'])
    expect(further.map(({ closed }) => closed)).toEqual([1, 1, 1])
    await sessions.close()
    expect([first, ...further].map(({ closed }) => closed)).toEqual([1, 1, 1, 1])
  })

  it('gives its further sessions up for somebody who waits, after the file that each carries', async () => {
    const { first, further, ring, sessions } = world()
    const done: string[] = []
    const action = async (name: string): Promise<void> => {
      await moment()
      done.push(name)
      if (done.length === 12) for (const listener of ring) listener()
    }
    await sessions.forEachOf(names, action, never)
    expect(done.toSorted()).toEqual(names.toSorted())
    expect([first.closed, ...further.map(({ closed }) => closed)]).toEqual([0, 1, 1, 1])
    await sessions.forEachOf(names, action, never)
    expect(further.length).toBe(3)
  })

  it('ends with what the one who is told of a problem throws, and closes also what was being opened', async () => {
    const { further, sessions } = world()
    const stopped = new Error('stopped')
    const problem = async (): Promise<void> => await Promise.reject(new AppError('receive.changed', 'x'))
    await expect(
      sessions.forEachOf(names, problem, () => {
        throw stopped
      }),
    ).rejects.toBe(stopped)
    await sessions.close()
    await moment()
    expect(further.every(({ closed }) => closed === 1)).toBe(true)
  })
})
