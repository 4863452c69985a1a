/** TLS connections whose server was judged by us before the first byte of ours. */
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { isIP, type Socket } from 'node:net'
import type { TlsSettings } from '../../../contract/connections/common.ts'
import type { PresentedCertificate } from '../../../contract/partners.ts'
import { readCertificate, type Certificate } from '../../crypto/x509/index.ts'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { LinePolicy, ObservedCrypto, TlsTrust } from '../file-protocol.ts'
import { dial, within } from '../network.ts'
import type { Proxy } from '../proxy.ts'
import { contextsFor, type TlsContexts } from './contexts.ts'
import { tlsError } from './errors.ts'
import { certificateRefusal, expectedName, judgeCertificate, type Presented } from './judge.ts'

export type TlsRules = Pick<TlsSettings, 'trust' | 'minimum' | 'serverName'>

/** What decides about servers, prepared once for all connections of one endpoint. */
export interface TlsPolicy {
  readonly line: LinePolicy | undefined
  readonly settings: TlsRules
  readonly trust: TlsTrust
  /** Fingerprint (`sha256:…`) and key of the client certificate that is shown, or null. */
  readonly client: { readonly fingerprint: string; readonly key: string } | null
  readonly clock: Clock
  readonly contexts: TlsContexts
}

export interface TlsConnectOptions {
  /** Names the server: in messages, for the name check (unless the settings name another) and for SNI. */
  readonly host: string
  readonly port: number
  /** A connected socket on which TLS starts now (AUTH TLS); left out: a fresh connection, through `proxy` where one is given. */
  readonly socket?: Socket | undefined
  readonly proxy?: Proxy | undefined
  /** For connecting, and again for the handshake. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** A session to resume, and the connection that it was made on: a resumed handshake shows no certificate again. */
  readonly resume?: Resumption | undefined
  readonly protocols?: readonly string[] | undefined
  /** How much may wait for a reader that is busy, in bytes; default Node's. */
  readonly highWaterMark?: number | undefined
  /** The TCP connection stands. */
  readonly onConnected?: () => void
  /** Told of every certificate that was judged, also of those refused. */
  readonly onPresented?: (certificate: PresentedCertificate) => void
}

export interface Resumption {
  readonly session: Buffer
  readonly of: Pick<TlsConnection, 'judgedBy' | 'presented' | 'certificate' | 'observed' | 'group'>
}

export interface TlsConnection {
  readonly socket: TLSSocket
  /** By what, and under which name, the server was judged. */
  readonly judgedBy: { readonly policy: TlsPolicy; readonly host: string }
  readonly presented: Presented
  /** The newest session of this connection that can be resumed. With TLS 1.3 it comes a moment after the handshake, and is for one use. */
  session(): Buffer | undefined
  readonly certificate: PresentedCertificate
  /** `tlsVersion`, `cipher`, `ephemeralKey`, `serverCertificate`, `serverPublicKey`, `serverIssuer`, `serverTrust`, `clientCertificate`. */
  readonly observed: ObservedCrypto
  /** In which the keys were exchanged, by OpenSSL's name; null where it is not told. */
  readonly group: string | null
}

/** Throws `cms.key_unusable` or the like when the client certificate that is bound cannot be used. */
export function createTlsPolicy(settings: TlsRules, trust: TlsTrust, { clock = systemClock, line }: { readonly clock?: Clock; readonly line?: LinePolicy | undefined } = {}): TlsPolicy {
  const { client } = trust
  return { line, settings, trust, client: client === null ? null : shownBy(readCertificate(client.certificate)), clock, contexts: contextsFor(settings, trust, line) }
}

/**
 * Connects, shakes hands and judges the server. A refused connection is destroyed and never handed out.
 * Rejects with an AppError (`net.*`, `tls.*`) or with the signal's reason.
 */
export async function connectTls(policy: TlsPolicy, options: TlsConnectOptions): Promise<TlsConnection> {
  const { host, port, timeoutMs, signal } = options
  const server = `${host}:${port}`
  const raw = options.socket ?? (await dial({ host, port, proxy: options.proxy, timeoutMs, signal }))
  options.onConnected?.()
  const socket = connect({ ...handshakeOptions(policy, host, options.resume), socket: raw, ...(options.resume === undefined ? {} : { session: options.resume.session }), ...(options.highWaterMark === undefined ? {} : { highWaterMark: options.highWaterMark }), ...(options.protocols === undefined ? {} : { ALPNProtocols: [...options.protocols] }) })
  let session: Buffer | undefined
  socket.on('session', (newer) => (session = newer))
  try {
    await within(timeoutMs, signal, `${server} did not finish the TLS handshake`, (resolve, reject) => {
      const onClose = (): void => reject(new Error('the connection was closed before it was secure'))
      socket.once('error', reject)
      socket.once('close', onClose)
      socket.once('secureConnect', () => {
        socket.off('close', onClose)
        resolve(undefined)
      })
    })
    const found = foundBefore(socket, policy, options) ?? judge(socket, policy, options)
    options.onPresented?.(found.certificate)
    const refusal = certificateRefusal(found.certificate, server)
    if (refusal !== null) throw refusal
    policy.line?.permit(found.observed)
    return { ...found, socket, judgedBy: { policy, host }, session: () => session }
  } catch (error) {
    socket.on('error', () => undefined)
    socket.destroy()
    raw.destroy()
    if (signal.aborted) throw error
    throw tlsError(error, { server, client: policy.client?.fingerprint ?? null })
  }
}

