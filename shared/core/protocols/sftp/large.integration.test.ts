import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { openSync, writeSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { startSshd } from '../../../../e2e/servers/sshd.ts'

const GIB = 1024 ** 3
const LIMIT_KIB = 250 * 1000
const peer = findPeer('sshd')

/** Runs in a process of its own, so that its memory is the adapter's and not the test runner's. */
const DOWNLOAD = `
import { createHash } from 'node:crypto'
import { sftp } from '${join(import.meta.dirname, 'index.ts')}'
const { endpoint, name } = JSON.parse(process.env.TASK)
const signal = new AbortController().signal
const session = await sftp.connect({ ...endpoint, settings: sftp.settings.parse(endpoint.settings) }, signal)
const digest = createHash('sha256')
for await (const chunk of session.read(name, { offset: 0, signal })) digest.update(chunk)
await session.close()
console.log(JSON.stringify({ sha256: digest.digest('hex'), peakKib: process.resourceUsage().maxRSS }))
`

describe.skipIf(peer.absent)(`a large file from OpenSSH${peer.note}`, () => {
  it('of 1 GiB comes in with the same SHA-256 in less than 250 MB of resident memory', async () => {
    const sshd = await startSshd()
    try {
      const digest = createHash('sha256')
      const block = randomBytes(8 * 1024 * 1024)
      const file = openSync(join(sshd.folder, 'large.bin'), 'w')
      for (let number = 0; number < GIB / block.length; number++) {
        block.writeUInt32BE(number)
        writeSync(file, block)
        digest.update(block)
      }
      closeSync(file)
      const endpoint = {
        settings: { protocol: 'sftp', host: '127.0.0.1', port: sshd.port, username: sshd.username, auth: { method: 'key', privateKey: 'sealed' } },
        folder: sshd.folder,
        secrets: { privateKey: sshd.privateKey },
        pins: [{ item: 'x', algorithm: 'ssh-ed25519', fingerprint: sshd.fingerprints.ed25519, publicKey: sshd.hostKeys.ed25519 }],
        tls: { pins: [], authorities: [], client: null },
        tolerated: [],
      }
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', DOWNLOAD], { env: { ...process.env, TASK: JSON.stringify({ endpoint, name: 'large.bin' }) } })
      const { sha256, peakKib } = JSON.parse(stdout) as { sha256: string; peakKib: number }
      expect(sha256).toBe(digest.digest('hex'))
      expect(peakKib).toBeLessThan(LIMIT_KIB)
    } finally {
      await sshd.stop()
    }
  })
})
