/** Judges the SignerInfos of a message against digests of its content and the certificates that the caller trusts. */
import type { KeyObject } from 'node:crypto'
import { concatBytes, sameBytes } from '../asn1/bytes.ts'
import { childrenOf, childrenOfTag, contentOf, oidText, rawOf, readBer, withDefiniteLengths, type BerNode } from '../asn1/ber-node.ts'
import { OID } from '../asn1/oids.ts'
import { TAG, derElement, derSetOf } from '../asn1/der-writer.ts'
import { digestOf, verifyEcdsa, verifyEcdsaDigest, verifyRsaPkcs1, verifyRsaPss, type DigestName } from '../primitives/index.ts'
import type { Certificate } from '../x509/certificate.ts'
import { comparableName } from '../x509/names.ts'
import {
  checkDigest,
  checkKeySize,
  digestByOid,
  readAlgorithm,
  readSignatureAlgorithm,
  refused,
  sameAlgorithm,
  type AlgorithmId,
  type Allowances,
  type SignatureAlgorithm,
  type SignatureScheme,
} from './algorithms.ts'
import type { CandidateDigest } from './candidates.ts'
import { CmsError } from './errors.ts'
import { referenceNames } from './recipients.ts'
import { attributeValues, signingTimeOf, singleValue, type EmbeddedCertificate, type SignerInfo } from './signer-infos.ts'

/** A certificate that the caller has bound to the partner. */
export interface TrustedSigner {
  readonly certificate: Certificate
  /** The caller's name for it; comes back in the report. */
  readonly id?: string
}

export interface VerifyOptions {
  /** The only certificates that count. */
  readonly trusted: readonly TrustedSigner[]
  readonly allow?: Allowances
  /** The time at which validity is judged for the warnings; default now. */
  readonly at?: Date
}

/** Facts that do not make a signature wrong; the caller's policy decides. */
export type SignatureWarning =
  | 'certificate-expired'
  | 'certificate-not-yet-valid'
  | 'key-usage-lacks-digital-signature'
  | 'other-signers-ignored'

/** A signature that verified. */
export interface SignatureReport {
  readonly signer: TrustedSigner
  /** `name-serial`: the issuer's name is the same but encoded differently. */
  readonly matchedBy: 'issuer-serial' | 'ski' | 'name-serial'
  readonly digestAlgorithm: DigestName
  readonly scheme: SignatureScheme
  /** The content digest that the signature covers. */
  readonly digest: Uint8Array
  /** Which form of the content was signed. */
  readonly candidate: CandidateDigest
  /** As claimed by the signer. */
  readonly signingTime?: Date
  /** How the signed attributes were encoded, or that there are none. */
  readonly attributes: 'as-received' | 'der-sorted' | 'none'
  readonly algorithmProtection: 'verified' | 'absent'
  readonly keyBits: number
  readonly embeddedCertificates: readonly EmbeddedCertificate[]
  readonly signerCount: number
  readonly warnings: readonly SignatureWarning[]
}

/** A message ready to be judged. */
export interface SignedMessage {
  readonly contentType: string
  readonly signerInfos: readonly SignerInfo[]
  readonly embeddedCertificates: readonly EmbeddedCertificate[]
}

/** Verifies; exactly one SignerInfo must verify with a trusted certificate. Throws CmsError otherwise. */
export function judgeSignatures(message: SignedMessage, digests: readonly CandidateDigest[], options: VerifyOptions): SignatureReport {
  const verified: SignatureReport[] = []
  let failure: CmsError | undefined
  for (const info of message.signerInfos) {
    const matches = options.trusted.flatMap((signer) => {
      const matchedBy = matchOf(info, signer.certificate)
      return matchedBy === undefined ? [] : [{ signer, matchedBy }]
    })
    // two certificates may share issuer and serial number: any of them may be the signer's
    for (const match of matches) {
      try {
        verified.push(judge(message, info, match, digests, options))
        break
      } catch (error) {
        if (!(error instanceof CmsError)) throw error
        failure ??= error
      }
    }
  }
  const [report, ...more] = verified
  if (more.length > 0) throw new CmsError('cms.signer_ambiguous', 'more than one signature verifies')
  if (report !== undefined) return report
  throw failure ?? new CmsError('cms.signer_unknown', unknownText(message))
}

function unknownText(message: SignedMessage): string {
  return message.signerInfos.length === 0
    ? 'the message has no signature'
    : `none of the ${message.signerInfos.length} signatures is by a trusted certificate`
}

