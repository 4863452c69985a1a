/**
 * Ends the program between any two steps of receiving: before and after each step the world stands still (no transaction, no call to
 * the partner and no change of a file happens any more), then a new one opens the same database and folders.
 */
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { AppError } from '../../kernel/errors.ts'
import type { FileSession, RemoteFile } from '../../protocols/file-protocol.ts'
import { namedStaging } from '../../protocols/named-staging.ts'
import { openDatabase, type Database } from '../../store/database.ts'
import { testCollect, type TestCollect } from '../conformance/collect-world.ts'

/** Counts steps; from the given one on, every step fails and nothing happens any more. */
const steps = vi.hoisted(() => {
  let count = 0
  let last = Number.POSITIVE_INFINITY
  return {
    begin(ending: number): void {
      count = 0
      last = ending
    },
    count: () => count,
    ended: () => count > last,
    take(): void {
      count += 1
      if (count > last) throw new Error('the program has ended')
    },
  }
})

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const changing = ['link', 'rename', 'unlink', 'mkdir', 'rm', 'open', 'copyFile', 'writeFile'] as const
  const counted = Object.fromEntries(
    changing.map((name) => [
      name,
      async (...args: unknown[]): Promise<unknown> => {
        steps.take()
        return await (real[name] as (...given: unknown[]) => Promise<unknown>)(...args)
      },
    ]),
  )
  return { ...real, ...counted, default: { ...real, ...counted } }
})

/** Between two calls to the partner too. */
async function stepping<T>(action: () => T): Promise<T> {
  steps.take()
  const done = await Promise.resolve(action())
  steps.take()
  return done
}

function sessionOf(remote: Map<string, string>): FileSession {
  const found = (name: string): RemoteFile | null => {
    const text = remote.get(name)
    return text === undefined ? null : { name, kind: 'file', size: Buffer.byteLength(text), modifiedAt: '2026-11-25T08:00:00.000Z' }
  }
  const verbs: Omit<FileSession, 'staging'> = {
    observed: {},
    capabilities: { staging: 'named', serverHash: false, resume: true, exclusiveRename: 'atomic', filesAtOnce: 1 },
    folder: '/out',
    list: async () => await stepping(() => [...remote.keys()].flatMap((name) => found(name) ?? [])),
    stat: async (name) => await stepping(() => found(name)),
    async *read(name) {
      yield await stepping(() => Buffer.from(remote.get(name) ?? ''))
    },
    write: async () => await Promise.reject(new AppError('remote.failed', 'nothing is written here')),
    rename: async () => await Promise.reject(new AppError('remote.failed', 'nothing is renamed here')),
    remove: async (name) => await stepping(() => remote.delete(name)),
    hash: async () => await Promise.resolve(null),
    close: async () => await Promise.resolve(),
  }
  return { ...verbs, staging: namedStaging(verbs) }
}

/** A transaction is done or not; on both sides of it the program may end, and a program that has ended writes nothing. */
function steppingDatabase(database: Database): Database {
  let depth = 0
  return {
    ...database,
    prepare: ((sql: string) => {
      const statement = database.prepare(sql)
      return {
        ...statement,
        run: (...values: unknown[]) => {
          if (steps.ended()) throw new Error('the program has ended')
          return statement.run(...values)
        },
      }
    }) as Database['prepare'],
    transaction(action, durability) {
      const outer = depth === 0
      if (outer) steps.take()
      depth += 1
      try {
        return database.transaction(action, durability)
      } finally {
        depth -= 1
        if (outer) steps.take()
      }
    },
    async flushed() {
      await database.flushed()
      steps.take()
    },
  }
}

const FILES = { 'a.edi': 'A', 'b.edi': 'the second', 'empty.edi': '' }

describe('a program that ends between two steps of receiving', () => {
  let home: string
  const key = randomBytes(32)
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'waybill-crash-'))
    // Made once: the migrations take longer than everything else here.
    openDatabase({ file: join(home, 'empty.db'), key }).close()
  })
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  interface World extends TestCollect {
    close(): void
  }

  const fresh = (): { folder: string; remote: Map<string, string>; open: () => Promise<World> } => {
    const folder = mkdtempSync(join(home, 'run-'))
    copyFileSync(join(home, 'empty.db'), join(folder, 'waybill.db'))
    const remote = new Map(Object.entries(FILES))
    return {
      folder,
      remote,
      async open() {
        const database = openDatabase({ file: join(folder, 'waybill.db'), key })
        return { ...(await testCollect({ folder, database: steppingDatabase(database), connect: () => sessionOf(remote), receive: { after: 'delete' } })), close: () => database.close() }
      },
    }
  }

  /** What an operator and the partner find when the next run is over. */
  const expectOnce = (world: World, folder: string, remote: ReadonlyMap<string, string>, when: string): void => {
    expect(Object.fromEntries(readdirSync(join(folder, 'Inbox')).map((name) => [name, readFileSync(join(folder, 'Inbox', name), 'utf8')])), when).toEqual(FILES)
    expect([...remote.keys()], when).toEqual([])
    expect(world.repository.list({ limit: 10 }).deliveries.map(({ fileName, state }) => `${fileName} ${state}`).toSorted(), when).toEqual(Object.keys(FILES).map((name) => `${name} delivered`))
    expect(readdirSync(join(folder, 'payloads', 'incoming')), when).toEqual([])
    expect(world.chainHolds(), when).toBe(true)
  }

  it('releases each file once and whole, and leaves nothing behind, wherever it ended', async () => {
    let ended = true
    let ending = 0
    for (; ended; ending++) {
      const { folder, remote, open } = fresh()
      steps.begin(Number.POSITIVE_INFINITY)
      const first = await open()
      steps.begin(ending)
      await first.receive().catch(() => undefined)
      ended = steps.ended()
      first.close()
      steps.begin(Number.POSITIVE_INFINITY)
      const next = await open()
      // The last one was not disturbed, and needs no second run.
      if (ended) await next.receive()
      expectOnce(next, folder, remote, `ended after step ${ending}`)
      next.close()
    }
    // Fewer would mean that steps are not seen.
    expect(ending).toBeGreaterThan(40)
  }, 120_000)
})
