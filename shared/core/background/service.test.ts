/** Network, disk and connections on a real database and ledger, with a clock and a world that the test moves. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAuditRepository } from '../audit/repository.ts'
import { createAuditTrail, verifyChain } from '../audit/service.ts'
import { createDeliveryEngine } from '../deliveries/engine.ts'
import { createLedger } from '../deliveries/ledger.ts'
import { createDeliveryRepository } from '../deliveries/repository.ts'
import { pauseAfter } from '../deliveries/rules.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { createEventBus } from '../kernel/events.ts'
import type { ErrorCode } from '../../contract/errors/index.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { createTroubleRepository } from './repository.ts'
import { createBackground } from './service.ts'

const MINUTE = 60_000
const MIB = 1024 * 1024

let folder: string
let database: Database
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-background-'))
  database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

function world() {
  const time = { now: Date.parse('2026-11-25T12:00:00Z') }
  const sleepers = new Set<() => void>()
  const clock: Clock = {
    now: () => time.now,
    sleep: async (_, signal) =>
      await new Promise((resolve, reject) => {
        sleepers.add(resolve)
        signal?.addEventListener('abort', () => reject(new Error('woken')), { once: true })
      }),
  }
  const bus = createEventBus()
  const notices: string[] = []
  bus.subscribe('notifications.raised', ({ title }) => notices.push(title))
  const auditRepository = createAuditRepository(database)
  const audit = createAuditTrail(auditRepository, clock)
  const deliveries = createDeliveryRepository(database)
  const ledger = createLedger({ database, deliveries, audit, publisher: bus, clock })
  const outside = { free: 1000 * MIB, address: true, fails: null as ErrorCode | null, tried: [] as string[], spaceAgain: 0 }
  const background = createBackground({
    database,
    repository: createTroubleRepository(database),
    audit,
    bus,
    clock,
    logger: { log: () => undefined },
    hostOf: ({ partner }) => (partner === 'folder' ? null : `${partner}.example`),
    pauseAfter: (failures) => pauseAfter(Math.min(5, failures), 0.5) ?? 0,
    hasAddress: () => outside.address,
    freeBytes: async () => await Promise.resolve(outside.free),
    settings: () => ({ metered: 'wait', diskReserveMiB: 256 }),
    postponed: deliveries.postponedCount,
    onSpace: () => void outside.spaceAgain++,
  })
  const routes = {
    isMessages: () => false,
    sessionsAtOnce: () => 1,
    files: (partner: string) => ({
      version: '1', connection: { protocol: 'sftp', verify: 'auto' },
      async connect() {
        outside.tried.push(partner)
        await Promise.resolve()
        throw new AppError(outside.fails ?? 'remote.folder_missing', `${partner}.example`)
      },
    }),
  }
  const engine = createDeliveryEngine({ deliveries, ledger, publisher: bus, clock, random: () => 0.5, payloads: {} as never, routes: routes as never, exchange: {} as never, policy: { permitContent: () => undefined, noteUses: () => undefined }, lines: background.lines, logger: { log: () => undefined } })
  let count = 0
  const here = {
    background, outside, notices, deliveries,
    at: (id: string) => deliveries.get(id).delivery,
    line: (partner: string) => ({ partner, connection: 'sftp' }),
    add: (partner: string, more: object = {}): string =>
      ledger.create({ partner, connection: 'sftp', direction: 'outbound', fileName: `f${++count}`, remoteName: `f${count}`, source: '', size: 1, sha256: String(count), duplicateReason: null, trace: 't', ...more }, systemActor).id,
    async run(ids: readonly string[], byPerson = false) {
      for (const id of ids) engine.run(id, byPerson)
      await Promise.all(ids.map(async (id) => await engine.settled(id)))
    },
    pass(ms: number) {
      time.now += ms
    },
    due: () => deliveries.due(timestamp(time.now)).map(({ delivery }) => delivery.id),
    start: () => engine.start(),
    stop: async () => await engine.stop(),
    types: () => auditRepository.list({ limit: 1000 }).events.map(({ type }) => type).toReversed(),
    chainHolds: () => verifyChain(auditRepository, clock).ok,
  }
  return here
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let looks = 0; looks < 10_000 && !holds(); looks++) await new Promise((resolve) => void setImmediate(resolve))
  expect(holds()).toBe(true)
}

describe('without a network', () => {
  it('deliveries wait without losing a try, and go on when it is back', async () => {
    const here = world()
    here.start()
    here.outside.fails = 'net.unreachable'
    here.background.tellNetwork({ online: false, metered: null })
    const ids = [here.add('acme'), here.add('acme'), here.add('other')]
    await here.run(ids)
    expect(here.outside.tried).toEqual([])
    expect(ids.map((id) => here.at(id))).toMatchObject(ids.map(() => ({ state: 'waiting', attempts: 0, nextTryAt: null, error: { code: 'net.offline' } })))
    expect(here.background.status()).toMatchObject({ network: { state: 'offline', source: 'system' }, postponed: 3 })
    here.pass(10 * 60 * MINUTE)
    expect(here.due()).toEqual([])
    here.outside.fails = 'remote.folder_missing'
    here.background.tellNetwork({ online: true, metered: null })
    await here.run(ids)
    expect(ids.map((id) => here.at(id).attempts)).toEqual([1, 1, 1])
    expect(here.chainHolds()).toBe(true)
    await here.stop()
  })

  it('what a person asks for is tried all the same, and folders need no network', async () => {
    const here = world()
    here.background.tellNetwork({ online: false, metered: null })
    const [asked, share] = [here.add('acme'), here.add('folder')]
    await here.run([asked], true)
    await here.run([share])
    expect(here.outside.tried).toEqual(['acme', 'folder'])
  })

  it('notices by itself: three servers look away, or one and there is no address', async () => {
    const here = world()
    here.outside.fails = 'net.resolve_failed'
    for (const partner of ['a', 'b']) await here.run([here.add(partner)])
    expect(here.background.status().network.state).toBe('online')
    await here.run([here.add('c')])
    expect(here.background.status().network).toMatchObject({ state: 'offline', source: 'observed' })
    const later = here.add('d')
    await here.run([later])
    expect(here.at(later)).toMatchObject({ attempts: 0, error: { code: 'net.offline' } })
    // Once in a while one tries; an answer, even a refusal, ends it.
    here.pass(2 * MINUTE)
    here.outside.fails = 'remote.auth_refused'
    await here.run([later])
    expect(here.at(later).attempts).toBe(1)
    expect(here.background.status().network.state).toBe('online')

    here.outside.address = false
    here.outside.fails = 'net.unreachable'
    await here.run([here.add('e')])
    expect(here.background.status().network.state).toBe('offline')
    here.outside.address = true
    await here.background.tick()
    expect(here.background.status().network.state).toBe('online')
  })

  it('a metered network counts as none, for what runs by itself', async () => {
    const here = world()
    here.background.tellNetwork({ online: true, metered: true })
    const id = here.add('acme')
    await here.run([id])
    expect(here.at(id).error?.code).toBe('net.metered')
    here.background.tellNetwork({ online: true, metered: false })
    expect(here.background.lines.hold(here.line('acme'))).toBeNull()
  })

  it('a window that closes is tried to its end', async () => {
    const here = world()
    here.background.tellNetwork({ online: false, metered: null })
    const id = here.add('acme', { retryUntil: '2026-11-25T13:00:00.000Z' })
    await here.run([id])
    expect(here.at(id)).toMatchObject({ state: 'waiting', attempts: 0, nextTryAt: '2026-11-25T13:00:00.000Z' })
    here.pass(61 * MINUTE)
    here.outside.fails = 'net.unreachable'
    await here.run([id])
    expect(here.at(id)).toMatchObject({ state: 'failed', attempts: 1, error: { code: 'net.unreachable' } })
  })
})

describe('a connection that cannot be reached', () => {
  it('is left alone after three failures; the others behind it lose no try, and a success brings all of them back', async () => {
    const here = world()
    here.start()
    here.outside.fails = 'net.refused'
    const ids = [here.add('acme'), here.add('acme'), here.add('acme')]
    await here.run(ids)
    expect(ids.map((id) => here.at(id).attempts)).toEqual([1, 0, 0])
    expect(new Set(ids.map((id) => here.at(id).nextTryAt)).size).toBe(1)
    for (let round = 0; round < 2; round++) {
      here.pass(10 * MINUTE)
      await here.run(ids)
    }
    expect(ids.map((id) => here.at(id).attempts)).toEqual([3, 0, 0])
    const [alone] = here.background.status().leftAlone
    expect(alone).toMatchObject({ partner: 'acme', failures: 3, error: { code: 'net.refused' } })
    expect(here.at(ids[1] ?? '')).toMatchObject({ nextTryAt: alone?.nextTryAt, error: { code: 'net.left_alone', details: { 'next try': alone?.nextTryAt } } })
    expect(here.notices).toEqual(['A partner cannot be reached'])
    const other = here.add('other')
    await here.run([other])
    expect(here.outside.tried.at(-1)).toBe('other')
    // A person's try is one for real; the server answers, so that everything goes on.
    here.outside.fails = 'remote.permission_denied'
    await here.run([ids[2] ?? ''], true)
    expect(here.background.status().leftAlone).toEqual([])
    // By themselves now, and for the reason that the server gives.
    await eventually(() => ids.every((id) => here.at(id).error?.code === 'remote.permission_denied'))
    expect(here.notices).toContain('A connection works again')
    expect(here.types()).toEqual(expect.arrayContaining(['connection.left_alone', 'connection.reached_again', 'delivery.postponed']))
    expect(here.chainHolds()).toBe(true)
    await here.stop()
  })

  it('is remembered over a restart, and tried again when a person says so or changes the partner', async () => {
    const here = world()
    for (let round = 0; round < 3; round++) here.background.lines.failed(here.line('acme'), new AppError('net.unreachable', 'x'))
    const after = world()
    expect(after.background.lines.hold(after.line('acme'))).toMatchObject({ by: 'connection' })
    after.background.tryAgain('acme', undefined, systemActor)
    expect(after.background.lines.hold(after.line('acme'))).toBeNull()
    expect(after.types()).toContain('connection.tried_again')
  })

  it('what was refused for good is refused for all of them, and counts as an answer', async () => {
    const here = world()
    here.outside.fails = 'remote.auth_refused'
    const ids = [here.add('acme'), here.add('acme')]
    await here.run(ids)
    expect(ids.map((id) => here.at(id).state)).toEqual(['failed', 'failed'])
    expect(here.outside.tried).toEqual(['acme'])
    expect(here.background.status().leftAlone).toEqual([])
  })
})

describe('an attempt whose end could not be written down', () => {
  it('is taken over: nothing stays "sending" for ever', async () => {
    const here = world()
    const id = here.add('acme')
    here.deliveries.update(id, { state: 'sending', at: '2026-11-25T12:00:00.000Z' })
    here.outside.fails = 'net.refused'
    here.start()
    await eventually(() => here.at(id).state === 'waiting' && here.at(id).attempts === 1)
    expect(here.at(id)).toMatchObject({ state: 'waiting', attempts: 1, error: { code: 'net.refused' } })
    await here.stop()
  })
})

describe('the disk', () => {
  it('refuses what would reach into the reserve, tells once, and goes on by itself', async () => {
    const here = world()
    await here.background.disk.require(700 * MIB)
    await expect(here.background.disk.require(800 * MIB)).rejects.toMatchObject({ code: 'workspace.disk_low' })
    here.outside.free = 200 * MIB
    await here.background.tick()
    await here.background.tick()
    await expect(here.background.disk.require(0)).rejects.toMatchObject({ code: 'workspace.disk_low', details: { reserve: '256 MiB' } })
    // A little above the reserve is not enough to begin again.
    here.outside.free = 260 * MIB
    await here.background.tick()
    expect(here.background.status().disk.low).toBe(true)
    here.outside.free = 300 * MIB
    await here.background.tick()
    expect(here.notices).toEqual(['Too little space on this computer', 'There is space again'])
    expect(here.outside.spaceAgain).toBe(1)
    await here.background.disk.require(1)
  })
})
