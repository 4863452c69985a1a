/** The ledger of due times on a real database, with a clock, a sleep and a time zone that the test moves. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FlowDocument } from '../../contract/flow-document.ts'
import type { DueTime } from '../../contract/flows.ts'
import { createAuditRepository } from '../audit/repository.ts'
import { createAuditTrail, verifyChain } from '../audit/service.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { createEventBus } from '../kernel/events.ts'
import { nextDue } from '../schedules/rules.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { createFlowFiles } from './files.ts'
import { createFlowRepository } from './repository.ts'
import { createFlowRunner } from './runner.ts'
import { createScheduler, PAUSED_ALL } from './scheduler.ts'

const HOUR = 3_600_000
const MINUTE = 60_000

let folder: string
let database: Database
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-due-'))
  database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

/** One process: `begin` starts another one on the same workspace. */
function installation(start: string) {
  const time = { wall: Date.parse(start), elapsed: 1_000_000 }
  const clock: Clock = { now: () => time.wall, sleep: async () => await Promise.resolve() }
  const repository = createFlowRepository(database)
  const auditRepository = createAuditRepository(database)
  const audit = createAuditTrail(auditRepository, clock)
  const publisher = createEventBus()
  const notices: string[] = []
  publisher.subscribe('notifications.raised', ({ title }) => notices.push(title))
  const state = { suspended: false, offline: false, hold: null as PromiseWithResolvers<void> | null }
  const begin = () => {
    const forFlows = {
      database, repository, files: createFlowFiles(database), audit, publisher, clock,
      folders: { look: async () => await Promise.resolve({ complete: [], changing: [], passedOver: [] }) },
      logger: { log: (level: string, text: string, data?: object) => { if (level === 'error') throw new Error(`${text} ${JSON.stringify(data)}`) } },
      deliveries: { send: async () => await Promise.resolve([]), retry: () => Promise.reject(new Error('nothing to retry')), wait: async () => (await state.hold?.promise, []), preview: async () => await Promise.resolve([]) },
      deliveryOf: () => null, digest: async () => await Promise.resolve(''), collect: () => Promise.reject(new Error('nothing to collect')), inboxOf: () => folder, contents: { remove: () => undefined, sweep: async () => await Promise.resolve(0) }, keptDays: () => 90,
    }
    const runner = createFlowRunner(forFlows)
    runner.recover()
    return createScheduler({ ...forFlows, runner, choice: forFlows, isSuspended: () => state.suspended, isOffline: () => state.offline, onClockBack: () => undefined, elapsed: () => time.elapsed })
  }
  let scheduler = begin()
  const settle = async (): Promise<void> => await new Promise((resolve) => void setImmediate(resolve))
  const here = {
    repository, state, notices, time,
    apply(trigger: object, more: object = {}) {
      const document = FlowDocument.parse({ ...('direction' in more ? {} : { direction: 'outbound', source: { kind: 'folder', folder } }), id: 'orders', name: 'Orders', targets: ['acme'], trigger: { kind: 'schedule', schedule: trigger }, ...more })
      repository.save(document, { at: timestamp(time.wall), holidays: [], accountedUntil: time.wall, nextDueAt: scheduler.nextAfter({ document, holidays: [] }, time.wall) })
      return document
    },
    async tick() {
      await scheduler.tick()
      await settle()
    },
    /** The program runs: it looks at the clock every few seconds, here every `step`. */
    async live(ms: number, step = 30_000) {
      for (let passed = 0; passed < ms; passed += step) {
        time.wall += step
        time.elapsed += step
        await here.tick()
      }
    },
    sleep(ms: number) {
      time.wall += ms
      time.elapsed += ms
    },
    setClock(ms: number) {
      time.wall += ms
    },
    /** The process ends, and another one begins after a while. */
    restart(off: number) {
      here.sleep(off)
      scheduler = begin()
    },
    rows: (): string[] => repository.listDue({ limit: 100_000 }).toReversed().map((row) => `${row.at.slice(5, 16).replace('T', ' ')} ${row.status}${row.decision === null ? '' : ` ${row.decision}`}`),
    raw: (): DueTime[] => repository.listDue({ limit: 100_000 }).toReversed(),
    runs: (): string[] => repository.runs({ limit: 1000 }).toReversed().map(({ run }) => `${run.trigger} ${run.dueAt?.slice(5, 16).replace('T', ' ') ?? ''} ${run.outcome}`),
    online() {
      state.offline = false
      scheduler.online()
    },
    chainHolds: () => verifyChain(auditRepository, clock).ok,
  }
  return here
}

