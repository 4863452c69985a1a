/** Killing the program at random moments, in both directions, for every protocol. */
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { FilePartner } from '../servers/file-partners.ts'
import { collect, type Installation } from '../servers/waybill.ts'

/** At how many moments: WAYBILL_KILLS, else the few given. */
export function killMoments(few: number): number {
  return Number(process.env['WAYBILL_KILLS'] ?? few)
}

export const MOMENTS = killMoments(5)

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

/**
 * Sends, kills, retries; and expects each file at the partner exactly once and whole, never partial under its name, and nothing
 * temporary in the end.
 */
export async function killSends(here: Installation, partner: FilePartner): Promise<void> {
  const size = 24 * MIB
  const began = performance.now()
  const warm = await here.run('send', 'acme', here.file('warm-up.bin', randomBytes(size)))
  expect(warm.exit, warm.err).toBe(0)
  const whole = performance.now() - began
  const states = new Map<string, number>()
  for (let count = 0; count < MOMENTS; count++) {
    const name = `file-${count}.bin`
    const content = randomBytes(size)
    const path = here.file('next.bin', content)
    await killed(here, moment(whole), 'send', 'acme', path, '--as', name)
    const half = await partner.sent.hash(name)
    if (half !== null) expect(half, `${name} under its final name after the kill`).toBe(sha(content))

    const delivery = (await here.run('--json', 'deliveries', 'list', '--search', name)).json<Listed>().deliveries[0]
    const state = delivery?.state ?? 'not written down'
    states.set(state, (states.get(state) ?? 0) + 1)
    if (state !== 'delivered') {
      const again = delivery === undefined ? await here.run('send', 'acme', path, '--as', name) : await here.run('deliveries', 'retry', delivery.id)
      expect(again.exit, `${name}, which was ${state}: ${again.err}`).toBe(0)
    }
    expect(await partner.sent.hash(name), `${name}, which was ${state}`).toBe(sha(content))
  }
  const names = Array.from({ length: MOMENTS }, (_, count) => `file-${count}.bin`)
  // One delivery for each, and each at rest; nothing twice there, nothing under a temporary name.
  const { deliveries } = (await here.run('--json', 'deliveries', 'list', '--search', 'file-', '--limit', '1000')).json<Listed>()
  expect(deliveries.map(({ state, remoteName }) => `${remoteName} ${state}`).toSorted()).toEqual(names.map((name) => `${name} delivered`).toSorted())
  expect(await partner.sent.names()).toEqual([...names, 'warm-up.bin'].toSorted())
  expect((await here.run('audit', 'verify')).exit).toBe(0)
  if (MOMENTS >= 20) expect(states.size, JSON.stringify([...states])).toBeGreaterThan(1)
}

/**
 * Collects, kills, collects again; and expects each file in the Inbox exactly once and whole, never partial under its name, and
 * nothing left at the partner.
 */
export async function killReceives(here: Installation, partner: FilePartner): Promise<void> {
  const inbox = join(here.workspace, 'partners', 'acme', 'Inbox')
  const released = (): string[] => (existsSync(inbox) ? readdirSync(inbox).toSorted() : [])
  const contentOf = (name: string): string => sha(readFileSync(join(inbox, name)))
  const expected = new Map<string, string>()
  const offer = async (label: string): Promise<void> => {
    for (let index = 0; index < 8; index++) {
      const content = randomBytes(index === 0 ? 16 * MIB : 150_000)
      expected.set(`${label}-${index}.bin`, sha(content))
      await partner.offered.put(`${label}-${index}.bin`, content)
    }
  }
  await offer('warm-up')
  const began = performance.now()
  const warm = await here.run('receive', 'acme')
  expect(warm.exit, warm.err).toBe(0)
  const whole = performance.now() - began
  for (let count = 0; count < MOMENTS; count++) {
    await offer(String(count))
    await killed(here, moment(whole), 'receive', 'acme')
    for (const name of released()) if (!name.startsWith('.')) expect(contentOf(name), `${name} under its name after the kill`).toBe(expected.get(name))
    const again = await here.run('receive', 'acme')
    expect(again.exit, again.err).toBe(0)
    expect(await partner.offered.names()).toEqual([])
    expect(released()).toEqual([...expected.keys()].toSorted())
    for (const [name, hash] of expected) if (name.startsWith(`${count}-`)) expect(contentOf(name), name).toBe(hash)
    // What was seen whole once need not be hashed again and again.
    for (const name of released()) if (name.startsWith('warm-up-0')) rmSync(join(inbox, name))
    expected.delete('warm-up-0.bin')
  }
  const { deliveries } = (await here.run('--json', 'deliveries', 'list', '--direction', 'inbound', '--limit', '1000')).json<Listed>()
  expect(deliveries.map(({ state }) => state)).toEqual(Array.from({ length: (MOMENTS + 1) * 8 }, () => 'delivered'))
  expect((await here.run('audit', 'verify')).exit).toBe(0)
}
