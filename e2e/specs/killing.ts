/** Killing the program at random moments, in both directions, for every protocol. */
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { FilePartner } from '../servers/file-partners.ts'
import { clientOf } from '../servers/service-client.ts'
import { collect, type CommandResult, type Installation } from '../servers/waybill.ts'
import { atEachPartner } from './settings.ts'

/** At how many moments: WAYBILL_KILLS, else as many as given. */
export function killMoments(otherwise: number): number {
  return Number(process.env['WAYBILL_KILLS'] ?? otherwise)
}

const MIB = 1024 * 1024
/** Of a round's files the first is large enough to be killed in the middle of it. */
const LARGE = 8 * MIB
const SMALL = 100_000
/** Of the time that the work takes: the last kills come when it is done. */
const LATEST = 1.05
/** Every so many rounds it is the service that is killed, at work on what the rounds before left. */
const SERVICE_EVERY = 5
/** A few ask for it by hand; the rest is left to the service, which goes on with everything that it finds. */
const BY_HAND = 2
const START_WITHIN_MS = 30_000

interface Listed {
  deliveries: { id: string; state: string; remoteName: string }[]
}

export const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Random once; each piece of it is made another one by its number, which is cheaper than new randomness. */
const material = randomBytes(LARGE)
function contentOf(number: number, size: number): Buffer {
  const content = Buffer.from(material.subarray(0, size))
  content.writeUInt32BE(number)
  return content
}

interface Running {
  readonly ended: Promise<CommandResult>
  readonly kill: () => void
}

/** Starts a command and waits until it owns the workspace: with what it does before, nothing can be lost. */
async function owning(here: Installation, ...args: string[]): Promise<Running> {
  const child = here.start(...args)
  child.stdin?.end()
  const ended = collect(child)
  const note = join(here.workspace, 'lease.json')
  const owns = (): boolean => existsSync(note) && readFileSync(note, 'utf8').includes(`"pid":${child.pid},`)
  for (const limit = Date.now() + START_WITHIN_MS; child.exitCode === null && !owns(); ) {
    if (Date.now() > limit) throw new Error(`${args.join(' ')} does not start`)
    await sleep(5)
  }
  return { ended, kill: () => void child.kill('SIGKILL') }
}

/** Runs a command to its good end; answers the milliseconds in which it owned the workspace. */
async function timed(here: Installation, ...args: string[]): Promise<number> {
  const { ended } = await owning(here, ...args)
  const began = performance.now()
  const done = await ended
  expect(done.exit, done.err).toBe(0)
  return performance.now() - began
}

/** Kills a command with SIGKILL at a random moment of its work, and waits until it is gone. */
async function killed(here: Installation, workMs: number, ...args: string[]): Promise<void> {
  const { ended, kill } = await owning(here, ...args)
  await sleep(randomInt(Math.ceil(workMs * LATEST)))
  kill()
  await ended
}

const listed = async (here: Installation): Promise<Listed['deliveries']> => (await here.run('--json', 'deliveries', 'list', '--search', 'file-', '--limit', '1000')).json<Listed>().deliveries

/** Runs the service until it has brought everything to its end. */
async function serveUntilDelivered(here: Installation): Promise<void> {
  const service = here.start('serve')
  const stopped = collect(service)
  try {
    await Promise.race([once(service.stdout ?? service, 'data'), stopped])
    const client = await clientOf(here.workspace)
    const left = async (): Promise<boolean> => (await client.deliveries.list({ limit: 1000, search: 'file-' })).deliveries.some(({ state }) => state !== 'delivered')
    for (let tries = 0; tries < 600 && (await left()); tries++) await sleep(100)
    client.close()
  } finally {
    service.kill('SIGTERM')
  }
  expect((await stopped).exit).toBe(0)
}

/**
 * Kills a send, or the service at work on what was left, at each moment; then goes on by `deliveries retry`, by sending again what
 * was not even written down, and by the service. Expects each file at the partner exactly once and whole, never partial under its
 * name, and nothing temporary in the end.
 */
