/** A private OpenSSH server on this computer, with keys and folders of its own. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { findPeer } from './peers.ts'
import { end, killAndRestart, listening, sessionsOver, signalSessions } from './processes.ts'

export interface Sshd {
  readonly port: number
  readonly username: string
  /** Private key (OpenSSH text) of the account. */
  readonly privateKey: string
  /** Public lines by kind. */
  readonly hostKeys: Readonly<Record<HostKeyKind, string>>
  /** `SHA256:…` by kind, as ssh-keygen prints them. */
  readonly fingerprints: Readonly<Record<HostKeyKind, string>>
  /** Public line of the authority that signed the host keys, where one did. */
  readonly authority: string
  /** Where the account's files go. */
  readonly folder: string
  /** What the server wrote to its log so far. */
  log(): string
  /** The same once no connection is open any more: the server writes down what happened a moment after it has answered. */
  finalLog(): Promise<string>
  /** Ends the processes of present connections, as a cut line would. */
  killSessions(): number
  /** Stops and continues the processes of present connections. */
  signalSessions(signal: NodeJS.Signals): void
  /** Kills it and starts it again. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export type HostKeyKind = 'ed25519' | 'rsa' | 'ecdsa'

export interface SshdOptions {
  /** Host keys that the server shows; default all. */
  readonly show?: readonly HostKeyKind[]
  /** Further lines of sshd_config. */
  readonly config?: readonly string[]
  /** Signs the host keys shown, as `ssh-keygen` is told: `-n NAME`, `-V VALIDITY` … */
  readonly certify?: readonly string[]
  /** The account's key; default a new ed25519 one. Private key text as OpenSSH writes it. */
  readonly accountKind?: readonly string[]
  /** Another account than the present user; needs root. */
  readonly username?: string
  /** The account's password, known to this server alone: it sees a password file of its own. Needs root on Linux. */
  readonly password?: string
  /** The password is asked for by keyboard-interactive only, through PAM with rules of its own. */
  readonly pam?: boolean
}

const KINDS: readonly HostKeyKind[] = ['ed25519', 'rsa', 'ecdsa']

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** So many free ports, one after the other, below those that the system gives to connections that go out. */
export async function freePorts(count: number): Promise<number[]> {
  for (let tries = 0; tries < 50; tries++) {
    const first = 15_000 + Math.floor(Math.random() * 15_000)
    const ports = Array.from({ length: count }, (_, index) => first + index)
    const free = await Promise.all(ports.map(isFree))
    if (free.every(Boolean)) return ports
  }
  throw new Error(`there are no ${count} free ports in a row`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return await new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const home = mkdtempSync(join(tmpdir(), 'waybill-sshd-'))
  const folder = join(home, 'files')
  mkdirSync(folder)
  // The account may be another one than ours.
  chmodSync(home, 0o755)
  chmodSync(folder, 0o777)
  const keygen = (name: string, ...args: string[]): void => void execFileSync('ssh-keygen', ['-q', '-N', '', '-C', name, '-f', join(home, name), ...args])
  for (const kind of KINDS) keygen(`host-${kind}`, '-t', kind)
  keygen('account', ...(options.accountKind ?? ['-t', 'ed25519']))
  const shown = options.show ?? KINDS
  if (options.certify !== undefined) {
    keygen('authority', '-t', 'ed25519')
    execFileSync('ssh-keygen', ['-q', '-s', join(home, 'authority'), '-h', '-I', 'a test server', ...options.certify, ...shown.map((kind) => join(home, `host-${kind}.pub`))])
  }
  const publicLine = (name: string): string => readFileSync(join(home, `${name}.pub`), 'utf8').split(' ').slice(0, 2).join(' ')
  writeFileSync(join(home, 'authorized_keys'), readFileSync(join(home, 'account.pub')))
  chmodSync(join(home, 'authorized_keys'), 0o644)
  const port = await freePort()
  writeFileSync(
    join(home, 'sshd_config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      ...shown.map((kind) => `HostKey ${join(home, `host-${kind}`)}`),
      ...(options.certify === undefined ? [] : shown.map((kind) => `HostCertificate ${join(home, `host-${kind}-cert.pub`)}`)),
      `AuthorizedKeysFile ${join(home, 'authorized_keys')}`,
      `PidFile ${join(home, 'sshd.pid')}`,
      'StrictModes no',
      `UsePAM ${options.pam === true ? 'yes' : 'no'}`,
      'PermitRootLogin yes',
      `PasswordAuthentication ${options.pam === true ? 'no' : 'yes'}`,
      'LogLevel VERBOSE',
      'MaxStartups 100',
      // What the person of this computer has put into the shell's start is none of the tests' business: bash leaves it out then.
      'SetEnv SHLVL=1',
      'Subsystem sftp internal-sftp',
      ...(options.config ?? []),
      '',
    ].join('\n'),
  )
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true })
  const logFile = join(home, 'log')
  writeFileSync(logFile, '')
  const command = [findPeer('sshd').path ?? 'sshd', '-D', '-f', join(home, 'sshd_config'), '-E', logFile]
  const spawnServer = (): ChildProcess => (options.password === undefined ? spawn(command[0] ?? '', command.slice(1), { stdio: 'ignore' }) : spawnWithPassword(home, options.username ?? userInfo().username, options.password, command))
  let server = spawnServer()
  await listening(server, port, () => readFileSync(logFile, 'utf8'))
  const fingerprint = (kind: HostKeyKind): string => execFileSync('ssh-keygen', ['-lf', join(home, `host-${kind}.pub`)]).toString().split(' ')[1] ?? ''
  const byKind = <T>(value: (kind: HostKeyKind) => T): Record<HostKeyKind, T> => ({ ed25519: value('ed25519'), rsa: value('rsa'), ecdsa: value('ecdsa') })
  return {
    port,
    username: options.username ?? userInfo().username,
    privateKey: readFileSync(join(home, 'account'), 'utf8'),
    hostKeys: byKind((kind) => publicLine(`host-${kind}`)),
    fingerprints: byKind(fingerprint),
    authority: options.certify === undefined ? '' : publicLine('authority'),
    folder,
    log: () => readFileSync(logFile, 'utf8'),
    async finalLog() {
      await sessionsOver(server)
      return readFileSync(logFile, 'utf8')
    },
    killSessions: () => signalSessions(server, 'SIGKILL'),
    signalSessions: (signal) => void signalSessions(server, signal),
    async restart() {
      server = await killAndRestart(server, spawnServer, port, () => readFileSync(logFile, 'utf8'))
    },
    async stop() {
      await end(server)
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** In a mount namespace of its own, so that the system's password file is not touched. */
function spawnWithPassword(home: string, username: string, password: string, command: readonly string[]): ChildProcess {
  const hash = execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: `${password}\n` }).toString().trim()
  const shadow = join(home, 'shadow')
  writeFileSync(shadow, `${username}:${hash}:20000:0:99999:7:::\n`, { mode: 0o600 })
  const pam = join(home, 'pam')
  writeFileSync(pam, 'auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n')
  return spawn('unshare', ['--mount', 'sh', '-c', 'mount --bind "$0" /etc/shadow && mount --bind "$1" /etc/pam.d/sshd && shift && exec "$@"', shadow, pam, ...command], { stdio: 'ignore' })
}
