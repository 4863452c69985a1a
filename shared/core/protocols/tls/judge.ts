/** Whether a presented certificate is the partner's server. Pure: what was presented and what is trusted in, a verdict with its reason out. */
import { createHash, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { TlsSettings } from '../../../contract/connections/common.ts'
import type { PresentedCertificate } from '../../../contract/partners.ts'
import { readCertificateAgain, type Certificate } from '../../crypto/x509/index.ts'
import { timestamp } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { TlsPin, TlsTrust } from '../file-protocol.ts'

export interface Presented {
  /** The server's own certificate in DER. */
  readonly certificate: Uint8Array
  /** OpenSSL's objection to the chain (`SELF_SIGNED_CERT_IN_CHAIN` …), names left aside; null: it ends at a trusted authority. */
  readonly chainProblem: string | null
}

export interface Rules {
  readonly settings: Pick<TlsSettings, 'trust' | 'serverName'>
  readonly trust: Pick<TlsTrust, 'pins' | 'authorities'>
  /** The address that was dialled. */
  readonly host: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

type Verdict = Pick<PresentedCertificate, 'verdict' | 'reason'>

/** Judges what a server presented. Throws `cms.certificate_unreadable` as a CmsError for bytes that are no certificate. */
export function judgeCertificate(presented: Presented, rules: Rules): PresentedCertificate {
  const certificate = readCertificateAgain(presented.certificate)
  const fingerprint = `sha256:${certificate.fingerprintSha256}`
  const publicKeyPin = publicKeyPinOf(certificate.spkiDer)
  const pin = rules.trust.pins.find((known) => known.fingerprint === fingerprint || known.fingerprint === publicKeyPin)
  return {
    subject: certificate.subject,
    issuer: certificate.issuer,
    names: namesOf(certificate),
    notBefore: timestamp(certificate.notBefore.getTime()),
    notAfter: timestamp(certificate.notAfter.getTime()),
    fingerprint,
    publicKeyPin,
    algorithm: certificate.keyType === 'ec' ? `EC ${certificate.curve ?? ''}`.trimEnd() : certificate.keyType.toUpperCase(),
    bits: certificate.keyBits ?? null,
    pem: certificate.pem(),
    expected: rules.trust.pins.map((known) => known.fingerprint),
    ...(rules.settings.trust === 'pinned' ? judgePinned(certificate, pin, rules) : judgeAuthority(certificate, presented.chainProblem, pin, rules)),
  }
}

/** `spki:` and the SHA-256 of a SubjectPublicKeyInfo in Base64 (RFC 7469's form of a pin). */
export function publicKeyPinOf(spkiDer: Uint8Array): string {
  return `spki:${createHash('sha256').update(spkiDer).digest('base64')}`
}

/** The name that the certificate must carry. */
export function expectedName({ settings, host }: Pick<Rules, 'settings' | 'host'>): string {
  return (settings.serverName ?? host).replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
}

function judgePinned(certificate: Certificate, pin: TlsPin | undefined, { trust, now }: Rules): Verdict {
  if (pin === undefined && trust.pins.length === 0) return { verdict: 'unknown', reason: 'only pinned certificates are trusted on this connection, and none is pinned yet' }
  if (pin === undefined) return { verdict: 'changed', reason: 'it is none of the certificates and public keys that are pinned' }
  return judgeTime(certificate, now) ?? { verdict: 'trusted', reason: pin.fingerprint.startsWith('spki:') ? 'its public key is pinned' : 'the certificate is pinned' }
}

function judgeAuthority(certificate: Certificate, problem: string | null, pin: TlsPin | undefined, rules: Rules): Verdict {
  const { trust, now } = rules
  const authorities = trust.authorities.length > 0 ? 'the authorities that are bound to this connection' : 'the authorities that this computer trusts'
  if (trust.pins.length > 0 && pin === undefined) return { verdict: 'changed', reason: 'it is none of the certificates and public keys that are pinned besides' }
  const overdue = judgeTime(certificate, now)
  // OpenSSL names one objection; when it is the time of an authority, our own look at the server's certificate does not show it.
  if (problem !== null && !TIME_PROBLEMS.has(problem)) return { verdict: 'unknown', reason: `${CHAIN_PROBLEMS[problem] ?? problem}; asked were ${authorities}` }
  if (overdue !== null) return overdue
  if (problem !== null) return { verdict: problem === 'CERT_NOT_YET_VALID' ? 'not-yet-valid' : 'expired', reason: problem === 'CERT_NOT_YET_VALID' ? 'the certificate of an authority behind it is not valid yet' : 'the certificate of an authority behind it has expired' }
  const name = expectedName(rules)
  if (!carriesName(certificate, name)) return { verdict: 'wrong-name', reason: `it was issued for ${namesOf(certificate).join(', ') || 'no name'}, not for ${name}` }
  return { verdict: 'trusted', reason: `${trust.authorities.length > 0 ? 'an authority that is bound to this connection' : 'an authority that this computer trusts'} vouches for it${pin === undefined ? '' : ', and it is pinned besides'}` }
}

function judgeTime({ notBefore, notAfter }: Certificate, now: number): Verdict | null {
  if (now > notAfter.getTime()) return { verdict: 'expired', reason: `it was valid until ${notAfter.toISOString()}` }
  if (now < notBefore.getTime()) return { verdict: 'not-yet-valid', reason: `it is valid only from ${notBefore.toISOString()}` }
  return null
}

/** RFC 6125: names of the subjectAltName; the common name counts only where there is none. IP addresses only as such. */
function carriesName(certificate: Certificate, name: string): boolean {
  const native = new X509Certificate(certificate.der)
  return (isIP(name) === 0 ? native.checkHost(name, { partialWildcards: false }) : native.checkIP(name)) !== undefined
}

function namesOf(certificate: Certificate): string[] {
  const names = certificate.altNames.filter(({ type }) => type === 'dns' || type === 'ip').map(({ value }) => value)
  return names.length === 0 && certificate.commonName !== undefined ? [certificate.commonName] : names
}

const TIME_PROBLEMS: ReadonlySet<string> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

const CHAIN_PROBLEMS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it vouches only for itself (self-signed)',
  SELF_SIGNED_CERT_IN_CHAIN: 'the authority at the end of its chain is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'its chain ends before a trusted authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the authority that issued it is not trusted, or the server left out a certificate between',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the authority that issued it is not trusted, or the server left out a certificate between',
  INVALID_PURPOSE: 'it was not issued for servers',
  CERT_REVOKED: 'it was revoked',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
  INVALID_CA: 'one of the certificates behind it may not issue others',
  EE_KEY_TOO_SMALL: 'its key is too small',
  CA_KEY_TOO_SMALL: 'the key of an authority behind it is too small',
  CA_MD_TOO_WEAK: 'the signature of an authority behind it is too weak',
}

const REFUSALS = {
  unknown: 'tls.certificate_unknown',
  changed: 'tls.certificate_changed',
  'wrong-name': 'tls.wrong_name',
  expired: 'tls.expired',
  'not-yet-valid': 'tls.not_yet_valid',
} as const

/** Why a certificate is refused, with what was presented and what was expected; null when it is trusted. */
export function certificateRefusal(presented: PresentedCertificate, server: string): AppError | null {
  if (presented.verdict === 'trusted') return null
  return new AppError(REFUSALS[presented.verdict], `${server} presented ${presented.fingerprint}: ${presented.reason}`, {
    details: {
      server,
      reason: presented.reason,
      presented: presented.fingerprint,
      'presented public key': presented.publicKeyPin,
      expected: presented.expected.join(', ') || 'none is pinned',
      subject: presented.subject,
      issuer: presented.issuer,
      names: presented.names.join(', ') || 'none',
      'valid from': presented.notBefore,
      'valid until': presented.notAfter,
    },
  })
}
