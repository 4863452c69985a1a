/** The outermost layer: ContentInfo (RFC 5652 3). */
import { childrenOfTag, expectTag, oidOf, oidText, type BerNode } from '../asn1/ber-node.ts'
import { readHeader } from '../asn1/ber-header.ts'
import { OID } from '../asn1/oids.ts'
import { TAG } from '../asn1/der-writer.ts'
import { CmsError, malformed } from './errors.ts'
import type { BerStream } from './ber-stream.ts'

/** What a message is, judged by its object identifier alone. */
export type CmsKind = 'data' | 'signed-data' | 'enveloped-data' | 'auth-enveloped-data' | 'compressed-data' | 'other'

const KINDS: Readonly<Record<string, CmsKind>> = {
  [OID.data]: 'data',
  [OID.signedData]: 'signed-data',
  [OID.envelopedData]: 'enveloped-data',
  [OID.authEnvelopedData]: 'auth-enveloped-data',
  [OID.compressedData]: 'compressed-data',
}

export function kindOf(oid: string): CmsKind {
  return KINDS[oid] ?? 'other'
}

/** Tells what a message is from its first octets (about 20 are enough); undefined when it is not CMS or cut too short. */
export function sniffCms(prefix: Uint8Array): CmsKind | undefined {
  try {
    const outer = readHeader(prefix, 0, prefix.length)
    if (outer === undefined || outer.tag !== TAG.sequence) return undefined
    const type = readHeader(prefix, outer.size, prefix.length)
    if (type === undefined || type.tag !== TAG.oid) return undefined
    const at = outer.size + type.size
    if (at + type.length > prefix.length) return undefined
    return kindOf(oidText(prefix.subarray(at, at + type.length)))
  } catch {
    return undefined
  }
}

/** Enters ContentInfo and its content of one of the accepted kinds; gives the kind. */
export async function enterContentInfo(stream: BerStream, accepted: readonly CmsKind[]): Promise<CmsKind> {
  await stream.enter(TAG.sequence, 'the content info')
  const kind = kindOf(await stream.oid('the content type'))
  if (!accepted.includes(kind)) throw new CmsError('cms.unexpected_type', `the message is ${kind}, not ${accepted.join(' or ')}`)
  await stream.enter(0xa0, 'the content')
  await stream.enter(TAG.sequence, `the ${kind}`)
  return kind
}

/** Leaves what `enterContentInfo` entered and judges the bytes that follow; gives their number. */
export async function leaveContentInfo(stream: BerStream): Promise<number> {
  await stream.leave('the message')
  await stream.leave('the content')
  await stream.leave('the content info')
  return await stream.trailing()
}

/** The content of a ContentInfo in memory, which must be of this kind. */
export function contentOfInfo(node: BerNode, accepted: CmsKind): BerNode {
  const [type, wrapper, ...more] = childrenOfTag(node, TAG.sequence, 'the content info')
  const kind = kindOf(oidOf(type, 'the content type'))
  if (kind !== accepted) throw new CmsError('cms.unexpected_type', `the message is ${kind}, not ${accepted}`)
  const [content, ...others] = childrenOfTag(wrapper, 0xa0, 'the content')
  if (more.length > 0 || others.length > 0) throw malformed('the content info has too many elements')
  return expectTag(content, TAG.sequence, `the ${kind}`)
}
