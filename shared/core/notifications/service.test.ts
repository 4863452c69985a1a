/** The outbox on a real database, with a clock that the test moves and channels that it breaks. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createAuditRepository } from '../audit/repository.ts'
import { createAuditTrail } from '../audit/service.ts'
import { systemActor } from '../kernel/actor.ts'
import { AppError } from '../kernel/errors.ts'
import { createEventBus } from '../kernel/events.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { createSealedSecrets } from '../store/sealed-secrets.ts'
import { createOutbox } from './outbox.ts'
import { noticeRaiser } from './raise.ts'
import { createNotificationService } from './service.ts'

const MINUTE = 60_000
let folder: string
let database: Database
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-notify-'))
  database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

function installation(more: object = {}) {
  const time = { now: Date.parse('2026-11-25T10:00:00Z'), broken: false }
  const clock = { now: () => time.now, sleep: async () => await Promise.resolve() }
  const bus = createEventBus()
  const sent: string[] = []
  const native: string[] = []
  bus.subscribe('notifications.show', ({ title }) => native.push(title))
  const service = createNotificationService({
    database, outbox: createOutbox(database), secrets: createSealedSecrets(database, Buffer.alloc(32, 1), clock), audit: createAuditTrail(createAuditRepository(database), clock), bus, clock,
    logger: { log: () => undefined },
    send: async (channel, { title, body }) => {
      if (time.broken) throw new AppError('notify.unreachable', 'down')
      sent.push(`${channel}: ${title}: ${body}`)
      return await Promise.resolve('250 OK')
    },
  })
  const settings = { email: { host: 'mail.example.com', from: 'a@example.com', to: ['b@example.com'], username: 'a', password: 'hunter2hunter2' }, ...more }
  service.apply(settings, systemActor)
  const raise = noticeRaiser({ database, publisher: bus, clock })
  return {
    time, sent, native, service, bus, clock,
    trouble: (id: string) => raise({ severity: 'attention', title: 'A delivery failed', body: 'A file for acme was not delivered.', subject: { kind: 'delivery', id } }),
    recovery: (id: string) => raise({ severity: 'info', title: 'Delivered after another try', body: 'A file reached acme.', subject: { kind: 'delivery', id } }),
    after: async (ms: number) => {
      time.now += ms
      await service.tick()
    },
  }
}

it('keeps the password sealed, and the same settings change nothing', () => {
  const { service } = installation()
  expect(service.settings().email?.password).toEqual({ sealed: true })
  expect(service.apply(service.settings(), systemActor).changed).toBe(false)
})

it('tells trouble once, its repeats as a number, and recovery where the trouble was told', async () => {
  const here = installation()
  for (const id of ['a', 'b', 'c']) here.trouble(id)
  await here.after(MINUTE)
  expect(here.sent).toEqual(['email: A delivery failed: A file for acme was not delivered.'])
  await here.after(61 * MINUTE)
  await here.after(0)
  expect(here.sent.slice(1)).toEqual(['email: A delivery failed: A file for acme was not delivered. It happened 2 more times since it was last told.'])
  here.recovery('never-in-trouble')
  here.recovery('a')
  await here.after(MINUTE)
  expect(here.sent.slice(2)).toEqual(['email: Delivered after another try: A file reached acme.'])
})

it('loses nothing while the channel is dead, and says on the desktop that it is', async () => {
  const here = installation()
  here.time.broken = true
  here.trouble('a')
  await here.after(0)
  await here.after(10 * MINUTE)
  expect(here.native.filter((title) => title === 'Notifications do not arrive')).toHaveLength(1)
  expect(here.service.list(1)).toMatchObject([{ state: 'waiting', tries: 2, error: { code: 'notify.unreachable' } }])
  here.time.broken = false
  await here.after(10 * MINUTE)
  expect(here.sent).toHaveLength(1)
})

it('leaves the desktop silent in the quiet hours, also over a restart, and says one number then', async () => {
  const here = installation({ quiet: { from: '09:00', until: '12:00', zone: 'UTC' } })
  here.trouble('dlv_1')
  here.recovery('dlv_2')
  await here.after(MINUTE)
  expect(here.native).toEqual([])
  // A test is shown at once: somebody waits for it.
  expect((await here.service.test('native', systemActor)).ok).toBe(true)
  expect(here.native).toEqual(['Test'])
  await here.service.stop()
  const later = installation({ quiet: { from: '09:00', until: '12:00', zone: 'UTC' } })
  const bodies: string[] = []
  later.bus.subscribe('notifications.show', ({ body }) => bodies.push(body))
  await later.after(121 * MINUTE)
  expect([later.native, bodies]).toEqual([['In the quiet hours'], ['1 thing needs a look, 1 message of good news.']])
  await later.after(MINUTE)
  expect(later.native).toHaveLength(1)
})

it('waits for the end of the quiet hours, and gives a daily sign of life', async () => {
  const here = installation({ quiet: { from: '09:00', until: '12:00', zone: 'UTC' }, heartbeat: { at: '13:00', zone: 'UTC' } })
  here.trouble('a')
  await here.after(MINUTE)
  expect(here.sent).toEqual([])
  await here.after(120 * MINUTE)
  expect(here.sent).toHaveLength(1)
  await here.after(60 * MINUTE)
  await here.after(MINUTE)
  expect(here.sent.at(-1)).toContain('Sign of life')
})

it('tells what was written down, and nothing that was undone with its transaction', async () => {
  const here = installation()
  const raise = (body: string): void => noticeRaiser({ database, publisher: here.bus, clock: here.clock })({ severity: 'attention', title: 'A delivery failed', body, subject: null })
  expect(() => database.transaction(() => {
    raise('undone')
    throw new Error('no')
  })).toThrow('no')
  await here.after(0)
  expect([here.sent, here.native, here.service.notices(9)]).toEqual([[], [], []])
  // The process ends right after the transaction: the next one finds the notice.
  await here.service.stop()
  database.transaction(() => raise('kept'))
  const next = installation()
  await next.after(0)
  expect(next.sent).toEqual(['email: A delivery failed: kept'])
})

it('shows on the desktop what was chosen, and not what it showed a moment ago', async () => {
  const here = installation({ info: ['email'] })
  for (const id of ['a', 'b']) here.trouble(id)
  here.recovery('a')
  await here.after(0)
  expect(here.native).toEqual(['A delivery failed'])
  expect(here.sent).toHaveLength(2)
})
