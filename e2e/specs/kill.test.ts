import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import { startSshd, type Sshd } from '../servers/sshd.ts'
import { collect, newInstallation, partnerFor, setUp, type Installation } from '../servers/waybill.ts'
import { killedAtEveryPartner, killSends, sha } from './killing.ts'

killedAtEveryPartner('what was being sent arrives exactly once and whole in the end', killSends)

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

  it('goes on by itself when the service starts again', async () => {
    const content = randomBytes(24 * 1024 * 1024)
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
