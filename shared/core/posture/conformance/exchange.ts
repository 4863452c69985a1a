/** Files that really travel, or do not: through the ledger, on folders and against AS2 servers of every kind. */
import { createServer, type Server } from 'node:http'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { createSettings } from '../../workspace/settings.ts'
import { context, until } from '../../messages/conformance/station.ts'
import { as2Over, over, type ArtefactCase, type Step } from './cases.ts'
import type { Company } from './company.ts'

const folderOf = (company: Company, id: string, change: Record<string, unknown> = {}): Record<string, unknown> => over({ protocol: 'folder', path: company.place(id), ...change })

const both = (name: string, day: number, act: (company: Company, id: string, isHit: boolean) => unknown): Step => ({
  day,
  act: async (company) => {
    await act(company, `${name}.hit`, true)
    await act(company, `${name}.near`, false)
  },
})
const named = (code: string, seenOn: number, steps: (name: string) => readonly Step[]): ArtefactCase => {
  const name = code.replaceAll('_', '-')
  return { code, hit: `${name}.hit`, near: `${name}.near`, seenOn, steps: steps(name) }
}
const isHit = (id: string): boolean => id.endsWith('.hit')

/** Servers by partner; closed at the end. */
const servers = new Map<string, Server>()
export const closeServers = (): void => servers.forEach((server) => void server.close())

/** Takes what is posted and says nothing. */
async function silentServer(id: string, port = 0): Promise<number> {
  const server = createServer((request, response) => void request.resume().on('end', () => response.writeHead(204).end()))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  servers.set(id, server)
  return (server.address() as AddressInfo).port
}

async function freePort(): Promise<number> {
  const port = await silentServer('probe')
  await new Promise((resolve) => servers.get('probe')?.close(resolve))
  return port
}

async function stateOf(company: Company, id: string): Promise<string> {
  return (await company.handlers().deliveries.show({ id }, context)).delivery.state
}

const MINUTE = 1 / 1440
const ports = new Map<string, number>()
const sent = new Map<string, string>()
let serial = 0

