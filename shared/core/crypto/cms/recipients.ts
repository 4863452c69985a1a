/** RecipientInfos (RFC 5652 6.2): whose keys open the content, and writing the ones for key transport. */
import type { KeyObject } from 'node:crypto'
import { sameBytes } from '../asn1/bytes.ts'
import { childrenOf, childrenOfTag, expectTag, integerBytesOf, octetsOf, rawOf, smallIntegerOf, type BerNode } from '../asn1/ber-node.ts'
import { TAG, derIntegerRaw, derOctetString, derSequence, derSmallInteger, derTaggedPrimitive } from '../asn1/der-writer.ts'
import { rsaModulusBytes, unwrapKey, wrapKey, type KeyTransport, type WrappedKey } from '../primitives/index.ts'
import type { Certificate } from '../x509/certificate.ts'
import { keyMatchesCertificate } from '../x509/keys.ts'
import { checkKeySize, keyTransportAlgorithm, readAlgorithm, readKeyTransport, type AlgorithmId, type Allowances } from './algorithms.ts'
import { CmsError, malformed } from './errors.ts'
import type { CmsLimits } from './limits.ts'

/** A private key with the certificate under which senders know it. */
export interface DecryptionKey {
  readonly certificate: Certificate
  readonly privateKey: KeyObject
  /** The caller's name for it; comes back in the report. */
  readonly id?: string
}

/** How a certificate was named. */
export type CertificateReference =
  | { readonly by: 'issuer-serial'; readonly issuerDer: Uint8Array; readonly serial: Uint8Array }
  | { readonly by: 'ski'; readonly keyIdentifier: Uint8Array }

/** A recipient that one of the caller's keys may open. */
export interface MatchedRecipient {
  readonly keyId?: string
  readonly fingerprintSha256: string
  readonly transport: KeyTransport
  readonly by: CertificateReference['by']
}

interface KeyTransportRecipient {
  readonly reference: CertificateReference
  readonly algorithm: AlgorithmId
  readonly wrapped: Uint8Array
}

/** IssuerAndSerialNumber, or `[0]` SubjectKeyIdentifier; also used for signers. */
export function readReference(node: BerNode | undefined): CertificateReference {
  if (node !== undefined && (node.tag & ~0x20) === 0x80) return { by: 'ski', keyIdentifier: octetsOf(node) }
  const [issuer, serial] = childrenOfTag(node, TAG.sequence, 'issuer and serial number')
  return {
    by: 'issuer-serial',
    issuerDer: rawOf(expectTag(issuer, TAG.sequence, 'the issuer')),
    serial: integerBytesOf(serial, 'the serial number', 256),
  }
}

/** Whether the reference names this certificate: raw encodings are compared, never re-encoded ones. */
export function referenceNames(reference: CertificateReference, certificate: Certificate): boolean {
  return reference.by === 'ski'
    ? sameBytes(reference.keyIdentifier, certificate.effectiveKeyIdentifier)
    : sameBytes(reference.serial, certificate.serial) && sameBytes(reference.issuerDer, certificate.issuerDer)
}

/** The content key of a message, with which of the caller's keys may have given it. */
export interface OpenedRecipients {
  readonly recipientCount: number
  readonly matched: readonly MatchedRecipient[]
  /** Gives the content key of this size; a stand-in when nothing unwraps (see primitives). */
  contentKey(bytes: number): Uint8Array
}

