/** Reads SignedData (RFC 5652 5): detached from a small buffer, encapsulated (opaque) from a stream. */
import { childrenOf, childrenOfTag, expectTag, octetsOf, oidOf, readBer, smallIntegerOf, type BerNode } from '../asn1/ber-node.ts'
import { TAG } from '../asn1/der-writer.ts'
import type { DigestName } from '../primitives/index.ts'
import { digestByOid } from './algorithms.ts'
import { BerStream } from './ber-stream.ts'
import type { ByteSource } from './byte-source.ts'
import type { CandidateDigest } from './candidates.ts'
import { contentOfInfo, enterContentInfo, leaveContentInfo } from './content-info.ts'
import { createDigestSet, digestWhile, type DigestSet } from './digest-set.ts'
import { CmsError, malformed } from './errors.ts'
import { limitsWith, type CmsLimits } from './limits.ts'
import { openedFrom, type Opened } from './opened.ts'
import {
  readCertificateSet,
  readDigestAlgorithms,
  readSignerInfos,
  summarize,
  type EmbeddedCertificate,
  type SignerInfo,
  type SignerSummary,
} from './signer-infos.ts'
import { judgeSignatures, type SignatureReport, type VerifyOptions } from './verify.ts'

/** A parsed SignedData. Nothing in it is verified. */
export interface SignedDataInfo {
  /** Object identifier of the encapsulated content type. */
  readonly contentType: string
  /** Known digests that the message announces, or that its signers use. */
  readonly digestAlgorithms: readonly DigestName[]
  readonly signers: readonly SignerSummary[]
  readonly embeddedCertificates: readonly EmbeddedCertificate[]
  /** The content, when it is inside. */
  readonly encapsulated?: Uint8Array
  readonly trailingBytes: number
  /** For `verifySignedData`. */
  readonly signerInfos: readonly SignerInfo[]
}

/** Parses a SignedData that is wholly in memory. Throws CmsError. */
export function parseSignedData(bytes: Uint8Array, options: { readonly limits?: Partial<CmsLimits> } = {}): SignedDataInfo {
  const limits = limitsWith(options.limits)
  if (bytes.length > limits.maxSignatureBytes) throw new CmsError('cms.limit', `the signature is larger than ${limits.maxSignatureBytes} bytes`)
  const root = readBer(bytes, limits)
  const trailingBytes = bytes.length - root.end
  const content = contentOfInfo(root, 'signed-data')
  if (trailingBytes > limits.maxTrailingBytes) throw malformed('too many bytes follow the message')
  const [version, digests, encapsulation, ...rest] = childrenOf(content)
  checkVersion(smallIntegerOf(version, 'the version'))
  const announced = readDigestAlgorithms(expectTag(digests, TAG.set, 'the digest algorithms'), limits)
  const [type, inner, ...more] = childrenOfTag(encapsulation, TAG.sequence, 'the encapsulated content')
  if (more.length > 0) throw malformed('the encapsulated content has too many elements')
  const certificates = rest[0]?.tag === 0xa0 ? rest.shift() : undefined
  if (rest[0]?.tag === 0xa1) rest.shift()
  const [infos, ...others] = rest
  if (others.length > 0) throw malformed('the signed data has unexpected elements')
  const signerInfos = readSignerInfos(expectTag(infos, TAG.set, 'the signer infos'), limits)
  return {
    contentType: oidOf(type, 'the content type'),
    digestAlgorithms: [...new Set([...announced, ...usedDigests(signerInfos)])],
    signers: signerInfos.map(summarize),
    embeddedCertificates: readCertificateSet(certificates, limits),
    ...(inner === undefined ? {} : { encapsulated: encapsulatedOctets(inner) }),
    trailingBytes,
    signerInfos,
  }
}

/** Some products announce no digest, or another one than they use. */
function usedDigests(infos: readonly SignerInfo[]): DigestName[] {
  return infos.flatMap(({ digestAlgorithm }) => digestByOid(digestAlgorithm.oid) ?? [])
}

function checkVersion(version: number): void {
  if (version > 5) throw new CmsError('cms.unsupported', 'an unknown version of signed data')
}

function encapsulatedOctets(wrapper: BerNode): Uint8Array {
  const [value, ...more] = childrenOfTag(wrapper, 0xa0, 'the encapsulated content')
  if (value === undefined || more.length > 0 || (value.tag & ~0x20) !== TAG.octetString) {
    throw new CmsError('cms.unsupported', 'the encapsulated content is not an octet string')
  }
  return octetsOf(value)
}

/**
 * Verifies a parsed SignedData against digests of its content. For detached ones these come from a DigestSet or
 * `candidatesOf`. Throws CmsError unless exactly one signature by a trusted certificate verifies.
 */
export function verifySignedData(
  info: SignedDataInfo,
  options: VerifyOptions & { readonly digests: readonly CandidateDigest[] },
): SignatureReport {
  return judgeSignatures(info, options.digests, options)
}

export interface OpaqueOptions extends VerifyOptions {
  readonly limits?: Partial<CmsLimits>
  /** Each chunk that comes out is lent until the next one is asked for, which is faster. Those that go in may always be. */
  readonly lend?: boolean
}

/** Verifies an opaque SignedData while its content streams by. */
export function verifyOpaque(source: ByteSource, options: OpaqueOptions): Opened<SignatureReport> {
  return openedFrom(runOpaque(source, options))
}

async function* runOpaque(
  source: ByteSource,
  options: OpaqueOptions,
): AsyncGenerator<Uint8Array, SignatureReport> {
  const limits = limitsWith(options.limits)
  const stream = new BerStream(source, limits)
  let digests: DigestSet | undefined
  try {
    await enterContentInfo(stream, ['signed-data'])
    checkVersion(await stream.version('the version'))
    const algorithms = readDigestAlgorithms(await stream.capture(TAG.set, 'the digest algorithms'), limits)
    digests = createDigestSet({ algorithms, forms: ['raw'], parallel: true })
    await stream.enter(TAG.sequence, 'the encapsulated content')
    const contentType = await stream.oid('the content type')
    if ((await stream.peekTag()) === undefined) throw new CmsError('cms.unexpected_type', 'the signature is detached: there is no content inside')
    await stream.enter(0xa0, 'the encapsulated content')
    yield* digestWhile(stream.octets(TAG.octetString, 'the encapsulated content', options.lend === true), digests)
    await stream.leave('the encapsulated content')
    await stream.leave('the encapsulated content')
    const embeddedCertificates = readCertificateSet(await stream.captureOptional(0xa0, 'the certificates'), limits)
    await stream.captureOptional(0xa1, 'the revocation lists')
    const signerInfos = readSignerInfos(await stream.capture(TAG.set, 'the signer infos'), limits)
    await leaveContentInfo(stream)
    const found = (await digests.finish()).filter(({ ending }) => ending === 'as-is')
    return judgeSignatures({ contentType, signerInfos, embeddedCertificates }, found, options)
  } finally {
    digests?.close()
    await stream.close()
  }
}
