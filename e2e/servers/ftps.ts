/** What the FTPS servers for tests have in common. */
import { selfSigned, type Identity } from './certificates.ts'

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
  /** Ends the processes of present connections, as a cut line would. */
  killSessions(): number
  /** Stops and continues the processes of present connections. */
  signalSessions(signal: NodeJS.Signals): void
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
