/** The HTTP(S) server that partners post to: bounded in every direction, and knowing nothing of messages. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { AppError, systemCode } from '../../kernel/errors.ts'
import { http } from '../../kernel/node-http.ts'
import type { HeaderPair } from './message/index.ts'
import { pairsOf } from './http-client.ts'

export interface ListenerLimits {
  /** Requests at a time, over all partners. */
  readonly maxParallel: number
  /** A line on which nothing moves for so long is ended. */
  readonly idleMs: number
  /** A whole header must be there within. */
  readonly headerMs: number
  /** A whole request must be there within. */
  readonly requestMs: number
}

export const LISTENER_LIMITS: ListenerLimits = { maxParallel: 64, idleMs: 120_000, headerMs: 30_000, requestMs: 6 * 3_600_000 }
const MAX_HEADER_BYTES = 64 * 1024
const MAX_HEADERS = 200
const RENEW_MS = 1000
/** After a refusal the rest of the request is read for so long, so that the answer is not lost in a reset. */
const LINGER_MS = 2_000

export interface ListenerTls {
  readonly certificate: string
  readonly privateKey: string
}

export interface InboundRequest {
  readonly path: string
  /** In their order, names as spelled. */
  readonly headers: readonly HeaderPair[]
  /** Content-Length; undefined when it is chunked. */
  readonly length: number | undefined
  readonly remote: string
  /** The certificate that the caller showed and proved to own, whoever issued it, in DER. */
  readonly clientCertificate: Uint8Array | null
  /** Ends with `net.connection_lost` when the sender goes away before the end. */
  readonly body: AsyncIterable<Uint8Array>
}

export interface InboundAnswer {
  readonly status: number
  readonly headers?: readonly HeaderPair[]
  readonly body?: Uint8Array
  /** Called when the answer was handed to the network, or could not be. */
  readonly onSent?: () => void
}

export interface ListenerOptions {
  readonly host: string
  readonly port: number
  readonly tls: ListenerTls | null
  /** What to show from now on, asked before each connection at most once a second: a certificate may change while the server runs. */
  readonly renewed?: () => ListenerTls | null
  readonly limits?: Partial<ListenerLimits>
  /** Reads folded header lines and blanks after the size of a chunk (RFC 9112 5.2 lets a server refuse them); default: refuses them. */
  readonly oldHttp?: boolean
  /** In answers, as `Waybill/1.0`. */
  readonly product: string
  /** Never rejects. */
  readonly onPost: (request: InboundRequest) => Promise<InboundAnswer>
}

export interface Listener {
  readonly port: number
  active(): number
  /** New requests get 503; resolves when those that run have ended, at most after `graceMs`. */
  close(graceMs?: number): Promise<void>
}

