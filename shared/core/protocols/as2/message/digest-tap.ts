/** Digests of bytes that stream by, for signatures and MICs. */
import { createDigestSet, type DigestForm, type DigestName, type DigestSet } from '../../../crypto/cms/index.ts'

export type DigestTap = DigestSet

/** `parallel`: in a thread of its own once it is much. `endings`: see `DigestSetOptions`. */
export function createTap(algorithms: readonly DigestName[], forms: readonly DigestForm[], { parallel = true, endings = true } = {}): DigestTap {
  return createDigestSet({ algorithms: [...new Set(algorithms)], forms, parallel, endings })
}

/** Passes chunks through the tap, and gives it up when something breaks. The caller finishes it. */
export async function* tapped(source: AsyncIterable<Uint8Array>, tap: DigestTap): AsyncGenerator<Uint8Array, void> {
  let complete = false
  try {
    for await (const chunk of source) {
      const waiting = tap.update(chunk)
      if (waiting !== undefined) await waiting
      yield chunk
    }
    complete = true
  } finally {
    if (!complete) tap.close()
  }
}

/**
 * Which forms of a signed entity may count (as2 1.3). Binary content is never canonical. A head with other line ends than CRLF
 * shows that something on the way converted the message: then only the bytes as they are count, unless the partner is known
 * to send such heads.
 */
export function signedForms(transferEncoding: string | undefined, rawHead: Uint8Array, tolerant = false): DigestForm[] {
  const clean = onlyCrlf(rawHead)
  if (!clean && !tolerant) return ['raw']
  if (clean) return isBinary(transferEncoding) ? ['raw'] : ['raw', 'canonical']
  return isBinary(transferEncoding) ? ['raw', 'header-canonical'] : ['raw', 'canonical', 'header-canonical']
}

export function isBinary(transferEncoding: string | undefined): boolean {
  return transferEncoding?.trim().toLowerCase() === 'binary'
}

function onlyCrlf(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  return !/(^|[^\r])\n|\r(?!\n)/.test(text)
}
