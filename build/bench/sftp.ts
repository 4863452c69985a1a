/** One large file out and in, beside OpenSSH's own client at the same sshd. `node build/bench/sftp.ts [--mib 256] [--rounds 5]` */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startSshd } from '../../e2e/servers/sshd.ts'
import { SftpConnection } from '../../shared/contract/connections/sftp.ts'
import { sftp } from '../../shared/core/protocols/sftp/index.ts'
import { race } from './rounds.ts'

const { values } = parseArgs({ options: { mib: { type: 'string', default: '256' }, rounds: { type: 'string', default: '5' } } })
const mib = Number(values.mib)
const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'))
const sshd = await startSshd()
const source = join(folder, 'large.bin')
const file = await open(source, 'w')
for (let count = 0; count < mib; count++) await file.write(randomBytes(1024 * 1024))
await file.close()
await writeFile(join(folder, 'key'), sshd.privateKey, { mode: 0o600 })
await writeFile(join(folder, 'known_hosts'), `[127.0.0.1]:${sshd.port} ${sshd.hostKeys.ed25519}\n`)

const settings = SftpConnection.parse({ protocol: 'sftp', host: '127.0.0.1', port: sshd.port, username: sshd.username, auth: { method: 'key', privateKey: 'sealed' }, folder: sshd.folder })
const pin = { item: 'trust_1', algorithm: 'ssh-ed25519', fingerprint: sshd.fingerprints.ed25519, publicKey: sshd.hostKeys.ed25519 }
const signal = new AbortController().signal

/** Connecting is part of the work, for both. */
async function ours(action: 'put' | 'get'): Promise<void> {
  const session = await sftp.connect({ settings, folder: settings.folder, secrets: { privateKey: sshd.privateKey }, pins: [pin], tls: { pins: [], authorities: [], client: null }, tolerated: [] }, signal)
  if (action === 'put') await session.write('ours.bin', createReadStream(source, { highWaterMark: 1024 * 1024 }), { offset: 0, signal, onAcknowledged: () => undefined })
  else {
    const target = await open(join(folder, 'ours.bin'), 'w')
    for await (const chunk of session.read('ours.bin', { offset: 0, signal })) await target.write(chunk)
    await target.close()
  }
  await session.close()
}

async function theirs(command: string): Promise<void> {
  const options = ['-q', '-P', String(sshd.port), '-i', join(folder, 'key'), '-o', `UserKnownHostsFile=${join(folder, 'known_hosts')}`, '-o', 'StrictHostKeyChecking=yes', '-b', '-']
  await Promise.resolve(execFileSync('sftp', [...options, `${sshd.username}@127.0.0.1`], { input: `${command}\n`, stdio: ['pipe', 'ignore', 'inherit'] }))
}

try {
  const rounds = Number(values.rounds)
  await race(`SFTP out, ${mib} MiB`, mib, 'MiB', [{ name: 'Waybill', run: () => ours('put') }, { name: 'OpenSSH sftp', run: () => theirs(`put ${source} ${join(sshd.folder, 'theirs.bin')}`) }], rounds)
  await race(`SFTP in, ${mib} MiB`, mib, 'MiB', [{ name: 'Waybill', run: () => ours('get') }, { name: 'OpenSSH sftp', run: () => theirs(`get ${join(sshd.folder, 'theirs.bin')} ${join(folder, 'theirs.bin')}`) }], rounds)
} finally {
  await sshd.stop()
  await rm(folder, { recursive: true, force: true })
}
