/** The head of a MIME entity at the beginning of a stream, byte-exact. */
import type { ByteSource } from '../../../crypto/cms/index.ts'
import { peekable, type PeekableStream } from './byte-stream.ts'
import { HEADER_LIMITS, parseHeaderBlock, type HeaderPair } from './header-fields.ts'

export interface MimeEntity {
  readonly fields: readonly HeaderPair[]
  /** The header block with its empty line, exactly; empty when the entity has none at all. */
  readonly rawHead: Uint8Array
  /** False: no header block, not even an empty one; everything is content. */
  readonly hasHead: boolean
  readonly folded: boolean
  readonly ignoredLines: number
  readonly body: PeekableStream
}

/**
 * Splits a stream into header block and body. Without a plausible block (fields only, one of them `Content-…` or
 * `MIME-Version`, or an empty line at the very start) all of it is content: mendelson encrypts payloads bare.
 */
export async function readEntity(source: ByteSource): Promise<MimeEntity> {
  const body = peekable(source)
  const found = await findHead(body)
  if (found !== undefined) {
    const block = (await body.peek(found.end)).subarray(0, found.blockEnd)
    const { fields, ignoredLines, folded } = parseHeaderBlock(block)
    const empty = found.blockEnd === 0
    if (empty || (ignoredLines === 0 && fields.some(([name]) => /^(content-|mime-version$)/i.test(name)))) {
      return { fields, rawHead: Buffer.from(body.take(found.end)), hasHead: true, folded, ignoredLines, body }
    }
  }
  return { fields: [], rawHead: new Uint8Array(), hasHead: false, folded: false, ignoredLines: 0, body }
}

/** Where the header block ends: before, and after its empty line. Undefined when nothing like a header block begins the stream. */
async function findHead(stream: PeekableStream): Promise<{ readonly blockEnd: number; readonly end: number } | undefined> {
  let lineStart = 0
  for (let size = 1024; ; size = Math.min(size * 4, HEADER_LIMITS.maxBytes)) {
    const bytes = await stream.peek(size)
    if (lineStart === 0 && !looksLikeHead(bytes)) return undefined
    for (;;) {
      const lineEnd = bytes.indexOf(10, lineStart)
      if (lineEnd < 0) break
      const empty = lineEnd === lineStart || (lineEnd === lineStart + 1 && bytes[lineStart] === 13)
      if (empty) return { blockEnd: lineStart, end: lineEnd + 1 }
      lineStart = lineEnd + 1
    }
    // a head without body: all of the stream
    if (bytes.length < size) return { blockEnd: bytes.length, end: bytes.length }
    if (size === HEADER_LIMITS.maxBytes) return undefined
  }
}

/** The first line is empty or begins with a field name. */
function looksLikeHead(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 256)).toString('latin1')
  return /^(\r?\n|[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*:)/.test(start)
}
