import { createHash } from 'node:crypto'

/** Size in bytes and SHA-256 in lower-case hex of what comes by. Errors of the content pass through. */
export async function digestOf(content: AsyncIterable<Uint8Array>): Promise<{ sha256: string; size: number }> {
  const digest = createHash('sha256')
  let size = 0
  for await (const piece of content) {
    digest.update(piece)
    size += piece.length
  }
  return { sha256: digest.digest('hex'), size }
}
