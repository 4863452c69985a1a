/** Whether a file looks like OpenPGP keys: armour of that kind, or a first packet that is a key (RFC 9580 4.2). */
export function looksLikePgpKeys(input: Uint8Array | string): boolean {
  if (isBinary(input)) {
    const first = input[0] ?? 0
    const tag = (first & 0x40) === 0 ? (first >> 2) & 0x0f : first & 0x3f
    return tag === 5 || tag === 6
  }
  return /-----BEGIN PGP (PUBLIC|PRIVATE|SECRET) KEY BLOCK-----/.test(textOf(input))
}

/** Packets, whose first octet has its first bit set (RFC 9580 4.2), as opposed to armour. */
export function isBinary(input: Uint8Array | string): input is Uint8Array {
  return typeof input !== 'string' && ((input[0] ?? 0) & 0x80) !== 0
}

export function textOf(input: Uint8Array | string): string {
  return typeof input === 'string' ? input : Buffer.from(input.buffer, input.byteOffset, input.length).toString('utf8')
}
