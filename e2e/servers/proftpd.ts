/** A private ProFTPD on this computer, with an account of its own. As its authors ship it, it insists on session reuse. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { defaultIdentity, ftpsHome, passwordHash, running, type FtpsServer, type FtpsServerOptions } from './ftps.ts'
import { findPeer } from './peers.ts'

const USERNAME = 'partner'

export async function startProftpd(options: FtpsServerOptions = {}): Promise<FtpsServer> {
  const { mode = 'explicit', tls, identity = defaultIdentity(), clientAuthority } = options
  const program = findPeer('proftpd').path ?? 'proftpd'
  const home = await ftpsHome('proftpd')
  const { path, folder, port, file } = home
  const { uid, gid, username } = userInfo()
  const group = execFileSync('id', ['-gn']).toString().trim()
  const versions = tls === undefined ? 'TLSv1.2 TLSv1.3' : `TLSv${tls}`
  const config = file(
    'proftpd.conf',
    [
      `ModulePath ${join(dirname(program), '../lib/proftpd')}`,
      ...['tls', 'digest'].map((name) => `LoadModule mod_${name}.c`),
      'ServerType standalone',
      'ServerName "ProFTPD for tests"',
      `Port ${port}`,
      'DefaultAddress 127.0.0.1',
      'SocketBindTight on',
      'UseIPv6 off',
      'UseReverseDNS off',
      `User ${username}`,
      `Group ${group}`,
      `PidFile ${join(path, 'pid')}`,
      `ScoreboardFile ${join(path, 'scoreboard')}`,
      `DelayTable none`,
      'WtmpLog off',
      'AuthPAM off',
      'AuthOrder mod_auth_file.c',
      `AuthUserFile ${file('users', `${USERNAME}:${passwordHash()}:${uid}:${gid}::${folder}:/bin/sh\n`)}`,
      `AuthGroupFile ${file('groups', `partner:x:${gid}:\n`)}`,
      'RequireValidShell off',
      'RootLogin on',
      'AllowOverwrite on',
      'AllowStoreRestart on',
      'AllowRetrieveRestart on',
      'TimeoutIdle 600',
      'Umask 022',
      `SystemLog ${join(path, 'log')}`,
      `ExtendedLog ${join(path, 'commands')} ALL`,
      'TLSEngine on',
      'TLSRequired on',
      `TLSProtocol ${versions}`,
      `TLSRSACertificateFile ${file('certificate.pem', identity.certificate)}`,
      `TLSRSACertificateKeyFile ${file('key.pem', identity.privateKey)}`,
      `TLSLog ${join(path, 'tls.log')}`,
      ...(mode === 'implicit' ? ['TLSOptions UseImplicitSSL'] : []),
      ...(clientAuthority === undefined ? ['TLSVerifyClient off'] : ['TLSVerifyClient on', `TLSCACertificateFile ${file('clients.pem', clientAuthority)}`]),
      'DigestEngine on',
      ...(options.dataPorts === undefined ? [] : [`PassivePorts ${Math.min(...options.dataPorts)} ${Math.max(...options.dataPorts)}`]),
      ...(options.config ?? []),
      '',
    ].join('\n'),
  )
  const start = (): ChildProcess => spawn(program, ['-n', '-q', '-c', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  return await running(start, home, { mode, username: USERNAME, identity }, ['log', 'tls.log', 'commands'])
}