/** Rejects with `as2.receiver_failed`. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const limits = { ...LISTENER_LIMITS, ...options.limits }
  const sockets = new Set<Socket>()
  let active = 0
  let closing = false

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS') return answer(request, response, aliveAnswer(options.product))
    if (request.method !== 'POST') return answer(request, response, { status: 405, headers: [['Allow', 'POST, GET, HEAD, OPTIONS']] })
    const problem = framingProblem(request)
    if (problem !== null) return answer(request, response, problem)
    if (closing || active >= limits.maxParallel) return answer(request, response, busyAnswer)
    active++
    try {
      const answered = await options.onPost({
        path: request.url ?? '/',
        headers: pairsOf(request.rawHeaders),
        length: request.headers['content-length'] === undefined ? undefined : Number(request.headers['content-length']),
        remote: request.socket.remoteAddress ?? '',
        clientCertificate: shownBy(request.socket),
        body: bodyOf(request, response),
      })
      answer(request, response, answered)
    } finally {
      active--
    }
  }

  const answer = (request: IncomingMessage, response: ServerResponse, { status, headers = [], body: given = new Uint8Array(0), onSent }: InboundAnswer): void => {
    // A length in the answer to HEAD would tell products with AS2 Restart that so many bytes of their message are here (draft-harding-as2-restart 3).
    const body = request.method === 'HEAD' ? new Uint8Array(0) : given
    if (response.destroyed || response.headersSent) return onSent?.()
    const unread = !request.complete && request.method === 'POST'
    const own: HeaderPair[] = headers.some(([name]) => name.toLowerCase() === 'content-length') ? [] : [['Content-Length', String(body.length)]]
    if (closing || unread) response.shouldKeepAlive = false
    const wire: HeaderPair[] = [...headers, ...own, ['Server', options.product]]
    response.writeHead(status, wire.flat())
    if (onSent !== undefined) response.once('close', onSent)
    response.end(body)
    if (!unread) return
    request.resume()
    setTimeout(() => request.destroy(), LINGER_MS).unref()
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    response.on('error', () => undefined)
    serve(request, response).catch(() => answer(request, response, { status: 500 }))
  }

  const settings = { maxHeaderSize: MAX_HEADER_BYTES, insecureHTTPParser: options.oldHttp === true, requireHostHeader: false, keepAliveTimeout: 15_000, headersTimeout: limits.headerMs, requestTimeout: limits.requestMs }
  const server: Server =
    options.tls === null ? http.createServer(settings, onRequest) : https.createServer({ ...settings, cert: options.tls.certificate, key: options.tls.privateKey, minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: false }, onRequest)
  if (options.tls !== null && options.renewed !== undefined) renewing(server as https.Server, options.tls, options.renewed)
  server.maxHeadersCount = MAX_HEADERS + 1
  server.maxConnections = limits.maxParallel * 2 + 16
  server.timeout = limits.idleMs
  // BizTalk waits for it before it sends the body; what will be refused anyway is refused before.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => onRequest(request, response))
  server.on('clientError', (error: Error, socket: Socket) => refuseGarbage(error, socket))
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.once('close', () => sockets.delete(socket))
  })
  await listen(server, options)

  return {
    port: portOf(server),
    active: () => active,
    async close(graceMs = 30_000) {
      closing = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const limit = setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, graceMs)
      await closed
      clearTimeout(limit)
    },
  }
}

/** The handshake of a connection takes the context that is set when it begins; those that stand keep theirs. */
function renewing(server: https.Server, first: ListenerTls, renewed: () => ListenerTls | null): void {
  let shown = first
  let askedAt = performance.now()
  server.prependListener('connection', () => {
    if (performance.now() - askedAt < RENEW_MS) return
    askedAt = performance.now()
    const next = renewed()
    if (next === null || (next.certificate === shown.certificate && next.privateKey === shown.privateKey)) return
    server.setSecureContext({ cert: next.certificate, key: next.privateKey, minVersion: 'TLSv1.2' })
    shown = next
  })
}

/** Certificates are pinned, not vouched for: what counts is which one it is. */
function shownBy(socket: Socket): Uint8Array | null {
  return socket instanceof TLSSocket ? ((socket.getPeerCertificate().raw as Buffer | undefined) ?? null) : null
}

const busyAnswer: InboundAnswer = { status: 503, headers: [['Retry-After', '30'], ['Connection', 'close']] }

function aliveAnswer(product: string): InboundAnswer {
  return { status: 200, headers: [['Content-Type', 'text/plain; charset=utf-8'], ['Cache-Control', 'no-store']], body: Buffer.from(`${product}: AS2 messages are posted here.\n`) }
}

/**
 * Two framings in one request are how requests are smuggled past a proxy (RFC 9112 §6.1). Node's parser refuses them already;
 * this holds whatever its version does.
 */
function framingProblem(request: IncomingMessage): InboundAnswer | null {
  const names = request.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
  const count = (name: string): number => names.filter((one) => one === name).length
  const bad: InboundAnswer = { status: 400, headers: [['Connection', 'close']] }
  if (names.length > MAX_HEADERS) return { status: 431, headers: [['Connection', 'close']] }
  if (count('content-length') > 1 || count('transfer-encoding') > 1 || (count('content-length') > 0 && count('transfer-encoding') > 0)) return bad
  const encoding = request.headers['transfer-encoding']
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'chunked') return { status: 501, headers: [['Connection', 'close']] }
  if (encoding === undefined && request.headers['content-length'] === undefined) return { status: 411, headers: [['Connection', 'close']] }
  return null
}

/** The body as a stream; asks for it first where the sender waits to be asked. */
async function* bodyOf(request: IncomingMessage, response: ServerResponse): AsyncIterable<Uint8Array> {
  if (/^100-continue$/i.test(request.headers.expect ?? '')) response.writeContinue()
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) yield chunk
  } catch (error) {
    throw new AppError('net.connection_lost', `the sender went away (${systemCode(error) ?? 'closed'})`, { cause: error })
  }
  if (!request.complete) throw new AppError('net.connection_lost', 'the sender went away before the end')
}

/** What is no HTTP, or too much of it. */
function refuseGarbage(error: Error, socket: Socket): void {
  if (!socket.writable || systemCode(error) === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = { HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large', ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout' }[systemCode(error) ?? ''] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

async function listen(server: Server, { host, port }: ListenerOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new AppError('as2.receiver_failed', `${host}:${port}: ${systemCode(error) ?? error.message}`, { details: { address: `${host}:${port}`, reason: systemCode(error) ?? error.message }, cause: error })))
    server.listen({ host, port, exclusive: true }, resolve)
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
