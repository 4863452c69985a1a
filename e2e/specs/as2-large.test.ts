import { createHash, randomBytes } from 'node:crypto'
import { closeSync, createReadStream, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { as2Pair, type Service } from '../servers/as2-pair.ts'

const MIB = 1024
const MOST_MB = 250

describe.skipIf(process.platform !== 'linux')(`a large AS2 message${process.platform === 'linux' ? '' : ' (skipped: peak memory is read from /proc, on Linux)'}`, () => {
  let pair: Awaited<ReturnType<typeof as2Pair>>
  const services: Service[] = []

  beforeAll(async () => {
    pair = await as2Pair({ inbound: { maxBytes: 2 * MIB * 1024 * 1024 } })
    services.push(await pair.left.serve(), await pair.right.serve())
  })
  afterAll(async () => {
    for (const { process: child } of services) child.kill('SIGTERM')
    for (const { ended } of services) await ended
    pair?.remove()
  })

  it(`of ${MIB} MiB, signed and encrypted, arrives with the same SHA-256 while both processes stay below ${MOST_MB} MB resident`, async () => {
    const path = join(pair.left.here.files, 'large.bin')
    const digest = createHash('sha256')
    const file = openSync(path, 'w')
    const block = randomBytes(1024 * 1024)
    for (let written = 0; written < MIB; written++) {
      block.writeUInt32BE(written)
      digest.update(block)
      writeSync(file, block)
    }
    closeSync(file)
    const { exit, err } = await pair.left.here.run('send', 'acme', path)
    expect(exit, err).toBe(0)
    rmSync(path)
    const inbox = join(pair.right.here.workspace, 'partners', 'acme', 'Inbox')
    const there = (): string | undefined => readdirSync(inbox).find((name) => !name.startsWith('.'))
    for (let tries = 0; tries < 1200 && there() === undefined; tries++) await sleep(100)
    const arrived = createHash('sha256')
    for await (const chunk of createReadStream(join(inbox, there() ?? 'nothing'))) arrived.update(chunk as Uint8Array)
    expect(arrived.digest('hex')).toBe(digest.digest('hex'))
    for (const { process: child } of services) {
      const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8'))?.[1]) / 1000
      expect(peak).toBeGreaterThan(0)
      expect(peak).toBeLessThan(MOST_MB)
    }
  }, 600_000)
})
