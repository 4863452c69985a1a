/** Opens and protects the control connection, judges the server, signs in. Nobody learns the user name before the judgement. */
import { FTPContext, type FTPResponse } from 'basic-ftp'
import type { FtpsConnection } from '../../../contract/connections/ftps.ts'
import { ftpsPort } from '../../../contract/connections/ftps.ts'
import type { PresentedCertificate } from '../../../contract/partners.ts'
import { AppError } from '../../kernel/errors.ts'
import type { FileEndpoint, ObservedCrypto } from '../file-protocol.ts'
import { dial } from '../network.ts'
import { proxyFacts, proxyOf, type Proxy } from '../proxy.ts'
import { connectTls, createTlsPolicy, tlsError, type TlsConnection, type TlsPolicy } from '../tls/index.ts'
import { replyCode, signInError } from './errors.ts'
import { readFeatures, type Features } from './replies.ts'

export type FtpsEndpoint = FileEndpoint<FtpsConnection>

/** What happened on the way, told as it happens. */
export interface ConnectObserver {
  /** The TCP connection stands. */
  connected?(): void
  presented?(certificate: PresentedCertificate): void
  /** The handshake is done with a trusted server. */
  secured?(observed: ObservedCrypto): void
}

export interface Connected {
  readonly context: FTPContext
  readonly control: TlsConnection
  readonly policy: TlsPolicy
  readonly features: Features
  /** `tlsVersion`, `cipher` …, `authMethod`, `serverSoftware`. */
  readonly observed: ObservedCrypto
  /** The server's address: data connections go there and nowhere else. */
  readonly address: string
  /** On the way of data connections too. */
  readonly proxy: Proxy | undefined
  readonly server: string
}