/** Node resumes a session only under the identity with which it was made (`servername`, else `host`): the same for all connections to one server. */
function handshakeOptions(policy: TlsPolicy, host: string, resume: Resumption | undefined): ConnectionOptions {
  const name = expectedName({ settings: policy.settings, host })
  const group = resume?.of.group ?? null
  return {
    secureContext: group === null ? policy.contexts.any : policy.contexts.preferring(group),
    host: name,
    // No name for an address (RFC 6066 §3).
    ...(isIP(name) === 0 ? { servername: name } : {}),
    // We judge, and before anything is sent.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  }
}

type Found = Pick<TlsConnection, 'presented' | 'certificate' | 'observed' | 'group'>

/** Throws `tls.certificate_unknown` for a server that showed nothing. */
function judge(socket: TLSSocket, { settings, trust, clock, client }: TlsPolicy, { host, port, resume }: TlsConnectOptions): Found {
  const presented = presentedBy(socket, resume)
  if (presented === null) throw new AppError('tls.certificate_unknown', `${host}:${port} presented no certificate`, { details: { server: `${host}:${port}` } })
  const certificate = judgeCertificate(presented, { settings, trust, host, now: clock.now() })
  const key = socket.getEphemeralKeyInfo()
  return { presented, certificate, observed: { ...observedOf(certificate, key, client), ...lineOf(socket) }, group: key !== null && 'name' in key ? (key.name ?? null) : null }
}

/**
 * A resumed session proves by its secret that this is the server of the handshake that it was made in: what was found there counts for
 * as long as the certificate is valid and the same is asked. Null where it must be judged.
 */
function foundBefore(socket: TLSSocket, policy: TlsPolicy, { host, resume }: TlsConnectOptions): Found | null {
  if (resume === undefined || !socket.isSessionReused() || resume.of.judgedBy.policy !== policy || resume.of.judgedBy.host !== host) return null
  const { presented, certificate, observed, group } = resume.of
  const now = policy.clock.now()
  if (now < Date.parse(certificate.notBefore) || now > Date.parse(certificate.notAfter)) return null
  return { presented, certificate, group, observed: { ...observed, ...lineOf(socket) } }
}

/** What the other end showed, or showed when the session was made that is resumed now; null when it showed nothing. */
function presentedBy(socket: TLSSocket, resume: Resumption | undefined): Presented | null {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return resume !== undefined && socket.isSessionReused() ? resume.of.presented : null
  const problem: unknown = socket.authorizationError
  return { certificate: certificate.raw, chainProblem: socket.authorized ? null : codeOf(problem) }
}

/** Declared as an Error, but it is the code as text. */
function codeOf(problem: unknown): string {
  if (typeof problem === 'string') return problem
  return typeof problem === 'object' && problem !== null && 'code' in problem ? String(problem.code) : 'UNSPECIFIED'
}

function shownBy({ fingerprintSha256, keyType, keyBits }: Certificate): NonNullable<TlsPolicy['client']> {
  return { fingerprint: `sha256:${fingerprintSha256}`, key: `${keyType.toUpperCase()} ${keyBits ?? ''}`.trimEnd() }
}

function lineOf(socket: TLSSocket): { readonly tlsVersion: string; readonly cipher: string } {
  const cipher = socket.getCipher()
  return { tlsVersion: socket.getProtocol() ?? 'unknown', cipher: cipher.standardName ?? cipher.name }
}

function observedOf(certificate: PresentedCertificate, ephemeral: ReturnType<TLSSocket['getEphemeralKeyInfo']>, client: TlsPolicy['client']): ObservedCrypto {
  const key = ephemeral !== null && 'type' in ephemeral ? [ephemeral.type, ephemeral.name, ephemeral.size === undefined ? undefined : `${ephemeral.size} bit`].filter(Boolean).join(' ') : ''
  return {
    // Hybrid groups with a post-quantum part are not told by name.
    ephemeralKey: key === '' ? 'not told' : key,
    serverCertificate: certificate.fingerprint,
    serverPublicKey: certificate.publicKeyPin,
    serverKey: certificate.bits === null ? certificate.algorithm : `${certificate.algorithm} ${certificate.bits}`,
    serverIssuer: certificate.issuer,
    serverTrust: certificate.reason,
    clientCertificate: client?.fingerprint ?? 'none',
    ...(client === null ? {} : { clientKey: client.key }),
  }
}
