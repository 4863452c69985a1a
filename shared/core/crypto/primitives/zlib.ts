/** Compression. */
import { createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib'

/** A streaming zlib compressor (RFC 1950). */
export function zlibCompressor(level: number | undefined): Deflate {
  return level === undefined ? createDeflate({ chunkSize: 65_536 }) : createDeflate({ level, chunkSize: 65_536 })
}

/** A streaming zlib decompressor. */
export function zlibDecompressor(): Inflate {
  return createInflate({ chunkSize: 65_536 })
}
