/** Digests of bytes that stream by, for signatures and MICs. */
import { createDigestSet, type CandidateDigest, type DigestForm, type DigestName } from '../../../crypto/cms/index.ts'

export interface DigestTap {
  update(chunk: Uint8Array): Promise<void> | void
  finish(): Promise<CandidateDigest[]>
  /** Gives up without a result. */
  close(): void
}

export function createTap(algorithms: readonly DigestName[], forms: readonly DigestForm[]): DigestTap {
  const set = createDigestSet({ algorithms: [...new Set(algorithms)], forms })
  return {
    update: (chunk) => set.update(chunk),
    finish: async () => await Promise.resolve(set.finish()),
    close: () => undefined,
  }
}

/** Passes chunks through the taps. */
export async function* tapped(source: AsyncIterable<Uint8Array>, taps: readonly DigestTap[]): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of source) {
    for (const tap of taps) {
      const waiting = tap.update(chunk)
      if (waiting !== undefined) await waiting
    }
    yield chunk
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
