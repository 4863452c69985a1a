/**
 * OpenSSH certificates (PROTOCOL.certkeys): read, and held against the authorities that a partner is trusted to have. Used for
 * hosts; a certificate proves a host when a known authority signed it, it names the host, and it is valid now.
 */
import { verify } from 'node:crypto'
import { AppError } from '../../kernel/errors.ts'
import { matchesPattern } from './host-pattern.ts'
import { describeBlob, publicKeyObject, type SshPublicKey } from './public-key.ts'
import { wireReader, wireString } from './wire.ts'

export interface SshCertificate {
  /** `ssh-ed25519-cert-v01@openssh.com` … */
  readonly algorithm: string
  readonly kind: 'host' | 'user' | 'other'
  /** The certified key, as it is without certificate. */
  readonly key: SshPublicKey
  readonly keyBlob: Buffer
  readonly authority: SshPublicKey
  readonly serial: string
  readonly keyId: string
  readonly principals: readonly string[]
  /** Milliseconds since 1970; null: no limit. */
  readonly validFrom: number | null
  readonly validUntil: number | null
  readonly criticalOptions: readonly string[]
  /** Of the authority's signature: `ssh-ed25519`, `rsa-sha2-512` … */
  readonly signatureAlgorithm: string
  /** Whether the signature is the authority's. SHA-1 signatures count as none. */
  readonly signed: boolean
}

/** Names as they stand in a handshake, with the name of the key inside. */
export const CERTIFIED_KINDS: Readonly<Record<string, string>> = {
  'ssh-ed25519-cert-v01@openssh.com': 'ssh-ed25519',
  'ecdsa-sha2-nistp256-cert-v01@openssh.com': 'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384-cert-v01@openssh.com': 'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521-cert-v01@openssh.com': 'ecdsa-sha2-nistp521',
  'ssh-rsa-cert-v01@openssh.com': 'ssh-rsa',
}

/** How many values each kind of key has, after the nonce. */
const KEY_FIELDS: Readonly<Record<string, number>> = { 'ssh-ed25519': 1, 'ssh-rsa': 2, 'ecdsa-sha2-nistp256': 2, 'ecdsa-sha2-nistp384': 2, 'ecdsa-sha2-nistp521': 2 }

const FOREVER = 0xffff_ffff_ffff_ffffn
/** As many as OpenSSH reads. */
const MOST_PRINCIPALS = 256
const LEAST_RSA_BITS = 2048

export function isCertificate(blob: Buffer): boolean {
  return Object.hasOwn(CERTIFIED_KINDS, wireReader(blob).text())
}

/** Reads the wire blob of a certificate and checks its signature. Rejects with `key.malformed` or `key.unsupported`. */
export function readCertificate(blob: Buffer): SshCertificate {
  const reader = wireReader(blob)
  const algorithm = reader.text()
  const plain = CERTIFIED_KINDS[algorithm]
  if (plain === undefined) throw new AppError('key.unsupported', `certificates of the kind ${algorithm.slice(0, 60)} are not read`)
  reader.string() // nonce
  const fields = Array.from({ length: KEY_FIELDS[plain] ?? 0 }, () => wireString(reader.string()))
  const keyBlob = Buffer.concat([wireString(plain), ...fields])
  const serial = reader.uint64().toString()
  const type = reader.uint32()
  const keyId = reader.text()
  const principals = stringsOf(reader.string())
  const [from, until] = [reader.uint64(), reader.uint64()]
  const criticalOptions = optionNames(reader.string())
  reader.string() // extensions: hosts have none that mean anything
  reader.string() // reserved
  const authorityBlob = reader.string()
  const covered = blob.subarray(0, reader.position)
  const signature = reader.string()
  if (reader.rest !== 0) throw new AppError('key.malformed', 'something follows the signature of the certificate')
  return {
    algorithm,
    kind: type === 2 ? 'host' : type === 1 ? 'user' : 'other',
    key: describeBlob(keyBlob),
    keyBlob,
    authority: describeBlob(authorityBlob),
    serial,
    keyId,
    principals,
    validFrom: from === 0n ? null : milliseconds(from),
    validUntil: until === FOREVER ? null : milliseconds(until),
    criticalOptions,
    signatureAlgorithm: wireReader(signature).text(),
    signed: isSignedBy(authorityBlob, covered, signature),
  }
}

