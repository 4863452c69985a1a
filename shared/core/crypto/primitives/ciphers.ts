/** Content encryption: CBC and GCM, streaming. */
import { createCipheriv, createDecipheriv, createSecretKey, type CipherGCM, type DecipherGCM, type KeyObject } from 'node:crypto'
import { toBigInt } from '../asn1/bytes.ts'

/** Ciphers of EnvelopedData. */
export type CbcCipher = 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc' | 'des-ede3-cbc'
/** Ciphers of AuthEnvelopedData. */
export type GcmCipher = 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'

/** Key, block and nonce sizes in bytes. */
export const CIPHER_SIZES: Readonly<Record<CbcCipher | GcmCipher, { readonly key: number; readonly block: number; readonly iv: number }>> = {
  'aes-128-cbc': { key: 16, block: 16, iv: 16 },
  'aes-192-cbc': { key: 24, block: 16, iv: 16 },
  'aes-256-cbc': { key: 32, block: 16, iv: 16 },
  'des-ede3-cbc': { key: 24, block: 8, iv: 8 },
  'aes-128-gcm': { key: 16, block: 1, iv: 12 },
  'aes-192-gcm': { key: 24, block: 1, iv: 12 },
  'aes-256-gcm': { key: 32, block: 1, iv: 12 },
}

export function isGcm(cipher: CbcCipher | GcmCipher): cipher is GcmCipher {
  return cipher.endsWith('-gcm')
}

/** As an object: of bytes node makes one by way of an exception, which costs more than encrypting a kilobyte. */
function secret(key: Uint8Array): KeyObject {
  return createSecretKey(key)
}

/** One running encryption or decryption. */
export interface ContentCipherStream {
  update(chunk: Uint8Array): Uint8Array
  final(): Uint8Array
}

/** CBC with PKCS#7 padding. */
export function cbcEncryptor(cipher: CbcCipher, key: Uint8Array, iv: Uint8Array): ContentCipherStream {
  return createCipheriv(cipher, secret(key), iv)
}

/** CBC, with the padding left in place: `unpadded` takes it off. `final` throws unless whole blocks came. */
export function cbcDecryptor(cipher: CbcCipher, key: Uint8Array, iv: Uint8Array): ContentCipherStream {
  return createDecipheriv(cipher, secret(key), iv).setAutoPadding(false)
}

/** What ends a content without its PKCS#7 padding (RFC 5652 6.3), or undefined when that is wrong: found out in the same time. */
export function unpadded(last: Uint8Array, block: number): Uint8Array | undefined {
  if (last.length < block) return undefined
  const count = last[last.length - 1] ?? 0
  let wrong = Number(count === 0) | Number(count > block)
  for (let back = 1; back <= block; back++) {
    const inside = Number(back <= count)
    wrong |= inside & Number(last[last.length - back] !== count)
  }
  return wrong === 0 ? last.subarray(0, last.length - count) : undefined
}

/** GCM with a 16-byte tag, available after `final`. */
export function gcmEncryptor(cipher: GcmCipher, key: Uint8Array, nonce: Uint8Array): CipherGCM {
  return createCipheriv(cipher, secret(key), nonce, { authTagLength: 16 })
}

/** GCM; set the tag before `final`, which throws when it does not verify. */
export function gcmDecryptor(cipher: GcmCipher, key: Uint8Array, nonce: Uint8Array, tagLength: number): DecipherGCM {
  return createDecipheriv(cipher, secret(key), nonce, { authTagLength: tagLength })
}

/**
 * In AuthEnvelopedData the additional data (authAttrs) come after the ciphertext, but GCM hashes them first. GHASH is
 * linear, so their contribution can be added later: gives the tag that the same ciphertext has without additional data.
 * `tag` may be truncated. NIST SP 800-38D 6.4, RFC 5083 2.2.
 */
export function gcmTagWithoutAad(
  cipher: GcmCipher,
  key: Uint8Array,
  tag: Uint8Array,
  aad: Uint8Array,
  ciphertextBytes: number,
): Uint8Array {
  const block = createCipheriv(cipher.replace('gcm', 'ecb'), key, null).setAutoPadding(false)
  const h = toBigInt(block.update(new Uint8Array(16)))
  let sum = 0n
  for (let at = 0; at < aad.length; at += 16) {
    const padded = new Uint8Array(16)
    padded.set(aad.subarray(at, at + 16))
    sum = gfMultiply(sum ^ toBigInt(padded), h)
  }
  // one more multiplication for every ciphertext block and for the length block
  let power = Math.ceil(ciphertextBytes / 16) + 1
  for (let base = h; power > 0; power = Math.floor(power / 2)) {
    if (power % 2 === 1) sum = gfMultiply(sum, base)
    base = gfMultiply(base, base)
  }
  const lengths = BigInt(aad.length) * 8n << 64n
  sum ^= gfMultiply(lengths, h)
  const correction = Buffer.from(sum.toString(16).padStart(32, '0'), 'hex')
  return Uint8Array.from(tag, (octet, i) => octet ^ (correction[i] ?? 0))
}

/** Product in GF(2^128) with GCM's bit order. */
function gfMultiply(x: bigint, y: bigint): bigint {
  let product = 0n
  let v = y
  for (let bit = 127n; bit >= 0n; bit--) {
    if (((x >> bit) & 1n) === 1n) product ^= v
    v = (v & 1n) === 1n ? (v >> 1n) ^ (0xe1n << 120n) : v >> 1n
  }
  return product
}
