/** TLS connections whose server was judged by us before the first byte of ours. */
import { connect, createSecureContext, DEFAULT_CIPHERS, getCACertificates, type ConnectionOptions, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { isIP, type Socket } from 'node:net'
import type { TlsSettings } from '../../../contract/connections/common.ts'
import type { PresentedCertificate } from '../../../contract/partners.ts'
import { readCertificate, type Certificate } from '../../crypto/x509/index.ts'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { LinePolicy, ObservedCrypto, TlsTrust } from '../file-protocol.ts'
import { dial, within } from '../network.ts'
import type { Proxy } from '../proxy.ts'
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
  readonly context: SecureContext
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
  /** A session to resume, and the connection that it was made on: a resumed handshake may show no certificate again. */
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
  readonly of: Pick<TlsConnection, 'presented'>
}

export interface TlsConnection {
  readonly socket: TLSSocket
  readonly presented: Presented
  /** The newest session of this connection that can be resumed. With TLS 1.3 it comes a moment after the handshake, and is for one use. */
  session(): Buffer | undefined
  readonly certificate: PresentedCertificate
  /** `tlsVersion`, `cipher`, `ephemeralKey`, `serverCertificate`, `serverPublicKey`, `serverIssuer`, `serverTrust`, `clientCertificate`. */
  readonly observed: ObservedCrypto
}

/** Throws `cms.key_unusable` or the like when the client certificate that is bound cannot be used. */
export function createTlsPolicy(settings: TlsRules, trust: TlsTrust, { clock = systemClock, line }: { readonly clock?: Clock; readonly line?: LinePolicy | undefined } = {}): TlsPolicy {
  const { client } = trust
  const rules: SecureContextOptions = {
    minVersion: settings.minimum === '1.3' || line?.tls?.minimum === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
    // A server with both kinds must not choose the one without forward secrecy.
    ...(line?.tls?.forwardSecrecy === true ? { ciphers: `${DEFAULT_CIPHERS}:!kRSA` } : {}),
    ...(client === null ? {} : { cert: client.certificate, key: client.privateKey }),
  }
  // A partner may give us only the authority in the middle; binding it is trusting it.
  const context = trust.authorities.length > 0 ? createSecureContext({ ...rules, ca: [...trust.authorities], allowPartialTrustChain: true }) : client === null ? systemContext(rules) : createSecureContext({ ...rules, ca: systemAuthorities() })
  return { line, settings, trust, client: client === null ? null : shownBy(readCertificate(client.certificate)), clock, context }
}

let known: readonly string[] | undefined

const contexts = new Map<string, SecureContext>()

/** One for all connections under the same rules: reading the system's hundreds of authorities into each takes longer than its handshake. */
function systemContext(rules: SecureContextOptions): SecureContext {
  const key = JSON.stringify(rules)
  const context = contexts.get(key) ?? createSecureContext({ ...rules, ca: systemAuthorities() })
  contexts.set(key, context)
  return context
}

/** What Node brings along and what the operating system's store holds besides. Read once: it takes a while. */
function systemAuthorities(): string[] {
  known ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
  return [...known]
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
  const socket = connect({ ...handshakeOptions(policy, host), socket: raw, ...(options.resume === undefined ? {} : { session: options.resume.session }), ...(options.highWaterMark === undefined ? {} : { highWaterMark: options.highWaterMark }), ...(options.protocols === undefined ? {} : { ALPNProtocols: [...options.protocols] }) })
  let session: Buffer | undefined
  socket.on('session', (newer) => (session = newer))
  try {
    await within(timeoutMs, signal, `${server} did not finish the TLS handshake`, (resolve, reject) => {
      socket.once('secureConnect', () => resolve(undefined))
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('the connection was closed before it was secure')))
    })
    const presented = presentedBy(socket, options.resume)
    if (presented === null) throw new AppError('tls.certificate_unknown', `${server} presented no certificate`, { details: { server } })
    const certificate = judgeCertificate(presented, { settings: policy.settings, trust: policy.trust, host, now: policy.clock.now() })
    options.onPresented?.(certificate)
    const refusal = certificateRefusal(certificate, server)
    if (refusal !== null) throw refusal
    const observed = observedOf(socket, certificate, policy.client)
    policy.line?.permit(observed)
    return { socket, presented, session: () => session, certificate, observed }
  } catch (error) {
    socket.on('error', () => undefined)
    socket.destroy()
    raw.destroy()
    if (signal.aborted) throw error
    throw tlsError(error, { server, client: policy.client?.fingerprint ?? null })
  }
}

/** Node resumes a session only under the identity with which it was made (`servername`, else `host`): the same for all connections to one server. */
function handshakeOptions(policy: TlsPolicy, host: string): ConnectionOptions {
  const name = expectedName({ settings: policy.settings, host })
  return {
    secureContext: policy.context,
    host: name,
    // No name for an address (RFC 6066 §3).
    ...(isIP(name) === 0 ? { servername: name } : {}),
    // We judge, and before anything is sent.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  }
}

/**
 * What the other end showed; null when it showed nothing. A resumed session (TLS 1.2) proves by its secret that this is the server
 * of the handshake that it was made in, and what was shown there counts.
 */
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

function observedOf(socket: TLSSocket, certificate: PresentedCertificate, client: TlsPolicy['client']): ObservedCrypto {
  const cipher = socket.getCipher()
  const ephemeral = socket.getEphemeralKeyInfo()
  const key = ephemeral !== null && 'type' in ephemeral ? [ephemeral.type, ephemeral.name, ephemeral.size === undefined ? undefined : `${ephemeral.size} bit`].filter(Boolean).join(' ') : ''
  return {
    tlsVersion: socket.getProtocol() ?? 'unknown',
    cipher: cipher.standardName ?? cipher.name,
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
