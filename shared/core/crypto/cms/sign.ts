/** Writes SignedData (RFC 5652 5): detached from a digest, opaque around a stream, and the degenerate certificates-only form. */
import type { KeyObject } from 'node:crypto'
import { concatBytes } from '../asn1/bytes.ts'
import { contentOf, readBer } from '../asn1/ber-node.ts'
import { derElement, derOctetString, derOid, derSequence, derSetOf, derSmallInteger, derTagged, derTime, TAG } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { createDigest, signEcdsa, signRsaPkcs1, signRsaPss, type DigestName } from '../primitives/index.ts'
import type { Certificate } from '../x509/certificate.ts'
import { certificatesOnly as degenerate } from '../x509/certificates-only.ts'
import { keyMatchesCertificate } from '../x509/keys.ts'
import { checkDigest, checkKeySize, digestAlgorithm, refused, signatureAlgorithm, type Allowances, type SignatureScheme } from './algorithms.ts'
import type { ByteSource } from './byte-source.ts'
import { findDigest } from './candidates.ts'
import { createDigestSet, digestWhile } from './digest-set.ts'
import { elementSize, END_OF_CONTENTS, INDEFINITE, octetStringContent, openElement, type Encoding } from './encoding.ts'
import { CmsError } from './errors.ts'

/** A private key with its certificate. */
export interface SigningKey {
  readonly certificate: Certificate
  readonly privateKey: KeyObject
}

export interface SignOptions {
  readonly signer: SigningKey
  readonly digestAlgorithm: DigestName
  /** Default: PKCS#1 v1.5 for RSA keys, ECDSA for EC keys. */
  readonly scheme?: SignatureScheme
  /** Embedded certificates; default the signer's, `[]` for none. */
  readonly certificates?: readonly Certificate[]
  /** Default now; null leaves the attribute out. */
  readonly signingTime?: Date | null
  /** CMSAlgorithmProtection (RFC 6211). Default false: old SAP and BizTalk versions reject the attribute. */
  readonly algorithmProtection?: boolean
  /** PKCS#1 v1.5 only; default `rsaEncryption`, which everybody reads. */
  readonly signatureOid?: 'rsaEncryption' | 'withDigest'
  /** Object identifier of the signed content's type; default data. */
  readonly contentType?: string
  readonly allow?: Allowances
}

/** A detached signature (DER ContentInfo) over content with this digest. Throws `cms.key_unusable` or `cms.algorithm_refused`. */
export function createDetachedSignature(options: SignOptions & { readonly digest: Uint8Array }): Uint8Array {
  const parts = prepare(options)
  const signed = derSequence(parts.version, parts.digests, derSequence(derOid(parts.contentType)), ...parts.certificates, derSetOf([signerInfo(options, parts, options.digest)]))
  return derSequence(derOid(OID.signedData), derTagged(0, signed))
}

/** An opaque SignedData around the content. With definite lengths the signature is made over known sizes only: RSA keys. */
export async function* signOpaque(source: ByteSource, options: SignOptions & { readonly encoding?: Encoding }): AsyncGenerator<Uint8Array, void> {
  const { encoding = INDEFINITE } = options
  const parts = prepare(options)
  const digests = createDigestSet({ algorithms: [options.digestAlgorithm], forms: ['raw'], parallel: true })
  const type = derOid(parts.contentType)
  const head = concatBytes([parts.version, parts.digests])
  const sizes = encoding.form === 'definite' ? definiteSizes(head, type, encoding.contentLength, parts, options) : null
  const outerType = derOid(OID.signedData)
  yield concatBytes([
    openElement(TAG.sequence, sizes === null ? null : outerType.length + elementSize(sizes.explicit)),
    outerType,
    openElement(0xa0, sizes?.explicit ?? null),
    openElement(TAG.sequence, sizes?.signed ?? null),
    head,
    openElement(TAG.sequence, sizes?.encapsulated ?? null),
    type,
    openElement(0xa0, sizes?.wrapper ?? null),
    sizes === null ? openElement(TAG.octetString | 0x20, null) : openElement(TAG.octetString, sizes.content),
  ])
  try {
    yield* octetStringContent(digestWhile(source, digests), encoding)
    const digest = findDigest(await digests.finish(), { algorithm: options.digestAlgorithm })
    if (digest === undefined) throw new CmsError('cms.unsupported', `the digest ${options.digestAlgorithm} is not supported`)
    if (sizes === null) yield concatBytes([END_OF_CONTENTS, END_OF_CONTENTS, END_OF_CONTENTS])
    yield concatBytes([...parts.certificates, derSetOf([signerInfo(options, parts, digest)])])
    if (sizes === null) yield concatBytes([END_OF_CONTENTS, END_OF_CONTENTS, END_OF_CONTENTS])
  } finally {
    digests.close()
  }
}