/** Rejects with an AppError (`net.*`, `tls.*`, `ftps.*`, `remote.auth_refused`) or with the signal's reason. */
export async function connectFtps(endpoint: FtpsEndpoint, observer: ConnectObserver, signal: AbortSignal): Promise<Connected> {
  signal.throwIfAborted()
  const { settings } = endpoint
  const server = `${settings.host}:${ftpsPort(settings)}`
  const policy = createTlsPolicy(settings.tls, endpoint.tls, { line: endpoint.line })
  const proxy = proxyOf(settings, endpoint.secrets)
  const context = new FTPContext(settings.idleTimeoutSeconds * 1000)
  const onAbort = (): void => context.close()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const { control, greeting } = settings.mode === 'implicit' ? await openImplicit(context, policy, { settings, proxy }, observer, signal) : await openExplicit(context, policy, { settings, proxy }, observer, signal)
    observer.secured?.(control.observed)
    // A proxy resolves the name itself, again for each data connection.
    const address = proxy === undefined ? control.socket.remoteAddress : settings.host
    if (address === undefined) throw new AppError('net.connection_lost', `${server} ended the connection`)
    await signIn(context, endpoint, policy, server)
    const features = await prepare(context, server)
    return { context, control, policy, features, address, proxy, server, observed: { ...control.observed, ...proxyFacts(settings), mode: settings.mode, dataProtection: 'PROT P', authMethod: policy.client === null ? 'password' : 'password and certificate', serverSoftware: softwareOf(greeting) } }
  } catch (error) {
    context.close()
    signal.throwIfAborted()
    throw signInError(error, server)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

interface Way {
  readonly settings: FtpsConnection
  readonly proxy: Proxy | undefined
}

type Opened = { readonly control: TlsConnection; readonly greeting: FTPResponse }

function tlsOptions({ host, connectTimeoutSeconds }: FtpsConnection, port: number, observer: ConnectObserver, signal: AbortSignal) {
  return { host, port, timeoutMs: connectTimeoutSeconds * 1000, signal, onPresented: (certificate: PresentedCertificate) => observer.presented?.(certificate) }
}

async function openImplicit(context: FTPContext, policy: TlsPolicy, { settings, proxy }: Way, observer: ConnectObserver, signal: AbortSignal): Promise<Opened> {
  const control = await connectTls(policy, { ...tlsOptions(settings, ftpsPort(settings), observer, signal), proxy, onConnected: () => observer.connected?.() })
  const greeting = listen(context, control, settings)
  return { control, greeting: await greeting }
}

/** AUTH TLS (RFC 4217 §4). What a stranger put behind the server's last plain answer is dropped with the plain socket's state. */
async function openExplicit(context: FTPContext, policy: TlsPolicy, { settings, proxy }: Way, observer: ConnectObserver, signal: AbortSignal): Promise<Opened> {
  const port = ftpsPort(settings)
  const plain = await dial({ host: settings.host, port, proxy, timeoutMs: settings.connectTimeoutSeconds * 1000, signal })
  const answered = greetingOn(context, settings)
  context.socket = plain
  const greeting = await answered()
  observer.connected?.()
  await request(context, 'AUTH TLS').catch((error: unknown) => {
    if (replyCode(error) === undefined) throw error
    throw new AppError('ftps.no_tls', `${settings.host}:${port} refused AUTH TLS: ${(error as Error).message}`, { details: { server: `${settings.host}:${port}` }, cause: error })
  })
  const control = await connectTls(policy, { ...tlsOptions(settings, port, observer, signal), socket: plain })
  context.socket = control.socket
  return { control, greeting }
}

async function listen(context: FTPContext, control: TlsConnection, settings: FtpsConnection): Promise<FTPResponse> {
  const answered = greetingOn(context, settings)
  context.socket = control.socket
  return await answered()
}

/** The server speaks first. 120 ("ready in nnn minutes") is not waited for. */
function greetingOn(context: FTPContext, { host, mode, port }: FtpsConnection): () => Promise<FTPResponse> {
  return async () => {
    let heard = ''
    context.socket.once('data', (text: Buffer | string) => (heard = text.toString().slice(0, 200)))
    return (await context.handle(undefined, (reply, task) => {
      if (!(reply instanceof Error) && reply.code >= 200 && reply.code < 300) task.resolve(reply)
      else if (reply instanceof Error && isSomethingElse(heard)) task.reject(new AppError('ftps.not_ftp', `${host}:${ftpsPort({ mode, port })} sent no greeting of FTP: ${heard.trim()}`, { cause: reply }))
      else task.reject(reply instanceof Error ? reply : new AppError('ftps.busy', `${host}: ${reply.message}`, { details: { reply: reply.message } }))
    })) as FTPResponse
  }
}

/** Whether what was heard before the line ended cannot come from an FTP server. Silence proves nothing: the line may have been cut. */
function isSomethingElse(heard: string): boolean {
  return heard !== '' && !/^\d{1,3}(?:[ -]|$)/.test(heard)
}

async function request(context: FTPContext, command: string): Promise<FTPResponse> {
  return await context.request(command)
}

async function signIn(context: FTPContext, { settings, secrets }: FtpsEndpoint, policy: TlsPolicy, server: string): Promise<void> {
  const { password } = secrets
  if (password === undefined) throw new AppError('remote.auth_refused', 'no password is sealed for this connection')
  // Names and passwords are UTF-8 from here on where the server needs to be told; many know it only after the sign-in.
  await tolerated(context, 'OPTS UTF8 ON', (error) => (/timeout/i.test(String(error)) ? error : tlsError(error, { server, client: policy.client?.fingerprint ?? null })))
  await context.handle(`USER ${settings.username}`, (reply, task) => {
    if (reply instanceof Error) task.reject(reply)
    else if (reply.code === 331) context.send(`PASS ${password}`)
    else if (reply.code >= 200 && reply.code < 300) task.resolve(reply)
    else task.reject(new AppError('remote.auth_refused', `${server}: ${reply.message}`, { details: { server, reply: reply.message } }))
  })
}

/** Binary, protected data connections, and what the server can do. */
async function prepare(context: FTPContext, server: string): Promise<Features> {
  await tolerated(context, 'PBSZ 0')
  await request(context, 'PROT P').catch((error: unknown) => {
    if (replyCode(error) === undefined) throw error
    throw new AppError('ftps.protection_refused', `${server} refused PROT P: ${(error as Error).message}`, { details: { server }, cause: error })
  })
  const features = await tolerated(context, 'FEAT')
  const known = readFeatures(features?.message ?? '')
  if (known.has('UTF8')) await tolerated(context, 'OPTS UTF8 ON')
  if (known.has('MLST')) await tolerated(context, 'OPTS MLST type;size;modify;')
  if (/\bSHA-?256\b/i.test(known.get('HASH') ?? '')) await tolerated(context, 'OPTS HASH SHA-256')
  await request(context, 'TYPE I')
  return known
}

/** Null when the server answers that it does not; rejects when the line fails. */
async function tolerated(context: FTPContext, command: string, explain: (error: unknown) => unknown = (error) => error): Promise<FTPResponse | null> {
  try {
    return await request(context, command)
  } catch (error) {
    if (replyCode(error) !== undefined && replyCode(error) !== 421) return null
    throw replyCode(error) === undefined ? explain(error) : error
  }
}

/** The greeting without its code: servers name themselves there, or not. */
function softwareOf({ message }: FTPResponse): string {
  return message.replaceAll(/^220[ -]/gm, '').replaceAll(/\s+/g, ' ').trim().slice(0, 200) || 'not told'
}
