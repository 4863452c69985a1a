/** Posts one message or receipt over HTTP and reads the answer, both bounded in size and time. */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { AppError, systemCode } from '../../kernel/errors.ts'
import { http } from '../../kernel/node-http.ts'
import type { HeaderPair } from './message/index.ts'

/** Receipts are a few KiB; a page that a proxy made up may be longer. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024
/** From the first byte of the answer's header to the last of its body. */
const ANSWER_WITHIN_MS = 10 * 60_000

export interface PostRequest {
  readonly url: URL
  /** Dials, and shakes hands where it is https. */
  readonly agent: Agent
  /** As stored, without Host and without anything about the length. */
  readonly headers: readonly HeaderPair[]
  readonly bytes: number
  readonly body: () => AsyncIterable<Uint8Array>
  readonly chunked: boolean
  readonly authorization: string | undefined
  readonly signal: AbortSignal
  /** The line stands (and TLS is judged); the first byte goes when this has resolved. Rejecting gives up. */
  readonly onConnected: (socket: Socket) => void | Promise<void>
  readonly onSent?: (bytes: number) => void
}

export interface HttpAnswer {
  readonly status: number
  readonly reason: string
  readonly headers: readonly HeaderPair[]
  readonly body: Buffer
}

/**
 * Rejects with an AppError (`net.*`, `tls.*`, `as2.answer_too_large`) or the signal's reason. Whether the other side may have
 * the message is told by `onConnected` having been called. A kept connection that the server closed in the meantime is replaced
 * once: the bytes and their Message-ID are the same.
 */
export async function post(request: PostRequest): Promise<HttpAnswer> {
  try {
    return await postOnce(request)
  } catch (error) {
    if (!(error instanceof StaleConnection) || request.signal.aborted) throw error instanceof StaleConnection ? error.cause : error
    return await postOnce(request).catch((again: unknown) => {
      throw again instanceof StaleConnection ? again.cause : again
    })
  }
}

/** A connection that was kept from an earlier request ended before any answer. */
class StaleConnection extends Error {}

async function postOnce(request: PostRequest): Promise<HttpAnswer> {
  const { url, agent, signal } = request
  signal.throwIfAborted()
  const asked = http.request({
    agent,
    method: 'POST',
    protocol: agentProtocol(agent),
    host: url.hostname.replaceAll(/^\[|\]$/g, ''),
    port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    headers: flatHeaders(request),
  })
  const onAbort = (): void => void asked.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal.addEventListener('abort', onAbort, { once: true })
  let answered = false
  try {
    const response = answerOf(asked).then((answer) => {
      answered = true
      return answer
    })
    response.catch(() => undefined)
    await request.onConnected(await socketOf(asked))
    await Promise.race([send(asked, request, () => answered), response])
    return await readAnswer(await response)
  } catch (error) {
    asked.destroy()
    signal.throwIfAborted()
    const ours = networkError(error, url)
    throw asked.reusedSocket && !answered && ours.code === 'net.connection_lost' ? new StaleConnection('', { cause: ours }) : ours
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Sockets come from the agent whatever the scheme; Node only compares the two names. */
function agentProtocol(agent: Agent): string {
  const { protocol } = agent as Agent & { protocol?: string }
  return protocol ?? 'http:'
}

/** As an array, so that Node adds and reorders nothing. */
function flatHeaders({ url, headers, bytes, chunked, authorization }: PostRequest): string[] {
  const own: HeaderPair[] = [
    ['Host', url.host],
    ...headers,
    ...(authorization === undefined ? [] : ([['Authorization', authorization]] as const)),
    chunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(bytes)],
    ['Connection', 'keep-alive'],
  ]
  return own.flat()
}

function socketOf(asked: ClientRequest): Promise<Socket> {
  return new Promise((resolve, reject) => {
    asked.once('error', reject)
    asked.once('socket', (socket) => {
      if (!socket.connecting) resolve(socket)
      else socket.once('connect', () => resolve(socket))
    })
  })
}

function answerOf(asked: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.on('error', reject)
    asked.once('response', resolve)
  })
}

/** Writes the body with back-pressure; an answer that comes before the end (413, 401 …) ends the sending. */
async function send(asked: ClientRequest, request: PostRequest, answered: () => boolean): Promise<never> {
  let sent = 0
  for await (const chunk of request.body()) {
    if (answered()) break
    sent += chunk.length
    if (!asked.write(chunk)) await drained(asked)
    request.onSent?.(sent)
  }
  asked.end()
  // Only the answer ends the race.
  return await new Promise<never>(() => undefined)
}

function drained(asked: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'response']) asked.off(event, done)
      resolve()
    }
    for (const event of ['drain', 'close', 'response']) asked.on(event, done)
  })
}

async function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  const limit = setTimeout(() => response.destroy(new AppError('net.idle', 'the answer did not end')), ANSWER_WITHIN_MS)
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_ANSWER_BYTES) throw new AppError('as2.answer_too_large', `the answer is larger than ${MAX_ANSWER_BYTES} bytes`)
      chunks.push(chunk)
    }
  } finally {
    clearTimeout(limit)
  }
  if (!response.complete) throw new AppError('net.connection_lost', 'the answer ended in the middle')
  return { status: response.statusCode ?? 0, reason: (response.statusMessage ?? '').slice(0, 200), headers: pairsOf(response.rawHeaders), body: Buffer.concat(chunks) }
}

/** Node's flat list of names and values as pairs. */
export function pairsOf(raw: readonly string[]): HeaderPair[] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[index * 2] ?? '', (raw[index * 2 + 1] ?? '').trim()])
}

function networkError(error: unknown, url: URL): AppError {
  if (error instanceof AppError) return error
  const code = systemCode(error) ?? ''
  const message = error instanceof Error ? error.message : String(error)
  const details = { server: url.host }
  // What Node's parser does not understand was an answer, though no HTTP.
  if (code.startsWith('HPE_')) return new AppError('as2.receipt_missing', `${url.host}: the answer is no HTTP (${message})`, { details, cause: error })
  return new AppError('net.connection_lost', `${url.host}: ${message}`, { details, cause: error })
}

/** Asks whether somebody answers at an address, without giving anything: the status of a HEAD request. */
export async function head(options: { readonly url: URL; readonly agent: Agent; readonly authorization: string | undefined; readonly signal: AbortSignal }): Promise<{ readonly status: number; readonly server: string }> {
  const { url, agent, authorization, signal } = options
  const asked = http.request({
    agent,
    method: 'HEAD',
    protocol: agentProtocol(agent),
    host: url.hostname.replaceAll(/^\[|\]$/g, ''),
    port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    headers: { Host: url.host, Connection: 'close', ...(authorization === undefined ? {} : { Authorization: authorization }) },
    signal,
  })
  try {
    const response = answerOf(asked)
    asked.end()
    const answer = await response
    answer.resume()
    return { status: answer.statusCode ?? 0, server: String(answer.headers.server ?? '').slice(0, 200) }
  } catch (error) {
    signal.throwIfAborted()
    throw networkError(error, url)
  } finally {
    asked.destroy()
  }
}
