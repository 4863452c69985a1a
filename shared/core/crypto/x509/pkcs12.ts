/** PKCS#12 containers (RFC 7292): private keys with their certificates, in and out, also the old RC2 and 3DES ones. */
import { createPrivateKey, timingSafeEqual, type KeyObject } from 'node:crypto'
import { childrenOf, childrenOfTag, expectTag, octetsOf, oidOf, rawOf, readBer, smallIntegerOf, type BerNode } from '../asn1/ber-node.ts'
import { TAG } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { readAlgorithm } from '../cms/algorithms.ts'
import { CmsError, malformed } from '../cms/errors.ts'
import { readCertificate, type Certificate } from './certificate.ts'
import { chainAbove } from './chains.ts'
import { keyMatchesCertificate } from './keys.ts'
import { stringOf } from './names.ts'
import { decryptWithPassword, macWithPassword, readEncrypted } from './password-encryption.ts'
import { derOf } from './pem.ts'

/** A private key with what belongs to it. */
export interface Pkcs12Entry {
  readonly privateKey: KeyObject
  /** The certificate of this key, when it is in the container. */
  readonly certificate?: Certificate
  /** The issuers above it that are in the container, nearest first. */
  readonly chain: readonly Certificate[]
  readonly friendlyName?: string
}

export interface Pkcs12Contents {
  readonly entries: readonly Pkcs12Entry[]
  /** Certificates that belong to no key and no chain of one. */
  readonly certificates: readonly Certificate[]
}

export interface Pkcs12Options {
  /** Where the keys have a password of their own, as Java allows; default the container's. */
  readonly keyPassword?: string
  /** Throw `cms.no_private_key` when there is none. */
  readonly requireKey?: boolean
}

const MAX_BAGS = 200

/**
 * Opens a container. Throws `cms.wrong_password` (with an intact container, as its MAC tells), `cms.malformed`,
 * `cms.unsupported`, `cms.limit`, and `cms.no_private_key` when one was asked for.
 */
export function readPkcs12(input: Uint8Array | string, password: string, options: Pkcs12Options = {}): Pkcs12Contents {
  const [version, safe, macNode] = childrenOfTag(readBer(derOf(input)), TAG.sequence, 'a PKCS#12 container')
  if (smallIntegerOf(version, 'the version of the container') !== 3) throw new CmsError('cms.unsupported', 'an unknown version of PKCS#12')
  const content = octetsOf(contentOfType(safe, OID.data))
  const secret = macNode === undefined ? password : passwordOf(macNode, content, password)
  const bags: Bag[] = []
  for (const part of childrenOfTag(readBer(content), TAG.sequence, 'the safe')) readSafe(part, secret, bags)
  const contents = arrange(bags, options.keyPassword ?? secret)
  if (options.requireKey === true && contents.entries.length === 0) throw new CmsError('cms.no_private_key', 'there is no private key in the container')
  return contents
}

/** The password in the form that the MAC proves: an empty one has two encodings. */
function passwordOf(macNode: BerNode, content: Uint8Array, password: string): string | null {
  const [info, salt, iterations] = childrenOfTag(macNode, TAG.sequence, 'the MAC of the container')
  const [algorithm, value] = childrenOfTag(info, TAG.sequence, 'the MAC of the container')
  const saltBytes = octetsOf(expectTag(salt, TAG.octetString, 'the salt of the MAC'))
  const expected = octetsOf(expectTag(value, TAG.octetString, 'the MAC of the container'))
  const method = readAlgorithm(algorithm, 'the MAC algorithm')
  for (const secret of password === '' ? ['', null] : [password]) {
    const found = macWithPassword(method, saltBytes, iterations, content, secret)
    if (found.length === expected.length && timingSafeEqual(found, expected)) return secret
  }
  throw new CmsError('cms.wrong_password', 'the password is wrong, or the container was changed')
}

/** The content of a ContentInfo that must be of this type. */
function contentOfType(node: BerNode | undefined, type: string): BerNode {
  const [oid, wrapper] = childrenOfTag(node, TAG.sequence, 'a part of the container')
  const found = oidOf(oid, 'the type of a part')
  if (found !== type) throw new CmsError('cms.unsupported', `a container whose parts are of the type ${found}`)
  const [content] = childrenOfTag(wrapper, 0xa0, 'a part of the container')
  if (content === undefined) throw malformed('a part of the container is empty')
  return content
}

interface Bag {
  readonly type: string
  readonly value: BerNode
  readonly friendlyName?: string
}

