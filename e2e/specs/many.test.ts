import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import { startSshd, type Sshd } from '../servers/sshd.ts'
import { newInstallation, partnerFor, setUp, type Installation } from '../servers/waybill.ts'

const peer = findPeer('sshd')
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe.skipIf(peer.absent)(`many files to OpenSSH${peer.note}`, () => {
  let sshd: Sshd
  let here: Installation
  beforeAll(async () => {
    sshd = await startSshd()
  })
  afterAll(async () => await sshd?.stop())
  beforeEach(() => {
    here = newInstallation()
  })
  afterEach(() => {
    here.remove()
    for (const name of readdirSync(sshd.folder)) rmSync(join(sshd.folder, name), { recursive: true })
  })

  const signIns = (from: number): number => sshd.log().slice(from).match(/Accepted publickey/g)?.length ?? 0
  const files = (count: number, bytes: number): Map<string, Buffer> => new Map(Array.from({ length: count }, (_, index) => [`order ${index}.edi`, randomBytes(bytes)]))
  const send = async (content: Map<string, Buffer>) => await here.run('--json', 'send', 'acme', ...[...content].map(([name, bytes]) => here.file(name, bytes)))

  it('1,000 of 10 KB go over one sign-in, each once and whole', async () => {
    await setUp(here, partnerFor(sshd, { verify: 'size' }))
    const content = files(1000, 10_000)
    const before = sshd.log().length
    const sent = await send(content)
    expect(sent.exit, sent.err.slice(-2000)).toBe(0)
    expect(signIns(before)).toBe(1)
    expect(readdirSync(sshd.folder).toSorted()).toEqual([...content.keys()].toSorted())
    for (const [name, bytes] of content) expect(sha(readFileSync(join(sshd.folder, name)))).toBe(sha(bytes))
  })

  it('use as many connections as the partner permits, and no more', async () => {
    await setUp(here, partnerFor(sshd, { maxConnections: 3 }))
    const content = files(30, 400_000)
    const before = sshd.log().length
    const sent = await send(content)
    expect(sent.exit, sent.err.slice(-2000)).toBe(0)
    expect(signIns(before)).toBe(3)
    for (const [name, bytes] of content) expect(sha(readFileSync(join(sshd.folder, name)))).toBe(sha(bytes))
  })
})
