/** A private ProFTPD on this computer, with an account of its own. As its authors ship it, it insists on session reuse. */
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { defaultIdentity, PASSWORD, type FtpsServer, type FtpsServerOptions } from './ftps.ts'
import { findPeer } from './peers.ts'
import { end, listening, signalSessions } from './processes.ts'
import { freePort } from './sshd.ts'

const USERNAME = 'partner'

export async function startProftpd(options: FtpsServerOptions = {}): Promise<FtpsServer> {
  const { mode = 'explicit', tls, identity = defaultIdentity(), clientAuthority } = options
  const program = findPeer('proftpd').path ?? 'proftpd'
  const home = mkdtempSync(join(tmpdir(), 'waybill-proftpd-'))
  const folder = join(home, 'files')
  mkdirSync(folder)
  chmodSync(home, 0o755)
  const file = (name: string, content: string): string => {
    writeFileSync(join(home, name), content, { mode: 0o600 })
    return join(home, name)
  }
  const port = await freePort()
  const { uid, gid, username } = userInfo()
  const group = execFileSync('id', ['-gn']).toString().trim()
  const hash = execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: `${PASSWORD}\n` }).toString().trim()
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
      `PidFile ${join(home, 'pid')}`,
      `ScoreboardFile ${join(home, 'scoreboard')}`,
      `DelayTable none`,
      'WtmpLog off',
      'AuthPAM off',
      'AuthOrder mod_auth_file.c',
      `AuthUserFile ${file('users', `${USERNAME}:${hash}:${uid}:${gid}::${folder}:/bin/sh\n`)}`,
      `AuthGroupFile ${file('groups', `partner:x:${gid}:\n`)}`,
      'RequireValidShell off',
      'RootLogin on',
      'AllowOverwrite on',
      'AllowStoreRestart on',
      'AllowRetrieveRestart on',
      'TimeoutIdle 600',
      'Umask 022',
      `SystemLog ${join(home, 'log')}`,
      `ExtendedLog ${join(home, 'commands')} ALL`,
      'TLSEngine on',
      'TLSRequired on',
      `TLSProtocol ${versions}`,
      `TLSRSACertificateFile ${file('certificate.pem', identity.certificate)}`,
      `TLSRSACertificateKeyFile ${file('key.pem', identity.privateKey)}`,
      `TLSLog ${join(home, 'tls.log')}`,
      ...(mode === 'implicit' ? ['TLSOptions UseImplicitSSL'] : []),
      ...(clientAuthority === undefined ? ['TLSVerifyClient off'] : ['TLSVerifyClient on', `TLSCACertificateFile ${file('clients.pem', clientAuthority)}`]),
      'DigestEngine on',
      ...(options.config ?? []),
      '',
    ].join('\n'),
  )
  const server = spawn(program, ['-n', '-q', '-c', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said: Buffer[] = []
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (data: Buffer) => said.push(data))
  const log = (): string => ['log', 'tls.log', 'commands'].map((name) => (existsSync(join(home, name)) ? readFileSync(join(home, name), 'utf8') : '')).join('') + Buffer.concat(said).toString()
  await listening(server, port, log)
  return {
    port,
    mode,
    username: USERNAME,
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
