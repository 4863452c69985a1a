/** Algorithm identifiers: from object identifiers and parameters to names, and back. RFC 3370, 4055, 5084, 5754, 8103. */
import { childrenOf, childrenOfTag, contentOf, expectTag, octetsOf, oidOf, rawOf, smallIntegerOf, type BerNode } from '../asn1/ber-node.ts'
import { TAG, derNull, derOctetString, derOid, derSequence, derSmallInteger, derTagged } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { CIPHER_SIZES, DIGEST_BYTES, isGcm, type CbcCipher, type DigestName, type GcmCipher, type KeyTransport, type PssParameters } from '../primitives/index.ts'
import { CmsError, malformed } from './errors.ts'

export type ContentCipher = CbcCipher | GcmCipher
export type SignatureScheme = 'rsa-pkcs1' | 'rsa-pss' | 'ecdsa'

/** Weak things that the caller tolerates, for one call. Everything is off by default. */
export interface Allowances {
  /** SHA-1 signatures: verify and create. */
  readonly sha1?: boolean
  /** MD5 signatures: verify only. */
  readonly md5?: boolean
  /** 3DES content: read and create. */
  readonly tripleDes?: boolean
  /** Smallest RSA modulus in bits that may sign or unwrap; default 2048. */
  readonly minRsaBits?: number
}

/** An AlgorithmIdentifier taken apart; NULL parameters count as absent. */
export interface AlgorithmId {
  readonly oid: string
  readonly parameters?: BerNode
}

export function readAlgorithm(node: BerNode | undefined, what: string): AlgorithmId {
  const [oid, parameters, ...more] = childrenOfTag(node, TAG.sequence, what)
  if (more.length > 0) throw malformed(`${what} has too many elements`)
  const absent = parameters === undefined || parameters.tag === TAG.null
  return { oid: oidOf(oid, what), ...(absent ? {} : { parameters }) }
}

/** Equal identifiers; NULL and absent parameters are the same. */
export function sameAlgorithm(a: AlgorithmId, b: AlgorithmId): boolean {
  if (a.oid !== b.oid) return false
  if (a.parameters === undefined || b.parameters === undefined) return a.parameters === b.parameters
  return Buffer.compare(rawOf(a.parameters), rawOf(b.parameters)) === 0
}

export const DIGEST_OID: Readonly<Record<DigestName, string>> = {
  md5: OID.md5,
  sha1: OID.sha1,
  sha256: OID.sha256,
  sha384: OID.sha384,
  sha512: OID.sha512,
}
const DIGESTS = new Map(Object.entries(DIGEST_OID).map(([name, oid]) => [oid, name as DigestName]))

export function digestByOid(oid: string): DigestName | undefined {
  return DIGESTS.get(oid)
}

/** SHA-2 without parameters (RFC 5754 2), SHA-1 with NULL as old products expect it. */
export function digestAlgorithm(name: DigestName): Uint8Array {
  return derSequence(derOid(DIGEST_OID[name]), ...(name === 'sha1' || name === 'md5' ? [derNull()] : []))
}

/** Refuses digests that need an allowance which was not given. */
export function checkDigest(name: DigestName, allow: Allowances | undefined): void {
  if (name === 'sha1' && allow?.sha1 !== true) throw refused('SHA-1 signatures are not allowed')
  if (name === 'md5' && allow?.md5 !== true) throw refused('MD5 signatures are not allowed')
}

/** Refuses RSA keys below the allowed size. */
export function checkKeySize(bits: number, allow: Allowances | undefined): void {
  const least = allow?.minRsaBits ?? 2048
  if (bits < least) throw refused(`an RSA key of ${bits} bits is below the allowed ${least}`)
}

export function refused(what: string): CmsError {
  return new CmsError('cms.algorithm_refused', what)
}

/** A signature algorithm resolved against the signer's digest algorithm. */
export type SignatureAlgorithm =
  | { readonly scheme: 'rsa-pkcs1' | 'ecdsa'; readonly digest?: DigestName }
  | { readonly scheme: 'rsa-pss'; readonly digest?: DigestName; readonly pss: PssParameters }

const SIGNATURES: Readonly<Record<string, { readonly scheme: 'rsa-pkcs1' | 'ecdsa'; readonly digest?: DigestName }>> = {
  [OID.rsaEncryption]: { scheme: 'rsa-pkcs1' },
  [OID.md5WithRsa]: { scheme: 'rsa-pkcs1', digest: 'md5' },
  [OID.sha1WithRsa]: { scheme: 'rsa-pkcs1', digest: 'sha1' },
  [OID.sha1WithRsaOiw]: { scheme: 'rsa-pkcs1', digest: 'sha1' },
  [OID.sha256WithRsa]: { scheme: 'rsa-pkcs1', digest: 'sha256' },
  [OID.sha384WithRsa]: { scheme: 'rsa-pkcs1', digest: 'sha384' },
  [OID.sha512WithRsa]: { scheme: 'rsa-pkcs1', digest: 'sha512' },
  [OID.ecdsaWithSha1]: { scheme: 'ecdsa', digest: 'sha1' },
  [OID.ecdsaWithSha256]: { scheme: 'ecdsa', digest: 'sha256' },
  [OID.ecdsaWithSha384]: { scheme: 'ecdsa', digest: 'sha384' },
  [OID.ecdsaWithSha512]: { scheme: 'ecdsa', digest: 'sha512' },
}

