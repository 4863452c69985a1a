/** What is odd or dangerous about a certificate as such. Whether it fits a role, and when, is for the inventory to judge. */
import { createHash } from 'node:crypto'
import { toBigInt } from '../asn1/bytes.ts'
import { OID } from '../asn1/oids.ts'
import type { Certificate } from './certificate.ts'
import { KNOWN_TEST_KEYS } from './known-test-keys.ts'

export interface CertificateFinding {
  /** `error`: do not use it. `warning`: partners may refuse it, or somebody can forge it. `note`: odd, and harmless to us. */
  readonly severity: 'error' | 'warning' | 'note'
  readonly code:
    | 'known-test-key'
    | 'key-unreadable'
    | 'key-small'
    | 'exponent-small'
    | 'expired'
    | 'not-yet-valid'
    | 'validity-inverted'
    | 'weak-signature'
    | 'serial-not-positive'
    | 'serial-long'
    | 'extension-unreadable'
    | 'name-empty'
    | 'version-1'
  readonly message: string
}

const WEAK_SIGNATURES: Readonly<Record<string, string>> = {
  [OID.md5WithRsa]: 'MD5',
  [OID.sha1WithRsa]: 'SHA-1',
  [OID.sha1WithRsaOiw]: 'SHA-1',
  [OID.ecdsaWithSha1]: 'SHA-1',
  '1.2.840.113549.1.1.2': 'MD2',
}

/** The product that ships this key to everybody, when it is such a one. */
export function knownTestKey(certificate: Certificate): { readonly product: string; readonly name: string } | undefined {
  const digest = createHash('sha256').update(certificate.spkiDer).digest('hex')
  return KNOWN_TEST_KEYS.find(({ spkiSha256 }) => spkiSha256 === digest)
}

/** Everything that was found, gravest first; empty when there is nothing to say. `at` default now. */
export function inspectCertificate(certificate: Certificate, at = new Date()): CertificateFinding[] {
  return [...keyFindings(certificate), ...timeFindings(certificate, at), ...formFindings(certificate)].toSorted((left, right) => RANK[left.severity] - RANK[right.severity])
}

const RANK = { error: 0, warning: 1, note: 2 } as const

function keyFindings(certificate: Certificate): CertificateFinding[] {
  const { keyType, keyBits } = certificate
  const findings: CertificateFinding[] = []
  const known = knownTestKey(certificate)
  if (known !== undefined) findings.push({ severity: 'error', code: 'known-test-key', message: `it is the test key “${known.name}” that ${known.product} ships: everybody has its private key` })
  if (keyBits === undefined) return [...findings, { severity: 'error', code: 'key-unreadable', message: 'its public key cannot be read' }]
  if (keyType !== 'rsa' && keyType !== 'rsa-pss') return findings
  if (keyBits < 2048) findings.push({ severity: keyBits < 1024 ? 'error' : 'warning', code: 'key-small', message: `its RSA key has only ${keyBits} bits` })
  const exponent = certificate.publicKey().asymmetricKeyDetails?.publicExponent
  if (exponent !== undefined && (exponent < 3n || exponent % 2n === 0n)) findings.push({ severity: 'error', code: 'exponent-small', message: `its RSA key has the exponent ${exponent}, with which anybody can forge signatures` })
  return findings
}

function timeFindings({ notBefore, notAfter }: Certificate, at: Date): CertificateFinding[] {
  const day = (time: Date): string => time.toISOString().slice(0, 10)
  if (notAfter < notBefore) return [{ severity: 'error', code: 'validity-inverted', message: `it ends (${day(notAfter)}) before it begins (${day(notBefore)})` }]
  if (at > notAfter) return [{ severity: 'warning', code: 'expired', message: `it expired on ${day(notAfter)}` }]
  return at < notBefore ? [{ severity: 'warning', code: 'not-yet-valid', message: `it is valid from ${day(notBefore)} only` }] : []
}

/** What Drummond's test rounds met in partners' certificates: read all the same, and worth saying. */
function formFindings(certificate: Certificate): CertificateFinding[] {
  const { serial, signatureOid, selfIssued, version, subject, unreadableExtensions, extensionCount } = certificate
  const findings: CertificateFinding[] = []
  const weak = WEAK_SIGNATURES[signatureOid]
  // the signature on a self-issued certificate proves nothing either way
  if (weak !== undefined && !selfIssued) findings.push({ severity: 'warning', code: 'weak-signature', message: `its issuer signed it with ${weak}, which can be forged` })
  if ((serial[0] ?? 0) >= 0x80 || toBigInt(serial) === 0n) findings.push({ severity: 'note', code: 'serial-not-positive', message: 'its serial number is negative or zero; some products then fail to find it' })
  if (serial.length > 20) findings.push({ severity: 'note', code: 'serial-long', message: `its serial number has ${serial.length} bytes; 20 are allowed` })
  if (unreadableExtensions.length > 0) findings.push({ severity: 'note', code: 'extension-unreadable', message: `extensions that cannot be read: ${unreadableExtensions.join(', ')}` })
  if (subject === '' && certificate.altNames.length === 0) findings.push({ severity: 'note', code: 'name-empty', message: 'it names nobody' })
  if (version === 1 && extensionCount === 0) findings.push({ severity: 'note', code: 'version-1', message: 'it is of version 1: it says neither what its key is for nor whether it may issue others' })
  return findings
}