export const exchange: readonly ArtefactCase[] = [
  named('failing_repeatedly', 0, (name) => [
    both(name, 0, async (company, id) => {
      company.apply({ ...folderOf(company, id), id })
      rmSync(join(company.folder, id), { recursive: true })
      for (let n = 0; n < (isHit(id) ? 3 : 2); n++) await company.send(id, `${id}-${n}.edi`)
    }),
  ]),
  named('held_for_long', 2.5, (name) => [0, 1].map((day) => both(name, day, async (company, id) => {
      if (day === 0) {
        company.apply({ ...folderOf(company, id, { receive: { stableSeconds: 0 } }), id })
        writeFileSync(join(company.folder, id, 'first.edi'), id)
        await company.handlers().deliveries.receive({ partner: id }, context)
      }
      if ((day === 0) !== isHit(id)) return
      writeFileSync(join(company.folder, id, 'renamed.edi'), id)
      await company.handlers().deliveries.receive({ partner: id }, context)
    }))),
  named('gone_quiet', 60, (name) => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 55].map((day) => both(name, day, async (company, id) => {
      if (day === 0) company.apply({ ...folderOf(company, id), id })
      if (day < 55 || !isHit(id)) await company.send(id, `${id}-${day}.edi`)
    }))),
  named('retention_below_agreed', 6, (name) => [
    both(name, 0, async (company, id) => {
      company.apply({ ...folderOf(company, id), id, limits: { keepDays: isHit(id) ? 10 : 5 } })
      const before = new Set(payloads(company))
      await company.send(id, `${id}.edi`)
      // Somebody tidies up.
      for (const file of payloads(company)) if (!before.has(file)) rmSync(file)
    }),
  ]),
  named('receipts_overdue', 0.8, (name) => [0, 0.4].map((day) => both(name, day, async (company, id) => {
      if ((day === 0) !== isHit(id)) return
      company.apply({ ...as2Over(`OVER${++serial}`, { url: `http://127.0.0.1:${await silentServer(id)}/`, message: { encrypt: false }, receipt: { mode: 'async', url: 'http://127.0.0.1:9/' } }), id })
      const delivery = await company.send(id, `${id}.edi`)
      await until(async () => (await stateOf(company, delivery)) === 'awaiting-receipt', 'the wait for a receipt')
    }))),
  // Taken, and never confirmed: one receipt is given up on the first day, the other on the second.
  named('outcome_unknown', 1.5, (name) => [0, 1].flatMap((day) => [
    { day, act: async (company) => {
      const id = `${name}.${day === 0 ? 'hit' : 'near'}`
      company.apply({ ...as2Over(`UNKNOWN${++serial}`, { url: `http://127.0.0.1:${await silentServer(id)}/`, message: { encrypt: false }, receipt: { mode: 'async', url: 'http://127.0.0.1:9/', failAfterHours: 1 } }), id })
      const delivery = await company.send(id, `${id}.edi`)
      sent.set(id, delivery)
      await until(async () => (await stateOf(company, delivery)) === 'awaiting-receipt', 'the wait for a receipt')
    } },
    // The program starts again: it looks at once for what has become due.
    { day: day + 0.1, act: async (company: Company) => {
      await company.station.restart()
      await until(async () => (await stateOf(company, sent.get(`${name}.${day === 0 ? 'hit' : 'near'}`) ?? '')) === 'unknown', 'the end of the wait')
    } },
  ])),
  named('connection_test_failed', 0, (name) => [
    both(name, 0, async (company, id) => {
      company.apply({ ...folderOf(company, id), id })
      if (isHit(id)) rmSync(join(company.folder, id), { recursive: true })
      await company.handlers().partners.test({ partner: id }, context)
    }),
  ]),
  named('flow_paused_long', 8, (name) => [both(name, 0, async (company, id) => { await flow(company, id, {}); await company.handlers().flows.pause({ id, ...(isHit(id) ? {} : { until: `${company.day(20)}T00:00:00.000Z` }) }, context) })]),
  named('flow_never_ran', 8, (name) => [both(name, 0, (company, id) => flow(company, id, isHit(id) ? { trigger: { kind: 'after', flow: 'nobody' } } : {}))]),
  named('flow_always_empty', 0, (name) => [both(name, 0, async (company, id) => {
    await flow(company, id, {})
    for (let n = 1; n <= 5; n++) {
      if (n === 5 && !isHit(id)) writeFileSync(join(company.folder, `${id}-out`, 'one.edi'), id)
      await company.handlers().flows.run({ id, wait: true }, context)
    }
  })]),
  named('flow_failing', 0, (name) => [both(name, 0, async (company, id) => {
    await flow(company, id, {})
    rmSync(join(company.folder, id), { recursive: true })
    for (let n = 0; n < (isHit(id) ? 3 : 2); n++) {
      writeFileSync(join(company.folder, `${id}-out`, `${n}.edi`), `${id} ${n}`)
      await company.handlers().flows.run({ id, wait: true }, context)
    }
  })]),
  named('flow_missed', 5, (name) => [
    both(name, 0, (company, id) => flow(company, id, { catchUp: { missed: 'skip' }, trigger: times(isHit(id) ? 7 : 1) })),
    // The program was closed, and opens again.
    { day: 5, act: async (company) => { await company.station.restart(); await until(async () => (await company.handlers().flows.due({ limit: 100, flow: `${name}.hit` }, context)).due.length > 2, 'the missed times') } },
  ]),
  named('flow_undecided', 5.1, (name) => [
    both(name, 0, (company, id) => flow(company, id, { catchUp: { missed: isHit(id) ? 'ask' : 'skip', cutoffMinutes: 44_640 }, trigger: times(7) })),
    { day: 5, act: async (company) => void (await until(async () => ((await company.handlers().flows.show({ id: `${name}.hit` }, context)).summary.pending) > 0, 'the question')) },
  ]),
  named('flow_duplicates_weak', 0, (name) => [both(name, 0, (company, id) => flow(company, id, { duplicates: { windowDays: isHit(id) ? 6 : 7 } }))]),
  named('flow_retry_short', 0, (name) => [both(name, 0, (company, id) => flow(company, id, { retry: { windowMinutes: isHit(id) ? 59 : 60 } }))]),
  named('flow_no_notification', 0, (name) => [both(name, 0, async (company, id) => {
    createSettings(company.station.database()).change({ notifications: false })
    await flow(company, id, isHit(id) ? { trigger: { kind: 'after', flow: 'nobody' } } : {})
  })]),
  named('flow_no_expectation', 0, (name) => [both(name, 0, async (company, id) => {
    await flow(company, id, { trigger: times(7) })
    if (!isHit(id)) await company.handlers().expectations.apply({ document: { id: 'orders', name: 'Orders', direction: 'outbound', partner: id, by: { kind: 'at', times: ['08:00'], zone: 'UTC' } } }, context)
  })]),
  named('flow_retry_below_outages', 1, (name) => [
    both(name, 0, async (company, id) => {
      const port = await freePort()
      ports.set(id, port)
      await flow(company, id, { retry: { windowMinutes: 40 } }, as2Over(`OUT${++serial}`, { url: `http://127.0.0.1:${port}/`, message: { sign: false, encrypt: false }, receipt: { request: 'none' } }))
      const { results } = await company.handlers().deliveries.send({ partner: id, files: [{ source: { path: company.station.file(`${id}.edi`, id) } }] }, context)
      const delivery = results[0]?.delivery?.id ?? ''
      sent.set(id, delivery)
      await until(async () => (await stateOf(company, delivery)) === 'waiting', 'the first try')
    }),
    // One is back after half an hour, the other after three quarters.
    ...[30, 45].map((minutes) => both(name, minutes * MINUTE, async (company, id) => {
      if ((minutes === 45) !== isHit(id)) return
      await silentServer(id, ports.get(id))
      const delivery = sent.get(id) ?? ''
      await company.handlers().deliveries.retry({ id: delivery }, context)
      await until(async () => (await stateOf(company, delivery)) === 'delivered', 'the delivery')
    })),
  ]),
]

/** Three times a day, on so many days of the week. */
function times(days: number): Record<string, unknown> {
  const today = new Date().getUTCDay()
  const names = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
  const chosen = days === 7 ? names : [names[(today + 2) % 7]]
  return { kind: 'schedule', schedule: { kind: 'at', times: ['12:00'], days: chosen, zone: 'UTC' } }
}

async function flow(company: Company, id: string, change: Record<string, unknown>, partner: Record<string, unknown> = folderOf(company, id)): Promise<void> {
  company.apply({ ...partner, id })
  // What others may wait for, and never comes.
  await company.handlers().flows.apply({ document: { id: 'nobody', name: 'nobody', direction: 'outbound', source: { kind: 'folder', folder: company.place('nobody-out') }, targets: [id] } }, context)
  await company.handlers().flows.apply({ document: { id, name: id, direction: 'outbound', source: { kind: 'folder', folder: company.place(`${id}-out`) }, selection: { stableSeconds: 0 }, targets: [id], trigger: { kind: 'manual' }, ...change } }, context)
}

function payloads(company: Company): string[] {
  const folder = join(company.station.folder, 'payloads')
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