export async function killSends(here: Installation, partner: FilePartner, moments: number): Promise<void> {
  const files = (label: string, number: number): [string, Buffer][] => [LARGE, SMALL, SMALL].map((size, index) => [`${label}-${index}.bin`, contentOf(number + index, size)])
  const write = (all: readonly [string, Buffer][]): string[] => all.map(([name, content]) => here.file(name, content))
  const work = await timed(here, 'send', 'acme', ...write(files('warm-up', 0)))
  const hashes = new Map<string, string>()
  let interrupted = 0
  for (let count = 1; count <= moments; count++) {
    const service = count % SERVICE_EVERY === 0
    const round = service ? [] : files(`file-${count}`, count * 10)
    for (const [name, content] of round) hashes.set(name, sha(content))
    await (service ? killed(here, work, 'serve') : killed(here, work, 'send', 'acme', ...write(round)))
    const there = await Promise.all(round.map(async ([name]) => await partner.sent.hash(name)))
    for (const [index, [name]] of round.entries()) expect([null, hashes.get(name)], `${name} under its final name after the kill`).toContain(there[index])
    if (there.includes(null)) interrupted += 1
  }

  const written = await listed(here)
  const left = written.filter(({ state }) => state !== 'delivered')
  const forgotten = [...hashes.keys()].filter((name) => !written.some(({ remoteName }) => remoteName === name))
  if (forgotten.length > 0) {
    const again = await here.run('send', 'acme', ...forgotten.map((name) => join(here.files, name)))
    expect(again.exit, `what was not written down: ${again.err}`).toBe(0)
  }
  for (const { id, remoteName, state } of left.slice(0, BY_HAND)) {
    const again = await here.run('deliveries', 'retry', id)
    expect(again.exit, `${remoteName}, which was ${state}: ${again.err}`).toBe(0)
  }
  await serveUntilDelivered(here)

  // One delivery for each, and each at rest; nothing twice there, nothing under a temporary name.
  expect((await listed(here)).map(({ state, remoteName }) => `${remoteName} ${state}`).toSorted()).toEqual([...hashes.keys()].map((name) => `${name} delivered`).toSorted())
  expect((await partner.sent.names()).filter((name) => !name.startsWith('warm-up'))).toEqual([...hashes.keys()].toSorted())
  for (const [name, hash] of hashes) expect(await partner.sent.hash(name), name).toBe(hash)
  expect((await here.run('audit', 'verify')).exit).toBe(0)
  // Kills that all came too early or too late would prove nothing.
  if (moments >= 30) expect(interrupted, 'interrupted').toBeGreaterThan(0)
}

/**
 * Kills a collection at each moment, while new files come; collects once more, and expects each file in the Inbox exactly once
 * and whole, never partial under its name, and nothing left at the partner.
 */
export async function killReceives(here: Installation, partner: FilePartner, moments: number): Promise<void> {
  const inbox = join(here.workspace, 'partners', 'acme', 'Inbox')
  const released = (): string[] => (existsSync(inbox) ? readdirSync(inbox).toSorted() : [])
  const expected = new Map<string, string>()
  const seen = new Set<string>()
  const offer = async (label: string, number: number): Promise<void> => {
    for (const [index, size] of [LARGE, SMALL, SMALL, SMALL].entries()) {
      const content = contentOf(number + index, size)
      expected.set(`${label}-${index}.bin`, sha(content))
      await partner.offered.put(`${label}-${index}.bin`, content)
    }
  }
  /** What bears its name is whole; what was seen whole once need not be hashed again. */
  const expectWhole = (): void => {
    for (const name of released()) {
      if (name.startsWith('.') || seen.has(name)) continue
      expect(sha(readFileSync(join(inbox, name))), name).toBe(expected.get(name))
      seen.add(name)
    }
  }
  await offer('warm-up', 0)
  const work = await timed(here, 'receive', 'acme')
  let interrupted = 0
  for (let count = 1; count <= moments; count++) {
    await offer(String(count), count * 10)
    await killed(here, work, 'receive', 'acme')
    expectWhole()
    if ((await partner.offered.names()).length > 0) interrupted += 1
  }
  const again = await here.run('receive', 'acme')
  expect(again.exit, again.err).toBe(0)
  expect(await partner.offered.names()).toEqual([])
  expect(released()).toEqual([...expected.keys()].toSorted())
  expectWhole()
  const { deliveries } = (await here.run('--json', 'deliveries', 'list', '--direction', 'inbound', '--limit', '1000')).json<Listed>()
  expect(deliveries.map(({ state }) => state)).toEqual(Array.from(expected, () => 'delivered'))
  expect((await here.run('audit', 'verify')).exit).toBe(0)
  if (moments >= 30) expect(interrupted, 'interrupted').toBeGreaterThan(0)
}

/** At how many moments each protocol is killed in one direction, unless `WAYBILL_KILLS` says otherwise. Of the two FTPS servers one is enough for all of them. */
const MOMENTS = 30
const FEWER: Readonly<Record<string, number>> = { 'FTPS at ProFTPD': 10 }

/** Registers one direction for every file protocol. */
export function killedAtEveryPartner(title: string, kill: (here: Installation, partner: FilePartner, moments: number) => Promise<void>): void {
  atEachPartner('killed at random moments', (at, { name }) => {
    const moments = killMoments(FEWER[name] ?? MOMENTS)
    it(`${title} (${moments} moments)`, async () => await kill(at.here, at.partner, moments), 900_000)
  })
}