function readSafe(part: BerNode, password: string | null, bags: Bag[]): void {
  const [oid] = childrenOfTag(part, TAG.sequence, 'a part of the container')
  const type = oidOf(oid, 'the type of a part')
  if (type === OID.encryptedData) {
    const [, info] = childrenOfTag(contentOfType(part, type), TAG.sequence, 'an encrypted part')
    const [, algorithm, encrypted] = childrenOfTag(info, TAG.sequence, 'an encrypted part')
    if (encrypted === undefined || (encrypted.tag & ~0x20) !== 0x80) throw malformed('an encrypted part is empty')
    readBags(readBer(decryptWithPassword(readAlgorithm(algorithm, 'the encryption of a part'), octetsOf(encrypted), password)), bags)
  } else readBags(readBer(octetsOf(contentOfType(part, OID.data))), bags)
}

function readBags(contents: BerNode, bags: Bag[]): void {
  for (const node of childrenOfTag(contents, TAG.sequence, 'the contents of a part')) {
    if (bags.length >= MAX_BAGS) throw new CmsError('cms.limit', `more than ${MAX_BAGS} items in the container`)
    const [oid, wrapper, attributes] = childrenOfTag(node, TAG.sequence, 'an item of the container')
    const type = oidOf(oid, 'the type of an item')
    const [value] = childrenOfTag(wrapper, 0xa0, 'an item of the container')
    if (value === undefined) throw malformed('an item of the container is empty')
    if (type === OID.safeContentsBag) readBags(value, bags)
    else {
      const friendlyName = friendlyNameOf(attributes)
      bags.push({ type, value, ...(friendlyName === undefined ? {} : { friendlyName }) })
    }
  }
}

function friendlyNameOf(attributes: BerNode | undefined): string | undefined {
  for (const attribute of attributes === undefined ? [] : childrenOf(attributes)) {
    const [type, values] = childrenOf(attribute)
    if (values === undefined || oidOf(type) !== OID.friendlyName) continue
    const [value] = childrenOf(values)
    return value === undefined ? undefined : stringOf(value)
  }
  return undefined
}

function arrange(bags: readonly Bag[], password: string | null): Pkcs12Contents {
  const certificates = bags.filter(({ type }) => type === OID.certBag).flatMap(({ value }) => certificateOf(value) ?? [])
  const keys = bags.flatMap((bag) => {
    const privateKey = keyOf(bag, password)
    return privateKey === undefined ? [] : [{ privateKey, bag }]
  })
  const entries = keys.map(({ privateKey, bag }): Pkcs12Entry => {
    // by the key itself: local key identifiers are missing or wrong in too many containers
    const certificate = certificates.find((one) => keyMatchesCertificate(privateKey, one))
    return {
      privateKey,
      ...(certificate === undefined ? {} : { certificate }),
      chain: certificate === undefined ? [] : chainAbove(certificate, certificates),
      ...(bag.friendlyName === undefined ? {} : { friendlyName: bag.friendlyName }),
    }
  })
  const used = new Set(entries.flatMap(({ certificate, chain }) => [certificate, ...chain]))
  return { entries, certificates: certificates.filter((one) => !used.has(one)) }
}

/** Undefined for kinds other than X.509. */
function certificateOf(value: BerNode): Certificate | undefined {
  const [oid, wrapper] = childrenOfTag(value, TAG.sequence, 'a certificate of the container')
  if (oidOf(oid) !== OID.x509Certificate) return undefined
  const [octets] = childrenOfTag(wrapper, 0xa0, 'a certificate of the container')
  if (octets === undefined) throw malformed('a certificate of the container is empty')
  return readCertificate(octetsOf(octets))
}

function keyOf({ type, value, friendlyName }: Bag, password: string | null): KeyObject | undefined {
  if (type !== OID.keyBag && type !== OID.shroudedKeyBag) return undefined
  const der = type === OID.keyBag ? rawOf(value) : openKey(value, password, friendlyName)
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
  } catch (error) {
    throw new CmsError('cms.key_unusable', `the private key${friendlyName === undefined ? '' : ` “${friendlyName}”`} in the container cannot be read`, error)
  }
}

function openKey(value: BerNode, password: string | null, friendlyName: string | undefined): Uint8Array {
  const { algorithm, encrypted } = readEncrypted(value)
  const wrong = (cause: unknown): CmsError => new CmsError('cms.wrong_password', `the private key${friendlyName === undefined ? '' : ` “${friendlyName}”`} has another password than the container`, cause)
  let der: Uint8Array
  try {
    der = decryptWithPassword(algorithm, encrypted, password)
  } catch (error) {
    throw error instanceof CmsError && error.code === 'cms.wrong_password' ? wrong(error.cause) : error
  }
  // one wrong password in 256 leaves a padding that looks right
  if (der[0] !== TAG.sequence) throw wrong(undefined)
  return der
}
