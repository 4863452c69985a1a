/** Takes a multipart body apart while it streams by (RFC 2046 5.1): bytes of parts come out exactly as they went in. */
import type { ByteSource } from '../../../crypto/cms/index.ts'
import { MessageError } from './errors.ts'

const LF = 10
const CR = 13
const DASH = 45
/** Blanks after a boundary. */
const MAX_PADDING = 256

export interface MultipartOptions {
  readonly boundary: string
  readonly maxBoundary: number
  readonly maxParts: number
  /** Bytes before the first and after the last boundary. */
  readonly maxPreamble: number
  readonly note: (what: 'preamble' | 'epilogue' | 'boundary-long' | 'boundary-unterminated') => void
}

type Found = { readonly kind: 'data'; readonly bytes: Uint8Array } | { readonly kind: 'delimiter' | 'close' | 'end' }

/**
 * The parts in turn. What is not read of a part is skipped when the next one is asked for. The line end before a boundary
 * belongs to the boundary. Throws `message.malformed` when there is no part, `message.limit` beyond the bounds.
 */
export async function* readMultipart(source: ByteSource, options: MultipartOptions): AsyncGenerator<AsyncIterable<Uint8Array>, void> {
  const { boundary, maxBoundary, maxParts, maxPreamble, note } = options
  if (boundary === '' || boundary.length > maxBoundary) throw new MessageError('message.limit', `the boundary of a multipart has ${boundary.length} characters`)
  if (boundary.length > 70) note('boundary-long')
  const scanner = createScanner(source, Buffer.from(`--${boundary}`, 'utf8'))
  let found = await skip(scanner, maxPreamble, () => note('preamble'))
  if (found !== 'delimiter') throw new MessageError('message.malformed', 'the boundary of the multipart does not appear')
  for (let count = 1; found === 'delimiter'; count++) {
    if (count > maxParts) throw new MessageError('message.limit', `the multipart has more than ${maxParts} parts`)
    let ending: Found['kind'] | undefined
    const part = (async function* (): AsyncGenerator<Uint8Array, void> {
      for (;;) {
        if (ending !== undefined) return
        const next = await scanner.next()
        if (next.kind === 'data') yield next.bytes
        else ending = next.kind
      }
    })()
    yield part
    while (ending === undefined) {
      const next = await scanner.next()
      if (next.kind !== 'data') ending = next.kind
    }
    found = ending
  }
  if (found === 'end') note('boundary-unterminated')
  else await skip(scanner, maxPreamble, () => note('epilogue'), true)
}

async function skip(scanner: { next(): Promise<Found> }, limit: number, meaningful: () => void, toEnd = false): Promise<Found['kind']> {
  let bytes = 0
  let told = false
  for (;;) {
    const next = await scanner.next()
    if (next.kind !== 'data') {
      if (!toEnd || next.kind === 'end') return next.kind
      continue
    }
    bytes += next.bytes.length
    if (bytes > limit) throw new MessageError('message.limit', `more than ${limit} bytes stand outside the parts of a multipart`)
    if (!told && next.bytes.some((octet) => octet > 32)) {
      told = true
      meaningful()
    }
  }
}

/** Finds boundary lines; holds back only what may be the beginning of one. */
function createScanner(source: ByteSource, mark: Uint8Array): { next(): Promise<Found> } {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  const needle = Buffer.concat([Buffer.from([LF]), mark])
  const hold = needle.length + 1
  let buffer: Buffer = Buffer.alloc(0)
  let ended = false
  /** The buffer begins a line: at the very start, and right after a boundary line. */
  let lineStart = true
  let waiting: Found | undefined

  const chunk = async (): Promise<Buffer | undefined> => {
    // a chunk may be lent until the next one is asked for
    buffer = Buffer.from(buffer)
    while (!ended) {
      const next = await iterator.next()
      if (next.done === true) ended = true
      else if (next.value.length > 0) return Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length)
    }
    return undefined
  }
  const join = (more: Buffer): void => void (buffer = buffer.length === 0 ? more : Buffer.concat([buffer, more]))
  const fill = async (): Promise<boolean> => {
    const more = await chunk()
    if (more !== undefined) join(more)
    return more !== undefined
  }
  /** Whether no boundary line begins in what was held back, now that it is known what follows: large chunks need not be joined then. */
  const isData = (more: Buffer): boolean => buffer.length > 0 && more.length >= needle.length && !Buffer.concat([buffer, more.subarray(0, needle.length)]).includes(needle)
  const ensure = async (count: number): Promise<boolean> => {
    while (buffer.length < count) if (!(await fill())) return false
    return true
  }

  /** Judges what follows the mark, which ends at `at`; undefined: no boundary line after all. */
  const judge = async (at: number): Promise<{ readonly kind: 'delimiter' | 'close'; readonly end: number } | undefined> => {
    await ensure(at + 2)
    const close = buffer[at] === DASH && buffer[at + 1] === DASH
    let end = close ? at + 2 : at
    for (const start = end; ; end++) {
      if (!(await ensure(end + 1))) return { kind: close ? 'close' : 'delimiter', end }
      const octet = buffer[end]
      if (octet === LF) return { kind: close ? 'close' : 'delimiter', end: end + 1 }
      if (octet === CR) {
        if (!(await ensure(end + 2))) return { kind: close ? 'close' : 'delimiter', end: end + 1 }
        return buffer[end + 1] === LF ? { kind: close ? 'close' : 'delimiter', end: end + 2 } : undefined
      }
      if ((octet !== 32 && octet !== 9) || end - start >= MAX_PADDING) return undefined
    }
  }

  /** A boundary line whose mark is at `at`; what stands before `dataEnd` is data. */
  const accept = async (at: number, dataEnd: number): Promise<Found | undefined> => {
    const judged = await judge(at + mark.length)
    if (judged === undefined) return undefined
    const data = buffer.subarray(0, dataEnd)
    buffer = buffer.subarray(judged.end)
    lineStart = true
    if (data.length === 0) return { kind: judged.kind }
    waiting = { kind: judged.kind }
    return { kind: 'data', bytes: data }
  }

  const next = async (): Promise<Found> => {
    if (waiting !== undefined) {
      const found = waiting
      waiting = undefined
      return found
    }
    if (lineStart) {
      await ensure(mark.length)
      lineStart = false
      if (buffer.subarray(0, mark.length).equals(mark)) {
        const found = await accept(0, 0)
        if (found !== undefined) return found
      }
    }
    let from = 0
    for (;;) {
      const at = buffer.indexOf(needle, from)
      if (at >= 0) {
        const found = await accept(at + 1, at > 0 && buffer[at - 1] === CR ? at - 1 : at)
        if (found !== undefined) return found
        from = at + 1
        continue
      }
      if (buffer.length > hold) {
        const bytes = buffer.subarray(0, buffer.length - hold)
        buffer = buffer.subarray(buffer.length - hold)
        return { kind: 'data', bytes }
      }
      const more = await chunk()
      if (more !== undefined) {
        if (isData(more)) {
          const bytes = buffer
          buffer = more
          return { kind: 'data', bytes }
        }
        join(more)
        from = 0
        continue
      }
      if (buffer.length === 0) return { kind: 'end' }
      const bytes = buffer
      buffer = Buffer.alloc(0)
      return { kind: 'data', bytes }
    }
  }
  return { next }
}