const hourly = { kind: 'every', minutes: 60, zone: 'UTC' }

describe('each due time has one row', () => {
  it('runs on time while the program runs', async () => {
    const here = installation('2026-11-25T08:30:00Z')
    here.apply(hourly)
    await here.live(2 * HOUR)
    expect(here.rows()).toEqual(['11-25 09:00 ran', '11-25 10:00 ran'])
    expect(here.runs()).toEqual(['schedule 11-25 09:00 nothing', 'schedule 11-25 10:00 nothing'])
    expect(here.chainHolds()).toBe(true)
  })

  it('makes up once for what was slept through', async () => {
    const here = installation('2026-11-25T08:30:00Z')
    here.apply(hourly)
    await here.live(MINUTE)
    here.sleep(3 * HOUR + 10 * MINUTE)
    await here.tick()
    expect(here.rows()).toEqual(['11-25 09:00 asleep', '11-25 10:00 asleep', '11-25 11:00 late'])
    expect(here.runs()).toEqual(['catch-up 11-25 11:00 nothing'])
    await here.live(HOUR)
    expect(here.rows().slice(3)).toEqual(['11-25 12:00 ran'])
  })

  it('does not make up for what is later than the cut-off, nor where told not to', async () => {
    const here = installation('2026-11-25T08:30:00Z')
    here.apply({ kind: 'at', times: ['09:00'], zone: 'UTC' }, { catchUp: { missed: 'once', cutoffMinutes: 60 } })
    await here.live(MINUTE)
    here.sleep(2 * HOUR)
    await here.tick()
    here.apply(hourly, { catchUp: { missed: 'skip' } })
    here.sleep(100 * MINUTE)
    await here.tick()
    expect(here.rows()).toEqual(['11-25 09:00 asleep', '11-25 11:00 asleep', '11-25 12:00 asleep'])
    expect(here.runs()).toEqual([])
  })

  it('asks where told to, and a later run answers the question', async () => {
    const here = installation('2026-11-25T08:30:00Z')
    here.apply(hourly, { catchUp: { missed: 'ask' } })
    await here.live(MINUTE)
    here.sleep(HOUR)
    await here.tick()
    expect(here.rows()).toEqual(['11-25 09:00 asleep pending'])
    expect(here.notices).toEqual(['A scheduled run was missed'])
    await here.live(HOUR)
    expect(here.rows()).toEqual(['11-25 09:00 superseded skip', '11-25 10:00 ran'])
  })

  it('collects nothing without a network, and makes up once when it is back', async () => {
    const here = installation('2026-11-25T08:30:00Z')
    here.apply(hourly, { direction: 'inbound' })
    here.state.offline = true
    await here.live(2 * HOUR)
    expect(here.rows()).toEqual(['11-25 09:00 offline', '11-25 10:00 offline'])
    expect(here.runs()).toEqual([])
    here.online()
    await here.tick()
    expect(here.rows()).toEqual(['11-25 09:00 offline', '11-25 10:00 late'])
    expect(here.runs()).toEqual(['catch-up 11-25 10:00 failed'])
    here.online()
    await here.tick()
    expect(here.runs().length).toBe(1)
  })

  it('knows that it was closed for a week', async () => {
    const here = installation('2026-11-25T08:30:00Z')
    here.apply({ kind: 'at', times: ['09:00'], zone: 'UTC' })
    await here.live(HOUR)
    here.restart(7 * 24 * HOUR)
    await here.tick()
    expect(here.rows()).toEqual(['11-25 09:00 ran', '11-26 09:00 app-closed', '11-27 09:00 app-closed', '11-28 09:00 app-closed', '11-29 09:00 app-closed', '11-30 09:00 app-closed', '12-01 09:00 app-closed', '12-02 09:00 late'])
    expect(here.runs()).toHaveLength(2)
  })

  it('writes down pause, a suspended partner and a run that has not ended', async () => {
    const here = installation('2026-11-25T08:30:00Z')
    here.apply(hourly)
    here.repository.setPaused('orders', { at: timestamp(here.time.wall), until: '2026-11-25T09:30:00.000Z', reason: null })
    await here.live(HOUR)
    here.state.suspended = true
    await here.live(HOUR)
    here.state.suspended = false
    here.repository.setState(PAUSED_ALL, JSON.stringify({ until: null }))
    await here.live(HOUR)
    here.repository.setState(PAUSED_ALL, null)
    here.state.hold = Promise.withResolvers()
    await here.live(2 * HOUR)
    here.state.hold.resolve()
    here.state.hold = null
    await here.live(HOUR)
    expect(here.rows()).toEqual(['11-25 09:00 paused', '11-25 10:00 blocked', '11-25 11:00 paused', '11-25 12:00 ran', '11-25 13:00 still-running', '11-25 14:00 ran'])
    expect(here.repository.get('orders').paused).toBeNull()
  })

  it('takes over a run that a dead process left behind', async () => {
    const here = installation('2026-11-25T08:30:00Z')
    here.apply(hourly)
    here.state.hold = Promise.withResolvers()
    await here.live(HOUR)
    here.restart(10 * MINUTE)
    here.state.hold = null
    await here.live(HOUR)
    expect(here.rows()).toEqual(['11-25 09:00 ran', '11-25 10:00 ran'])
    expect(here.runs()).toEqual(['schedule 11-25 09:00 interrupted', 'schedule 11-25 10:00 nothing'])
  })

  it('takes over a run whose end could not be written down, also when the clock was set back since', async () => {
    const here = installation('2026-11-25T08:30:00Z')
    here.apply(hourly)
    here.repository.startRun({ id: 'run_lost', flow: 'orders', trigger: 'manual', dueAt: null, at: timestamp(here.time.wall) })
    here.setClock(-24 * HOUR)
    await here.live(HOUR)
    expect(here.runs()).toEqual(['schedule 11-24 09:00 nothing', 'manual  interrupted'])
  })

  it('runs nothing twice when the clock is set back, and everything again that had not run', async () => {
    const here = installation('2026-11-25T08:30:00Z')
    here.apply(hourly, { catchUp: { missed: 'skip' } })
    await here.live(HOUR)
    // A wrong battery: a year ahead, then corrected.
    here.setClock(365 * 24 * HOUR)
    for (let look = 0; look < 4; look++) await here.tick()
    expect(here.rows().slice(0, 2)).toEqual(['11-25 09:00 ran', '11-25 10:00 clock-changed'])
    here.setClock(-365 * 24 * HOUR)
    await here.live(HOUR)
    expect(here.rows()).toEqual(['11-25 09:00 ran', '11-25 10:00 ran'])
    here.setClock(-90 * MINUTE)
    await here.live(2 * HOUR)
    expect(here.rows()).toEqual(['11-25 09:00 ran', '11-25 10:00 ran', '11-25 11:00 ran'])
    expect(here.runs()).toHaveLength(3)
  })

  it('notices a clock that was set back while the program was closed', async () => {
    const here = installation('2026-11-25T08:30:00Z')
    here.apply(hourly)
    await here.live(HOUR)
    here.setClock(-24 * HOUR)
    here.restart(0)
    here.repository.accountedBeyond(here.time.wall)
    await here.live(HOUR)
    expect(here.rows()).toEqual(['11-25 09:00 ran'])
  })

  it.each([
    ['forward', '2026-03-28T12:00:00Z', ['03-29 01:00 ran', '03-30 00:30 ran']],
    ['back', '2026-10-24T12:00:00Z', ['10-25 00:30 ran', '10-26 01:30 ran']],
  ])('runs once each day over the change of daylight saving %s', async (_, start, expected) => {
    const here = installation(start)
    here.apply({ kind: 'at', times: ['02:30'], zone: 'Europe/Berlin' })
    await here.live(40 * HOUR, 50_000)
    expect(here.rows()).toEqual(expected)
  })

  it('follows a flow to another zone: what was due counts, what comes is new', async () => {
    const here = installation('2026-11-25T08:30:00Z')
    here.apply({ kind: 'at', times: ['10:00'], zone: 'Europe/Berlin' })
    await here.live(HOUR)
    here.apply({ kind: 'at', times: ['10:00'], zone: 'America/New_York' })
    await here.live(7 * HOUR, 50_000)
    expect(here.rows()).toEqual(['11-25 09:00 ran', '11-25 15:00 ran'])
  })
})

