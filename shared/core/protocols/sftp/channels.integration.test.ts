/** Many files side by side at servers that permit less than usual, and what a checksum that was begun early is worth. */
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { startSshd, type Sshd } from '../../../../e2e/servers/sshd.ts'
import { SftpConnection } from '../../../contract/connections/sftp.ts'
import type { FileSession } from '../file-protocol.ts'
import { sftp } from './index.ts'

const peer = findPeer('sshd')
const signal = new AbortController().signal
const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

async function* once(content: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(content)
}

describe.skipIf(peer.absent)(`channels at OpenSSH${peer.note}`, () => {
  let sshd: Sshd
  let session: FileSession
  const open = async (config: readonly string[], verify = 'auto'): Promise<void> => {
    sshd = await startSshd({ config })
    const settings = SftpConnection.parse({ protocol: 'sftp', host: '127.0.0.1', port: sshd.port, username: sshd.username, auth: { method: 'key', privateKey: 'sealed' }, folder: sshd.folder, verify })
    const pin = { item: 'trust_1', algorithm: 'ssh-ed25519', fingerprint: sshd.fingerprints.ed25519, publicKey: sshd.hostKeys.ed25519 }
    session = await sftp.connect({ settings, folder: sshd.folder, secrets: { privateKey: sshd.privateKey }, pins: [pin], tls: { pins: [], authorities: [], client: null }, tolerated: [] }, signal)
  }
  const write = async (name: string, content: Uint8Array): Promise<void> => await session.write(name, once(content), { offset: 0, signal, onAcknowledged: () => undefined })
  afterEach(async () => {
    await session.close()
    await sshd.stop()
  })

  it.each([
    ['one channel', ['MaxSessions 1'], false],
    // The shell for checksums comes before further channels for files.
    ['two channels', ['MaxSessions 2'], true],
    ['three channels', ['MaxSessions 3'], true],
    ['as many as usual', [], true],
    ['no shell', ['ForceCommand internal-sftp'], false],
    ['no shell and one channel', ['ForceCommand internal-sftp', 'MaxSessions 1'], false],
  ] as const)('a server that permits %s takes many files side by side', async (_, config, hashed) => {
    await open(config)
    const contents = new Map(Array.from({ length: session.capabilities.filesAtOnce * 2 }, (__, number) => [`${number}.edi`, randomBytes(10_000 + number)]))
    const hashes = await Promise.all(
      [...contents].map(async ([name, content]) => {
        await write(`.${name}.part`, content)
        const hash = await session.hash(`.${name}.part`, content.length)
        await session.rename(`.${name}.part`, name)
        return hash
      }),
    )
    expect(hashes).toEqual([...contents.values()].map((content) => (hashed ? sha256(content) : null)))
    expect(readdirSync(sshd.folder).toSorted()).toEqual([...contents.keys()].toSorted())
    for (const [name, content] of contents) expect(readFileSync(join(sshd.folder, name)).equals(content)).toBe(true)
    // Nothing but one sign-in, however many channels.
    await expect.poll(() => sshd.log().match(/Accepted publickey/g)?.length).toBe(1)
  })

  it('a checksum is that of what the name holds now', async () => {
    await open([])
    const [first, second] = [randomBytes(5 * 1024 * 1024), randomBytes(1000)]
    await write('file', first)
    await write('file', second)
    expect(await session.hash('file', second.length)).toBe(sha256(second))
    await write('file', first)
    await session.rename('file', 'other')
    await write('file', second)
    expect([await session.hash('file'), await session.hash('other')]).toEqual([sha256(second), sha256(first)])
    await write('file', first)
    await session.remove('file')
    await write('moved', second)
    await session.rename('moved', 'file')
    expect(await session.hash('file')).toBe(sha256(second))
  })

  it.each([
    ['auto', true],
    ['size', false],
    ['read-back', false],
  ] as const)('a shell is opened where checksums by the server are asked for, and nowhere else (%s: %s)', async (verify, asked) => {
    await open([], verify)
    await write('file', randomBytes(100))
    if (asked) expect(await session.hash('file')).not.toBeNull()
    await write('another', randomBytes(100))
    await session.close()
    await expect.poll(() => sshd.log()).toMatch(/Disconnected from|Connection closed/)
    expect(/Starting session: (command|shell)/.test(sshd.log())).toBe(asked)
  })
})
