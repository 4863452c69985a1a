/** Digests of bytes that stream by, for signatures and MICs. */
import { createDigestSet, type DigestForm, type DigestName, type DigestSet } from '../../../crypto/cms/index.ts'
import { headerValue } from './header-fields.ts'
import { readMediaType } from './media-type.ts'
import type { MimeEntity } from './mime-entity.ts'

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
 * to send such heads. Whatever else counts must read as what was signed: a lone CR in a head, or no head at all where it once
 * had its own empty line, would let a stranger turn headers into content by nothing but line ends.
 */
export function signedForms({ fields, rawHead, hasHead }: Pick<MimeEntity, 'fields' | 'rawHead' | 'hasHead'>, tolerant = false): DigestForm[] {
  const transferEncoding = headerValue(fields, 'content-transfer-encoding')
  const clean = onlyCrlf(rawHead)
  if (!hasHead || (!clean && (!tolerant || LONE_CR.test(latin1(rawHead))))) return ['raw']
  if (clean) return isBinary(transferEncoding) ? ['raw'] : ['raw', 'canonical']
  return isBinary(transferEncoding) ? ['raw', 'header-canonical'] : ['raw', 'canonical', 'header-canonical']
}

export function isBinary(transferEncoding: string | undefined): boolean {
  return transferEncoding?.trim().toLowerCase() === 'binary'
}

/** A multipart inside a signature: between its boundaries a lone CR is no line end as it stands, but one in every other form. */
export interface LoneCrWatch {
  see(chunk: Uint8Array): void
  found(): boolean
}

export function createLoneCrWatch(): LoneCrWatch {
  let [isFound, afterCr] = [false, false]
  return {
    see(chunk) {
      if (chunk.length === 0) return
      if (afterCr && chunk[0] !== LF) isFound = true
      for (let at = chunk.indexOf(CR); at >= 0 && !isFound; at = chunk.indexOf(CR, at + 1)) isFound = at + 1 < chunk.length && chunk[at + 1] !== LF
      afterCr = chunk.at(-1) === CR
    },
    found: () => isFound || afterCr,
  }
}

export function isMultipart(entity: Pick<MimeEntity, 'fields'>): boolean {
  return readMediaType(headerValue(entity.fields, 'content-type')).value.startsWith('multipart/')
}

const [CR, LF] = [13, 10]
const LONE_CR = /\r(?!\n)/

function onlyCrlf(bytes: Uint8Array): boolean {
  return !/(^|[^\r])\n|\r(?!\n)/.test(latin1(bytes))
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
