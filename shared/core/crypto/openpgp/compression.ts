/** Compressed data (RFC 9580 5.6), bounded absolutely and by ratio when read. */
import { createDeflate, createDeflateRaw, createInflate, createInflateRaw } from 'node:zlib'
import { AppError } from '../../kernel/errors.ts'
import { through } from '../cms/compression.ts'
import { malformed, truncated } from './packet-stream.ts'
import type { PgpLimits } from './settings.ts'

export type Compression = 'none' | 'zip' | 'zlib'

const IDS = { zip: 1, zlib: 2 } as const
const RATIO_COUNTS_FROM = 64 * 1024 * 1024
const GATHERED_BYTES = 128 * 1024
const CHUNK = { chunkSize: 128 * 1024 }

/** The body of a compressed data packet. */
export async function* compressed(source: AsyncIterable<Uint8Array>, kind: 'zip' | 'zlib'): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from([IDS[kind]])
  yield* through(source, kind === 'zip' ? createDeflateRaw(CHUNK) : createDeflate(CHUNK))
}

/** Throws `pgp.unsupported`: the runtime has no BZip2. */
export function compressionById(id: number): Compression {
  if (id === 0) return 'none'
  if (id === IDS.zip) return 'zip'
  if (id === IDS.zlib) return 'zlib'
  throw new AppError('pgp.unsupported', `the compression ${id === 3 ? 'BZip2' : `number ${id}`} is not supported`, { details: { compression: id === 3 ? 'BZip2' : String(id) } })
}

/** GnuPG cuts into pieces of 8 KiB, and each would be a journey of its own to the thread that unpacks. */
async function* gathered(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let pieces: Uint8Array[] = []
  let filled = 0
  for await (const chunk of source) {
    pieces.push(chunk)
    filled += chunk.length
    if (filled < GATHERED_BYTES) continue
    yield pieces.length === 1 ? chunk : Buffer.concat(pieces, filled)
    pieces = []
    filled = 0
  }
  if (filled > 0) yield Buffer.concat(pieces, filled)
}

/** What is inside a compressed data packet. Rejects with `pgp.bomb` beyond the bounds. */
export async function* decompressed(source: AsyncIterable<Uint8Array>, kind: Compression, limits: PgpLimits): AsyncGenerator<Uint8Array, void> {
  let packed = 0
  let unpacked = 0
  async function* counted(): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of gathered(source)) {
      packed += chunk.length
      yield chunk
    }
  }
  const content = kind === 'none' ? counted() : through(counted(), kind === 'zip' ? createInflateRaw(CHUNK) : createInflate(CHUNK))
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
