/** A private vsftpd on this computer that insists on session reuse. Needs root on Linux: its account lives in a password file of its own. */
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { defaultIdentity, PASSWORD, type FtpsServer, type FtpsServerOptions } from './ftps.ts'
import { findPeer, type Peer } from './peers.ts'
import { end, listening, signalSessions } from './processes.ts'
import { freePort } from './sshd.ts'

export function vsftpdPeer(): Peer {
  const peer = findPeer('vsftpd')
  const root = process.platform === 'linux' && process.getuid?.() === 0
  return peer.absent || root ? peer : { path: peer.path, absent: true, note: ' (skipped: vsftpd is run as root, on Linux)' }
}

export async function startVsftpd(options: FtpsServerOptions = {}): Promise<FtpsServer> {
  const { mode = 'explicit', tls, identity = defaultIdentity(), clientAuthority } = options
  const home = mkdtempSync(join(tmpdir(), 'waybill-vsftpd-'))
  const folder = join(home, 'files')
  for (const name of ['files', 'empty']) mkdirSync(join(home, name))
  chmodSync(home, 0o755)
  const file = (name: string, content: string): string => {
    writeFileSync(join(home, name), content, { mode: 0o600 })
    return join(home, name)
  }
  const port = await freePort()
  const username = userInfo().username
  const hash = execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: `${PASSWORD}\n` }).toString().trim()
  const shadow = file('shadow', `${username}:${hash}:20000:0:99999:7:::\n`)
  const pam = file('pam', 'auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n')
  const config = file(
    'vsftpd.conf',
    [
      'listen=YES',
      'listen_address=127.0.0.1',
      `listen_port=${port}`,
      'background=NO',
      'anonymous_enable=NO',
      'local_enable=YES',
      'write_enable=YES',
      'pam_service_name=vsftpd',
      `local_root=${folder}`,
      `secure_chroot_dir=${join(home, 'empty')}`,
      'seccomp_sandbox=NO',
      'isolate=NO',
      'isolate_network=NO',
      'utf8_filesystem=YES',
      'xferlog_enable=YES',
      'log_ftp_protocol=YES',
      `vsftpd_log_file=${join(home, 'log')}`,
      'ssl_enable=YES',
      'ssl_tlsv1=YES',
      'force_local_data_ssl=YES',
      'force_local_logins_ssl=YES',
      'require_ssl_reuse=YES',
      'strict_ssl_read_eof=YES',
      'ssl_ciphers=HIGH',
      `rsa_cert_file=${file('certificate.pem', identity.certificate)}`,
      `rsa_private_key_file=${file('key.pem', identity.privateKey)}`,
      ...(mode === 'implicit' ? ['implicit_ssl=YES'] : []),
      ...(clientAuthority === undefined ? [] : ['ssl_request_cert=YES', 'require_cert=YES', 'validate_cert=YES', `ca_certs_file=${file('clients.pem', clientAuthority)}`]),
      ...(options.config ?? []),
      '',
    ].join('\n'),
  )
  // It has no setting for the version: the library's own configuration has.
  const version = tls === undefined ? '' : `MinProtocol = TLSv${tls}\nMaxProtocol = TLSv${tls}\n`
  const openssl = file('openssl.cnf', `openssl_conf = top\n[top]\nssl_conf = ssl\n[ssl]\nsystem_default = defaults\n[defaults]\n${version}`)
  // In a mount namespace of its own, so that the system's files are not touched.
  const pamFile = existsSync('/etc/pam.d/vsftpd') ? '/etc/pam.d/vsftpd' : '/etc/pam.d/other'
  const command = `mount --bind "$0" /etc/shadow && mount --bind "$1" ${pamFile} && shift && exec "$@"`
  const server = spawn('unshare', ['--mount', 'sh', '-c', command, shadow, pam, findPeer('vsftpd').path ?? 'vsftpd', config], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, OPENSSL_CONF: openssl } })
  const said: Buffer[] = []
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (data: Buffer) => said.push(data))
  const log = (): string => Buffer.concat(said).toString() + (existsSync(join(home, 'log')) ? readFileSync(join(home, 'log'), 'utf8') : '')
  await listening(server, port, log)
  return {
    port,
    mode,
    username,
    password: PASSWORD,
    identity,
    folder,
    log,
    killSessions: () => signalSessions(server, 'SIGKILL'),
    signalSessions: (signal) => void signalSessions(server, signal),
    async stop() {
      await end(server)
      rmSync(home, { recursive: true, force: true })
    },
  }
}
