/** Small pieces that both HTTP hosts share. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { AppError } from '../core/kernel/errors.ts'

/** Largest body of a request that carries JSON, in bytes. */
export const MAX_JSON_BODY = 64 * 1024

/** Bounds that keep a careless or hostile local program from holding the host. */
export function limitServer(server: Server, maxConnections: number): void {
  server.maxConnections = maxConnections
  server.maxHeadersCount = 100
  server.headersTimeout = 15_000
  // Uploads have idle time-outs of their own; a total one would break large files.
  server.requestTimeout = 0
  server.keepAliveTimeout = 5_000
  server.maxRequestsPerSocket = 1_000
}

/** Options of `createServer` that bound what a request may carry before it is read. */
export const SERVER_OPTIONS = { maxHeaderSize: 16 * 1024, insecureHTTPParser: false } as const

/** Answers with JSON, never cached. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(text)
}

/** Answers with a sentence, never cached. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(text)
}

/** Ends an upgrade request with a plain refusal. */
export function refuseUpgrade(socket: Duplex, status: number, reason: string): void {
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(reason)}\r\ncache-control: no-store\r\n\r\n${reason}`,
  )
}

/** Reads a small JSON body; rejects with `input.invalid` or `call.too_large`. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_JSON_BODY) throw new AppError('call.too_large', `The body is larger than ${MAX_JSON_BODY} bytes.`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new AppError('input.invalid', 'The body is not JSON.')
  }
}

/** Compares two secrets without telling by time how much of them is alike. */
export function sameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

/** SHA-256, so that a table of secrets holds nothing worth stealing. */
export function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** Path and query of a request target, or null for anything but an absolute path (`OPTIONS *`, `http://…`). */
export function targetOf(request: IncomingMessage): { readonly path: string; readonly query: URLSearchParams } | null {
  const target = request.url ?? ''
  if (!target.startsWith('/')) return null
  const mark = target.indexOf('?')
  return mark === -1
    ? { path: target, query: new URLSearchParams() }
    : { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) }
}
