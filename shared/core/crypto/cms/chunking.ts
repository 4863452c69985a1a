/** Evens out the sizes of chunks on the way into an encoder, and of segments on the way out of a decoder. */
import type { ByteSource } from './byte-source.ts'

const SMALL = 16_384
const MOST = 131_072
const FIRST = 4_096

export interface Gatherer {
  /** Whether a chunk should pass by without being copied. */
  isLarge(chunk: Uint8Array): boolean
  /** Whether `take` must come before this small chunk is added. */
  isFull(chunk: Uint8Array): boolean
  add(chunk: Uint8Array): void
  readonly filled: boolean
  /** What was gathered. It is never written again, unless it is lent: then it holds until the next `add`. */
  take(): Uint8Array
}

/** Its room grows with what comes: most contents are smaller than the most that is gathered. */
export function createGatherer(lend = false): Gatherer {
  let room = Buffer.alloc(0)
  let filled = 0
  return {
    isLarge: (chunk) => chunk.length >= SMALL,
    isFull: (chunk) => filled + chunk.length > MOST,
    add(chunk) {
      if (filled + chunk.length > room.length) {
        const larger = Buffer.allocUnsafeSlow(Math.min(MOST, Math.max(FIRST, 2 * (filled + chunk.length))))
        larger.set(room.subarray(0, filled))
        room = larger
      }
      room.set(chunk, filled)
      filled += chunk.length
    },
    get filled() {
      return filled > 0
    },
    take() {
      const taken = room.subarray(0, filled)
      // After one that was full, others will be.
      if (!lend) room = filled > MOST / 2 ? Buffer.allocUnsafeSlow(MOST) : Buffer.alloc(0)
      filled = 0
      return taken
    },
  }
}

/** Joins small chunks; large ones pass through without being copied. Empty ones vanish. */
export async function* gatherChunks(source: ByteSource): AsyncGenerator<Uint8Array, void> {
  const gathered = createGatherer()
  for await (const chunk of source) {
    if (chunk.length === 0) continue
    const large = gathered.isLarge(chunk)
    if (gathered.filled && (large || gathered.isFull(chunk))) yield gathered.take()
    if (large) yield chunk
    else gathered.add(chunk)
  }
  if (gathered.filled) yield gathered.take()
}
