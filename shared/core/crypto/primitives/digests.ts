/** Digests, random octets and MGF1. */
import { createHash, hash as hashOnce, randomBytes, type Hash } from 'node:crypto'
import { concatBytes } from '../asn1/bytes.ts'

/** Digests that the codec knows. MD5 and SHA-1 only by an explicit allowance of the caller. */
export type DigestName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** Output sizes in bytes. */
export const DIGEST_BYTES: Readonly<Record<DigestName, number>> = { md5: 16, sha1: 20, sha256: 32, sha384: 48, sha512: 64 }

/** A running digest (supports `copy`). */
export function createDigest(name: DigestName): Hash {
  return createHash(name)
}

/** Digest of a small buffer. */
export function digestOf(name: DigestName, bytes: Uint8Array): Uint8Array {
  return hashOnce(name, bytes, 'buffer')
}

/** Cryptographically secure random octets. */
export function randomOctets(count: number): Uint8Array {
  return randomBytes(count)
}

/** MGF1 (RFC 8017 B.2.1). */
export function mgf1(digest: DigestName, seed: Uint8Array, length: number): Uint8Array {
  const parts: Uint8Array[] = []
  for (let made = 0, counter = 0; made < length; made += DIGEST_BYTES[digest], counter++) {
    const index = Buffer.alloc(4)
    index.writeUInt32BE(counter)
    parts.push(digestOf(digest, concatBytes([seed, index])))
  }
  return concatBytes(parts).subarray(0, length)
}

/** Octet by octet; as long as `a`. */
export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Uint8Array.from(a, (octet, i) => octet ^ (b[i] ?? 0))
}
