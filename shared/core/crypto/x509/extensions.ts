/** The extensions that matter for exchanging files. Each is read on its own: a malformed one is skipped. RFC 5280 4.2.1. */
import { childrenOf, contentOf, expectTag, octetsOf, oidOf, readBer, type BerNode } from '../asn1/ber-node.ts'
import { OID } from '../asn1/oids.ts'

/** Bits of KeyUsage by their names in RFC 5280. */
export type KeyUsage =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly'

export const KEY_USAGES: readonly KeyUsage[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
]

/** One entry of subjectAltName. */
export interface AltName {
  readonly type: 'dns' | 'email' | 'uri' | 'ip' | 'other'
  readonly value: string
}

/** What was understood; a field is absent when its extension is absent or unreadable. */
export interface Extensions {
  readonly subjectKeyIdentifier?: Uint8Array
  readonly authorityKeyIdentifier?: Uint8Array
  readonly keyUsage?: readonly KeyUsage[]
  readonly extendedKeyUsage?: readonly string[]
  readonly isCa?: boolean
  readonly altNames: readonly AltName[]
  /** Object identifiers of known extensions that are there and could not be read; `?` for one without an identifier. */
  readonly unreadableExtensions: readonly string[]
  readonly extensionCount: number
}

/** Reads the `[3]` element of a TBSCertificate; undefined gives no extensions. */
export function readExtensions(wrapper: BerNode | undefined): Extensions {
  const values = new Map<string, Uint8Array>()
  const unreadableExtensions: string[] = []
  for (const extension of extensionsIn(wrapper)) {
    const known = attempt(() => {
      const parts = childrenOf(extension)
      const value = parts.at(-1)
      values.set(oidOf(parts[0]), octetsOf(expectTag(value, 0x04, 'an extension value')))
      return true
    })
    if (known !== true) unreadableExtensions.push('?')
  }
  const read = <T>(oid: string, parse: (node: BerNode) => T): T | undefined => {
    const bytes = values.get(oid)
    if (bytes === undefined) return undefined
    const found = attempt(() => ({ value: parse(readBer(bytes)) }))
    if (found === undefined) unreadableExtensions.push(oid)
    return found?.value
  }
  const subjectKeyIdentifier = read(OID.subjectKeyIdentifier, (node) => octetsOf(expectTag(node, 0x04, 'a key identifier')))
  const authorityKeyIdentifier = read(OID.authorityKeyIdentifier, (node) => {
    const id = childrenOf(node).find((part) => part.tag === 0x80)
    return id === undefined ? undefined : contentOf(id)
  })
  const keyUsage = read(OID.keyUsage, readKeyUsage)
  const extendedKeyUsage = read(OID.extendedKeyUsage, (node) => childrenOf(node).map((part) => oidOf(part)))
  const isCa = read(OID.basicConstraints, (node) => {
    const [flag] = childrenOf(node)
    return flag !== undefined && flag.tag === 0x01 && contentOf(flag)[0] !== 0
  })
  const altNames = read(OID.subjectAltName, (node) => childrenOf(node).map(readAltName)) ?? []
  return {
    ...(subjectKeyIdentifier === undefined ? {} : { subjectKeyIdentifier }),
    ...(authorityKeyIdentifier === undefined ? {} : { authorityKeyIdentifier }),
    ...(keyUsage === undefined ? {} : { keyUsage }),
    ...(extendedKeyUsage === undefined ? {} : { extendedKeyUsage }),
    ...(isCa === undefined ? {} : { isCa }),
    altNames,
    unreadableExtensions,
    extensionCount: values.size,
  }
}

function extensionsIn(wrapper: BerNode | undefined): BerNode[] {
  const [list] = wrapper === undefined ? [] : (attempt(() => childrenOf(wrapper)) ?? [])
  return list === undefined ? [] : (attempt(() => childrenOf(list)) ?? [])
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function readKeyUsage(node: BerNode): KeyUsage[] {
  const bits = contentOf(expectTag(node, 0x03, 'key usage')).subarray(1)
  return KEY_USAGES.filter((_, i) => (((bits[i >> 3] ?? 0) << (i & 7)) & 0x80) !== 0)
}

function readAltName(node: BerNode): AltName {
  const content = Buffer.from(contentOf(node))
  switch (node.tag) {
    case 0x81:
      return { type: 'email', value: content.toString('latin1') }
    case 0x82:
      return { type: 'dns', value: content.toString('latin1') }
    case 0x86:
      return { type: 'uri', value: content.toString('latin1') }
    case 0x87:
      return { type: 'ip', value: ipText(content) }
    default:
      return { type: 'other', value: content.toString('hex') }
  }
}

function ipText(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.')
  if (octets.length !== 16) return octets.toString('hex')
  return Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(i * 2).toString(16)).join(':')
}
