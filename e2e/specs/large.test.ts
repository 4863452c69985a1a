import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import { startSshd, type Sshd } from '../servers/sshd.ts'
import { collect, newInstallation, partnerFor, setUp, type Installation } from '../servers/waybill.ts'

const GIB = 1024 ** 3
const LIMIT_KIB = 250 * 1000

const peer = findPeer('sshd')

async function hashOf(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) digest.update(chunk as Uint8Array)
  return digest.digest('hex')
}

describe.skipIf(peer.absent || process.platform !== 'linux')(`a large file${peer.note}${process.platform === 'linux' ? '' : ' (skipped: peak memory is read from /proc, on Linux)'}`, () => {
  let sshd: Sshd
  let here: Installation

  beforeAll(async () => {
    sshd = await startSshd()
    here = newInstallation()
    await setUp(here, partnerFor(sshd))
  })
  afterAll(async () => {
    await sshd?.stop()
    here?.remove()
  })

  it('of 1 GiB arrives with the same SHA-256 in less than 250 MB of resident memory', async () => {
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
    expect(await hashOf(join(sshd.folder, 'large.bin'))).toBe(await hashOf(path))
    expect(peakKib).toBeGreaterThan(0)
    expect(peakKib).toBeLessThan(LIMIT_KIB)
  })
})
