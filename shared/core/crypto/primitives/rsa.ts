/**
 * RSA without padding, which is put on and taken off here, for three reasons: node refuses or leaks PKCS#1 v1.5 decryption depending
 * on its build; OAEP and PSS with an MGF1 hash of their own are not reachable otherwise; and a signature without signed
 * attributes must be verified from a digest that was computed while the content streamed by. Given a key with options, Node first
 * asks whether the whole is a key, and is told by two errors that it is none: hence no stacks.
 */
import { constants, createPublicKey, privateDecrypt, publicEncrypt, type KeyObject } from 'node:crypto'
import { withoutStack } from '../../kernel/without-stack.ts'
import { childrenOfTag, contentOf, readBer } from '../asn1/ber-node.ts'
import { derBitString, derNull, derOid, derSequence } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'

/** Raw public operation on a block of exactly the modulus size; undefined when the block is not below the modulus. */
export function rsaPublic(key: KeyObject, block: Uint8Array): Uint8Array | undefined {
  try {
    return withoutStack(() => publicEncrypt({ key: plainRsa(key), padding: constants.RSA_NO_PADDING }, block))
  } catch {
    return undefined
  }
}

/** Raw private operation. A block that cannot be processed gives zeros, which no padding check accepts. */
export function rsaPrivate(key: KeyObject, block: Uint8Array, size: number): Uint8Array {
  try {
    const opened = withoutStack(() => privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, block))
    if (opened.length === size) return opened
  } catch {
    // the caller replaces the result by a random key
  }
  return new Uint8Array(size)
}

/** Modulus size in bytes. */
export function rsaModulusBytes(key: KeyObject): number {
  return Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8)
}

/** A key restricted to PSS (id-RSASSA-PSS) as a plain RSA key: the raw operation is refused on the former. */
function plainRsa(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'rsa-pss') return key
  const spki = readBer(key.export({ type: 'spki', format: 'der' }))
  const [, bits] = childrenOfTag(spki, 0x30, 'a public key')
  const body = bits === undefined ? new Uint8Array() : contentOf(bits).subarray(1)
  const der = derSequence(derSequence(derOid(OID.rsaEncryption), derNull()), derBitString(body))
  return createPublicKey({ key: Buffer.from(der), type: 'spki', format: 'der' })
}
