/**
 * FTPS beside lftp and rclone at vsftpd, with session reuse required. rclone can do that with TLS 1.2 only, so that ours speaks 1.3
 * beside it; `ftps12` is the same with 1.2 for all. With 1.3 for all rclone cannot take part: what it uploads breaks off or arrives short,
 * at vsftpd as at ProFTPD, also where no session need be resumed.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startVsftpd } from '../../../e2e/servers/vsftpd.ts'
import { FtpsConnection } from '../../../shared/contract/connections/ftps.ts'
import { ftps } from '../../../shared/core/protocols/ftps/index.ts'
import { emptyFolder, ourRunner, program, usable, type PrepareTransport, type Runner, type Transport, type Work } from './transport.ts'

/** Each client with the newest version that it can use. */
export const ftpsTransport: PrepareTransport = async (work) => await atVsftpd(work)

/** TLS 1.2 for all. */
export const ftps12Transport: PrepareTransport = async (work) => await atVsftpd(work, '1.2')

async function atVsftpd(work: Work, only?: '1.2'): Promise<Transport> {
  const server = await startVsftpd(only === undefined ? {} : { tls: only })
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
  // The slowest of them need not take part in each.
  const others: readonly Runner[] = await usable(only === undefined ? [byRclone, byLftp] : [byRclone])
  return { name: `FTPS at vsftpd${only === undefined ? '' : `, TLS ${only} for all`}`, contestants: [ourRunner(work, connect, { protocol: 'ftps', delivered: false }), ourRunner(work, connect, { protocol: 'ftps', delivered: true }), ourRunner(work, connect, { protocol: 'ftps', delivered: true, connections: 4 }), ...others], stop: async () => await server.stop() }
}
