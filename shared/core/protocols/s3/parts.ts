/** The pieces in which a file goes to a store. Pure. */
import { createHash } from 'node:crypto'
import type { S3Connection } from '../../../contract/connections/s3.ts'

/** S3 permits 10,000; a few are kept for what is appended. */
const MOST_PARTS = 9_000

export interface Part {
  readonly number: number
  readonly etag: string
  readonly size: number
}

/**
 * The parts from the first on that hold just this content: an upload of the same key may have been begun for another file, or by
 * somebody else. Where the ETag of a part is not its MD5 (a store that encrypts with KMS), none is recognised.
 */
export async function ownParts(parts: readonly Part[], content: AsyncIterable<Uint8Array>): Promise<Part[]> {
  const own: Part[] = []
  if (parts.length === 0) return own
  let digest = createHash('md5')
  let filled = 0
  const full = (): boolean => filled === parts[own.length]?.size
  const settle = (): boolean => {
    const part = parts[own.length]
    if (part === undefined || part.etag.replaceAll('"', '').toLowerCase() !== digest.digest('hex')) return false
    own.push(part)
    digest = createHash('md5')
    filled = 0
    return true
  }
  for await (const chunk of content)
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(chunk.length - at, (parts[own.length]?.size ?? 0) - filled)
      digest.update(chunk.subarray(at, at + count))
      filled += count
      at += count
      if (full() && (!settle() || own.length === parts.length)) return own
    }
  // The one part of an empty file.
  if (own.length === 0 && parts.length === 1 && full()) settle()
  return own
}

export function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0)
}

/** As configured, or larger where the file would have too many parts. */
export function partBytes({ partMiB }: Pick<S3Connection, 'partMiB'>, size: number | undefined): number {
  const configured = partMiB * 1024 * 1024
  return Math.max(configured, Math.ceil((size ?? 0) / MOST_PARTS / 65_536) * 65_536)
}

/** So much is gathered before memory for a whole piece is set aside: most files are small. */
const FIRST_BYTES = 512 * 1024

/** The content in pieces of exactly `bytes`, the last one shorter; nothing for an empty one. `whole` gives the memory of a piece, `bytes` of it. */
export async function* inParts(content: AsyncIterable<Uint8Array>, bytes: number, whole: () => Buffer<ArrayBuffer> = () => Buffer.allocUnsafe(bytes)): AsyncIterable<Buffer<ArrayBuffer>> {
  let part = Buffer.allocUnsafe(0)
  let filled = 0
  const room = (more: number): void => {
    if (filled + more <= part.length) return
    const larger = filled + more <= FIRST_BYTES ? Buffer.allocUnsafe(Math.min(bytes, (filled + more) * 2)) : whole()
    larger.set(part.subarray(0, filled))
    part = larger
  }
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(chunk.length - at, bytes - filled)
      room(count)
      // A copy: whoever gives the chunk may use its memory again.
      part.set(chunk.subarray(at, at + count), filled)
      filled += count
      at += count
      if (filled === bytes) {
        yield part.subarray(0, filled)
        part = Buffer.allocUnsafe(0)
        filled = 0
      }
    }
  }
  if (filled > 0) yield part.subarray(0, filled)
}