/** A SignedData without content and signers that carries certificates (`certs-only`, RFC 8551 3.8). */
export function certificatesOnly(certificates: readonly Certificate[]): Uint8Array {
  return degenerate(certificates.map(({ der }) => der))
}

interface Parts {
  readonly version: Uint8Array
  readonly digests: Uint8Array
  readonly contentType: string
  readonly certificates: readonly Uint8Array[]
  readonly scheme: SignatureScheme
}

function prepare(options: SignOptions): Parts {
  const { signer, allow } = options
  const scheme = options.scheme ?? (signer.certificate.keyType === 'ec' ? 'ecdsa' : 'rsa-pkcs1')
  checkUsable(signer, scheme, allow)
  if (options.digestAlgorithm === 'md5') throw refused('MD5 signatures are never made')
  checkDigest(options.digestAlgorithm, allow)
  const embedded = options.certificates ?? [signer.certificate]
  return {
    version: derSmallInteger(options.contentType === undefined || options.contentType === OID.data ? 1 : 3),
    digests: derSetOf([digestAlgorithm(options.digestAlgorithm)]),
    contentType: options.contentType ?? OID.data,
    certificates: embedded.length === 0 ? [] : [derTagged(0, ...embedded.map(({ der }) => der))],
    scheme,
  }
}

function checkUsable({ certificate, privateKey }: SigningKey, scheme: SignatureScheme, allow: Allowances | undefined): void {
  const type = privateKey.asymmetricKeyType
  const fits = scheme === 'ecdsa' ? type === 'ec' : type === 'rsa' || (scheme === 'rsa-pss' && type === 'rsa-pss')
  if (!fits) throw new CmsError('cms.key_unusable', `a key of type ${type ?? 'unknown'} cannot make ${scheme} signatures`)
  if (!keyMatchesCertificate(privateKey, certificate)) throw new CmsError('cms.key_unusable', 'the private key does not belong to the certificate')
  if (scheme !== 'ecdsa') checkKeySize(certificate.keyBits ?? 0, allow)
}

function signerInfo(options: SignOptions, parts: Parts, digest: Uint8Array): Uint8Array {
  const { signer, digestAlgorithm: name, signatureOid = 'rsaEncryption' } = options
  const algorithm = signatureAlgorithm(parts.scheme, name, signatureOid)
  const attributes = derSetOf(signedAttributes(options, parts, digest, algorithm))
  const content = contentOf(readBer(attributes))
  return derSequence(
    derSmallInteger(1),
    derSequence(signer.certificate.issuerDer, derElement(TAG.integer, signer.certificate.serial)),
    digestAlgorithm(name),
    derElement(0xa0, content),
    algorithm,
    derOctetString(sign(parts.scheme, signer.privateKey, name, attributes)),
  )
}

function signedAttributes(options: SignOptions, parts: Parts, digest: Uint8Array, algorithm: Uint8Array): Uint8Array[] {
  const attribute = (oid: string, value: Uint8Array): Uint8Array => derSequence(derOid(oid), derSetOf([value]))
  const time = options.signingTime === undefined ? new Date() : options.signingTime
  return [
    attribute(OID.contentType, derOid(parts.contentType)),
    attribute(OID.messageDigest, derOctetString(digest)),
    ...(time === null ? [] : [attribute(OID.signingTime, derTime(time))]),
    ...(options.algorithmProtection === true
      ? [attribute(OID.algorithmProtection, derSequence(digestAlgorithm(options.digestAlgorithm), derElement(0xa1, contentOf(readBer(algorithm)))))]
      : []),
  ]
}

function sign(scheme: SignatureScheme, key: KeyObject, digest: DigestName, message: Uint8Array): Uint8Array {
  if (scheme === 'ecdsa') return signEcdsa(key, digest, message)
  return scheme === 'rsa-pss' ? signRsaPss(key, digest, message) : signRsaPkcs1(key, digest, message)
}

/** Signs a digest of zeros once to learn the size, which for RSA does not depend on the value. */
function definiteSizes(head: Uint8Array, type: Uint8Array, content: number, parts: Parts, options: SignOptions): Record<'content' | 'wrapper' | 'encapsulated' | 'signed' | 'explicit', number> {
  if (parts.scheme === 'ecdsa') throw new CmsError('cms.unsupported', 'an opaque ECDSA signature with definite lengths')
  const info = signerInfo(options, parts, createDigest(options.digestAlgorithm).digest())
  const wrapper = elementSize(content)
  const encapsulated = type.length + elementSize(wrapper)
  const signed = head.length + elementSize(encapsulated) + concatBytes(parts.certificates).length + elementSize(info.length)
  return { content, wrapper, encapsulated, signed, explicit: elementSize(signed) }
}
