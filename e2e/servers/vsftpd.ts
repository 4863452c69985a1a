/** A private vsftpd on this computer that insists on session reuse. Needs root on Linux: its account lives in a password file of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { defaultIdentity, ftpsHome, passwordHash, running, type FtpsServer, type FtpsServerOptions } from './ftps.ts'
import { findPeer, type Peer } from './peers.ts'

export function vsftpdPeer(): Peer {
  const peer = findPeer('vsftpd')
  const root = process.platform === 'linux' && process.getuid?.() === 0
  return peer.absent || root ? peer : { path: peer.path, absent: true, note: ' (skipped: vsftpd is run as root, on Linux)' }
}

export async function startVsftpd(options: FtpsServerOptions = {}): Promise<FtpsServer> {
  const { mode = 'explicit', tls, identity = defaultIdentity(), clientAuthority } = options
  const home = await ftpsHome('vsftpd')
  const { path, folder, port, file } = home
  mkdirSync(join(path, 'empty'))
  const username = userInfo().username
  const shadow = file('shadow', `${username}:${passwordHash()}:20000:0:99999:7:::\n`)
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
      `secure_chroot_dir=${join(path, 'empty')}`,
      'seccomp_sandbox=NO',
      'isolate=NO',
      'isolate_network=NO',
      'utf8_filesystem=YES',
      'xferlog_enable=YES',
      'log_ftp_protocol=YES',
      `vsftpd_log_file=${join(path, 'log')}`,
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
      ...(options.dataPorts === undefined ? [] : [`pasv_min_port=${Math.min(...options.dataPorts)}`, `pasv_max_port=${Math.max(...options.dataPorts)}`]),
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
  const start = (): ChildProcess => spawn('unshare', ['--mount', 'sh', '-c', command, shadow, pam, findPeer('vsftpd').path ?? 'vsftpd', config], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, OPENSSL_CONF: openssl } })
  return await running(start, home, { mode, username, identity }, ['log'])
}