/** Finds the recipients that the caller's keys can open. Throws `cms.no_recipient` when none is named. */
export function openRecipients(
  set: BerNode,
  keys: readonly DecryptionKey[],
  allow: Allowances | undefined,
  limits: CmsLimits,
): OpenedRecipients {
  const infos = childrenOf(set)
  if (infos.length > limits.maxRecipients) throw new CmsError('cms.limit', `more than ${limits.maxRecipients} recipients`)
  const matched: MatchedRecipient[] = []
  const wrapped: WrappedKey[] = []
  let unsupported: string | undefined
  for (const info of infos) {
    const recipient = readRecipient(info)
    if (recipient === undefined) continue
    for (const key of keys) {
      if (!referenceNames(recipient.reference, key.certificate)) continue
      const transport = readKeyTransport(recipient.algorithm)
      if (transport === undefined) {
        unsupported = recipient.algorithm.oid
        continue
      }
      checkPrivateKey(key, allow)
      wrapped.push({ key: key.privateKey, transport, wrapped: recipient.wrapped })
      matched.push({
        ...(key.id === undefined ? {} : { keyId: key.id }),
        fingerprintSha256: key.certificate.fingerprintSha256,
        transport,
        by: recipient.reference.by,
      })
    }
  }
  if (wrapped.length === 0) {
    if (unsupported !== undefined) throw new CmsError('cms.unsupported', `the key transport algorithm ${unsupported} is not supported`)
    throw new CmsError('cms.no_recipient', `none of the ${infos.length} recipients is one of our certificates`)
  }
  return { recipientCount: infos.length, matched, contentKey: (bytes) => unwrapKey(wrapped, bytes) }
}

function checkPrivateKey(key: DecryptionKey, allow: Allowances | undefined): void {
  if (key.privateKey.type !== 'private' || key.privateKey.asymmetricKeyType !== 'rsa') {
    throw new CmsError('cms.key_unusable', 'content can only be opened with an RSA private key')
  }
  checkKeySize(key.privateKey.asymmetricKeyDetails?.modulusLength ?? 0, allow)
  // else every message would look damaged, and the mix-up would never be found
  if (!keyMatchesCertificate(key.privateKey, key.certificate)) throw new CmsError('cms.key_unusable', 'the private key does not belong to the certificate')
}

/** KeyTransRecipientInfo; undefined for other kinds, which are not for us. */
function readRecipient(node: BerNode): KeyTransportRecipient | undefined {
  if (node.tag !== TAG.sequence) return undefined
  const [version, reference, algorithm, key] = childrenOf(node)
  if (smallIntegerOf(version, 'the version of a recipient') > 4) throw malformed('a recipient has an unknown version')
  return {
    reference: readReference(reference),
    algorithm: readAlgorithm(algorithm, 'the key transport algorithm'),
    wrapped: octetsOf(tagged(key)),
  }
}

function tagged(node: BerNode | undefined): BerNode {
  if (node === undefined || (node.tag & ~0x20) !== TAG.octetString) throw malformed('the encrypted key is missing')
  return node
}

/** Someone for whom content is encrypted. */
export interface EncryptionRecipient {
  readonly certificate: Certificate
  /** Default: RSAES-PKCS1-v1_5, the only one that every AS2 product reads. */
  readonly transport?: KeyTransport
  /** Default `issuer-serial`. */
  readonly identifyBy?: CertificateReference['by']
}

/** One KeyTransRecipientInfo. Throws `cms.key_unusable` or `cms.algorithm_refused`. */
export function writeRecipient(recipient: EncryptionRecipient, contentKey: Uint8Array, allow: Allowances | undefined): Uint8Array {
  const { certificate, transport = { scheme: 'rsaes-pkcs1' }, identifyBy = 'issuer-serial' } = recipient
  if (certificate.keyType !== 'rsa') throw new CmsError('cms.key_unusable', 'content can only be encrypted for an RSA certificate')
  const key = certificate.publicKey()
  checkKeySize(rsaModulusBytes(key) * 8, allow)
  const wrapped = wrapKey(key, transport, contentKey)
  if (wrapped === undefined) throw new CmsError('cms.key_unusable', 'the key of the certificate is too small for this key transport')
  return derSequence(
    derSmallInteger(identifyBy === 'ski' ? 2 : 0),
    writeReference(certificate, identifyBy),
    keyTransportAlgorithm(transport),
    derOctetString(wrapped),
  )
}

/** RecipientIdentifier or SignerIdentifier. */
export function writeReference(certificate: Certificate, by: CertificateReference['by']): Uint8Array {
  return by === 'ski'
    ? derTaggedPrimitive(0, certificate.effectiveKeyIdentifier)
    : derSequence(certificate.issuerDer, derIntegerRaw(certificate.serial))
}
