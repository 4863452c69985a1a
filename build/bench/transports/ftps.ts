/** FTPS beside lftp and rclone, at vsftpd with session reuse required. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startVsftpd } from '../../../e2e/servers/vsftpd.ts'
import { FtpsConnection } from '../../../shared/contract/connections/ftps.ts'
import { ftps } from '../../../shared/core/protocols/ftps/index.ts'
import { emptyFolder, ourRunner, program, usable, type Runner, type Transport, type Work } from './transport.ts'

export async function ftpsTransport(work: Work): Promise<Transport> {
  const server = await startVsftpd()
  for (const name of ['lftp', 'rclone']) mkdirSync(join(server.folder, name))
  const { username, password, port, mode, folder } = server
  const settings = FtpsConnection.parse({ protocol: 'ftps', mode, host: '127.0.0.1', port, username, password: 'sealed', folder, tls: { trust: 'pinned' } })
  const tls = { pins: [{ item: 'trust_1', fingerprint: server.identity.fingerprint, certificate: null }], authorities: [], client: null }
  const connect = async (signal: AbortSignal) => await ftps.connect({ settings, folder, secrets: { password }, pins: [], tls, tolerated: [] }, signal)

  const lftp = async (commands: string): Promise<void> =>
    void (await program('lftp', ['-c', `set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set net:max-retries 1; set xfer:clobber yes; open -u "${username}","${password}" ftp://127.0.0.1:${port}; ${commands}`]))
  const byLftp: Runner = {
    name: 'lftp',
    putLarge: async () => await lftp(`put ${work.source} -o lftp/large.bin`),
    getLarge: async () => await lftp(`get lftp/large.bin -o ${join(work.folder, 'lftp.bin')}`),
    putMany: async () => await lftp(`cd lftp; lcd ${work.many}; mput *.edi`),
    getMany: async () => await lftp(`cd lftp; lcd ${await emptyFolder(work, 'lftp-many')}; mget *.edi`),
  }
  const obscured = (await program('rclone', ['obscure', password]).catch(() => '')).trim()
  const env = { RCLONE_CONFIG: join(work.folder, 'rclone.conf'), RCLONE_CONFIG_THERE_TYPE: 'ftp', RCLONE_CONFIG_THERE_HOST: '127.0.0.1', RCLONE_CONFIG_THERE_PORT: String(port), RCLONE_CONFIG_THERE_USER: username, RCLONE_CONFIG_THERE_PASS: obscured, RCLONE_CONFIG_THERE_EXPLICIT_TLS: 'true', RCLONE_CONFIG_THERE_NO_CHECK_CERTIFICATE: 'true', RCLONE_CONFIG_THERE_TLS_CACHE_SIZE: '32', RCLONE_CONFIG_THERE_DISABLE_TLS13: 'true' }
  const rclone = async (...args: readonly string[]): Promise<void> => void (await program('rclone', [...args, '--quiet', '--retries', '1', '--ignore-times'], env))
  const byRclone: Runner = {
    name: 'rclone',
    putLarge: async () => await rclone('copyto', work.source, 'THERE:rclone/large.bin'),
    getLarge: async () => await rclone('copyto', 'THERE:rclone/large.bin', join(work.folder, 'rclone.bin'), '--multi-thread-streams', '0'),
    putMany: async () => await rclone('copy', work.many, 'THERE:rclone'),
    getMany: async () => await rclone('copy', 'THERE:rclone', join(work.folder, 'rclone-many'), '--include', '*.edi'),
  }
  const others: readonly Runner[] = await usable([byRclone, byLftp])
  return { name: 'FTPS at vsftpd', contestants: [ourRunner(work, connect, { protocol: 'ftps', delivered: false }), ourRunner(work, connect, { protocol: 'ftps', delivered: true }), ourRunner(work, connect, { protocol: 'ftps', delivered: true, connections: 4 }), ...others], stop: async () => await server.stop() }
}
