/** What all streaming writers share: a content whose length is known, or not, between a prefix and a suffix. */
import { derHeader, lengthBytes, TAG } from '../asn1/der-writer.ts'
import type { ByteSource } from './byte-source.ts'
import { gatherChunks } from './chunking.ts'
import { CmsError } from './errors.ts'

/** `definite` writes definite lengths throughout and needs the content's exact length. */
export type Encoding = { readonly form: 'indefinite' } | { readonly form: 'definite'; readonly contentLength: number }

export const INDEFINITE: Encoding = { form: 'indefinite' }
/** End of an element of indefinite length. */
export const END_OF_CONTENTS = Uint8Array.of(0, 0)

/** Identifier and length octets of a constructed element: the given length, or the indefinite form. */
export function openElement(tag: number, length: number | null): Uint8Array {
  return length === null ? Uint8Array.of(tag, 0x80) : derHeader(tag, length)
}

/** Octets that an element of this content length takes in all. */
export function elementSize(length: number): number {
  return 1 + lengthBytes(length) + length
}

/** An OCTET STRING's content as it streams: segments under the indefinite form, bare octets under the definite one. */
export async function* octetStringContent(source: ByteSource, encoding: Encoding): AsyncGenerator<Uint8Array, void> {
  if (encoding.form === 'definite') {
    yield* exactly(source, encoding.contentLength)
    return
  }
  for await (const chunk of gatherChunks(source)) {
    yield derHeader(TAG.octetString, chunk.length)
    yield chunk
  }
}

/** Passes chunks through; throws `cms.length_mismatch` unless they have exactly this many bytes. */
export async function* exactly(source: ByteSource, bytes: number): AsyncGenerator<Uint8Array, void> {
  let seen = 0
  for await (const chunk of source) {
    seen += chunk.length
    if (seen > bytes) break
    yield chunk
  }
  if (seen !== bytes) throw new CmsError('cms.length_mismatch', `the content does not have the promised ${bytes} bytes`)
}
