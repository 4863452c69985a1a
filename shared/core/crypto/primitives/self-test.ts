/** Known-answer tests of every primitive. */
import { createPublicKey } from 'node:crypto'
import { deflateSync, inflateSync } from 'node:zlib'
import { concatBytes, sameBytes } from '../asn1/bytes.ts'
import { derElement, derUnsigned } from '../asn1/der-writer.ts'
import { cbcDecryptor, cbcEncryptor, CIPHER_SIZES, gcmDecryptor, gcmTagWithoutAad, unpadded } from './ciphers.ts'
import { digestOf } from './digests.ts'
import { verifyEcdsaDigest } from './ecdsa-digest.ts'
import { unwrapKey, wrapKey } from './key-transport.ts'
import * as known from './known-answers.ts'
import { signRsaPkcs1, signRsaPss, verifyEcdsa, verifyRsaPkcs1, verifyRsaPss, type PssParameters } from './signatures.ts'

/** Result of one known-answer test; `detail` says what was compared, or what went wrong. */
export interface SelfTestResult {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

/** Runs every primitive against published or fixed answers. Takes some tens of milliseconds. */
export function selfTest(): SelfTestResult[] {
  const results: SelfTestResult[] = []
  const check = (name: string, detail: string, test: () => boolean): void => {
    try {
      const ok = test()
      results.push({ name, ok, detail: ok ? detail : `${detail}: the answer differs` })
    } catch (error) {
      results.push({ name, ok: false, detail: `${detail}: ${error instanceof Error ? error.message : String(error)}` })
    }
  }
  const hex = (text: string): Uint8Array => Buffer.from(text, 'hex')
  for (const [name, answer] of known.DIGESTS) {
    check(name, 'FIPS 180-4 or RFC 1321, "abc"', () => sameBytes(digestOf(name, Buffer.from('abc')), hex(answer)))
  }
  for (const vector of known.CBC) {
    check(vector.cipher, vector.source, () => {
      const cipher = cbcEncryptor(vector.cipher, hex(vector.key), hex(vector.iv))
      const made = concatBytes([cipher.update(hex(vector.plain)), cipher.final()])
      const plain = cbcDecryptor(vector.cipher, hex(vector.key), hex(vector.iv))
      const back = unpadded(concatBytes([plain.update(made), plain.final()]), CIPHER_SIZES[vector.cipher].block) ?? new Uint8Array()
      return sameBytes(made.subarray(0, vector.encrypted.length / 2), hex(vector.encrypted)) && sameBytes(back, hex(vector.plain))
    })
  }
  for (const vector of known.GCM) {
    check(vector.cipher, vector.source, () => {
      const encrypted = hex(vector.encrypted)
      const bare = gcmTagWithoutAad(vector.cipher, hex(vector.key), hex(vector.tag), hex(vector.aad), encrypted.length)
      const plain = gcmDecryptor(vector.cipher, hex(vector.key), hex(vector.iv), 16)
      const opened = plain.update(encrypted)
      plain.setAuthTag(bare)
      plain.final()
      return sameBytes(opened, hex(vector.plain))
    })
    check(`${vector.cipher} tag`, 'a changed tag is refused', () => {
      const plain = gcmDecryptor(vector.cipher, hex(vector.key), hex(vector.iv), 16)
      plain.update(hex(vector.encrypted))
      plain.setAuthTag(new Uint8Array(16))
      try {
        plain.final()
        return false
      } catch {
        return true
      }
    })
  }
  const { privateKey, publicKey } = known.rsaTestKey()
  for (const vector of known.WRAPPED_KEYS) {
    check(`unwrap ${vector.name}`, vector.source, () =>
      sameBytes(unwrapKey([{ key: privateKey, transport: vector.transport, wrapped: hex(vector.wrapped) }], known.CONTENT_KEY.length), known.CONTENT_KEY))
    check(`wrap ${vector.name}`, 'round trip, and implicit rejection of a changed block', () => {
      const wrapped = wrapKey(publicKey, vector.transport, known.CONTENT_KEY)
      if (wrapped === undefined) return false
      const changed = Uint8Array.from(wrapped, (octet, i) => (i === 9 ? octet ^ 1 : octet))
      const open = (block: Uint8Array): Uint8Array =>
        unwrapKey([{ key: privateKey, transport: vector.transport, wrapped: block }], known.CONTENT_KEY.length)
      const rejected = open(changed)
      return sameBytes(open(wrapped), known.CONTENT_KEY) && !sameBytes(rejected, known.CONTENT_KEY) && sameBytes(rejected, open(changed))
    })
  }
  const message = Buffer.from(known.MESSAGE)
  const value = digestOf('sha256', message)
  const wrong = digestOf('sha256', Buffer.from('other'))
  check('RSA PKCS#1 v1.5 signature', 'fixed signature (deterministic scheme)', () =>
    sameBytes(signRsaPkcs1(privateKey, 'sha256', message), hex(known.PKCS1_SIGNATURE))
      && verifyRsaPkcs1(publicKey, 'sha256', value, hex(known.PKCS1_SIGNATURE))
      && !verifyRsaPkcs1(publicKey, 'sha256', wrong, hex(known.PKCS1_SIGNATURE)))
  const pss: PssParameters = { hash: 'sha256', mgf1Hash: 'sha256', saltLength: 32 }
  check('RSASSA-PSS', 'fixed signature', () =>
    verifyRsaPss(publicKey, pss, value, hex(known.PSS_SIGNATURE))
      && !verifyRsaPss(publicKey, pss, wrong, hex(known.PSS_SIGNATURE))
      && verifyRsaPss(publicKey, pss, value, signRsaPss(privateKey, 'sha256', message)))
  for (const vector of known.ECDSA) {
    check(`ECDSA ${vector.curve}`, vector.source, () => {
      const key = createPublicKey({ key: { kty: 'EC', crv: vector.curve, x: vector.x, y: vector.y }, format: 'jwk' })
      const signature = derElement(0x30, derUnsigned(hex(vector.r)), derUnsigned(hex(vector.s)))
      const sample = Buffer.from('sample')
      return verifyEcdsa(key, vector.digest, sample, signature)
        && verifyEcdsaDigest(key, digestOf(vector.digest, sample), signature)
        && !verifyEcdsaDigest(key, digestOf(vector.digest, message), signature)
    })
  }
  check('zlib', 'RFC 1950 stream', () =>
    sameBytes(inflateSync(hex(known.ZLIB_STREAM)), Buffer.from(known.MESSAGE))
      && sameBytes(inflateSync(deflateSync(message)), message))
  return results
}
