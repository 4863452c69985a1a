/** Large files in bounded memory, for every protocol and both directions. Peak memory is read from /proc, so on Linux. */
import type { ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import type { FilePartner } from '../servers/file-partners.ts'
import { collect, type Installation } from '../servers/waybill.ts'

const MIB = 1024 * 1024
const LIMIT_KIB = 250 * 1000

/** WAYBILL_LARGE_MIB, else as much as given. */
export function largeMib(otherwise: number): number {
  return Number(process.env['WAYBILL_LARGE_MIB'] ?? otherwise)
}

/** Tests that look at peak memory. */
export function describeLarge(title: string, tests: () => void): void {
  const linux = process.platform === 'linux'
  describe.skipIf(!linux)(`${title}, in less than ${LIMIT_KIB / 1000} MB of resident memory${linux ? '' : ' (skipped: peak memory is read from /proc, on Linux)'}`, tests)
}

export interface LargeFile {
  readonly path: string
  readonly sha256: string
  remove(): Promise<void>
}

/** One file for all that a file of tests sends: writing it costs as much as sending it. */
export async function largeFile(mib: number): Promise<LargeFile> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-large-'))
  const path = join(folder, 'large.bin')
  return { path, sha256: await writeLarge(path, mib), remove: async () => await rm(folder, { recursive: true }) }
}

/** Random, so that nothing on the way can make it smaller; one block is written again and again with a number in front. Answers the SHA-256. */
async function writeLarge(path: string, mib: number): Promise<string> {
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
    peakKib = Math.max(peakKib, peakSoFar(child))
    await sleep(50)
  }
  const done = await ended
  expect(done.exit, done.err).toBe(0)
  return peakKib
}

/** The most resident memory that a process had so far, in KiB; 0 when it has ended. */
export function peakSoFar({ pid }: ChildProcess): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

export function expectBounded(peakKib: number): void {
  expect(peakKib).toBeGreaterThan(0)
  expect(peakKib).toBeLessThan(LIMIT_KIB)
}

/** Sends it and hashes what the partner has. */
export async function sendLarge(here: Installation, partner: FilePartner, file: LargeFile): Promise<void> {
  expectBounded(await peakOf(here, '--json', 'send', 'acme', file.path))
  expect(await partner.sent.hash('large.bin')).toBe(file.sha256)
}

/** After `sendLarge`: the partner offers what it got. */
export async function receiveLarge(here: Installation, partner: FilePartner, file: LargeFile): Promise<void> {
  await partner.giveBack('large.bin')
  expectBounded(await peakOf(here, '--json', 'receive', 'acme'))
  const released = join(here.workspace, 'partners', 'acme', 'Inbox', 'large.bin')
  expect(await hashOfFile(released)).toBe(file.sha256)
  expect(await partner.offered.names()).toEqual([])
  await rm(released)
}

export async function hashOfFile(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: MIB })) digest.update(chunk as Uint8Array)
  return digest.digest('hex')
}
