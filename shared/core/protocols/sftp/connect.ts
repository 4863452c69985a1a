/** Opens the SSH connection and the SFTP channel on it, and notes what was negotiated. Nothing is sent to a host that is not pinned. */
import SftpClient from 'ssh2-sftp-client'
import type { Client, ConnectConfig, NegotiatedAlgorithms, SFTPWrapper } from 'ssh2'
import type { PresentedHostKey } from '../../../contract/partners.ts'
import type { SftpConnection } from '../../../contract/connections/sftp.ts'
import { AppError } from '../../kernel/errors.ts'
import type { FileEndpoint, ObservedCrypto } from '../file-protocol.ts'
import { offeredAlgorithms } from './algorithms.ts'
import { connectError } from './errors.ts'
import { judgeHostKey, refusalOf } from './host-key.ts'

export type SftpEndpoint = FileEndpoint<SftpConnection>

/** What happened on the way, told as it happens. */
export interface ConnectObserver {
  /** The TCP connection stands. */
  connected?(): void
  hostKey?(presented: PresentedHostKey): void
  /** The key exchange is done with a pinned host. */
  handshake?(observed: ObservedCrypto): void
}

export interface Connected {
  readonly client: SftpClient
  readonly ssh: Client
  readonly sftp: SFTPWrapper
  readonly observed: ObservedCrypto
}

/** Rejects with an AppError (`net.*`, `sftp.*`, `remote.auth_refused`) or with the signal's reason. */
export async function connectSftp(endpoint: SftpEndpoint, observer: ConnectObserver, signal: AbortSignal): Promise<Connected> {
  signal.throwIfAborted()
  const { settings, pins, tolerated } = endpoint
  const host = `${settings.host}:${settings.port}`
  const client = new SftpClient('waybill', { error: ignore, end: ignore, close: ignore })
  const ssh = sshOf(client)
  const offers: Record<string, string> = {}
  const facts: Record<string, string> = {}
  let refusal: AppError | null = null

  ssh.on('connect', () => observer.connected?.())
  ssh.on('handshake', (negotiated) => {
    Object.assign(facts, factsOf(negotiated))
    observer.handshake?.({ ...facts })
  })
  const config: ConnectConfig = {
    host: settings.host,
    port: settings.port,
    username: settings.username,
    ...signInOf(endpoint),
    algorithms: offeredAlgorithms(pins, tolerated),
    readyTimeout: settings.connectTimeoutSeconds * 1000,
    keepaliveInterval: Math.max(1, Math.floor(settings.idleTimeoutSeconds / 3)) * 1000,
    keepaliveCountMax: 3,
    hostVerifier: (blob: Buffer) => {
      const presented = judgeHostKey(blob, pins)
      Object.assign(facts, { hostKeyAlgorithm: presented.algorithm, hostKeyFingerprint: presented.fingerprint })
      observer.hostKey?.(presented)
      refusal = refusalOf(presented)
      return refusal === null
    },
    debug: (line: string) => noteOffer(line, offers, facts),
  }

  const onAbort = (): void => void ssh.destroy()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const sftp = await client.connect(config)
    // Small writes would each wait for the one before (Nagle): seven times slower on a fast line.
    ssh.setNoDelay(true)
    return { client, ssh, sftp, observed: { ...facts, authMethod: settings.auth.method } }
  } catch (error) {
    ssh.destroy()
    signal.throwIfAborted()
    throw refusal ?? connectError(error, host, offers)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

const ignore = (): void => undefined

/** The library keeps the connection in an undeclared but documented property (`client`), for what it does not wrap. */
function sshOf(client: SftpClient): Client {
  return (client as unknown as { readonly client: Client }).client
}

function signInOf({ settings, secrets }: SftpEndpoint): Partial<ConnectConfig> {
  if (settings.auth.method === 'password') {
    const { password } = secrets
    if (password === undefined) throw new AppError('remote.auth_refused', 'no password is sealed for this connection')
    return { password, authHandler: ['password'] }
  }
  const { privateKey } = secrets
  if (privateKey === undefined) throw new AppError('remote.auth_refused', 'no private key is sealed for this connection')
  return { privateKey, authHandler: ['publickey'] }
}

function factsOf(negotiated: NegotiatedAlgorithms): Record<string, string> {
  const { kex, serverHostKey, cs, sc } = negotiated
  return {
    kex,
    hostKeySignature: serverHostKey,
    cipher: cs.cipher === sc.cipher ? cs.cipher : `${cs.cipher} / ${sc.cipher}`,
    // The AEAD ciphers authenticate by themselves.
    mac: cs.mac === '' || cs.mac === undefined ? 'implicit' : cs.mac,
    compression: cs.compress,
  }
}

/** The library tells both sides' offers and the server's greeting only in its debug lines. */
function noteOffer(line: string, offers: Record<string, string>, facts: Record<string, string>): void {
  const offer = /Handshake: \((local|remote)\) (KEX method|Host key format|C->S cipher|C->S MAC): (.*)$/.exec(line)
  if (offer) offers[`${offer[1] === 'local' ? 'we offered' : 'the server offered'} (${offer[2] ?? ''})`] = (offer[3] ?? '').slice(0, 600)
  const ident = /Remote ident: '(SSH-[^']{1,200})'/.exec(line)?.[1]
  if (ident !== undefined) facts['serverSoftware'] = ident
}