function matchOf(info: SignerInfo, certificate: Certificate): SignatureReport['matchedBy'] | undefined {
  const { reference } = info
  if (referenceNames(reference, certificate)) return reference.by
  if (reference.by === 'ski' || !sameBytes(reference.serial, certificate.serial)) return undefined
  return comparableName(reference.issuerDer) === comparableName(certificate.issuerDer) ? 'name-serial' : undefined
}

interface Match {
  readonly signer: TrustedSigner
  readonly matchedBy: SignatureReport['matchedBy']
}

function judge(
  message: SignedMessage,
  info: SignerInfo,
  match: Match,
  digests: readonly CandidateDigest[],
  options: VerifyOptions,
): SignatureReport {
  const digestAlgorithm = digestByOid(info.digestAlgorithm.oid)
  if (digestAlgorithm === undefined) throw new CmsError('cms.unsupported', `the digest ${info.digestAlgorithm.oid} is not supported`)
  checkDigest(digestAlgorithm, options.allow)
  const algorithm = readSignatureAlgorithm(info.signatureAlgorithm)
  // ECDSA and PKCS#1 identifiers name a digest too: another one than the signer's would be a mix-up or a trick
  if (algorithm.digest !== undefined && algorithm.digest !== digestAlgorithm) throw refused('digest and signature algorithm name different digests')
  if (algorithm.scheme === 'rsa-pss') checkDigest(algorithm.pss.mgf1Hash, { ...options.allow, sha1: true })
  const { certificate } = match.signer
  const key = certificate.publicKey()
  checkKeyType(key, algorithm.scheme)
  const keyBits = certificate.keyBits ?? 0
  if (algorithm.scheme !== 'ecdsa') checkKeySize(keyBits, options.allow)
  const candidates = digests.filter((one) => one.algorithm === digestAlgorithm)
  const proof = info.signedAttributes === undefined
    ? proveContent(info, algorithm, digestAlgorithm, key, candidates)
    : proveAttributes(message, info, info.signedAttributes, algorithm, digestAlgorithm, key, candidates)
  const signingTime = signingTimeOf(info)
  return {
    ...match,
    digestAlgorithm,
    scheme: algorithm.scheme,
    digest: proof.candidate.digest,
    candidate: proof.candidate,
    ...(signingTime === undefined ? {} : { signingTime }),
    attributes: proof.attributes,
    algorithmProtection: proof.algorithmProtection,
    keyBits,
    embeddedCertificates: message.embeddedCertificates,
    signerCount: message.signerInfos.length,
    warnings: warningsFor(certificate, message.signerInfos.length, options.at ?? new Date()),
  }
}

function warningsFor(certificate: Certificate, signerCount: number, at: Date): SignatureWarning[] {
  const warnings: SignatureWarning[] = []
  if (at > certificate.notAfter) warnings.push('certificate-expired')
  if (at < certificate.notBefore) warnings.push('certificate-not-yet-valid')
  const usage = certificate.keyUsage
  if (usage !== undefined && !usage.includes('digitalSignature') && !usage.includes('nonRepudiation')) {
    warnings.push('key-usage-lacks-digital-signature')
  }
  if (signerCount > 1) warnings.push('other-signers-ignored')
  return warnings
}

function checkKeyType(key: KeyObject, scheme: SignatureScheme): void {
  const type = key.asymmetricKeyType
  const fits = scheme === 'ecdsa' ? type === 'ec' : type === 'rsa' || (scheme === 'rsa-pss' && type === 'rsa-pss')
  if (!fits) throw invalid('the signature algorithm does not fit the key of the certificate')
}

function invalid(what: string): CmsError {
  return new CmsError('cms.signature_invalid', what)
}

interface Proof {
  readonly candidate: CandidateDigest
  readonly attributes: SignatureReport['attributes']
  readonly algorithmProtection: SignatureReport['algorithmProtection']
}

/** No signed attributes: the signature is over the content itself (RFC 5652 5.4). */
function proveContent(
  info: SignerInfo,
  algorithm: SignatureAlgorithm,
  digest: DigestName,
  key: KeyObject,
  candidates: readonly CandidateDigest[],
): Proof {
  if (algorithm.scheme === 'ecdsa' && !['prime256v1', 'secp384r1', 'secp521r1'].includes(key.asymmetricKeyDetails?.namedCurve ?? '')) {
    throw new CmsError('cms.unsupported', 'an ECDSA signature without signed attributes on this curve')
  }
  if (candidates.some(({ likeAttributes }) => likeAttributes === true)) throw invalid('the content looks like the signed attributes of another message')
  const tried = new Set<string>()
  for (const candidate of candidates) {
    const id = Buffer.from(candidate.digest).toString('latin1')
    if (tried.has(id)) continue
    tried.add(id)
    if (verifyDigest(algorithm, digest, key, candidate.digest, info.signature)) {
      return { candidate, attributes: 'none', algorithmProtection: 'absent' }
    }
  }
  throw invalid('the signature does not match the content')
}

