/** Signatures: RSA PKCS#1 v1.5, RSASSA-PSS and ECDSA. */
import { constants, sign as nodeSign, verify as nodeVerify, type KeyObject } from 'node:crypto'
import { withoutStack } from '../../kernel/without-stack.ts'
import { concatBytes, sameBytes } from '../asn1/bytes.ts'
import { derNull, derOctetString, derOid, derSequence } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { DIGEST_BYTES, digestOf, mgf1, xor, type DigestName } from './digests.ts'
import { rsaModulusBytes, rsaPublic } from './rsa.ts'

/** Parameters of RSASSA-PSS (RFC 4055 3.1). */
export interface PssParameters {
  readonly hash: DigestName
  readonly mgf1Hash: DigestName
  readonly saltLength: number
}

/** RSA PKCS#1 v1.5 signature over `message`. */
export function signRsaPkcs1(key: KeyObject, digest: DigestName, message: Uint8Array): Uint8Array {
  return withoutStack(() => nodeSign(digest, message, { key, padding: constants.RSA_PKCS1_PADDING }))
}

/** RSASSA-PSS signature; MGF1 with the same digest, salt as long as the digest. */
export function signRsaPss(key: KeyObject, digest: DigestName, message: Uint8Array): Uint8Array {
  return nodeSign(digest, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: DIGEST_BYTES[digest] })
}

/** ECDSA signature in DER. */
export function signEcdsa(key: KeyObject, digest: DigestName, message: Uint8Array): Uint8Array {
  return nodeSign(digest, message, { key, dsaEncoding: 'der' })
}

const DIGEST_OIDS: Readonly<Record<DigestName, string>> = {
  md5: OID.md5,
  sha1: OID.sha1,
  sha256: OID.sha256,
  sha384: OID.sha384,
  sha512: OID.sha512,
}

/**
 * RSASSA-PKCS1-v1_5 from a digest (RFC 8017 8.2.2): the whole encoded message is rebuilt and compared, so nothing can
 * hide in lenient parsing. NULL or absent digest parameters are both accepted.
 */
export function verifyRsaPkcs1(key: KeyObject, digest: DigestName, value: Uint8Array, signature: Uint8Array): boolean {
  const size = rsaModulusBytes(key)
  if (signature.length !== size || value.length !== DIGEST_BYTES[digest]) return false
  const found = rsaPublic(key, signature)
  if (found === undefined) return false
  for (const parameters of [[derNull()], []]) {
    const info = derSequence(derSequence(derOid(DIGEST_OIDS[digest]), ...parameters), derOctetString(value))
    const fill = size - info.length - 3
    if (fill < 8) continue
    if (sameBytes(found, concatBytes([Uint8Array.of(0, 1), new Uint8Array(fill).fill(0xff), Uint8Array.of(0), info]))) return true
  }
  return false
}

/** RSASSA-PSS from a digest (RFC 8017 8.1.2, 9.1.2). The salt must have exactly the declared length. */
export function verifyRsaPss(key: KeyObject, parameters: PssParameters, value: Uint8Array, signature: Uint8Array): boolean {
  const bits = (key.asymmetricKeyDetails?.modulusLength ?? 0) - 1
  const size = rsaModulusBytes(key)
  const hashBytes = DIGEST_BYTES[parameters.hash]
  if (signature.length !== size || value.length !== hashBytes) return false
  const opened = rsaPublic(key, signature)
  if (opened === undefined) return false
  const length = Math.ceil(bits / 8)
  if (length < size && opened[0] !== 0) return false
  const encoded = opened.subarray(size - length)
  const saltAt = length - parameters.saltLength - hashBytes - 1
  if (saltAt < 1 || encoded[length - 1] !== 0xbc) return false
  const masked = encoded.subarray(0, length - hashBytes - 1)
  const seed = encoded.subarray(length - hashBytes - 1, length - 1)
  const unused = 8 * length - bits
  const topMask = 0xff >> unused
  if (((masked[0] ?? 0) & ~topMask) !== 0) return false
  const data = xor(masked, mgf1(parameters.mgf1Hash, seed, masked.length))
  data[0] = (data[0] ?? 0) & topMask
  for (let i = 0; i < saltAt - 1; i++) if (data[i] !== 0) return false
  if (data[saltAt - 1] !== 1) return false
  return sameBytes(seed, digestOf(parameters.hash, concatBytes([new Uint8Array(8), value, data.subarray(saltAt)])))
}

/** ECDSA over a message; `signature` in DER. */
export function verifyEcdsa(key: KeyObject, digest: DigestName, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return nodeVerify(digest, message, { key, dsaEncoding: 'der' }, signature)
  } catch {
    return false
  }
}
