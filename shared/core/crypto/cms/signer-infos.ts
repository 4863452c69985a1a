/** Parses what stands around the content of SignedData: digest algorithms, certificates, SignerInfos (RFC 5652 5). */
import { childrenOf, childrenOfTag, contentOf, octetsOf, oidOf, rawOf, smallIntegerOf, timeOf, type BerNode } from '../asn1/ber-node.ts'
import { OID } from '../asn1/oids.ts'
import { TAG } from '../asn1/der-writer.ts'
import { digestOf, type DigestName } from '../primitives/index.ts'
import type { Certificate } from '../x509/certificate.ts'
import { readCertificateAgain } from '../x509/recent-certificates.ts'
import { toHex } from '../asn1/bytes.ts'
import { digestByOid, readAlgorithm, readSignatureAlgorithm, type AlgorithmId, type SignatureScheme } from './algorithms.ts'
import { CmsError, malformed } from './errors.ts'
import type { CmsLimits } from './limits.ts'
import { readReference, type CertificateReference } from './recipients.ts'

/** A certificate that came with the message. It is information, never trust. */
export interface EmbeddedCertificate {
  readonly der: Uint8Array
  /** Absent when it cannot be read. */
  readonly certificate?: Certificate
  /** Lower-case hexadecimal. */
  readonly fingerprintSha256: string
}

/** One SignerInfo, taken apart but not yet judged. */
export interface SignerInfo {
  readonly reference: CertificateReference
  readonly digestAlgorithm: AlgorithmId
  readonly signatureAlgorithm: AlgorithmId
  readonly signature: Uint8Array
  /** The `[0]` element; absent when the signature is over the content itself. */
  readonly signedAttributes?: BerNode
}

/** What can be told of a signer without verifying anything. */
export interface SignerSummary {
  readonly digestAlgorithm?: DigestName
  readonly digestOid: string
  readonly signatureOid: string
  readonly scheme?: SignatureScheme
  readonly signedAttributes: boolean
  readonly signingTime?: Date
  readonly issuerDer?: Uint8Array
  /** Content octets of the serial number. */
  readonly serial?: Uint8Array
  readonly keyIdentifier?: Uint8Array
}

/** Known digests among DigestAlgorithmIdentifiers; unknown ones are skipped. */
export function readDigestAlgorithms(set: BerNode, limits: CmsLimits): DigestName[] {
  const names: DigestName[] = []
  const members = childrenOf(set)
  if (members.length > limits.maxSigners) throw new CmsError('cms.limit', 'too many digest algorithms')
  for (const member of members) {
    const name = digestByOid(readAlgorithm(member, 'a digest algorithm').oid)
    if (name !== undefined && !names.includes(name)) names.push(name)
  }
  return names
}

/** The X.509 certificates of a CertificateSet; other kinds are skipped. */
export function readCertificateSet(set: BerNode | undefined, limits: CmsLimits): EmbeddedCertificate[] {
  const members = set === undefined ? [] : childrenOf(set)
  if (members.length > limits.maxCertificates) throw new CmsError('cms.limit', `more than ${limits.maxCertificates} certificates`)
  return members.filter(({ tag }) => tag === TAG.sequence).map((member) => {
    const der = Uint8Array.from(rawOf(member))
    const fingerprintSha256 = toHex(digestOf('sha256', der))
    try {
      return { der, certificate: readCertificateAgain(der), fingerprintSha256 }
    } catch {
      return { der, fingerprintSha256 }
    }
  })
}

/** SignerInfos. */
export function readSignerInfos(set: BerNode, limits: CmsLimits): SignerInfo[] {
  const members = childrenOf(set)
  if (members.length > limits.maxSigners) throw new CmsError('cms.limit', `more than ${limits.maxSigners} signers`)
  return members.map(readSignerInfo)
}

function readSignerInfo(node: BerNode): SignerInfo {
  const [version, reference, digestAlgorithm, ...rest] = childrenOfTag(node, TAG.sequence, 'a signer info')
  if (smallIntegerOf(version, 'the version of a signer') > 5) throw malformed('a signer has an unknown version')
  const signedAttributes = rest[0]?.tag === 0xa0 ? rest.shift() : undefined
  const [signatureAlgorithm, signature, unsigned, ...more] = rest
  if (signature === undefined || (signature.tag & ~0x20) !== TAG.octetString) throw malformed('the signature value is missing')
  if (more.length > 0 || (unsigned !== undefined && unsigned.tag !== 0xa1)) throw malformed('a signer info has unexpected elements')
  return {
    reference: readReference(reference),
    digestAlgorithm: readAlgorithm(digestAlgorithm, 'the digest algorithm'),
    signatureAlgorithm: readAlgorithm(signatureAlgorithm, 'the signature algorithm'),
    signature: octetsOf(signature),
    ...(signedAttributes === undefined ? {} : { signedAttributes }),
  }
}

/**
 * The values of one signed attribute: undefined when it is absent. Attributes that cannot be read are passed over, for
 * partners send odd ones; a second attribute of the same type is refused (RFC 5652 11).
 */
export function attributeValues(attributes: BerNode, oid: string): readonly BerNode[] | undefined {
  let found: readonly BerNode[] | undefined
  for (const attribute of childrenOf(attributes)) {
    const [type, values] = readAttribute(attribute)
    if (type !== oid || values === undefined) continue
    if (found !== undefined) throw new CmsError('cms.signature_invalid', 'a signed attribute appears twice')
    found = childrenOf(values)
  }
  return found
}

function readAttribute(node: BerNode): readonly [string | undefined, BerNode | undefined] {
  try {
    const [type, values] = childrenOf(node)
    return [oidOf(type), values]
  } catch {
    return [undefined, undefined]
  }
}

/** The claimed signing time, when there is one that can be read. */
export function signingTimeOf(info: SignerInfo): Date | undefined {
  if (info.signedAttributes === undefined) return undefined
  try {
    return timeOf(attributeValues(info.signedAttributes, OID.signingTime)?.[0])
  } catch {
    return undefined
  }
}

/** A description for the caller. */
export function summarize(info: SignerInfo): SignerSummary {
  const digestAlgorithm = digestByOid(info.digestAlgorithm.oid)
  const signingTime = signingTimeOf(info)
  const scheme = schemeOf(info)
  return {
    ...(digestAlgorithm === undefined ? {} : { digestAlgorithm }),
    digestOid: info.digestAlgorithm.oid,
    signatureOid: info.signatureAlgorithm.oid,
    ...(scheme === undefined ? {} : { scheme }),
    signedAttributes: info.signedAttributes !== undefined,
    ...(signingTime === undefined ? {} : { signingTime }),
    ...(info.reference.by === 'ski'
      ? { keyIdentifier: info.reference.keyIdentifier }
      : { issuerDer: info.reference.issuerDer, serial: info.reference.serial }),
  }
}

function schemeOf(info: SignerInfo): SignatureScheme | undefined {
  try {
    return readSignatureAlgorithm(info.signatureAlgorithm).scheme
  } catch {
    return undefined
  }
}

/** The content octets of the first value of an attribute; undefined unless it has exactly one value of this tag. */
export function singleValue(attributes: BerNode, oid: string, tag: number): Uint8Array | undefined {
  const values = attributeValues(attributes, oid)
  const [value] = values ?? []
  if (values?.length !== 1 || value === undefined || value.tag !== tag) return undefined
  return contentOf(value)
}
