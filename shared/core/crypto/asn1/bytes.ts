/** Small helpers on byte arrays that the ASN.1 code shares. */

/** Whether two byte strings are the same. Not constant time: for public values only. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

/** One new array holding all parts. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

/** An unsigned big-endian number. */
export function toBigInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`)
}

/** Lexicographic order as DER demands it for SET OF (X.690 11.6): the shorter is padded with zeros. */
export function compareDer(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}
