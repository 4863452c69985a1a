/**
 * Flows on every protocol at real servers while everything around them fails. At the end each file is at the other side exactly once
 * and whole, nothing has a temporary name, and ledger, runs and audit agree.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery } from '../../shared/contract/deliveries.ts'
import { readBooks, metInBooks } from './books.ts'
import { checkAudit, checkLedger, checkPlace, checkRuns, type Books, type Place } from './check.ts'
import { faultsOf, type Fault } from './faults.ts'
import { applyFlows, RELAY } from './setting.ts'
import type { CampaignPartner } from './partners.ts'
import { onDisk, shaOf } from './sides.ts'
import { openWorld, type World } from './world.ts'

export interface CampaignOptions {
  /** In all, over all partners and both directions. */
  readonly files: number
  readonly faults: number
  readonly seed: number
  readonly note: (text: string) => void
}

export interface CampaignReport {
  /** What is not as it must be; empty when all is well. */
  readonly problems: readonly string[]
  /** How often each fault was done, and how often the exchange met it where that can be counted. */
  readonly faults: Readonly<Record<string, { readonly done: number; readonly felt: number | null }>>
  /** Errors that attempts and runs ended with. */
  readonly met: Readonly<Record<string, number>>
  /** What a person had to do in the end, by what it was. */
  readonly byPerson: Readonly<Record<string, number>>
}

/** Mulberry32: the same seed makes the same campaign. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** SHA-256 by name, by partner. */
type Contents = Map<string, Map<string, string>>

interface Expected {
  readonly there: Contents
  readonly here: Contents
}

const COUNT = (into: Record<string, number>, what: string): void => void (into[what] = (into[what] ?? 0) + 1)
const of = (contents: Contents, partner: string): Map<string, string> => contents.get(partner) ?? new Map<string, string>()
const add = (contents: Contents, partner: string, name: string, sha256: string): void => void contents.set(partner, of(contents, partner).set(name, sha256))

export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { files, note } = options
  const random = randomFrom(options.seed)
  const world = await openWorld({ diskMiB: 160 + Math.ceil(files * 0.4) })
  const done: Record<string, number> = {}
  const byPerson: Record<string, number> = {}
  try {
    const everyMs = await applyFlows(world)
    const expected: Expected = { there: new Map(), here: new Map() }
    const faults = faultsOf(world, random)
    await harm(faults, options, random, done, feeder(world, files, random, expected), note)
    note('everything is healed; what is left is finished')
    await heal(world)
    await finish(world, expected, byPerson, note)
    await rest(world)
    const now = world.now()
    const books = await readBooks(world.client, everyMs.keys())
    const places = placesOf(world, expected)
    const problems = [...(await Promise.all(places.all.map(checkPlace))).flat(), ...checkLedger(places.exchanged, books), ...checkAudit(books), ...checkRuns(books, everyMs, now)]
    problems.push(...(await checkAlone(world)))
    const met = metInBooks(books)
    const felt = feltOf(faults, done, met, world.log())
    for (const [name, { felt: times }] of Object.entries(felt)) if (times === 0) problems.push(`the exchange never met this: ${name}`)
    if (problems.length > 0) note(`${storyOf(books)}\n${world.log().slice(-8000)}`)
    return { problems, faults: felt, met, byPerson }
  } finally {
    await world.close()
  }
}

/** Files appear at all sides while the campaign goes on. Answers what lets so many more appear. */
function feeder(world: World, files: number, random: () => number, expected: Expected): (most: number) => Promise<void> {
  const sinks = world.partners.flatMap((partner) => (partner.offered === null ? [{ partner, out: true }] : [{ partner, out: true }, { partner, out: false }]))
  const content = (index: number): Buffer => {
    const size = index % 50 === 7 ? 1_500_000 : Math.floor(random() ** 3 * 120_000) + 1
    const bytes = Buffer.alloc(size + 4)
    for (let at = 0; at < size; at += 4) bytes.writeUInt32LE(Math.floor(random() * 4_294_967_296), at)
    return bytes.subarray(0, size)
  }
  const waiting = Array.from({ length: files }, (_, index) => index)
  return async (most) => {
    for (const index of waiting.splice(0, most)) {
      const sink = sinks[index % sinks.length]
      if (sink === undefined) return
      const { partner, out } = sink
      const name = `${out ? 'out' : 'in'}-${String(index).padStart(5, '0')}.bin`
      const bytes = content(index)
      add(out ? expected.there : expected.here, partner.id, name, shaOf(bytes))
      if (!out && partner.id === RELAY.from) for (const target of RELAY.to) add(expected.there, target, name, shaOf(bytes))
      if (out) await onDisk(world.outbox(partner.id)).put(name, bytes)
      else await offer(partner, name, bytes)
    }
  }
}

