/** Self-signed certificates for a new station (RFC 5280). */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { CmsError } from '../cms/errors.ts'
import {
  TAG,
  derBitString,
  derBoolean,
  derElement,
  derNull,
  derOctetString,
  derOid,
  derSequence,
  derSetOf,
  derSmallInteger,
  derTagged,
  derTaggedPrimitive,
  derText,
  derTime,
  derUnsigned,
} from '../asn1/der-writer.ts'
import { childrenOfTag, contentOf, readBer } from '../asn1/ber-node.ts'
import { OID } from '../asn1/oids.ts'
import { digestOf, randomOctets, signEcdsa, signRsaPkcs1 } from '../primitives.ts'
import { readCertificate, type Certificate } from './certificate.ts'
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

export interface SelfSignedOptions {
  readonly subject: SubjectName
  /** Default `rsa-3072`. */
  readonly key?: 'rsa-2048' | 'rsa-3072' | 'rsa-4096' | 'ec-p256'
  readonly altNames?: readonly AltName[]
  /** Default 1095. */
  readonly validDays?: number
  /** Default: five minutes ago, for partners whose clock is slow. */
  readonly notBefore?: Date
  /** `exchange` signs and decrypts messages (default), `tls` serves and connects, `all` both. */
  readonly usage?: 'exchange' | 'tls' | 'all'
}

const generate = promisify(generateKeyPair)

/** Makes a key pair and a certificate for it, signed with SHA-256 by itself. */
export async function generateSelfSigned(
  options: SelfSignedOptions,
): Promise<{ readonly certificate: Certificate; readonly privateKey: KeyObject }> {
  const kind = options.key ?? 'rsa-3072'
  const { publicKey, privateKey } = kind === 'ec-p256'
    ? await generate('ec', { namedCurve: 'prime256v1' })
    : await generate('rsa', { modulusLength: Number(kind.slice(4)), publicExponent: 65_537 })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const algorithm = kind === 'ec-p256' ? derSequence(derOid(OID.ecdsaWithSha256)) : derSequence(derOid(OID.sha256WithRsa), derNull())
  const notBefore = options.notBefore ?? new Date(Date.now() - 300_000)
  const notAfter = new Date(notBefore.getTime() + (options.validDays ?? 1095) * 86_400_000)
  const name = encodeName(options.subject)
  const body = derSequence(
    derTagged(0, derSmallInteger(2)),
    derUnsigned(serialNumber()),
    algorithm,
    name,
    derSequence(derTime(notBefore), derTime(notAfter)),
    name,
    spki,
    derTagged(3, derSequence(...encodeExtensions(options, spki))),
  )
  const signature = kind === 'ec-p256' ? signEcdsa(privateKey, 'sha256', body) : signRsaPkcs1(privateKey, 'sha256', body)
  return { certificate: readCertificate(derSequence(body, algorithm, derBitString(signature))), privateKey }
}

/** 127 random bits, never zero: unique for one issuer, and positive. */
function serialNumber(): Uint8Array {
  const serial = randomOctets(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return serial
}

function encodeName(subject: SubjectName): Uint8Array {
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

function encodeExtensions(options: SelfSignedOptions, spki: Uint8Array): Uint8Array[] {
  const usage = options.usage ?? 'exchange'
  const rsa = options.key !== 'ec-p256'
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