/** With signed attributes: they name the content digest and the signature is over them. */
function proveAttributes(
  message: SignedMessage,
  info: SignerInfo,
  attributes: BerNode,
  algorithm: SignatureAlgorithm,
  digest: DigestName,
  key: KeyObject,
  candidates: readonly CandidateDigest[],
): Proof {
  const contentType = singleValue(attributes, OID.contentType, TAG.oid)
  if (contentType === undefined || oidText(contentType) !== message.contentType) throw invalid('the signed content type is missing or differs')
  const named = singleValue(attributes, OID.messageDigest, TAG.octetString)
  if (named === undefined) throw invalid('the signed message digest is missing')
  const algorithmProtection = checkAlgorithmProtection(info, attributes)
  // the signature first: a digest that differs is only worth reporting as such when the signer really signed it
  const encoding = encodingsOf(attributes).find(({ der }) =>
    algorithm.scheme === 'ecdsa'
      ? verifyEcdsa(key, digest, der, info.signature)
      : verifyDigest(algorithm, digest, key, digestOf(digest, der), info.signature),
  )
  if (encoding === undefined) throw invalid('the signature does not match the signed attributes')
  const candidate = candidates.find((one) => sameBytes(one.digest, named))
  if (candidate === undefined) throw new CmsError('cms.content_changed', 'the content does not have the signed digest')
  return { candidate, attributes: encoding.name, algorithmProtection }
}

function verifyDigest(algorithm: SignatureAlgorithm, digest: DigestName, key: KeyObject, value: Uint8Array, signature: Uint8Array): boolean {
  switch (algorithm.scheme) {
    case 'rsa-pkcs1':
      return verifyRsaPkcs1(key, digest, value, signature)
    case 'rsa-pss':
      return verifyRsaPss(key, algorithm.pss, value, signature)
    case 'ecdsa':
      return verifyEcdsaDigest(key, value, signature)
  }
}

interface AttributeEncoding {
  readonly name: 'as-received' | 'der-sorted'
  readonly der: Uint8Array
}

/** The octets that may have been signed: as received first, because some products do not sort (RFC 5652 5.4 wants DER). */
function encodingsOf(attributes: BerNode): AttributeEncoding[] {
  const received = derElement(TAG.set, contentOf(attributes))
  const members = encodedAnew(attributes)
  const definite = derElement(TAG.set, concatBytes(members))
  const sorted = derSetOf(members)
  return [
    { name: 'as-received', der: received },
    ...(sameBytes(definite, received) ? [] : [{ name: 'as-received' as const, der: definite }]),
    ...(sameBytes(sorted, definite) ? [] : [{ name: 'der-sorted' as const, der: sorted }]),
  ]
}

/** A member whose value is not even ASN.1 stays as it is: Amazon sends such attributes, and nobody needs to read them. */
function encodedAnew(attributes: BerNode): Uint8Array[] {
  return childrenOf(attributes).map((member) => {
    try {
      return withDefiniteLengths(member)
    } catch {
      return rawOf(member)
    }
  })
}

/** CMSAlgorithmProtection (RFC 6211): when present it must repeat both algorithms. */
function checkAlgorithmProtection(info: SignerInfo, attributes: BerNode): SignatureReport['algorithmProtection'] {
  const values = attributeValues(attributes, OID.algorithmProtection)
  if (values === undefined) return 'absent'
  const [value] = values
  const [digest, signature, ...more] = values.length === 1 ? childrenOfTag(value, TAG.sequence, 'the algorithm protection') : []
  if (signature === undefined || signature.tag !== 0xa1 || more.length > 0) throw invalid('the algorithm protection is malformed')
  const sameDigest = sameAlgorithm(readAlgorithm(digest, 'the protected digest'), info.digestAlgorithm)
  if (!sameDigest || !sameAlgorithm(untagged(signature), info.signatureAlgorithm)) {
    throw invalid('the algorithms differ from the protected ones')
  }
  return 'verified'
}

/** An AlgorithmIdentifier under an implicit tag. */
function untagged(node: BerNode): AlgorithmId {
  return readAlgorithm(readBer(derElement(TAG.sequence, contentOf(node))), 'the protected signature algorithm')
}
