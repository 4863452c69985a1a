/** SFTP beside rclone and OpenSSH's own client, at OpenSSH's server. */
import { mkdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startSshd } from '../../../e2e/servers/sshd.ts'
import { SftpConnection } from '../../../shared/contract/connections/sftp.ts'
import { sftp } from '../../../shared/core/protocols/sftp/index.ts'
import { emptyFolder, ourRunner, program, usable, type Runner, type Transport, type Work } from './transport.ts'

export async function sftpTransport(work: Work): Promise<Transport> {
  const server = await startSshd()
  for (const name of ['openssh', 'rclone']) mkdirSync(join(server.folder, name))
  const key = join(work.folder, 'key')
  const hosts = join(work.folder, 'known_hosts')
  await writeFile(key, server.privateKey, { mode: 0o600 })
  await writeFile(hosts, Object.values(server.hostKeys).map((line) => `[127.0.0.1]:${server.port} ${line}\n`).join(''))
  const settings = SftpConnection.parse({ protocol: 'sftp', host: '127.0.0.1', port: server.port, username: server.username, auth: { method: 'key', privateKey: 'sealed' }, folder: server.folder })
  const pin = { item: 'trust_1', algorithm: 'ssh-ed25519', fingerprint: server.fingerprints.ed25519, publicKey: server.hostKeys.ed25519 }
  const connect = async (signal: AbortSignal) => await sftp.connect({ settings, folder: server.folder, secrets: { privateKey: server.privateKey }, pins: [pin], tls: { pins: [], authorities: [], client: null }, tolerated: [] }, signal)

  const openssh = async (...commands: readonly string[]): Promise<void> => {
    const batch = join(work.folder, 'batch')
    await writeFile(batch, `${commands.join('\n')}\n`)
    await program('sftp', ['-q', '-P', String(server.port), '-i', key, '-o', `UserKnownHostsFile=${hosts}`, '-o', 'StrictHostKeyChecking=yes', '-b', batch, `${server.username}@127.0.0.1`])
  }
  const theirs = join(server.folder, 'openssh')
  const byOpenssh: Runner = {
    name: 'OpenSSH sftp',
    putLarge: async () => await openssh(`put ${work.source} ${join(theirs, 'large.bin')}`),
    getLarge: async () => await openssh(`get ${join(theirs, 'large.bin')} ${join(work.folder, 'openssh.bin')}`),
    putMany: async () => await openssh(`cd ${theirs}`, `put ${work.many}/*.edi`),
    getMany: async () => await openssh(`lcd ${await emptyFolder(work, 'openssh-many')}`, `get ${theirs}/*.edi`),
  }
  const env = { RCLONE_CONFIG: join(work.folder, 'rclone.conf'), RCLONE_CONFIG_THERE_TYPE: 'sftp', RCLONE_CONFIG_THERE_HOST: '127.0.0.1', RCLONE_CONFIG_THERE_PORT: String(server.port), RCLONE_CONFIG_THERE_USER: server.username, RCLONE_CONFIG_THERE_KEY_FILE: key, RCLONE_CONFIG_THERE_KNOWN_HOSTS_FILE: hosts }
  const rclone = async (...args: readonly string[]): Promise<void> => void (await program('rclone', [...args, '--quiet', '--retries', '1', '--ignore-times'], env))
  const byRclone: Runner = {
    name: 'rclone',
    putLarge: async () => await rclone('copyto', work.source, `THERE:${server.folder}/rclone/large.bin`),
    getLarge: async () => await rclone('copyto', `THERE:${server.folder}/rclone/large.bin`, join(work.folder, 'rclone.bin')),
    putMany: async () => await rclone('copy', work.many, `THERE:${server.folder}/rclone`),
    getMany: async () => await rclone('copy', `THERE:${server.folder}/rclone`, join(work.folder, 'rclone-many'), '--include', '*.edi'),
  }
  return { name: 'SFTP at OpenSSH', contestants: [ourRunner(work, connect, { protocol: 'sftp', delivered: false }), ourRunner(work, connect, { protocol: 'sftp', delivered: true }), ...(await usable([byRclone, byOpenssh]))], stop: async () => await server.stop() }
}
