import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { as2Pair, type Service } from '../servers/as2-pair.ts'
import { describeLarge, expectBounded, hashOfFile, largeFile, largeMib, peakSoFar, type LargeFile } from './large.ts'

const mib = largeMib(1024)

describeLarge('a large AS2 message', () => {
  let file: LargeFile
  let pair: Awaited<ReturnType<typeof as2Pair>>
  const services: Service[] = []

  beforeAll(async () => {
    file = await largeFile(mib)
    pair = await as2Pair({ inbound: { maxBytes: 2 * mib * 1024 * 1024 } })
    services.push(await pair.left.serve(), await pair.right.serve())
  })
  afterAll(async () => {
    for (const { process: child } of services) child.kill('SIGTERM')
    for (const { ended } of services) await ended
    pair?.remove()
    await file?.remove()
  })

  it(`of ${mib} MiB, signed and encrypted, arrives with the same SHA-256 while both processes stay below that`, async () => {
    const { exit, err } = await pair.left.here.run('send', 'acme', file.path)
    expect(exit, err).toBe(0)
    const inbox = join(pair.right.here.workspace, 'partners', 'acme', 'Inbox')
    const there = (): string | undefined => readdirSync(inbox).find((name) => !name.startsWith('.'))
    for (let tries = 0; tries < 1200 && there() === undefined; tries++) await sleep(100)
    expect(await hashOfFile(join(inbox, there() ?? 'nothing'))).toBe(file.sha256)
    for (const { process: child } of services) expectBounded(peakSoFar(child))
  }, 600_000)
})
