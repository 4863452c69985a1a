/** Encrypted data in CFB: with modification detection (packet 18 version 1, RFC 9580 5.13.1) and, to read only, without (packet 9, 5.7). */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { AppError } from '../../kernel/errors.ts'
import { release } from '../../kernel/release.ts'
import type { CipherSpec } from './ciphers.ts'
import { createCfbDecryptor, createCfbEncryptor, type CfbStream } from './fast-cfb.ts'
import { truncated } from './packet-stream.ts'

const MDC_HEADER = Buffer.from([0xd3, 0x14])
const MDC_BYTES = 22

/** The body of a packet 18 version 1, in chunks that are lent. */
export async function* encryptWithMdc(source: AsyncIterable<Uint8Array>, cipher: CipherSpec, key: Uint8Array): AsyncGenerator<Uint8Array, void> {
  const encryptor = createCfbEncryptor(cipher, key)
  const mdc = createHash('sha1')
  const random = randomBytes(cipher.blockBytes)
  const prefix = Buffer.concat([random, random.subarray(-2)])
  mdc.update(prefix)
  yield Buffer.concat([Buffer.from([1]), encryptor.update(prefix)])
  for await (const chunk of source) {
    mdc.update(chunk)
    const sealed = encryptor.update(chunk)
    yield sealed
    release(sealed)
  }
  mdc.update(MDC_HEADER)
  yield encryptor.update(Buffer.concat([MDC_HEADER, mdc.digest()]))
  yield encryptor.end()
}

/**
 * What is inside a packet 18 version 1, without its version octet, in chunks that are lent. Rejects at the end with `pgp.tampered` when the detection code differs.
 * The repeated octets of the prefix are not compared: an answer about them is a decryption oracle (Mister and Zuccherato 2005).
 */
export async function* decryptWithMdc(source: AsyncIterable<Uint8Array>, cipher: CipherSpec, key: Uint8Array): AsyncGenerator<Uint8Array, void> {
  const decryptor = createCfbDecryptor(cipher, key, Buffer.alloc(cipher.blockBytes), MDC_BYTES)
  const mdc = createHash('sha1')
  let toSkip = cipher.blockBytes + 2
  const known = (plain: Uint8Array): Uint8Array => {
    mdc.update(plain)
    const skipped = Math.min(toSkip, plain.length)
    toSkip -= skipped
    return plain.subarray(skipped)
  }
  for await (const chunk of source) {
    const plain = decryptor.update(chunk)
    const content = known(plain)
    if (content.length > 0) yield content
    release(plain)
  }
  const last = decryptor.end()
  if (last.length < MDC_BYTES) throw truncated('the encrypted data')
  const code = last.subarray(last.length - MDC_BYTES)
  const content = known(last.subarray(0, last.length - MDC_BYTES))
  if (content.length > 0) yield content
  if (toSkip > 0) throw truncated('the encrypted data')
  mdc.update(MDC_HEADER)
  if (!timingSafeEqual(code.subarray(MDC_HEADER.length), mdc.digest()) || !MDC_HEADER.equals(code.subarray(0, MDC_HEADER.length))) throw tampered()
}

/** What is inside a packet 9. The cipher starts anew after the prefix (RFC 9580 13.9). */
export async function* decryptWithoutIntegrity(source: AsyncIterable<Uint8Array>, cipher: CipherSpec, key: Uint8Array): AsyncGenerator<Uint8Array, void> {
  const prefixBytes = cipher.blockBytes + 2
  let head: Uint8Array = Buffer.alloc(0)
  let decryptor: CfbStream | undefined
  for await (const chunk of source) {
    if (decryptor === undefined) head = Buffer.concat([head, chunk])
    if (head.length < prefixBytes) continue
    const isFirst = decryptor === undefined
    decryptor ??= createCfbDecryptor(cipher, key, head.subarray(2, prefixBytes), 1)
    yield decryptor.update(isFirst ? head.subarray(prefixBytes) : chunk)
  }
  if (decryptor === undefined) throw truncated('the encrypted data')
  yield decryptor.end()
}

export function tampered(): AppError {
  return new AppError('pgp.tampered', 'the integrity check inside the encrypted data fails')
}
