/** One file of 1 GiB out, in bounded memory, for every protocol. Peak memory is read from /proc, so on Linux. */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { collect, type Installation } from '../servers/waybill.ts'

const GIB = 1024 ** 3
const LIMIT_KIB = 250 * 1000

async function hashOf(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) digest.update(chunk as Uint8Array)
  return digest.digest('hex')
}

/** Sends to the partner `acme`, whose files land in `folder`. */
export async function sendLarge(here: Installation, folder: string): Promise<void> {
  const path = join(here.files, 'large.bin')
  const file = await open(path, 'w')
  // Random, so that nothing on the way can make it smaller; the block is written again and again with a number in front.
  const block = randomBytes(8 * 1024 * 1024)
  for (let number = 0; number < GIB / block.length; number++) {
    block.writeUInt32BE(number)
    await file.write(block)
  }
  await file.close()

  const child = here.start('--json', 'send', 'acme', path)
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
  expect(await hashOf(join(folder, 'large.bin'))).toBe(await hashOf(path))
  expect(peakKib).toBeGreaterThan(0)
  expect(peakKib).toBeLessThan(LIMIT_KIB)
}