/** A partner whose server is just starting again tries again, as partners do. */
async function offer(partner: CampaignPartner, name: string, bytes: Uint8Array): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await partner.offered?.put(name, bytes)
      return
    } catch (error) {
      if (tries > 50) throw error
      await sleep(200)
    }
  }
}

async function harm(faults: Readonly<Record<string, Fault>>, options: CampaignOptions, random: () => number, done: Record<string, number>, feed: (most: number) => Promise<void>, note: (text: string) => void): Promise<void> {
  const names = Object.keys(faults)
  const most = Math.max(options.faults, names.length)
  const act = async (name: string, widely: boolean): Promise<void> => {
    COUNT(done, name)
    await faults[name]?.act(widely)
  }
  for (let index = 0; index < most; index++) {
    // Each at least once and everywhere; then as it comes.
    const name = names[index < names.length ? index : Math.floor(random() * names.length)] ?? ''
    note(`${index + 1}/${most} ${name}`)
    // In the middle of the work: what has just appeared is on its way.
    await feed(Math.ceil(options.files / most))
    await sleep(random() * 700)
    await act(name, index < names.length)
  }
  await feed(Number.MAX_SAFE_INTEGER)
  const unfelt = (): string[] => names.filter((name) => faults[name]?.felt?.() === 0)
  for (let tries = 0; tries < 20 && unfelt().length > 0; tries++) {
    for (const name of unfelt()) await act(name, true)
    await sleep(1000)
  }
}

async function heal(world: World): Promise<void> {
  world.disk.free()
  for (const { line, dataLine, lineToUs } of world.partners) for (const one of [line, dataLine, lineToUs]) await one?.heal()
  await world.kill()
  await world.start()
}

/** What a person does when the storm is over: retries what waits, looks at what is uncertain, runs the flows again. */
async function finish(world: World, expected: Expected, byPerson: Record<string, number>, note: (text: string) => void): Promise<void> {
  const total = [...expected.there.values(), ...expected.here.values()].reduce((sum, { size }) => sum + size, 0)
  for (let round = 0; round < 40; round++) {
    const { deliveries } = await readBooks(world.client, [], { ledgerOnly: true })
    const open = deliveries.filter(({ state }) => state !== 'delivered')
    const standing = world.partners.map(({ id }) => readdirSync(world.outbox(id)).filter((name) => name.endsWith('.bin')).length)
    const offered = await Promise.all(world.partners.map(async ({ offered: side }) => (side === null ? 0 : (await side.names()).length)))
    note(`round ${round}: ${deliveries.length} of ${total}, ${open.length} open (${summary(open)}), standing ${standing.join('/')}, offered ${offered.join('/')}`)
    if (open.length === 0 && deliveries.length >= total && [...standing, ...offered].every((left) => left === 0)) return
    for (const delivery of open) {
      COUNT(byPerson, `${delivery.state}: ${delivery.error?.code ?? 'none'}`)
      if (delivery.state === 'disputed' || delivery.error?.code === 'delivery.unknown') await settle(world, expected, delivery)
      else if (delivery.state !== 'sending') await world.client.deliveries.retry({ id: delivery.id }).catch(() => undefined)
    }
    await world.client.deliveries.wait({ ids: open.filter(({ direction }) => direction === 'outbound').map(({ id }) => id).slice(0, 1000) })
    for (const { id } of (await world.client.flows.list({ limit: 100 })).flows) await world.client.flows.run({ id, wait: true }).catch(() => undefined)
    // Who sends by himself needs a moment.
    if (open.length === 0) await sleep(500)
  }
}

