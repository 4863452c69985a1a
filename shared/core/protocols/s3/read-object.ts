/**
 * The bytes of an object, in windows of which several are asked for side by side: one stream is held to what one connection and one
 * thread of the store carry. `If-Match` keeps them to one and the same object.
 */
import { GetObjectCommand } from '@aws-sdk/client-s3'
import type { IncomingMessage } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError } from '../../kernel/errors.ts'
import type { Connected } from './connect.ts'
import { headersOf } from './direct.ts'
import { statusOf } from './errors.ts'
import { heldToEtag } from './whole.ts'

const WINDOW_BYTES = 2 * 1024 * 1024
const WINDOWS_AT_ONCE = 3
/** A fast store would keep the loop from everything else. */
const TURN_BYTES = 1024 * 1024

interface Place {
  readonly bucket: string
  readonly key: string
  /** For messages. */
  readonly place: string
}

interface ReadOptions {
  readonly offset: number
  readonly signal: AbortSignal
}

export async function* readObject(connected: Connected, place: Place, options: ReadOptions): AsyncIterable<Uint8Array> {
  // TLS tells of every changed byte.
  if (connected.observed['tlsVersion'] !== 'none' || options.offset > 0) return yield* read(connected, place, options)
  let etag: string | undefined
  const content = read(connected, place, options, (found) => (etag = found))
  yield* heldToEtag(content, { etag: () => etag, again: () => read(connected, place, options), what: place.key })
}

async function* read(connected: Connected, place: Place, options: ReadOptions, tellEtag: (etag: string | undefined) => void = () => undefined): AsyncIterable<Uint8Array> {
  const first = await firstWindow(connected, place, options)
  if (first === null) return yield* bySdk(connected, place, options, tellEtag)
  if (first.answer === null) return
  tellEtag(first.etag)
  yield* inTurns(first.answer, first.bytes, place)
  const from = options.offset + first.bytes
  if (from < first.total) yield* furtherWindows(connected, place, { ...options, from, total: first.total, etag: first.etag })
}

interface First {
  /** Null: there is nothing at that offset. */
  readonly answer: IncomingMessage | null
  readonly bytes: number
  /** Of the whole object. */
  readonly total: number
  readonly etag: string | undefined
}

/** Null where the SDK must ask: it repeats, and says what is wrong. */
async function firstWindow({ direct }: Connected, { key }: Place, { offset, signal }: ReadOptions): Promise<First | null> {
  if (!direct.isReady()) return null
  const answer = await direct.open({ method: 'GET', key, headers: rangeOf(offset, offset + WINDOW_BYTES), signal }).catch((error: unknown) => {
    signal.throwIfAborted()
    if (error instanceof AppError) throw error
    return null
  })
  if (answer === null) return null
  const headers = headersOf(answer)
  const total = Number(/^bytes \d+-\d+\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] ?? Number.NaN)
  const bytes = Number(headers['content-length'] ?? Number.NaN)
  if (answer.statusCode === 206 && Number.isFinite(total + bytes)) return { answer, bytes, total, etag: headers['etag'] }
  // A store that knows no ranges sends all of it.
  if (answer.statusCode === 200 && offset === 0 && Number.isFinite(bytes)) return { answer, bytes, total: bytes, etag: headers['etag'] }
  answer.resume()
  return answer.statusCode === 416 ? { answer: null, bytes: 0, total: 0, etag: undefined } : null
}

async function* furtherWindows(connected: Connected, place: Place, { from, total, etag, signal }: { readonly from: number; readonly total: number; readonly etag: string | undefined; readonly signal: AbortSignal }): AsyncIterable<Uint8Array> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const underWay: Promise<Uint8Array[]>[] = []
  let next = from
  const ask = (): void => {
    if (next >= total) return
    const start = next
    next = Math.min(total, start + WINDOW_BYTES)
    const window = wholeWindow(connected, place, { start, end: next, etag, signal: either })
    window.catch(() => undefined)
    underWay.push(window)
  }
  try {
    for (let count = 0; count < WINDOWS_AT_ONCE; count++) ask()
    for (let window = underWay.shift(); window !== undefined; window = underWay.shift()) {
      const pieces = await window
      ask()
      for (const piece of pieces) yield piece
    }
  } finally {
    stop.abort()
    await Promise.allSettled(underWay)
  }
}

interface Window {
  readonly start: number
  /** The first byte beyond. */
  readonly end: number
  readonly etag: string | undefined
  readonly signal: AbortSignal
}

async function wholeWindow(connected: Connected, place: Place, window: Window): Promise<Uint8Array[]> {
  const { start, end, etag, signal } = window
  try {
    const answer = await connected.direct.open({ method: 'GET', key: place.key, headers: { ...rangeOf(start, end), ...(etag === undefined ? {} : { 'if-match': etag }) }, signal })
    if (answer.statusCode === 206) return await gathered(answer as AsyncIterable<Uint8Array>, end - start, place)
    answer.resume()
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AppError && error.code !== 'net.connection_lost') throw error
  }
  return await windowBySdk(connected, place, window)
}

/** Once more, with its repetitions and its words. */
async function windowBySdk({ client }: Connected, place: Place, { start, end, etag, signal }: Window): Promise<Uint8Array[]> {
  const { Body } = await client
    .send(new GetObjectCommand({ Bucket: place.bucket, Key: place.key, Range: rangeOf(start, end).range, ...(etag === undefined ? {} : { IfMatch: etag }) }), { abortSignal: signal })
    .catch((error: unknown) => {
      if (statusOf(error) === 412) throw new AppError('receive.changed', `${place.key} was replaced while it was being read`, { details: { name: place.key }, cause: error })
      throw error
    })
  return await gathered((Body ?? []) as AsyncIterable<Uint8Array>, end - start, place)
}

async function gathered(body: AsyncIterable<Uint8Array>, expected: number, { place }: Place): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body) {
    bytes += piece.length
    if (bytes > expected) break
    pieces.push(piece)
  }
  if (bytes !== expected) throw cutShort(place, bytes, expected)
  return pieces
}

async function* bySdk({ client }: Connected, place: Place, { offset, signal }: ReadOptions, tellEtag: (etag: string | undefined) => void): AsyncIterable<Uint8Array> {
  const { Body, ContentLength, ETag } = await client
    .send(new GetObjectCommand({ Bucket: place.bucket, Key: place.key, ...(offset === 0 ? {} : { Range: `bytes=${offset}-` }) }), { abortSignal: signal })
    .catch((error: unknown) => {
      // Beyond the end there is nothing.
      if (statusOf(error) === 416) return { Body: undefined, ContentLength: 0, ETag: undefined }
      throw error
    })
  tellEtag(ETag)
  yield* inTurns((Body ?? []) as AsyncIterable<Uint8Array>, ContentLength, place)
}

async function* inTurns(body: AsyncIterable<Uint8Array>, expected: number | undefined, { place }: Place): AsyncIterable<Uint8Array> {
  let [bytes, turnAt] = [0, TURN_BYTES]
  for await (const piece of body) {
    bytes += piece.length
    yield piece
    if (bytes < turnAt) continue
    turnAt = bytes + TURN_BYTES
    await nextTurn()
  }
  if (expected !== undefined && bytes !== expected) throw cutShort(place, bytes, expected)
}

function cutShort(place: string, bytes: number, expected: number): AppError {
  return new AppError('net.connection_lost', `${place} sent ${bytes} bytes of ${expected}`)
}

function rangeOf(start: number, end: number): { range: string } {
  return { range: `bytes=${start}-${end - 1}` }
}