/** Why a certificate does not prove a host. */
export type CertificateProblem =
  | 'not-for-hosts'
  | 'authority-unknown'
  | 'authority-weak'
  | 'signature-invalid'
  | 'not-yet-valid'
  | 'expired'
  | 'no-names'
  | 'other-host'
  | 'unknown-restriction'

/**
 * Null when the certificate proves `host` (a name or address, without port) at `now`. `authorities` are fingerprints.
 * Stricter than OpenSSH before 10 in one point: a certificate that names nobody proves nobody.
 */
export function problemOfHostCertificate(certificate: SshCertificate, host: string, authorities: readonly string[], now: number): CertificateProblem | null {
  const { authority, validFrom, validUntil, principals } = certificate
  if (certificate.kind !== 'host') return 'not-for-hosts'
  if (!authorities.includes(authority.fingerprint)) return 'authority-unknown'
  if (authority.algorithm === 'ssh-rsa' && (authority.bits ?? 0) < LEAST_RSA_BITS) return 'authority-weak'
  if (!certificate.signed) return 'signature-invalid'
  if (validFrom !== null && now < validFrom) return 'not-yet-valid'
  if (validUntil !== null && now >= validUntil) return 'expired'
  // None is defined for hosts, and what is not understood must be refused (PROTOCOL.certkeys).
  if (certificate.criticalOptions.length > 0) return 'unknown-restriction'
  if (principals.length === 0) return 'no-names'
  return principals.some((principal) => matchesPattern(principal, host)) ? null : 'other-host'
}

/** Seconds since 1970, as far as dates go. */
function milliseconds(seconds: bigint): number {
  return Number(seconds > 8_640_000_000_000n ? 8_640_000_000_000n : seconds) * 1000
}

function stringsOf(packed: Buffer): string[] {
  const reader = wireReader(packed)
  const found: string[] = []
  while (reader.rest > 0) {
    if (found.length >= MOST_PRINCIPALS) throw new AppError('key.malformed', 'the certificate has too many names')
    found.push(reader.text())
  }
  return found
}

/** Names and values in turn. */
function optionNames(packed: Buffer): string[] {
  return stringsOf(packed).filter((_, index) => index % 2 === 0)
}

const HASHES: Readonly<Record<string, { readonly key: string; readonly hash: string | null; readonly half?: number }>> = {
  'ssh-ed25519': { key: 'ssh-ed25519', hash: null },
  'rsa-sha2-256': { key: 'ssh-rsa', hash: 'sha256' },
  'rsa-sha2-512': { key: 'ssh-rsa', hash: 'sha512' },
  'ecdsa-sha2-nistp256': { key: 'ecdsa-sha2-nistp256', hash: 'sha256', half: 32 },
  'ecdsa-sha2-nistp384': { key: 'ecdsa-sha2-nistp384', hash: 'sha384', half: 48 },
  'ecdsa-sha2-nistp521': { key: 'ecdsa-sha2-nistp521', hash: 'sha512', half: 66 },
}

function isSignedBy(authority: Buffer, covered: Buffer, signature: Buffer): boolean {
  const reader = wireReader(signature)
  const scheme = HASHES[reader.text()]
  if (scheme === undefined || scheme.key !== wireReader(authority).text()) return false
  const value = reader.string()
  const key = publicKeyObject(authority)
  if (scheme.half === undefined) return verify(scheme.hash, covered, key, value)
  const numbers = wireReader(value)
  const digits = [numbers.mpint(), numbers.mpint()]
  const { half } = scheme
  if (digits.some((number) => number.length > half)) return false
  const raw = Buffer.concat(digits.map((number) => Buffer.concat([Buffer.alloc(half - number.length), number])))
  return verify(scheme.hash, covered, { key, dsaEncoding: 'ieee-p1363' }, raw)
}
