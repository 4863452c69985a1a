/**
 * Reaches a server through a proxy: HTTP CONNECT (RFC 9110 §9.3.6) or SOCKS 5 (RFC 1928, 1929). The server's name is resolved by
 * the proxy. What comes back is a plain line to the server; who is at its other end is for the protocol to prove.
 */
import { connect, type Socket } from 'node:net'
import { AppError } from '../kernel/errors.ts'
import { http } from '../kernel/node-http.ts'

export interface Proxy {
  readonly kind: 'http' | 'socks5'
  readonly host: string
  readonly port: number
  readonly username?: string | undefined
  readonly password?: string | undefined
}

/** The proxy of a connection's settings, with its sealed password. */
export function proxyOf(settings: { readonly proxy?: Omit<Proxy, 'password'> | undefined }, secrets: Readonly<Record<string, string>>): Proxy | undefined {
  const { proxy } = settings
  return proxy === undefined ? undefined : { kind: proxy.kind, host: proxy.host, port: proxy.port, username: proxy.username, password: secrets['proxyPassword'] }
}

/** For what is noted about a connection. */
export function proxyFacts({ proxy }: { readonly proxy?: Omit<Proxy, 'password'> | undefined }): Readonly<Record<string, string>> {
  return proxy === undefined ? {} : { proxy: `${proxy.kind} ${proxy.host}:${proxy.port}` }
}

export interface ProxyTarget {
  readonly host: string
  readonly port: number
}

/** A connected socket to the target. Rejects with `net.proxy_*` or with the signal's reason. */
export async function connectThroughProxy(proxy: Proxy, target: ProxyTarget, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<Socket> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)])
  options.signal.throwIfAborted()
  const where = `${proxy.host}:${proxy.port}`
  const socket = connect(proxy.port, proxy.host)
  const onAbort = (): void => void socket.destroy(new Error('no answer in time'))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await opened(socket)
    await (proxy.kind === 'http' ? throughHttp(socket, proxy, target) : throughSocks(socket, proxy, target, options.timeoutMs))
    signal.throwIfAborted()
    return socket
  } catch (error) {
    socket.destroy()
    options.signal.throwIfAborted()
    if (error instanceof AppError) throw error
    throw new AppError('net.proxy_unreachable', `${where}: ${error instanceof Error ? error.message : String(error)}`, { details: { proxy: where }, cause: error })
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function opened(socket: Socket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
}

async function throughHttp(socket: Socket, proxy: Proxy, target: ProxyTarget): Promise<void> {
  const authority = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`
  const headers: Record<string, string> = { host: authority }
  if (proxy.username !== undefined) headers['proxy-authorization'] = `Basic ${Buffer.from(`${proxy.username}:${proxy.password ?? ''}`).toString('base64')}`
  const { status, reason, early } = await new Promise<{ status: number; reason: string; early: Buffer }>((resolve, reject) => {
    const asked = http.request({ method: 'CONNECT', path: authority, headers, createConnection: () => socket })
    const answered = (answer: { statusCode?: number | undefined; statusMessage?: string | undefined }, early: Buffer): void =>
      resolve({ status: answer.statusCode ?? 0, reason: (answer.statusMessage ?? '').slice(0, 200), early })
    asked.once('connect', (answer, _socket, head) => answered(answer, head))
    asked.once('response', (answer) => answered(answer, Buffer.alloc(0)))
    asked.once('error', reject)
    asked.end()
  })
  refuse(proxy, target, status === 407 ? 'sign-in' : status >= 200 && status < 300 ? null : `${status} ${reason}`.trim())
  // A server that greets first may have done so in the same packet.
  if (early.length > 0) socket.unshift(early)
}

async function throughSocks(socket: Socket, proxy: Proxy, target: ProxyTarget, timeout: number): Promise<void> {
  const { host, port, username, password } = proxy
  const { SocksClient } = await import('socks')
  try {
    await SocksClient.createConnection({
      command: 'connect',
      existing_socket: socket,
      destination: { host: target.host, port: target.port },
      proxy: { host, port, type: 5, ...(username === undefined ? {} : { userId: username, password: password ?? '' }) },
      timeout,
    })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (/authentication (failed|type)|no accepted authentication/i.test(message)) refuse(proxy, target, 'sign-in')
    const rejected = /rejected connection - (.*)$/i.exec(message)?.[1]
    if (rejected !== undefined) refuse(proxy, target, rejected)
    throw error
  }
}

function refuse(proxy: Proxy, target: ProxyTarget, reason: string | null): void {
  if (reason === null) return
  const where = `${proxy.host}:${proxy.port}`
  const details = { proxy: where, server: `${target.host}:${target.port}` }
  if (reason === 'sign-in') throw new AppError('net.proxy_auth_refused', `${where} did not accept the sign-in`, { details })
  throw new AppError('net.proxy_refused', `${where} does not reach ${details.server}: ${reason}`, { details: { ...details, reason } })
}
