/** Builds messages that no honest writer makes, for tests only. Each function gives one DER element. */
import { createCipheriv, randomBytes, type KeyObject } from 'node:crypto'
import { derElement, derIntegerRaw, derNull, derOctetString, derOid, derSequence, derSetOf, derSmallInteger, derTagged, derTaggedPrimitive, TAG } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { signRsaPkcs1, wrapKey, type DigestName } from '../primitives/index.ts'
import type { Certificate } from '../x509/certificate.ts'
import { DIGEST_OID } from './algorithms.ts'

export const contentInfo = (type: string, content: Uint8Array): Uint8Array => derSequence(derOid(type), derTagged(0, content))
export const nameOf = (certificate: Certificate): Uint8Array => derSequence(certificate.issuerDer, derIntegerRaw(certificate.serial))
export const attribute = (type: string, ...values: readonly Uint8Array[]): Uint8Array => derSequence(derOid(type), derElement(TAG.set, ...values))
export const algorithm = (oid: string, parameters: Uint8Array | null = derNull()): Uint8Array => derSequence(derOid(oid), ...(parameters === null ? [] : [parameters]))

/** The attributes that every signature has, in DER order. */
export const usualAttributes = (digest: Uint8Array): Uint8Array[] => [attribute(OID.contentType, derOid(OID.data)), attribute(OID.messageDigest, derOctetString(digest))]

export interface SignerParts {
  readonly certificate: Certificate
  readonly key: KeyObject
  readonly digestAlgorithm?: DigestName
  /** In this order; null for none, with `content` signed instead. */
  readonly attributes: readonly Uint8Array[] | null
  readonly content?: Uint8Array
  readonly signatureAlgorithm?: Uint8Array
}

export function signerInfo({ certificate, key, digestAlgorithm = 'sha256', attributes, content, signatureAlgorithm }: SignerParts): Uint8Array {
  const signed = attributes === null ? (content ?? new Uint8Array()) : derElement(TAG.set, ...attributes)
  return derSequence(
    derSmallInteger(1),
    nameOf(certificate),
    algorithm(DIGEST_OID[digestAlgorithm]),
    ...(attributes === null ? [] : [derElement(0xa0, ...attributes)]),
    signatureAlgorithm ?? algorithm(OID.rsaEncryption),
    derOctetString(signRsaPkcs1(key, digestAlgorithm, signed)),
  )
}

export function signedData(infos: readonly Uint8Array[], more: { readonly certificates?: readonly Uint8Array[]; readonly digests?: readonly DigestName[]; readonly content?: Uint8Array } = {}): Uint8Array {
  const { certificates = [], digests = ['sha256'], content } = more
  return contentInfo(OID.signedData, derSequence(
    derSmallInteger(1),
    derSetOf(digests.map((name) => algorithm(DIGEST_OID[name]))),
    derSequence(derOid(OID.data), ...(content === undefined ? [] : [derTagged(0, derOctetString(content))])),
    ...(certificates.length === 0 ? [] : [derTagged(0, ...certificates)]),
    derSetOf(infos),
  ))
}

export interface EnvelopeParts {
  readonly recipients: readonly Uint8Array[]
  readonly cipher: Uint8Array
  readonly ciphertext: Uint8Array
  /** Makes it AuthEnvelopedData. */
  readonly tag?: Uint8Array
  readonly attributes?: readonly Uint8Array[]
  readonly type?: string
}

export function envelope({ recipients, cipher, ciphertext, tag, attributes, type }: EnvelopeParts): Uint8Array {
  return contentInfo(type ?? (tag === undefined ? OID.envelopedData : OID.authEnvelopedData), derSequence(
    derSmallInteger(0),
    derElement(TAG.set, ...recipients),
    derSequence(derOid(OID.data), cipher, derTaggedPrimitive(0, ciphertext)),
    ...(attributes === undefined ? [] : [derElement(0xa1, ...attributes)]),
    ...(tag === undefined ? [] : [derOctetString(tag)]),
  ))
}

/** A recipient whose wrapped key is whatever is given. */
export const recipient = (certificate: Certificate, wrapped: Uint8Array, transport: Uint8Array = algorithm(OID.rsaEncryption)): Uint8Array =>
  derSequence(derSmallInteger(0), nameOf(certificate), transport, derOctetString(wrapped))

export function wrapFor(certificate: Certificate, contentKey: Uint8Array): Uint8Array {
  const wrapped = wrapKey(certificate.publicKey(), { scheme: 'rsaes-pkcs1' }, contentKey)
  if (wrapped === undefined) throw new Error('the key does not fit')
  return wrapped
}

/** AES-256-GCM with additional data as RFC 5083 wants them: the attributes under the tag of a SET. */
export function gcm(content: Uint8Array, key: Uint8Array, tagBytes: number, attributes?: readonly Uint8Array[]): { cipher: Uint8Array; ciphertext: Uint8Array; tag: Uint8Array } {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  if (attributes !== undefined) cipher.setAAD(derElement(TAG.set, ...attributes))
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()])
  return { cipher: algorithm(OID.aes256Gcm, derSequence(derOctetString(nonce), derSmallInteger(tagBytes))), ciphertext, tag: cipher.getAuthTag().subarray(0, tagBytes) }
}