/** Nothing begins any more, and what has begun ends. */
async function rest({ client }: World): Promise<void> {
  await client.flows.pauseAll({})
  for (let tries = 0; tries < 300; tries++) {
    if ((await client.flows.overview({})).running.length === 0) return
    await sleep(100)
  }
}

/** No answer proves anything, so the partner is asked by telephone. */
async function settle(world: World, expected: Expected, { id, partner, fileName, state }: Delivery): Promise<void> {
  const side = world.partners.find((one) => one.id === partner)?.sent
  const arrived = (await side?.hash(fileName)) === of(expected.there, partner).get(fileName)
  await world.client.deliveries.resolve({ id, outcome: arrived ? 'delivered' : 'not-delivered', reason: `the partner looked (${state})` })
}

function summary(deliveries: readonly Delivery[]): string {
  const counts: Record<string, number> = {}
  for (const { partner, state, error } of deliveries) COUNT(counts, `${partner} ${state} ${error?.code ?? ''}`.trim())
  return Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(', ')
}

/** `exchanged`: those of which the ledger tells. */
function placesOf(world: World, expected: Expected): { readonly all: Place[]; readonly exchanged: Place[] } {
  const exchanged = world.partners.flatMap(({ id, sent, offered }): Place[] => [
    { name: `${id}: there`, partner: id, direction: 'outbound', expected: of(expected.there, id), side: sent },
    ...(offered === null ? [] : [{ name: `${id}: the Inbox`, partner: id, direction: 'inbound', expected: of(expected.here, id), side: onDisk(world.inbox(id)) } as const]),
  ])
  const own = (id: string): Map<string, string> => new Map([...of(expected.there, id)].filter(([name]) => name.startsWith('out-')))
  const before = world.partners.flatMap(({ id }): Place[] => {
    const outbox = onDisk(world.outbox(id))
    return [
      { name: `${id}: the outbox`, partner: id, direction: 'outbound', expected: new Map(), side: { ...outbox, names: async () => (await outbox.names()).filter((name) => name !== 'Sent') } },
      { name: `${id}: Sent`, partner: id, direction: 'outbound', expected: own(id), side: onDisk(join(world.outbox(id), 'Sent')) },
    ]
  })
  return { exchanged, all: [...exchanged, ...before] }
}

/** What happened to deliveries that did not arrive, for whoever looks for the reason. */
function storyOf({ deliveries, attempts, events }: Books): string {
  return deliveries
    .filter(({ state }) => state !== 'delivered')
    .map(({ id, fileName, partner }) => `${partner} ${fileName} ${JSON.stringify(attempts.get(id))} ${JSON.stringify(events.filter(({ subject }) => subject.id === id).map(({ at, type }) => `${at} ${type}`))}`)
    .join('\n')
}

/** What the command line says of a workspace that nobody runs. */
async function checkAlone(world: World): Promise<string[]> {
  await world.kill()
  const problems: string[] = []
  const unfinished = readdirSync(world.workspace, { recursive: true, encoding: 'utf8' }).filter((path) => /(\.(part|partial|tmp|new)|~)$/.test(path))
  if (unfinished.length > 0) problems.push(`the workspace keeps ${unfinished.join(', ')}`)
  const audit = await world.run('--json', 'audit', 'verify')
  if (audit.exit !== 0) problems.push(`audit verify: ${audit.out}`)
  const doctor = await world.run('--json', 'doctor')
  if (!(JSON.parse(doctor.out) as { checks: { name: string; status: string }[] }).checks.some(({ name, status }) => name === 'store' && status === 'ok')) problems.push(`doctor: ${doctor.out}`)
  return problems
}

function feltOf(faults: Readonly<Record<string, Fault>>, done: Readonly<Record<string, number>>, met: Readonly<Record<string, number>>, log: string): CampaignReport['faults'] {
  const shown = (what: RegExp): number => Object.entries(met).reduce((sum, [code, times]) => sum + (what.test(code) ? times : 0), 0) + [...log.matchAll(new RegExp(what, 'g'))].length
  return Object.fromEntries(Object.entries(faults).map(([name, { felt, shows }]) => [name, { done: done[name] ?? 0, felt: felt?.() ?? (shows === undefined ? null : shown(shows)) }]))
}
