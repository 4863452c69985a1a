/**
 * A tolerant certificate reader. Partners' certificates break rules (Drummond's list: IA5String names, negative or zero
 * serials, `#` in PrintableString, malformed extensions), so nothing is re-encoded and only what is needed is looked at.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { CmsError } from '../cms/errors.ts'
import { sameBytes, toHex } from '../asn1/bytes.ts'
import { childrenOf, childrenOfTag, contentOf, expectTag, integerBytesOf, oidOf, octetsOf, rawOf, readBer, timeOf, type BerNode } from '../asn1/ber-node.ts'
import { OID } from '../asn1/oids.ts'
import { digestOf } from '../primitives/index.ts'
import { readExtensions, type Extensions } from './extensions.ts'
import { nameText, readName } from './names.ts'
import { derOf, pemTextOf, readPem, writePem } from './pem.ts'

/** What is known of a certificate. Byte fields are the raw encodings as received. */
export interface Certificate extends Extensions {
  readonly der: Uint8Array
  /** 1 or 3 in practice. */
  readonly version: number
  /** Content octets of the serial number, sign and leading zeros included. */
  readonly serial: Uint8Array
  /** `serial` in lower-case hexadecimal. */
  readonly serialHex: string
  readonly issuerDer: Uint8Array
  readonly subjectDer: Uint8Array
  /** Readable names, most specific attribute first. */
  readonly issuer: string
  readonly subject: string
  readonly commonName?: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** SubjectPublicKeyInfo. */
  readonly spkiDer: Uint8Array
  readonly keyType: 'rsa' | 'rsa-pss' | 'ec' | 'other'
  /** Modulus or field size, when node can read the key. */
  readonly keyBits?: number
  /** Name of the curve, for EC keys. */
  readonly curve?: string
  /** The extension, else SHA-1 of the key bits (RFC 5280 4.2.1.2, method 1). */
  readonly effectiveKeyIdentifier: Uint8Array
  readonly signatureOid: string
  /** Issuer and subject are the same name. */
  readonly selfIssued: boolean
  /** Lower-case hexadecimal, over `der`. */
  readonly fingerprintSha256: string
  readonly fingerprintSha1: string
  /** The public key; throws `cms.key_unusable` when node cannot read it. */
  publicKey(): KeyObject
  /** The certificate in PEM. */
  pem(): string
}

/** Reads one certificate, PEM (the first block) or DER. Throws `cms.certificate_unreadable`. */
export function readCertificate(input: Uint8Array | string): Certificate {
  const text = pemTextOf(input)
  if (text === undefined) return readDer(derOf(input))
  const block = readPem(text).find(({ label }) => label.endsWith('CERTIFICATE'))
  if (block === undefined) throw unreadable('there is no certificate in the PEM text')
  return readDer(block.der)
}

function unreadable(what: string, cause?: unknown): CmsError {
  return new CmsError('cms.certificate_unreadable', `not a certificate: ${what}`, cause)
}

function readDer(input: Uint8Array): Certificate {
  try {
    return parse(input)
  } catch (error) {
    if (error instanceof CmsError && error.code === 'cms.certificate_unreadable') throw error
    throw unreadable(error instanceof Error ? error.message : 'unknown structure', error)
  }
}

function parse(input: Uint8Array): Certificate {
  const root = expectTag(readBer(input), 0x30, 'a certificate')
  const der = Uint8Array.from(rawOf(root)) // a copy: the caller's buffer may be large
  const [tbs, signatureAlgorithm] = childrenOf(readBer(der))
  const parts = childrenOfTag(tbs, 0x30, 'the certificate body')
  const versioned = parts[0]?.tag === 0xa0
  const fields = versioned ? parts.slice(1) : parts
  const [serialNode, , issuerNode, validity, subjectNode, spkiNode, ...rest] = fields
  const serial = integerBytesOf(serialNode, 'the serial number', 256)
  const [notBefore, notAfter] = childrenOfTag(validity, 0x30, 'the validity').map(timeOf)
  if (notBefore === undefined || notAfter === undefined) throw unreadable('the validity cannot be read')
  const issuerDer = rawOf(expectTag(issuerNode, 0x30, 'the issuer'))
  const subjectDer = rawOf(expectTag(subjectNode, 0x30, 'the subject'))
  const spki = expectTag(spkiNode, 0x30, 'the public key')
  const spkiDer = rawOf(spki)
  const extensions = readExtensions(rest.find(({ tag }) => tag === 0xa3))
  const key = readKey(spki, spkiDer)
  const subjectAttributes = readName(subjectDer)
  const commonName = subjectAttributes.findLast(({ oid }) => oid === OID.commonName)?.value
  return {
    ...extensions,
    der,
    version: versioned ? versionOf(parts[0]) : 1,
    serial,
    serialHex: toHex(serial),
    issuerDer,
    subjectDer,
    issuer: nameText(readName(issuerDer)),
    subject: nameText(subjectAttributes),
    ...(commonName === undefined ? {} : { commonName }),
    notBefore,
    notAfter,
    spkiDer,
    keyType: key.type,
    ...(key.bits === undefined ? {} : { keyBits: key.bits }),
    ...(key.curve === undefined ? {} : { curve: key.curve }),
    effectiveKeyIdentifier: extensions.subjectKeyIdentifier ?? digestOf('sha1', key.bitString),
    signatureOid: oidOf(childrenOfTag(signatureAlgorithm, 0x30, 'the signature algorithm')[0]),
    selfIssued: sameBytes(issuerDer, subjectDer),
    fingerprintSha256: toHex(digestOf('sha256', der)),
    fingerprintSha1: toHex(digestOf('sha1', der)),
    publicKey() {
      if (key.object === undefined) throw new CmsError('cms.key_unusable', 'the public key of the certificate cannot be read')
      return key.object
    },
    pem: () => writePem('CERTIFICATE', der),
  }
}

function versionOf(node: BerNode | undefined): number {
  const [value] = node === undefined ? [] : childrenOf(node)
  return value === undefined ? 1 : (contentOf(value).at(-1) ?? 0) + 1
}

interface KeyFacts {
  readonly type: Certificate['keyType']
  readonly bits?: number
  readonly curve?: string
  readonly object?: KeyObject
  readonly bitString: Uint8Array
}

const KEY_TYPES: Readonly<Record<string, Certificate['keyType']>> = {
  [OID.rsaEncryption]: 'rsa',
  [OID.rsaPss]: 'rsa-pss',
  [OID.ecPublicKey]: 'ec',
}
const CURVE_BITS: Readonly<Record<string, number>> = { prime256v1: 256, secp384r1: 384, secp521r1: 521, secp256k1: 256 }

function readKey(spki: BerNode, der: Uint8Array): KeyFacts {
  const [algorithm, bits] = childrenOf(spki)
  const type = KEY_TYPES[oidOf(childrenOfTag(algorithm, 0x30, 'the key algorithm')[0])] ?? 'other'
  const bitString = octetsOf(expectTag(bits, 0x03, 'the public key')).subarray(1)
  let object: KeyObject | undefined
  try {
    object = createPublicKey({ key: Buffer.from(der), type: 'spki', format: 'der' })
  } catch {
    return { type, bitString }
  }
  const curve = object.asymmetricKeyDetails?.namedCurve
  const size = object.asymmetricKeyDetails?.modulusLength ?? (curve === undefined ? undefined : CURVE_BITS[curve])
  return { type, bitString, object, ...(curve === undefined ? {} : { curve }), ...(size === undefined ? {} : { bits: size }) }
}
