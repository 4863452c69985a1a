/** Encrypted data in CFB: with modification detection (packet 18 version 1, RFC 9580 5.13.1) and, to read only, without (packet 9, 5.7). */
import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { AppError } from '../../kernel/errors.ts'
import type { CipherSpec } from './ciphers.ts'
import { truncated } from './packet-stream.ts'

const MDC_HEADER = Buffer.from([0xd3, 0x14])
const MDC_BYTES = 22

/** The body of a packet 18 version 1. */
export async function* encryptWithMdc(source: AsyncIterable<Uint8Array>, cipher: CipherSpec, key: Uint8Array): AsyncGenerator<Uint8Array, void> {
  const encryptor = createCipheriv(cipher.cfb, key, Buffer.alloc(cipher.blockBytes))
  const mdc = createHash('sha1')
  const random = randomBytes(cipher.blockBytes)
  const prefix = Buffer.concat([random, random.subarray(-2)])
  mdc.update(prefix)
  yield Buffer.concat([Buffer.from([1]), encryptor.update(prefix)])
  for await (const chunk of source) {
    mdc.update(chunk)
    yield encryptor.update(chunk)
  }
  mdc.update(MDC_HEADER)
  yield encryptor.update(Buffer.concat([MDC_HEADER, mdc.digest()]))
  encryptor.final()
}

/**
 * What is inside a packet 18 version 1, without its version octet. Rejects at the end with `pgp.tampered` when the detection code differs.
 * The repeated octets of the prefix are not compared: an answer about them is a decryption oracle (Mister and Zuccherato 2005).
 */
export async function* decryptWithMdc(source: AsyncIterable<Uint8Array>, cipher: CipherSpec, key: Uint8Array): AsyncGenerator<Uint8Array, void> {
  const decryptor = createDecipheriv(cipher.cfb, key, Buffer.alloc(cipher.blockBytes))
  const mdc = createHash('sha1')
  let toSkip = cipher.blockBytes + 2
  let held: Uint8Array = Buffer.alloc(0)
  for await (const chunk of source) {
    const plain = decryptor.update(chunk)
    const known = held.length === 0 ? plain : Buffer.concat([held, plain])
    const usable = Math.max(0, known.length - MDC_BYTES)
    const sure = known.subarray(0, usable)
    held = known.subarray(usable)
    if (sure.length === 0) continue
    mdc.update(sure)
    const skipped = Math.min(toSkip, sure.length)
    toSkip -= skipped
    if (skipped < sure.length) yield sure.subarray(skipped)
  }
  if (held.length < MDC_BYTES || toSkip > 0) throw truncated('the encrypted data')
  mdc.update(held.subarray(0, 2))
  const digest = mdc.digest()
  if (!timingSafeEqual(held.subarray(2), digest) || !MDC_HEADER.equals(held.subarray(0, 2))) throw tampered()
}

/** What is inside a packet 9. The cipher starts anew after the prefix (RFC 9580 13.9). */
export async function* decryptWithoutIntegrity(source: AsyncIterable<Uint8Array>, cipher: CipherSpec, key: Uint8Array): AsyncGenerator<Uint8Array, void> {
  const prefixBytes = cipher.blockBytes + 2
  let head: Uint8Array = Buffer.alloc(0)
  let decryptor: ReturnType<typeof createDecipheriv> | undefined
  for await (const chunk of source) {
    if (decryptor !== undefined) {
      yield decryptor.update(chunk)
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < prefixBytes) continue
    decryptor = createDecipheriv(cipher.cfb, key, head.subarray(2, prefixBytes))
    yield decryptor.update(head.subarray(prefixBytes))
  }
  if (decryptor === undefined) throw truncated('the encrypted data')
}

export function tampered(): AppError {
  return new AppError('pgp.tampered', 'the integrity check inside the encrypted data fails')
}
