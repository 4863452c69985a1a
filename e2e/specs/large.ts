/** Large files in bounded memory, for every protocol and both directions. Peak memory is read from /proc, so on Linux. */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { FilePartner } from '../servers/file-partners.ts'
import { collect, type Installation } from '../servers/waybill.ts'

const MIB = 1024 * 1024
const LIMIT_KIB = 250 * 1000

/** WAYBILL_LARGE_MIB, else what fits into a quick run. */
export function largeMib(quick: number): number {
  return Number(process.env['WAYBILL_LARGE_MIB'] ?? quick)
}

/** Random, so that nothing on the way can make it smaller; one block is written again and again with a number in front. Answers the SHA-256. */
export async function writeLarge(path: string, mib: number): Promise<string> {
  const digest = createHash('sha256')
  const file = await open(path, 'w')
  const block = randomBytes(8 * MIB)
  for (let number = 0; number < Math.ceil(mib / 8); number++) {
    block.writeUInt32BE(number)
    digest.update(block)
    await file.write(block)
  }
  await file.close()
  return digest.digest('hex')
}

/** Runs a command to its end, which must be good, and answers the most memory that it had, in KiB. */
export async function peakOf(here: Installation, ...args: string[]): Promise<number> {
  const child = here.start(...args)
  child.stdin?.end()
  const ended = collect(child)
  let peakKib = 0
  while (child.exitCode === null) {
    try {
      peakKib = Math.max(peakKib, Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0))
    } catch {
      // It ended between the two lines.
    }
    await sleep(50)
  }
  const done = await ended
  expect(done.exit, done.err).toBe(0)
  return peakKib
}

export function expectBounded(peakKib: number): void {
  expect(peakKib).toBeGreaterThan(0)
  expect(peakKib).toBeLessThan(LIMIT_KIB)
}

export async function sendLarge(here: Installation, partner: FilePartner, mib: number): Promise<void> {
  const path = join(here.files, 'large.bin')
  const hash = await writeLarge(path, mib)
  expectBounded(await peakOf(here, '--json', 'send', 'acme', path))
  await rm(path)
  expect(await partner.sent.hash('large.bin')).toBe(hash)
  await partner.sent.clear()
}

export async function receiveLarge(here: Installation, partner: FilePartner, mib: number): Promise<void> {
  const path = join(here.files, 'coming.bin')
  const hash = await writeLarge(path, mib)
  await partner.offered.putFile('coming.bin', path)
  await rm(path)
  expectBounded(await peakOf(here, '--json', 'receive', 'acme'))
  expect(await hashOfFile(join(here.workspace, 'partners', 'acme', 'Inbox', 'coming.bin'))).toBe(hash)
  expect(await partner.offered.names()).toEqual([])
}

export async function hashOfFile(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: MIB })) digest.update(chunk as Uint8Array)
  return digest.digest('hex')
}
