import { createHash, randomBytes, randomInt } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import { startSshd, type Sshd } from '../servers/sshd.ts'
import { collect, newInstallation, partnerFor, setUp, type Installation } from '../servers/waybill.ts'

const MOMENTS = 50
const SIZE = 24 * 1024 * 1024

interface Listed {
  deliveries: { id: string; state: string; remoteName: string }[]
}

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const peer = findPeer('sshd')

describe.skipIf(peer.absent)(`a send that is killed${peer.note}`, () => {
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

  const there = (name: string): Buffer | null => (existsSync(join(sshd.folder, name)) ? readFileSync(join(sshd.folder, name)) : null)
  const find = async (name: string): Promise<Listed['deliveries'][number] | undefined> =>
    (await here.run('--json', 'deliveries', 'list', '--search', name)).json<Listed>().deliveries[0]

  it(`at ${MOMENTS} random moments arrives exactly once and whole after a retry, and is never partial under its name`, async () => {
    const began = performance.now()
    expect((await here.run('send', 'acme', here.file('warm-up.bin', randomBytes(SIZE)))).exit).toBe(0)
    const whole = performance.now() - began
    const killedIn = new Map<string, number>()

    for (let moment = 0; moment < MOMENTS; moment++) {
      const name = `file-${moment}.bin`
      const content = randomBytes(SIZE)
      const path = here.file('next.bin', content)
      const child = here.start('send', 'acme', path, '--as', name)
      const ended = collect(child)
      await sleep(randomInt(Math.ceil(whole * 1.05)))
      child.kill('SIGKILL')
      await ended

      const half = there(name)
      if (half !== null) expect(sha(half), `${name} under its final name after the kill`).toBe(sha(content))

      const delivery = await find(name)
      killedIn.set(delivery?.state ?? 'before', (killedIn.get(delivery?.state ?? 'before') ?? 0) + 1)
      const again = delivery === undefined ? await here.run('send', 'acme', path, '--as', name) : delivery.state === 'delivered' ? { exit: 0, err: '' } : await here.run('deliveries', 'retry', delivery.id)
      expect(again.exit, `${name}: ${again.err}`).toBe(0)

      expect(sha(there(name) ?? Buffer.alloc(0)), name).toBe(sha(content))
    }

    // One delivery for each, and each at rest.
    const { deliveries } = (await here.run('--json', 'deliveries', 'list', '--search', 'file-', '--limit', '1000')).json<Listed>()
    expect(deliveries.map(({ state }) => state)).toEqual(Array.from({ length: MOMENTS }, () => 'delivered'))

    // Nothing under a temporary name, nothing twice.
    expect(readdirSync(sshd.folder)).toHaveLength(MOMENTS + 1)
    expect((await here.run('audit', 'verify')).exit).toBe(0)
    // The moments were spread: some before the intention was written, some in the middle.
    expect([...killedIn.keys()].length, JSON.stringify([...killedIn])).toBeGreaterThan(1)
  }, 600_000)

  it('goes on by itself when the service starts again', async () => {
    const content = randomBytes(SIZE)
    const child = here.start('send', 'acme', here.file('resumed.bin', content))
    const ended = collect(child)
    for (let tries = 0; tries < 400 && !readdirSync(sshd.folder).some((name) => name.startsWith('.dlv_')); tries++) await sleep(5)
    child.kill('SIGKILL')
    await ended
    const service = here.start('serve')
    const stopped = collect(service)
    try {
      for (let tries = 0; tries < 200 && there('resumed.bin') === null; tries++) await sleep(50)
      expect(sha(there('resumed.bin') ?? Buffer.alloc(0))).toBe(sha(content))
    } finally {
      service.kill('SIGTERM')
    }
    expect((await stopped).exit).toBe(0)
  })
})