/** Resolves a signature algorithm; throws `cms.algorithm_refused` for a digest OID or PSS without parameters. */
export function readSignatureAlgorithm(algorithm: AlgorithmId): SignatureAlgorithm {
  if (algorithm.oid === OID.rsaPss) {
    if (algorithm.parameters === undefined) throw refused('RSASSA-PSS without parameters')
    const pss = readPssParameters(algorithm.parameters)
    return { scheme: 'rsa-pss', digest: pss.hash, pss }
  }
  if (DIGESTS.has(algorithm.oid)) throw refused('a digest algorithm stands where the signature algorithm belongs')
  const known = SIGNATURES[algorithm.oid]
  if (known === undefined) throw new CmsError('cms.unsupported', `the signature algorithm ${algorithm.oid} is not supported`)
  return known
}

/** RSASSA-PSS-params (RFC 4055 3.1); absent fields have their SHA-1 defaults. */
function readPssParameters(node: BerNode): PssParameters {
  const fields = new Map(childrenOfTag(node, TAG.sequence, 'the PSS parameters').map((field) => [field.tag, field]))
  const inner = (tag: number): BerNode | undefined => {
    const field = fields.get(tag)
    return field === undefined ? undefined : childrenOf(field)[0]
  }
  const hash = fields.has(0xa0) ? namedDigest(inner(0xa0), 'the PSS digest') : 'sha1'
  const mgf1Hash = fields.has(0xa1) ? readMgf1(inner(0xa1)) : 'sha1'
  const saltLength = fields.has(0xa2) ? smallIntegerOf(inner(0xa2), 'the PSS salt length') : 20
  const trailer = fields.has(0xa3) ? smallIntegerOf(inner(0xa3), 'the PSS trailer') : 1
  if (trailer !== 1 || saltLength > 512) throw refused('RSASSA-PSS parameters out of range')
  return { hash, mgf1Hash, saltLength }
}

function namedDigest(node: BerNode | undefined, what: string): DigestName {
  const { oid } = readAlgorithm(node, what)
  const name = DIGESTS.get(oid)
  if (name === undefined) throw new CmsError('cms.unsupported', `the digest ${oid} is not supported`)
  return name
}

function readMgf1(node: BerNode | undefined): DigestName {
  const { oid, parameters } = readAlgorithm(node, 'the mask generation function')
  if (oid !== OID.mgf1) throw new CmsError('cms.unsupported', `the mask generation function ${oid} is not supported`)
  return namedDigest(parameters, 'the digest of the mask generation function')
}

/** AlgorithmIdentifier for a new signature. */
export function signatureAlgorithm(scheme: SignatureScheme, digest: DigestName, oid: 'rsaEncryption' | 'withDigest'): Uint8Array {
  const hash = derSequence(derOid(DIGEST_OID[digest]), derNull())
  switch (scheme) {
    case 'ecdsa':
      return derSequence(derOid(oidFor('ecdsa', digest)))
    case 'rsa-pkcs1':
      return derSequence(derOid(oid === 'rsaEncryption' ? OID.rsaEncryption : oidFor('rsa-pkcs1', digest)), derNull())
    case 'rsa-pss':
      return derSequence(
        derOid(OID.rsaPss),
        derSequence(
          derTagged(0, hash),
          derTagged(1, derSequence(derOid(OID.mgf1), hash)),
          derTagged(2, derSmallInteger(DIGEST_BYTES[digest])),
        ),
      )
  }
}

function oidFor(scheme: SignatureScheme, digest: DigestName): string {
  const found = Object.entries(SIGNATURES).find(([, known]) => known.scheme === scheme && known.digest === digest)
  if (found === undefined) throw new CmsError('cms.unsupported', `${scheme} with ${digest} is not supported`)
  return found[0]
}

