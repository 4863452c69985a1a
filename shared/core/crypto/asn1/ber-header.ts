/** Identifier and length octets, shared by the in-memory and the streaming reader. */
import { malformed } from '../cms/errors.ts'

/** What stands before the content of an element. */
export interface BerHeader {
  /** The first identifier octet: class, constructed bit, low tag number. */
  readonly tag: number
  /** Number of identifier and length octets. */
  readonly size: number
  /** Content octets, or -1 for the indefinite form. */
  readonly length: number
}

/** No header that we accept is longer: identifier up to 5 octets, length up to 8. */
export const MAX_HEADER_BYTES = 13

/**
 * Reads the header at `offset`. Gives undefined when `bytes` ends before the header does.
 * Length octets beyond 6 significant bytes are refused: no honest message is larger than 2^48.
 */
export function readHeader(bytes: Uint8Array, offset: number, end: number): BerHeader | undefined {
  let at = offset
  if (at >= end) return undefined
  const tag = bytes[at++] ?? 0
  if ((tag & 0x1f) === 0x1f) {
    let octets = 0
    for (;;) {
      if (at >= end) return undefined
      const octet = bytes[at++] ?? 0
      octets++
      if ((octet & 0x80) === 0) break
      if (octets === 4) throw malformed('an ASN.1 tag number is too large')
    }
  }
  if (at >= end) return undefined
  const first = bytes[at++] ?? 0
  if (first < 0x80) return { tag, size: at - offset, length: first }
  if (first === 0x80) {
    if ((tag & 0x20) === 0) throw malformed('a primitive ASN.1 element has an indefinite length')
    return { tag, size: at - offset, length: -1 }
  }
  const count = first & 0x7f
  if (count > 8) throw malformed('an ASN.1 length has too many octets')
  if (at + count > end) return undefined
  let length = 0
  for (let i = 0; i < count; i++) length = length * 256 + (bytes[at++] ?? 0)
  if (length > 2 ** 48) throw malformed('an ASN.1 length is not plausible')
  return { tag, size: at - offset, length }
}
