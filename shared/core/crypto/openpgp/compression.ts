/** Compressed data (RFC 9580 5.6), bounded absolutely and by ratio when read. */
import { createDeflate, createDeflateRaw, createInflate, createInflateRaw } from 'node:zlib'
import { AppError } from '../../kernel/errors.ts'
import { release } from '../../kernel/release.ts'
import { through } from '../cms/compression.ts'
import { malformed, truncated } from './packet-stream.ts'
import type { PgpLimits } from './settings.ts'

export type Compression = 'none' | 'zip' | 'zlib'

const IDS = { zip: 1, zlib: 2 } as const
const RATIO_COUNTS_FROM = 64 * 1024 * 1024
/** What one journey to the thread that packs and unpacks takes along, in either direction. */
const CHUNK_BYTES = 256 * 1024
/** Pieces come out as they were made; otherwise those that wait are joined. */
const SETTINGS = { chunkSize: CHUNK_BYTES, readableObjectMode: true, readableHighWaterMark: 2 }

/** The body of a compressed data packet, in chunks that are lent; so may be those of the source. */
export async function* compressed(source: AsyncIterable<Uint8Array>, kind: 'zip' | 'zlib'): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from([IDS[kind]])
  yield* lent(through(gathered(source), kind === 'zip' ? createDeflateRaw(SETTINGS) : createDeflate(SETTINGS)))
}

/** Throws `pgp.unsupported`: the runtime has no BZip2. */
export function compressionById(id: number): Compression {
  if (id === 0) return 'none'
  if (id === IDS.zip) return 'zip'
  if (id === IDS.zlib) return 'zlib'
  throw new AppError('pgp.unsupported', `the compression ${id === 3 ? 'BZip2' : `number ${id}`} is not supported`, { details: { compression: id === 3 ? 'BZip2' : String(id) } })
}

/** Each chunk holds until the one after it is asked for. GnuPG cuts into pieces of 8 KiB, and each would be a journey of its own. */
async function* gathered(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const rooms = [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)] as const
  let turn: 0 | 1 = 0
  let filled = 0
  for await (const chunk of source)
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + CHUNK_BYTES - filled)
      rooms[turn].set(piece, filled)
      filled += piece.length
      at += piece.length
      if (filled < CHUNK_BYTES) continue
      yield rooms[turn]
      turn = turn === 0 ? 1 : 0
      filled = 0
    }
  if (filled > 0) yield rooms[turn].subarray(0, filled)
}

/** Frees each buffer of the runtime's that is filled to its end: the runtime goes on in another one then. */
async function* lent(made: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of made) {
    const { buffer, byteOffset, length } = chunk
    yield chunk
    if (buffer.byteLength === CHUNK_BYTES && byteOffset + length === CHUNK_BYTES) release(chunk)
  }
}

/** What is inside a compressed data packet, in chunks that are lent; so may be those of the source. Rejects with `pgp.bomb` beyond the bounds. */
export async function* decompressed(source: AsyncIterable<Uint8Array>, kind: Compression, limits: PgpLimits): AsyncGenerator<Uint8Array, void> {
  let packed = 0
  let unpacked = 0
  async function* counted(): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of gathered(source)) {
      packed += chunk.length
      yield chunk
    }
  }
  const content = kind === 'none' ? counted() : lent(through(counted(), kind === 'zip' ? createInflateRaw(SETTINGS) : createInflate(SETTINGS)))
  try {
    for await (const chunk of content) {
      unpacked += chunk.length
      if (unpacked > RATIO_COUNTS_FROM && unpacked > packed * limits.maxRatio) throw new AppError('pgp.bomb', `the content is more than ${limits.maxRatio} times its compressed size`)
      yield chunk
    }
  } catch (error) {
    const code: unknown = Reflect.get(Object(error), 'code')
    if (code === 'Z_BUF_ERROR') throw truncated('the compressed data')
    if (typeof code === 'string' && code.startsWith('Z_')) throw malformed('the compressed data is damaged')
    throw error
  }
}
