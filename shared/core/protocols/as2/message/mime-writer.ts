/** Writes MIME entities as streams: heads unfolded, no preamble, no epilogue, boundaries that need no escapes. */
import type { ByteSource } from '../../../crypto/cms/index.ts'
import { randomHex } from '../../../kernel/random-names.ts'
import { MessageError } from './errors.ts'
import { headerBlock, type HeaderPair } from './header-fields.ts'

/** A head and a stream that is made when it is asked for. */
export interface OutgoingEntity {
  readonly head: readonly HeaderPair[]
  content(): AsyncIterable<Uint8Array>
}

export async function* entityBytes(entity: OutgoingEntity): AsyncGenerator<Uint8Array, void> {
  yield headerBlock(entity.head)
  yield* entity.content()
}

/** 128 random bits: no content has it by chance, and nobody can plant it. */
export function newBoundary(): string {
  return `waybill_${randomHex(16)}`
}

/** Joins parts; the line end before each boundary belongs to the boundary. */
export async function* multipartBytes(boundary: string, parts: Iterable<() => ByteSource>): AsyncGenerator<Uint8Array, void> {
  let before = ''
  for (const part of parts) {
    yield Buffer.from(`${before}--${boundary}\r\n`, 'latin1')
    before = '\r\n'
    yield* part()
  }
  yield Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1')
}

/** A media type to send, with or without parameters. Throws `message.options_invalid`. */
export function checkMediaType(type: string): string {
  if (!/^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+(\s*;.*)?$/.test(type)) throw new MessageError('message.options_invalid', `${JSON.stringify(type)} is not a media type`)
  return type
}

/** The fields with others added, which replace those of the same name. */
export function withHeaders(headers: readonly HeaderPair[], more: readonly HeaderPair[]): HeaderPair[] {
  const names = new Set(more.map(([name]) => name.toLowerCase()))
  return [...headers.filter(([name]) => !names.has(name.toLowerCase())), ...more]
}

/** Call it when the size of the body is known, which is the default: many old products cannot read chunked bodies. */
export function withContentLength(headers: readonly HeaderPair[], bytes: number): HeaderPair[] {
  return withHeaders(headers, [['Content-Length', String(bytes)]])
}