/** A time within the hour that each of them skips and repeats; India never does. */
const ZONES = {
  north: { zone: 'Europe/Berlin', time: '02:30' },
  west: { zone: 'America/New_York', time: '02:30' },
  south: { zone: 'America/Santiago', time: '00:30' },
  'half-an-hour': { zone: 'Australia/Lord_Howe', time: '02:15' },
  'at-midnight': { zone: 'Africa/Cairo', time: '00:15' },
  never: { zone: 'Asia/Kolkata', time: '02:30' },
} as const

describe('a simulated year', () => {
  const travelled = process.env['TZ']
  afterEach(() => {
    if (travelled === undefined) delete process.env['TZ']
    else process.env['TZ'] = travelled
  })

  it('has no due time without a row and no double run, through sleep, power-off, clock changes, daylight saving everywhere and travels', async () => {
    const here = installation('2026-01-01T00:10:00Z')
    const flows = [
      here.apply({ kind: 'every', minutes: 45, from: '00:15', until: '23:50', zone: 'Europe/Berlin' }),
      here.apply({ kind: 'cron', expression: '20 */6 * * *', zone: 'Australia/Lord_Howe' }, { id: 'by-cron' }),
      ...Object.entries(ZONES).map(([id, { zone, time }]) => here.apply({ kind: 'at', times: [time], zone }, { id })),
    ]
    let seed = 20_261_125
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return seed / 2_147_483_648
    }
    const start = here.time.wall
    const end = Date.parse('2027-01-01T00:00:00Z')
    while (here.time.wall < end) {
      const what = random()
      if (what < 0.55) await here.live(Math.ceil(random() * 10) * 50_000, 50_000)
      else if (what < 0.78) here.sleep(Math.floor(random() * 20 * HOUR))
      else if (what < 0.8) process.env['TZ'] = Object.values(ZONES)[Math.floor(random() * 6)]?.zone
      else if (what < 0.95) here.restart(Math.floor(random() * 60 * HOUR))
      else here.setClock(Math.floor((random() - 0.5) * 4 * HOUR))
      await here.tick()
    }
    const now = here.time.wall
    const runs = here.repository.runs({ limit: 100_000 })
    for (const { id, trigger } of flows) {
      if (trigger.kind !== 'schedule') throw new Error('not a schedule')
      const expected = nextDue(trigger.schedule, start, 20_000).filter((at) => at <= now).map(timestamp)
      const rows = here.raw().filter(({ flow, at }) => flow === id && Date.parse(at) <= now)
      expect(rows.map(({ at }) => at), id).toEqual(expected)
      const ran = runs.filter(({ run }) => run.flow === id)
      expect(new Set(ran.map(({ run }) => run.dueAt)).size, id).toBe(ran.length)
      expect(ran.length, id).toBeGreaterThan(id === 'orders' ? 300 : 50)
    }
    for (const [id, { zone, time }] of Object.entries(ZONES)) {
      // By the runtime's own calendar: each day of the zone once, at its time, or at the end of the gap in which it fell.
      const shown = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
      const walls = here.raw().filter(({ flow, at }) => flow === id && Date.parse(at) <= now).map(({ at }) => shown.format(Date.parse(at)).split(' '))
      expect(new Set(walls.map(([day]) => day)).size, id).toBe(walls.length)
      expect(walls.length, id).toBeGreaterThanOrEqual(365)
      expect(walls.filter(([, clock]) => clock !== time), id).toHaveLength(id === 'never' ? 0 : 1)
    }
    expect(new Set(here.raw().map(({ status }) => status))).toEqual(new Set(['ran', 'late', 'asleep', 'app-closed', 'clock-changed']))
    expect(here.chainHolds()).toBe(true)
  }, 120_000)
})
