/** Evens out the sizes of chunks on the way into an encoder. */
import type { ByteSource } from './byte-source.ts'

const SMALL = 16_384
const GATHERED = 131_072

/** Joins small chunks; large ones pass through without being copied. Empty ones vanish. */
export async function* gatherChunks(source: ByteSource): AsyncGenerator<Uint8Array, void> {
  let gathered = Buffer.allocUnsafeSlow(GATHERED)
  let filled = 0
  for await (const chunk of source) {
    if (chunk.length === 0) continue
    const large = chunk.length >= SMALL
    if (filled > 0 && (large || filled + chunk.length > GATHERED)) {
      yield gathered.subarray(0, filled)
      gathered = Buffer.allocUnsafeSlow(GATHERED)
      filled = 0
    }
    if (large) yield chunk
    else {
      gathered.set(chunk, filled)
      filled += chunk.length
    }
  }
  if (filled > 0) yield gathered.subarray(0, filled)
}
