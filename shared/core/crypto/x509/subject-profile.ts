/** What the certificates and requests that we make say of their subject: name, purposes, alternative names (RFC 5280). */
import { CmsError } from '../cms/errors.ts'
import { TAG, derBitString, derBoolean, derElement, derOctetString, derOid, derSequence, derSetOf, derTagged, derTaggedPrimitive, derText } from '../asn1/der-writer.ts'
import { childrenOfTag, contentOf, readBer } from '../asn1/ber-node.ts'
import { OID } from '../asn1/oids.ts'
import { digestOf } from '../primitives/index.ts'
import { KEY_USAGES, type AltName, type KeyUsage } from './extensions.ts'

/** Parts of the subject's name. `country` is the two-letter code. */
export interface SubjectName {
  readonly commonName: string
  readonly organization?: string
  readonly organizationalUnit?: string
  readonly locality?: string
  readonly state?: string
  readonly country?: string
  readonly email?: string
}

/** What is asked for or certified. */
export interface SubjectProfile {
  readonly subject: SubjectName
  readonly altNames?: readonly AltName[]
  /** `exchange` signs and decrypts messages (default), `tls` serves and connects, `all` both. */
  readonly usage?: 'exchange' | 'tls' | 'all'
}

/** DER of a name. Throws `cms.unsupported` for a country that is no two-letter code. */
export function encodeName(subject: SubjectName): Uint8Array {
  if (subject.country !== undefined && !/^[A-Za-z]{2}$/.test(subject.country)) {
    throw new CmsError('cms.unsupported', 'the country must be a two-letter code')
  }
  const parts: [string, number, string | undefined][] = [
    [OID.country, TAG.printableString, subject.country?.toUpperCase()],
    [OID.state, TAG.utf8String, subject.state],
    [OID.locality, TAG.utf8String, subject.locality],
    [OID.organization, TAG.utf8String, subject.organization],
    [OID.organizationalUnit, TAG.utf8String, subject.organizationalUnit],
    [OID.commonName, TAG.utf8String, subject.commonName],
    [OID.emailAddress, TAG.ia5String, subject.email],
  ]
  return derSequence(
    ...parts.flatMap(([oid, tag, value]) =>
      value === undefined || value === '' ? [] : [derSetOf([derSequence(derOid(oid), derText(tag, value))])],
    ),
  )
}

/** The extensions that fit the profile and the key. */
export function encodeExtensions(options: SubjectProfile, spki: Uint8Array, rsa: boolean): Uint8Array[] {
  const usage = options.usage ?? 'exchange'
  const keyUsage: KeyUsage[] = rsa ? ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment'] : ['digitalSignature', 'nonRepudiation']
  const purposes = [
    ...(usage === 'exchange' ? [] : [OID.serverAuth, OID.clientAuth]),
    ...(usage === 'tls' ? [] : [OID.emailProtection]),
  ]
  const [, key] = childrenOfTag(readBer(spki), 0x30, 'a public key')
  const keyIdentifier = digestOf('sha1', key === undefined ? spki : contentOf(key).subarray(1))
  const altNames = options.altNames ?? []
  return [
    extension(OID.basicConstraints, true, derSequence()),
    extension(OID.keyUsage, true, encodeKeyUsage(keyUsage)),
    extension(OID.extendedKeyUsage, false, derSequence(...purposes.map(derOid))),
    extension(OID.subjectKeyIdentifier, false, derOctetString(keyIdentifier)),
    ...(altNames.length === 0 ? [] : [extension(OID.subjectAltName, false, derSequence(...altNames.map(encodeAltName)))]),
  ]
}

function extension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  return derSequence(derOid(oid), ...(critical ? [derBoolean(true)] : []), derOctetString(value))
}

function encodeKeyUsage(usages: readonly KeyUsage[]): Uint8Array {
  const bits = [0, 0]
  for (const usage of usages) {
    const index = KEY_USAGES.indexOf(usage)
    bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7))
  }
  const octets = Uint8Array.from(bits[1] === 0 ? bits.slice(0, 1) : bits)
  let unused = 0
  while (unused < 7 && (((octets.at(-1) ?? 0) >> unused) & 1) === 0) unused++
  return derBitString(octets, unused)
}

function encodeAltName({ type, value }: AltName): Uint8Array {
  switch (type) {
    case 'dns':
      return derTaggedPrimitive(2, Buffer.from(value, 'latin1'))
    case 'email':
      return derTaggedPrimitive(1, Buffer.from(value, 'latin1'))
    case 'uri':
      return derTaggedPrimitive(6, Buffer.from(value, 'latin1'))
    case 'ip':
      return derTaggedPrimitive(7, ipOctets(value))
    case 'other':
      return derElement(0xa0, derOid('1.3.6.1.4.1.311.20.2.3'), derTagged(0, derText(TAG.utf8String, value)))
  }
}

function ipOctets(text: string): Uint8Array {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return Uint8Array.from(text.split('.').map(Number))
  const halves = text.split('::')
  const groups = (half: string | undefined): string[] => (half === undefined || half === '' ? [] : half.split(':'))
  const [head, tail] = [groups(halves[0]), groups(halves[1])]
  const middle = halves.length === 2 ? Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0') : []
  const all = [...head, ...middle, ...tail]
  if (all.length !== 8 || all.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) {
    throw new CmsError('cms.unsupported', 'an IP address of the certificate cannot be read')
  }
  return Uint8Array.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]))
}
