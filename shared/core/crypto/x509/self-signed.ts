/** Self-signed certificates for a new station (RFC 5280). */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { derBitString, derNull, derOid, derSequence, derSmallInteger, derTagged, derTime, derUnsigned } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { randomOctets, signEcdsa, signRsaPkcs1 } from '../primitives/index.ts'
import { readCertificate, type Certificate } from './certificate.ts'
import { encodeExtensions, encodeName, type SubjectProfile } from './subject-profile.ts'

export interface SelfSignedOptions extends SubjectProfile {
  /** Default `rsa-3072`. */
  readonly key?: 'rsa-2048' | 'rsa-3072' | 'rsa-4096' | 'ec-p256'
  /** Default 1095. */
  readonly validDays?: number
  /** Default: five minutes ago, for partners whose clock is slow. */
  readonly notBefore?: Date
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
    derTagged(3, derSequence(...encodeExtensions(options, spki, kind !== 'ec-p256'))),
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
