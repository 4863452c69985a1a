/** PKCS#10 certification requests (RFC 2986), and the authority's answer to one. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { derBitString, derElement, derNull, derOid, derSequence, derSetOf, derSmallInteger } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { CmsError } from '../cms/errors.ts'
import { signEcdsa, signRsaPkcs1 } from '../primitives/index.ts'
import { readCertificates } from './bundles.ts'
import type { Certificate } from './certificate.ts'
import { chainAbove } from './chains.ts'
import { keyMatchesCertificate } from './keys.ts'
import { writePem } from './pem.ts'
import { encodeExtensions, encodeName, type SubjectProfile } from './subject-profile.ts'

export interface CertificateRequest {
  readonly der: Uint8Array
  /** `CERTIFICATE REQUEST` in PEM, as authorities take it. */
  pem(): string
}

/** Asks for a certificate for this key, RSA or EC on P-256, P-384 or P-521; signed with SHA-256. Throws `cms.key_unusable`. */
export function createCertificateRequest(profile: SubjectProfile, privateKey: KeyObject): CertificateRequest {
  const type = privateKey.asymmetricKeyType
  if (type !== 'rsa' && type !== 'ec') throw new CmsError('cms.key_unusable', `a certificate cannot be requested for a key of type ${type ?? 'unknown'}`)
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const extensions = derSequence(...encodeExtensions(profile, spki, type === 'rsa'))
  const info = derSequence(
    derSmallInteger(0),
    encodeName(profile.subject),
    spki,
    derElement(0xa0, derSequence(derOid(OID.extensionRequest), derSetOf([extensions]))),
  )
  const algorithm = type === 'ec' ? derSequence(derOid(OID.ecdsaWithSha256)) : derSequence(derOid(OID.sha256WithRsa), derNull())
  const signature = type === 'ec' ? signEcdsa(privateKey, 'sha256', info) : signRsaPkcs1(privateKey, 'sha256', info)
  const der = derSequence(info, algorithm, derBitString(signature))
  return { der, pem: () => writePem('CERTIFICATE REQUEST', der) }
}

/** The certificate that was issued for our key. */
export interface IssuedCertificate {
  readonly certificate: Certificate
  /** The issuers that came along, nearest first. */
  readonly chain: readonly Certificate[]
}

/**
 * Reads an authority's answer: PEM, DER or PKCS#7, with or without the chain. Of several certificates for the key the one
 * that is valid longest counts. Throws `cms.key_unusable` when none is for this key, `cms.certificate_unreadable`.
 */
export function readIssuedCertificate(answer: Uint8Array | string, privateKey: KeyObject): IssuedCertificate {
  const all = readCertificates(answer)
  const [certificate] = all.filter((one) => keyMatchesCertificate(privateKey, one)).toSorted((left, right) => right.notAfter.getTime() - left.notAfter.getTime())
  if (certificate === undefined) throw new CmsError('cms.key_unusable', `none of the ${all.length} certificates in the answer is for this key`)
  return { certificate, chain: chainAbove(certificate, all) }
}
