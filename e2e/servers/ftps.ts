/** What the FTPS servers for tests have in common. */
import { execFileSync, type ChildProcess } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { selfSigned, type Identity } from './certificates.ts'
import { end, killAndRestart, listening, sessionsOver, signalSessions } from './processes.ts'
import { freePort } from './sshd.ts'

export interface FtpsServer {
  readonly port: number
  readonly mode: 'explicit' | 'implicit'
  readonly username: string
  readonly password: string
  /** What it shows. */
  readonly identity: Identity
  /** Where the account's files really are. */
  readonly folder: string
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

export interface FtpsServerOptions {
  readonly mode?: 'explicit' | 'implicit'
  /** The only TLS version that it speaks; default both. */
  readonly tls?: '1.2' | '1.3'
  /** Default: self-signed for localhost and 127.0.0.1. */
  readonly identity?: Identity
  /** Authority (PEM) that must vouch for clients; default: no client certificate is asked for. */
  readonly clientAuthority?: string
  /** Ports for data, one after the other; default: any. */
  readonly dataPorts?: readonly number[]
  /** Further lines of its configuration. */
  readonly config?: readonly string[]
}

export const PASSWORD = 'Passw0rd für Prüfungen'

export function defaultIdentity(): Identity {
  return selfSigned({ names: ['localhost', '127.0.0.1'] })
}

/** An FTPS connection of a partner document, trusting the server's certificate by its pin. */
export function ftpsConnectionFor(server: FtpsServer, change: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: 'ftps',
    protocol: 'ftps',
    mode: server.mode,
    host: '127.0.0.1',
    port: server.port,
    username: server.username,
    password: server.password,
    folder: server.folder,
    tls: { trust: 'pinned', pins: [server.identity.fingerprint] },
    ...change,
  }
}

/** A folder for one server: its configuration, its secrets, its log, and the account's files. */
export interface FtpsHome {
  readonly path: string
  /** Where the account's files are. */
  readonly folder: string
  readonly port: number
  /** Writes a file that only we may read; answers its path. */
  file(name: string, content: string): string
}

export async function ftpsHome(name: string): Promise<FtpsHome> {
  const path = mkdtempSync(join(tmpdir(), `waybill-${name}-`))
  chmodSync(path, 0o755)
  const folder = join(path, 'files')
  mkdirSync(folder)
  return {
    path,
    folder,
    port: await freePort(),
    file(file, content) {
      writeFileSync(join(path, file), content, { mode: 0o600 })
      return join(path, file)
    },
  }
}

/** The password as the accounts' files of both servers want it. */
export function passwordHash(): string {
  return execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: `${PASSWORD}\n` }).toString().trim()
}

/** Starts a server and waits until it listens. `logs`: files in its home in which it writes what happens. */
export async function running(start: () => ChildProcess, home: FtpsHome, facts: Pick<FtpsServer, 'mode' | 'username' | 'identity'>, logs: readonly string[]): Promise<FtpsServer> {
  const said: Buffer[] = []
  const spawnServer = (): ChildProcess => {
    const child = start()
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => said.push(data))
    return child
  }
  let server = spawnServer()
  const log = (): string => logs.map((name) => (existsSync(join(home.path, name)) ? readFileSync(join(home.path, name), 'utf8') : '')).join('') + Buffer.concat(said).toString()
  await listening(server, home.port, log)
  return {
    ...facts,
    port: home.port,
    password: PASSWORD,
    folder: home.folder,
    log,
    async finalLog() {
      await sessionsOver(server)
      return log()
    },
    killSessions: () => signalSessions(server, 'SIGKILL'),
    signalSessions: (signal) => void signalSessions(server, signal),
    async restart() {
      server = await killAndRestart(server, spawnServer, home.port, log)
    },
    async stop() {
      await end(server)
      rmSync(home.path, { recursive: true, force: true })
    },
  }
}
