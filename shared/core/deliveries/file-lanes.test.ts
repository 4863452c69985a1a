/** Lanes on a real ledger and payload store, towards a server in memory. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAuditRepository } from '../audit/repository.ts'
import { createAuditTrail } from '../audit/service.ts'
import { openLines } from '../background/open-lines.ts'
import { systemActor } from '../kernel/actor.ts'
import { systemClock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { createEventBus } from '../kernel/events.ts'
import type { Routes } from '../partners/routes.ts'
import type { FileSession } from '../protocols/file-protocol.ts'
import { namedStaging } from '../protocols/named-staging.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { openPayloadStore } from '../store/payload-store.ts'
import { createFileLanes } from './file-lanes.ts'
import { createHolds } from './holds.ts'
import { createLedger } from './ledger.ts'
import { createDeliveryRepository } from './repository.ts'

const MIB = 1024 * 1024
const LANE = { key: 'acme/sftp', partner: 'acme', connection: 'sftp' }

let folder: string
let database: Database
let connections: number
/** How many sessions nobody agreed on, and how many further ones the server takes. */
let atOnce: number
let further: number
let writing: number
let mostWriting: number
let named: string[]
let failing: ReadonlySet<string>
/** How long a write takes, by its size. */
let takes: (size: number) => number

/** The partner's server. `names`: what each temporary name will be called in the end is seen at the rename. */
function session(): FileSession {
  connections += 1
  const files = new Map<string, number>()
  let over = false
  const verbs: Omit<FileSession, 'staging'> = {
    observed: {},
    capabilities: { staging: 'named', serverHash: false, resume: true, exclusiveRename: 'atomic', filesAtOnce: 4 },
    folder: '/in',
    list: async () => await Promise.resolve([]),
    stat: async (name) => await Promise.resolve(files.has(name) ? { name, kind: 'file', size: files.get(name) ?? 0, modifiedAt: null } : null),
    async *read() {
      yield await Promise.resolve(Buffer.alloc(0))
    },
    async write(name, content, { onAcknowledged }) {
      expect(over, 'a closed connection was used').toBe(false)
      writing += 1
      mostWriting = Math.max(mostWriting, writing)
      let size = 0
      for await (const chunk of content) size += chunk.length
      await sleep(takes(size))
      writing -= 1
      files.set(name, size)
      onAcknowledged(size)
    },
    async rename(from, to) {
      if (failing.has(to)) throw new AppError('remote.permission_denied', to)
      files.set(to, files.get(from) ?? 0)
      files.delete(from)
      named.push(to)
      await Promise.resolve()
    },
    remove: async (name) => await Promise.resolve(files.delete(name)),
    hash: async () => await Promise.resolve(null),
    async close() {
      over = true
      await Promise.resolve()
    },
  }
  return { ...verbs, staging: namedStaging(verbs) }
}

async function installation() {
  const clock = systemClock
  const publisher = createEventBus()
  const deliveries = createDeliveryRepository(database)
  const ledger = createLedger({ database, deliveries, audit: createAuditTrail(createAuditRepository(database), clock), publisher, clock })
  const payloads = await openPayloadStore(join(folder, 'payloads'), Buffer.alloc(32, 1))
  const routes = {
    files: () => ({ version: '1', connection: { protocol: 'sftp', verify: 'size' }, connect: async () => await Promise.resolve(session()), connectAnother, onWanted: () => () => undefined }),
    sessionsAtOnce: () => atOnce,
  } as unknown as Routes
  const connectAnother = async (): Promise<FileSession | null> => {
    if (further === 0) return await Promise.resolve(null)
    further -= 1
    return session()
  }
  const stop = new AbortController()
  const waiting = new Map<string, PromiseWithResolvers<void>>()
  const lanes = createFileLanes({
    deliveries, ledger, payloads, publisher, clock, routes,
    lines: openLines(),
    holds: createHolds({ deliveries, ledger, lines: openLines(), clock }),
    random: () => 0.5,
    logger: { log: (_, text, facts) => expect.unreachable(`${text} ${JSON.stringify(facts)}`) },
    policy: { permitContent: () => undefined, noteUses: () => undefined } as never,
    controllers: new Map(),
    canStart: () => true,
    settle: (id) => waiting.get(id)?.resolve(),
    stopping: stop.signal,
  })
  return {
    deliveries,
    stop: () => stop.abort(),
    async send(files: readonly (readonly [name: string, size: number])[]) {
      const ids: string[] = []
      for (const [name, size] of files) {
        const content = randomBytes(size)
        const stored = await payloads.take((async function* once() {
          yield await Promise.resolve(content)
        })(), { size })
        const { id } = ledger.create({ partner: 'acme', connection: 'sftp', direction: 'outbound', fileName: name, remoteName: name, source: name, size, sha256: stored.sha256, duplicateReason: null, trace: 'trc_1' }, systemActor)
        waiting.set(id, Promise.withResolvers())
        ids.push(id)
      }
      for (const id of ids) lanes.add(id, LANE)
      for (const id of ids) await waiting.get(id)?.promise
      return ids.map((id) => deliveries.get(id).delivery)
    },
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-lanes-'))
  database = openDatabase({ file: join(folder, 'waybill.db'), key: randomBytes(32) })
  connections = 0
  atOnce = 1
  further = 0
  writing = 0
  mostWriting = 0
  named = []
  failing = new Set()
  takes = () => 5
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('a lane of files', () => {
  it('carries as many small files side by side as the session can, on one connection, and names them in their order', async () => {
    const here = await installation()
    // The first ones take longest: without turns they would be named last.
    takes = (size) => 60 - size / 100
    const files = Array.from({ length: 10 }, (_, index) => [`${index}.edi`, 100 + index * 500] as const)
    const sent = await here.send(files)
    expect(sent.map(({ state }) => state)).toEqual(files.map(() => 'delivered'))
    expect(named).toEqual(files.map(([name]) => name))
    expect([connections, mostWriting]).toEqual([1, 4])
    here.stop()
  })

  it('has one large file under way at a time, and small ones beside it', async () => {
    const here = await installation()
    let large = 0
    let mostLarge = 0
    takes = (size) => {
      if (size > MIB) mostLarge = Math.max(mostLarge, ++large)
      setTimeout(() => (large -= size > MIB ? 1 : 0), 15)
      return 20
    }
    await here.send([['a.bin', 2 * MIB], ['b.edi', 10], ['c.bin', 2 * MIB], ['d.edi', 10]])
    expect([mostLarge, mostWriting >= 2, connections]).toEqual([1, true, 1])
    here.stop()
  })

  it('ends what is under way when one fails, and goes on with the rest on a fresh connection', async () => {
    const here = await installation()
    failing = new Set(['2.edi'])
    const files = Array.from({ length: 9 }, (_, index) => [`${index}.edi`, 100 + index] as const)
    const sent = await here.send(files)
    expect(sent.filter(({ state }) => state !== 'delivered').map(({ remoteName, error }) => [remoteName, error?.code])).toEqual([['2.edi', 'remote.permission_denied']])
    expect(connections).toBe(2)
    here.stop()
  })

  it('goes over as many connections as the server takes, and fails no file where it takes fewer than it might', async () => {
    const here = await installation()
    atOnce = 4
    further = 1
    takes = () => 20
    const files = Array.from({ length: 24 }, (_, index) => [`${index}.edi`, 100 + index] as const)
    const sent = await here.send(files)
    expect(sent.map(({ state, attempts }) => [state, attempts])).toEqual(files.map(() => ['delivered', 1]))
    expect([connections, mostWriting]).toEqual([2, 8])
    here.stop()
  })
})
