/** Expectations on a real database and ledger, with a clock that the test moves. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAuditRepository } from '../audit/repository.ts'
import { createAuditTrail } from '../audit/service.ts'
import { createArrivals } from '../deliveries/arrivals.ts'
import { createDeliveryRepository } from '../deliveries/repository.ts'
import { systemActor } from '../kernel/actor.ts'
import { createEventBus } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'
import { noticeRaiser } from '../notifications/raise.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { createSealedSecrets } from '../store/sealed-secrets.ts'
import { createExpectationRepository } from './repository.ts'
import { createExpectationService } from './service.ts'
import { verifyStatement } from './statement.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
let folder: string
let database: Database
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-expect-'))
  database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

function installation(start = '2026-11-25T06:00:00Z') {
  const time = { now: Date.parse(start) }
  const clock = { now: () => time.now, sleep: async (_: number, signal?: AbortSignal) => await new Promise<void>((_resolve, reject) => void signal?.addEventListener('abort', () => reject(new Error('over')))) }
  const bus = createEventBus()
  const notices: string[] = []
  bus.subscribe('notifications.raised', ({ title, body }) => notices.push(`${title}: ${body}`))
  const deliveries = createDeliveryRepository(database)
  const auditRepository = createAuditRepository(database)
  const begin = () =>
    createExpectationService({
      database, clock, bus, publisher: bus, repository: createExpectationRepository(database), arrivals: createArrivals(database), flowOf: () => null, audit: createAuditTrail(auditRepository, clock),
      raise: noticeRaiser({ database, publisher: bus, clock }), secrets: createSealedSecrets(database, Buffer.alloc(32, 1), clock), logger: { log: () => undefined }, workspace: 'ws_1', station: () => 'Us',
      auditHead: auditRepository.head, partnerExists: (partner) => partner === 'acme', isCollected: () => true, flowExists: () => false,
    })
  return {
    time, notices, begin,
    come(name: string, size = 100) {
      const at = new Date(time.now).toISOString()
      deliveries.insert({ id: newId('dlv', time.now), partner: 'acme', connection: 'sftp', direction: 'inbound', fileName: name, remoteName: name, source: `/out/${name}`, size, sha256: 'a'.repeat(64), duplicateReason: null, trace: 'trc_1', at, state: 'received' })
      bus.publish('deliveries.changed', { partner: 'acme', state: 'delivered' } as never)
    },
  }
}
const ORDERS = { id: 'orders', name: 'Orders from Acme', direction: 'inbound', partner: 'acme', files: ['*.edi'], by: { kind: 'at', times: ['08:00'], zone: 'UTC' } }

describe('an expectation', () => {
  it('is met in silence, missed with a notice, and made up for with another', async () => {
    const here = installation()
    const service = here.begin()
    await service.apply(ORDERS, systemActor)
    expect((await service.apply(ORDERS, systemActor)).changed).toBe(false)
    expect(service.cases({ limit: 9 })).toMatchObject([{ state: 'waiting', due: '2026-11-25T08:00:00.000Z' }])
    here.come('a.edi')
    expect(service.cases({ limit: 9 })).toMatchObject([{ state: 'met', files: [{ name: 'a.edi', problem: null }] }])
    here.time.now += 26 * HOUR + 16 * MINUTE
    for (let passed = 0; passed < 4 * MINUTE; passed += MINUTE) {
      service.look()
      here.time.now += MINUTE
    }
    expect(service.cases({ limit: 9 }).map(({ state }) => state)).toEqual(['missing', 'met'])
    expect(here.notices).toEqual(['An expected file did not come: Orders from Acme, due 2026-11-26 08:00 (UTC): nothing came.'])
    here.come('b.edi')
    expect(service.list({ limit: 9 })).toMatchObject({ attention: 0, expectations: [{ current: { state: 'late' } }] })
    expect(here.notices.slice(1)).toEqual(['Expected files are complete now: Orders from Acme: what was missing or wrong has been made up for.'])
  })

  it('gives jobs time to catch up after a sleep, has a case for every due time of a long absence, and tells the newest only', async () => {
    const here = installation()
    await here.begin().apply(ORDERS, systemActor)
    here.time.now = Date.parse('2026-11-30T09:00:00Z')
    const service = here.begin()
    service.start()
    expect(service.cases({ limit: 9 }).map(({ due, state }) => `${due.slice(8, 10)} ${state}`)).toEqual(['30 waiting', '29 missing', '28 missing', '27 missing', '26 missing', '25 missing'])
    here.time.now += 4 * MINUTE
    expect(service.cases({ limit: 1 })).toMatchObject([{ state: 'missing' }])
    expect(here.notices).toHaveLength(1)
    await service.stop()
  })

  it('asks nothing while it is not watched, and begins anew when it changes', async () => {
    const here = installation()
    const service = here.begin()
    await service.apply(ORDERS, systemActor)
    await service.apply({ ...ORDERS, enabled: false }, systemActor)
    here.time.now += 48 * HOUR
    expect(service.cases({ limit: 9 })).toEqual([])
    await service.apply({ ...ORDERS, graceMinutes: 0 }, systemActor)
    expect(service.show('orders').next).toHaveLength(5)
    await expect(service.apply({ ...ORDERS, partner: 'nobody' }, systemActor)).rejects.toMatchObject({ code: 'input.invalid', details: { partner: 'there is no partner nobody' } })
    service.remove('orders', systemActor)
    expect(service.list({ limit: 9 }).total).toBe(0)
  })
})

describe('the statement of absence', () => {
  it('says how often was looked, holds without the workspace, and not once a word of it is another', async () => {
    const here = installation()
    const service = here.begin()
    await service.apply(ORDERS, systemActor)
    for (let poll = 0; poll < 288; poll++) {
      here.time.now += 30_000
      service.noteLook({ partner: 'acme', connection: 'sftp', folder: '/out', listing: poll === 7 ? null : [{ name: 'notes.txt', size: 5, taken: false }, { name: 'old.edi', size: 5, taken: true }], error: poll === 7 ? 'net.refused' : null })
      service.look()
    }
    expect(() => service.statement('orders', '2026-11-25T08:00:00.000Z', systemActor)).not.toThrow()
    const { name, text } = service.statement('orders', '2026-11-25T08:00:00.000Z', systemActor)
    expect(name).toBe('absence-orders-2026-11-25T0800.json')
    const verdict = verifyStatement(text)
    expect(verdict).toMatchObject({ ok: true, problems: [], workspace: 'ws_1' })
    expect(verdict.text).toContain('was polled 288 times (once it could not be seen); nothing matched *.edi in the 287 listings. 0 files came from acme')
    for (const [from, to] of [['288 times', '2 times'], ['"listed": 2', '"listed": 3'], ['"Us"', '"Them"'], ['"workspace": "ws_1"', '"workspace": "ws_1", "more": 1']] as const)
      expect(verifyStatement(text.replace(from, to)), from).toMatchObject({ ok: false })
    expect(() => verifyStatement('{}')).toThrow()
  })

  it('is refused while the time is not over, and where something stood there', async () => {
    const here = installation()
    const service = here.begin()
    await service.apply(ORDERS, systemActor)
    const due = '2026-11-25T08:00:00.000Z'
    service.look()
    expect(() => service.statement('orders', due, systemActor)).toThrow(expect.objectContaining({ code: 'expectation.not_absent' }))
    service.noteLook({ partner: 'acme', connection: 'sftp', folder: '/out', listing: [{ name: 'a.edi', size: 5, taken: false }], error: null })
    here.time.now += 3 * HOUR
    service.look()
    here.time.now += 4 * MINUTE
    expect(service.cases({ limit: 1 })).toMatchObject([{ state: 'missing' }])
    expect(() => service.statement('orders', due, systemActor)).toThrow(expect.objectContaining({ code: 'expectation.not_absent', message: expect.stringContaining('something did') }))
  })
})
