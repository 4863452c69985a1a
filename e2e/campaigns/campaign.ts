/**
 * Flows on every protocol at real servers while everything around them fails. At the end each file is at the other side exactly once
 * and whole, nothing has a temporary name, and ledger, runs and audit agree.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery } from '../../shared/contract/deliveries.ts'
import { openWorld, shaOf, type CampaignPartner, type World } from './world.ts'

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
  readonly faults: Readonly<Record<string, number>>
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

interface Expected {
  /** SHA-256 by name. */
  readonly there: Map<string, Map<string, string>>
  readonly here: Map<string, Map<string, string>>
}

const COUNT = (into: Record<string, number>, what: string): void => void (into[what] = (into[what] ?? 0) + 1)

export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { files, note } = options
  const random = randomFrom(options.seed)
  const world = await openWorld({ diskMiB: 160 + Math.ceil(files * 0.4) })
  const report = { problems: [] as string[], faults: {} as Record<string, number>, byPerson: {} as Record<string, number> }
  try {
    const expected: Expected = { there: new Map(), here: new Map() }
    await harm(world, options, random, report.faults, feeder(world, files, random, expected), note)
    note('everything is healed; what is left is finished')
    await heal(world)
    await finish(world, expected, report.byPerson, note)
    report.problems.push(...(await verify(world, expected, files)))
    if (report.problems.length > 0) note(world.log().slice(-8000))
    return report
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
      const side = out ? expected.there : expected.here
      side.set(partner.id, (side.get(partner.id) ?? new Map<string, string>()).set(name, shaOf(bytes)))
      if (out) world.drop(partner.id, name, bytes)
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

async function harm(world: World, { files, faults }: CampaignOptions, random: () => number, counted: Record<string, number>, feed: (most: number) => Promise<void>, note: (text: string) => void): Promise<void> {
  const lines = world.partners.filter(({ line }) => line !== null)
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T
  const acts: Readonly<Record<string, () => Promise<void>>> = {
    async 'kill -9'() {
      await world.kill()
      await sleep(random() * 300)
      await world.start()
    },
    async 'server restarted'() {
      await one(lines).restart()
    },
    async 'line cut'() {
      one(lines).line?.cut()
      await Promise.resolve()
    },
    async 'connections refused'() {
      const { line } = one(lines)
      await line?.refuse()
      await sleep(300 + random() * 700)
      await line?.heal()
    },
    async 'line stalled'() {
      const { line } = one(lines)
      line?.stall()
      await sleep(300 + random() * 900)
      await line?.heal()
    },
    async 'bytes changed'() {
      one(lines).line?.corrupt()
      await Promise.resolve()
    },
    async 'disk full'() {
      world.disk?.fill(one([0, 0, 200_000, 8 * 1024 * 1024]))
      await sleep(500 + random() * 500)
      world.disk?.free()
    },
    async 'clock moved'() {
      // Forward and back again, by less than a store of S3 refuses, and never before the keys were bound.
      world.setClock(Math.round(random() * 14 * 60_000))
      await Promise.resolve()
    },
  }
  const share = Math.ceil(files / faults)
  const names = Object.keys(acts).filter((name) => name !== 'disk full' || world.disk !== null)
  for (let index = 0; index < faults; index++) {
    // Each at least once; then as it comes.
    const name = index < names.length ? (names[index] ?? '') : one(names)
    COUNT(counted, name)
    note(`${index + 1}/${faults} ${name}`)
    // In the middle of the work: what has just appeared is on its way.
    await feed(share)
    await sleep(random() * 700)
    await acts[name]?.()
  }
  await feed(Number.MAX_SAFE_INTEGER)
}

async function heal(world: World): Promise<void> {
  world.disk?.free()
  for (const { line } of world.partners) await line?.heal()
  await world.kill()
  await world.start()
}

async function all(world: World): Promise<Delivery[]> {
  const found: Delivery[] = []
  for (let before: string | undefined; ; ) {
    const { deliveries } = await world.client.deliveries.list({ limit: 1000, ...(before === undefined ? {} : { before }) })
    found.push(...deliveries)
    before = deliveries.at(-1)?.id
    if (deliveries.length < 1000) return found
  }
}

/** What a person does when the storm is over: retries what waits, looks at what is uncertain, runs the flows again. */
async function finish(world: World, expected: Expected, byPerson: Record<string, number>, note: (text: string) => void): Promise<void> {
  for (let round = 0; round < 40; round++) {
    const open = (await all(world)).filter(({ state }) => state !== 'delivered')
    const standing = world.partners.map(({ id }) => readdirSync(world.outbox(id)).filter((name) => name.endsWith('.bin')).length)
    const offered = await Promise.all(world.partners.map(async ({ offered: side }) => (side === null ? 0 : (await side.names()).length)))
    note(`round ${round}: ${open.length} open (${summary(open)}), standing ${standing.join('/')}, offered ${offered.join('/')}`)
    if (open.length === 0 && [...standing, ...offered].every((left) => left === 0)) return
    for (const delivery of open) {
      COUNT(byPerson, `${delivery.state}: ${delivery.error?.code ?? 'none'}`)
      if (delivery.state === 'disputed') await settleDispute(world, expected, delivery)
      else if (delivery.state !== 'sending') await world.client.deliveries.retry({ id: delivery.id }).catch(() => undefined)
    }
    await world.client.deliveries.wait({ ids: open.filter(({ direction }) => direction === 'outbound').map(({ id }) => id).slice(0, 1000) })
    for (const { id, offered: side } of world.partners) {
      await world.client.flows.run({ id: `to-${id}`, wait: true }).catch(() => undefined)
      if (side !== null) await world.client.flows.run({ id: `from-${id}`, wait: true }).catch(() => undefined)
    }
  }
}

/** The answer proves nothing, so the partner is asked by telephone. */
async function settleDispute(world: World, expected: Expected, { id, partner, remoteName }: Delivery): Promise<void> {
  const side = world.partners.find((one) => one.id === partner)?.sent
  const arrived = (await side?.hash(remoteName)) === expected.there.get(partner)?.get(remoteName)
  await world.client.deliveries.resolve({ id, outcome: arrived ? 'delivered' : 'not-delivered', reason: 'the partner looked' })
}

function summary(deliveries: readonly Delivery[]): string {
  const counts: Record<string, number> = {}
  for (const { partner, state, error } of deliveries) COUNT(counts, `${partner} ${state} ${error?.code ?? ''}`.trim())
  return Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(', ')
}

async function verify(world: World, expected: Expected, files: number): Promise<string[]> {
  const problems: string[] = []
  const must = (holds: boolean, what: string): void => void (holds || problems.push(what))
  for (const { id, sent, offered } of world.partners) {
    const there = expected.there.get(id) ?? new Map<string, string>()
    const names = await sent.names()
    must(names.join() === [...there.keys()].toSorted().join(), `${id}: there are ${names.filter((name) => !there.has(name)).join(', ') || 'no others'}, and there are not ${[...there.keys()].filter((name) => !names.includes(name)).join(', ') || 'none'}`)
    for (const [name, sha] of there) must((await sent.hash(name)) === sha, `${id}: ${name} has another content there`)
    if (offered === null) continue
    const here = expected.here.get(id) ?? new Map<string, string>()
    const inbox = existsSync(world.inbox(id)) ? readdirSync(world.inbox(id)).toSorted() : []
    must(inbox.join() === [...here.keys()].toSorted().join(), `${id}: the Inbox has ${inbox.filter((name) => !here.has(name)).join(', ') || 'no others'}, and not ${[...here.keys()].filter((name) => !inbox.includes(name)).join(', ') || 'none'}`)
    for (const name of inbox) must(shaOf(readFileSync(join(world.inbox(id), name))) === here.get(name), `${id}: ${name} has another content in the Inbox`)
  }
  await verifyLedger(world, files, must)
  return problems
}

async function verifyLedger(world: World, files: number, must: (holds: boolean, what: string) => void): Promise<void> {
  const deliveries = await all(world)
  must(deliveries.length === files, `${deliveries.length} deliveries for ${files} files`)
  must(deliveries.every(({ state }) => state === 'delivered'), `not delivered: ${summary(deliveries.filter(({ state }) => state !== 'delivered'))}`)
  const told = new Map<string, number>()
  for (const type of ['delivery.delivered', 'delivery.released', 'delivery.resolved'])
    for (let before: number | undefined; ; ) {
      const { events } = await world.client.audit.list({ type, limit: 1000, ...(before === undefined ? {} : { before }) })
      for (const { subject, data } of events) if ((data as { state?: string }).state === 'delivered') told.set(subject.id, (told.get(subject.id) ?? 0) + 1)
      before = events.at(-1)?.seq
      if (events.length < 1000) break
    }
  must(told.size === files && [...told.values()].every((times) => times === 1), `the audit tells ${told.size} arrivals, ${[...told.values()].filter((times) => times !== 1).length} of them more than once`)
  for (const { id } of deliveries.filter(({ attempts }) => attempts > 1)) {
    const { attempts } = await world.client.deliveries.show({ id })
    must(attempts.every(({ result }) => result !== 'running'), `${id} has an attempt that never ended`)
  }
  const { runs } = await world.client.flows.runs({ limit: 1000 })
  const due = runs.flatMap(({ flow, dueAt }) => (dueAt === null ? [] : [`${flow} ${dueAt}`]))
  must(new Set(due).size === due.length, 'a due time ran twice')
  await world.kill()
  const audit = await world.run('--json', 'audit', 'verify')
  must(audit.exit === 0, `audit verify: ${audit.out}`)
  const doctor = await world.run('--json', 'doctor')
  must((JSON.parse(doctor.out) as { checks: { name: string; status: string }[] }).checks.every(({ name, status }) => name !== 'store' || status === 'ok'), `doctor: ${doctor.out}`)
}
