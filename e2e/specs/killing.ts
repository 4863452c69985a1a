/** Killing the program at random moments, in both directions, for every protocol. */
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { FilePartner } from '../servers/file-partners.ts'
import { collect, type Installation } from '../servers/waybill.ts'

/** At how many moments: WAYBILL_KILLS, else the few given. */
export function killMoments(few: number): number {
  return Number(process.env['WAYBILL_KILLS'] ?? few)
}

const MIB = 1024 * 1024
/** Most of a run is its start: moments are chosen where something happens. */
const EARLIEST = 0.2
const LATEST = 1.05

interface Listed {
  deliveries: { id: string; state: string; remoteName: string }[]
}

export const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const moment = (whole: number): number => randomInt(Math.ceil(whole * EARLIEST), Math.ceil(whole * LATEST))

/** Starts a command, kills it with SIGKILL after a while, and waits until it is gone. */
async function killed(here: Installation, after: number, ...args: string[]): Promise<void> {
  const child = here.start(...args)
  child.stdin?.end()
  const ended = collect(child)
  await sleep(after)
  child.kill('SIGKILL')
  await ended
}

/** A few ask for it by hand; the rest is left to the service, which goes on with everything that it finds. */
const BY_HAND = 3

const unfinished = async (here: Installation): Promise<Listed['deliveries']> => (await here.run('--json', 'deliveries', 'list', '--search', 'file-', '--limit', '1000')).json<Listed>().deliveries.filter(({ state }) => state !== 'delivered')

/** Runs the service until it has brought everything to its end. */
async function serveUntilDelivered(here: Installation): Promise<void> {
  const service = here.start('serve')
  const stopped = collect(service)
  try {
    // Until it owns the workspace, another command would open it.
    await Promise.race([once(service.stdout ?? service, 'data'), stopped])
    for (let tries = 0; tries < 120 && (await unfinished(here)).length > 0; tries++) await sleep(500)
  } finally {
    service.kill('SIGTERM')
  }
  expect((await stopped).exit).toBe(0)
}

/**
 * Kills a send of its own at each moment; then goes on by `deliveries retry`, by sending again what was not even written down,
 * and by the service. Expects each file at the partner exactly once and whole, never partial under its name, and nothing
 * temporary in the end.
 */
export async function killSends(here: Installation, partner: FilePartner, moments: number): Promise<void> {
  const size = 16 * MIB
  const began = performance.now()
  const warm = await here.run('send', 'acme', here.file('warm-up.bin', randomBytes(size)))
  expect(warm.exit, warm.err).toBe(0)
  const whole = performance.now() - began
  const hashes = new Map<string, string>()
  for (let count = 0; count < moments; count++) {
    const name = `file-${count}.bin`
    const content = randomBytes(size)
    hashes.set(name, sha(content))
    await killed(here, moment(whole), 'send', 'acme', here.file(name, content))
    expect([null, sha(content)], `${name} under its final name after the kill`).toContain(await partner.sent.hash(name))
  }

  const left = await unfinished(here)
  const written = (await here.run('--json', 'deliveries', 'list', '--search', 'file-', '--limit', '1000')).json<Listed>().deliveries
  for (const name of hashes.keys()) {
    if (written.some(({ remoteName }) => remoteName === name)) continue
    const again = await here.run('send', 'acme', join(here.files, name))
    expect(again.exit, `${name}, which was not written down: ${again.err}`).toBe(0)
  }
  for (const { id, remoteName, state } of left.slice(0, BY_HAND)) {
    const again = await here.run('deliveries', 'retry', id)
    expect(again.exit, `${remoteName}, which was ${state}: ${again.err}`).toBe(0)
  }
  await serveUntilDelivered(here)

  // One delivery for each, and each at rest; nothing twice there, nothing under a temporary name.
  const { deliveries } = (await here.run('--json', 'deliveries', 'list', '--search', 'file-', '--limit', '1000')).json<Listed>()
  expect(deliveries.map(({ state, remoteName }) => `${remoteName} ${state}`).toSorted()).toEqual([...hashes.keys()].map((name) => `${name} delivered`).toSorted())
  expect(await partner.sent.names()).toEqual([...hashes.keys(), 'warm-up.bin'].toSorted())
  for (const [name, hash] of hashes) expect(await partner.sent.hash(name), name).toBe(hash)
  expect((await here.run('audit', 'verify')).exit).toBe(0)
  // Kills that all came too early or too late would prove nothing.
  if (moments >= 15) expect(left.length, 'interrupted').toBeGreaterThan(0)
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
  const offer = async (label: string): Promise<void> => {
    for (let index = 0; index < 6; index++) {
      const content = randomBytes(index === 0 ? 12 * MIB : 150_000)
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
  await offer('warm-up')
  const began = performance.now()
  const warm = await here.run('receive', 'acme')
  expect(warm.exit, warm.err).toBe(0)
  const whole = performance.now() - began
  for (let count = 0; count < moments; count++) {
    await offer(String(count))
    await killed(here, moment(whole), 'receive', 'acme')
    expectWhole()
  }
  const again = await here.run('receive', 'acme')
  expect(again.exit, again.err).toBe(0)
  expect(await partner.offered.names()).toEqual([])
  expect(released()).toEqual([...expected.keys()].toSorted())
  expectWhole()
  const { deliveries } = (await here.run('--json', 'deliveries', 'list', '--direction', 'inbound', '--limit', '1000')).json<Listed>()
  expect(deliveries.map(({ state }) => state)).toEqual(Array.from(expected, () => 'delivered'))
  expect((await here.run('audit', 'verify')).exit).toBe(0)
}