/** Key transport from its AlgorithmIdentifier; undefined when it is not one that we know. RFC 3560, RFC 4055 4.1. */
export function readKeyTransport(algorithm: AlgorithmId): KeyTransport | undefined {
  if (algorithm.oid === OID.rsaEncryption) return { scheme: 'rsaes-pkcs1' }
  if (algorithm.oid !== OID.rsaOaep) return undefined
  const fields = new Map((algorithm.parameters === undefined ? [] : childrenOf(algorithm.parameters)).map((field) => [field.tag, field]))
  const inner = (tag: number): BerNode | undefined => {
    const field = fields.get(tag)
    return field === undefined ? undefined : childrenOf(field)[0]
  }
  const hash = fields.has(0xa0) ? namedDigest(inner(0xa0), 'the OAEP digest') : 'sha1'
  const mgf1Hash = fields.has(0xa1) ? readMgf1(inner(0xa1)) : 'sha1'
  if (hash === 'md5' || mgf1Hash === 'md5') return undefined
  if (!fields.has(0xa2)) return { scheme: 'rsaes-oaep', hash, mgf1Hash }
  const source = readAlgorithm(inner(0xa2), 'the OAEP label')
  if (source.oid !== OID.pSpecified || source.parameters === undefined) return undefined
  return { scheme: 'rsaes-oaep', hash, mgf1Hash, label: octetsOf(expectTag(source.parameters, TAG.octetString, 'the OAEP label')) }
}

/** AlgorithmIdentifier for key transport; OAEP defaults (SHA-1) are left out as DER demands. */
export function keyTransportAlgorithm(transport: KeyTransport): Uint8Array {
  if (transport.scheme === 'rsaes-pkcs1') return derSequence(derOid(OID.rsaEncryption), derNull())
  const mask = transport.mgf1Hash ?? transport.hash
  const hashId = (name: DigestName): Uint8Array => derSequence(derOid(DIGEST_OID[name]), derNull())
  return derSequence(
    derOid(OID.rsaOaep),
    derSequence(
      ...(transport.hash === 'sha1' ? [] : [derTagged(0, hashId(transport.hash))]),
      ...(mask === 'sha1' ? [] : [derTagged(1, derSequence(derOid(OID.mgf1), hashId(mask)))]),
      ...(transport.label === undefined || transport.label.length === 0
        ? []
        : [derTagged(2, derSequence(derOid(OID.pSpecified), derOctetString(transport.label)))]),
    ),
  )
}

export const CIPHER_OID: Readonly<Record<ContentCipher, string>> = {
  'aes-128-cbc': OID.aes128Cbc,
  'aes-192-cbc': OID.aes192Cbc,
  'aes-256-cbc': OID.aes256Cbc,
  'des-ede3-cbc': OID.desEde3Cbc,
  'aes-128-gcm': OID.aes128Gcm,
  'aes-192-gcm': OID.aes192Gcm,
  'aes-256-gcm': OID.aes256Gcm,
}
const CIPHERS = new Map(Object.entries(CIPHER_OID).map(([name, oid]) => [oid, name as ContentCipher]))

/** A content cipher with what its parameters say. */
export interface CipherChoice {
  readonly cipher: ContentCipher
  readonly iv: Uint8Array
  /** GCM only. */
  readonly tagLength?: number
}

/** Resolves a content encryption algorithm; throws `cms.unsupported`, `cms.algorithm_refused` or `cms.malformed`. */
export function readContentCipher(algorithm: AlgorithmId, authenticated: boolean, allow: Allowances | undefined): CipherChoice {
  const cipher = CIPHERS.get(algorithm.oid)
  if (cipher === undefined) throw new CmsError('cms.unsupported', `the content cipher ${algorithm.oid} is not supported`)
  // a GCM message presented as CBC, or the reverse, is an attack and never a fallback
  if (isGcm(cipher) !== authenticated) throw refused(`${cipher} does not belong into this kind of message`)
  checkCipher(cipher, allow)
  if (algorithm.parameters === undefined) throw malformed('the content cipher has no parameters')
  if (!isGcm(cipher)) {
    const iv = contentOf(expectTag(algorithm.parameters, TAG.octetString, 'the initialisation vector'))
    if (iv.length !== CIPHER_SIZES[cipher].iv) throw malformed('the initialisation vector has a wrong size')
    return { cipher, iv }
  }
  const [nonce, length] = childrenOfTag(algorithm.parameters, TAG.sequence, 'the GCM parameters')
  const iv = contentOf(expectTag(nonce, TAG.octetString, 'the GCM nonce'))
  const tagLength = length === undefined ? 12 : smallIntegerOf(length, 'the GCM tag length')
  if (iv.length < 12 || iv.length > 16) throw refused('a GCM nonce of this size is not accepted')
  if (tagLength < 12 || tagLength > 16) throw refused('a GCM tag must have 12 to 16 bytes')
  return { cipher, iv, tagLength }
}

/** Refuses ciphers that need an allowance which was not given. */
export function checkCipher(cipher: ContentCipher, allow: Allowances | undefined): void {
  if (cipher === 'des-ede3-cbc' && allow?.tripleDes !== true) throw refused('3DES is not allowed')
}

/** AlgorithmIdentifier for a content cipher; GCM with a 16-byte tag (RFC 5084 3.2). */
export function contentCipherAlgorithm(cipher: ContentCipher, iv: Uint8Array): Uint8Array {
  const parameters = isGcm(cipher) ? derSequence(derOctetString(iv), derSmallInteger(16)) : derOctetString(iv)
  return derSequence(derOid(CIPHER_OID[cipher]), parameters)
}
