/** Holds a presented host key or certificate against what is trusted: the trust anchor of SFTP. */
import type { ErrorCode } from '../../../contract/errors/index.ts'
import type { PresentedHostKey } from '../../../contract/partners.ts'
import { describeBlob, isCertificate, problemOfHostCertificate, readCertificate, type CertificateProblem, type SshCertificate, type SshPublicKey } from '../../crypto/ssh/index.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Pin } from '../file-protocol.ts'

/** What decides about one server. */
export interface HostTrust {
  /** The name or address for which a certificate must hold. */
  readonly host: string
  readonly pins: readonly Pin[]
  readonly authorities: readonly Pin[]
  /** Fingerprints. */
  readonly revoked: readonly string[]
}

const PROBLEMS: Readonly<Record<CertificateProblem, string>> = {
  'not-for-hosts': 'it is a certificate for users, not for hosts',
  'authority-unknown': 'it is signed by an authority that is not trusted for this connection',
  'authority-weak': 'the key of its authority is too short',
  'signature-invalid': 'the signature of its authority does not verify',
  'not-yet-valid': 'it is not valid yet',
  expired: 'it has expired',
  'no-names': 'it names no host',
  'other-host': 'it is for another host',
  'unknown-restriction': 'it carries a restriction that is not known',
}

/** Judges the key blob that the server signed the key exchange with. `now` in milliseconds. */
export function judgeHostKey(blob: Buffer, trust: HostTrust, now: number): PresentedHostKey {
  const certificate = isCertificate(blob) ? readCertificate(blob) : null
  const key = certificate?.key ?? describeBlob(blob)
  const problem = certificate === null ? null : problemOfHostCertificate(certificate, trust.host, trust.authorities.map(({ fingerprint }) => fingerprint), now)
  return {
    algorithm: key.algorithm,
    bits: key.bits,
    fingerprint: key.fingerprint,
    publicKey: key.publicKey,
    verdict: verdictOn(key, certificate, problem, trust),
    certificate: certificate === null ? null : shown(certificate, problem),
    expected: [...trust.pins, ...trust.authorities.map((authority) => ({ ...authority, algorithm: `authority, ${authority.algorithm}` }))].map(({ algorithm, fingerprint }) => ({ algorithm, fingerprint })),
  }
}

function shown(certificate: SshCertificate, problem: CertificateProblem | null): NonNullable<PresentedHostKey['certificate']> {
  return {
    authority: certificate.authority.fingerprint,
    keyId: certificate.keyId,
    serial: certificate.serial,
    names: [...certificate.principals],
    validUntil: certificate.validUntil === null ? null : new Date(certificate.validUntil).toISOString(),
    problem: problem === null ? null : PROBLEMS[problem],
  }
}

function verdictOn(key: SshPublicKey, certificate: SshCertificate | null, problem: CertificateProblem | null, trust: HostTrust): PresentedHostKey['verdict'] {
  const { pins, revoked } = trust
  if ([key.fingerprint, certificate?.authority.fingerprint ?? ''].some((fingerprint) => revoked.includes(fingerprint))) return 'revoked'
  // A SHA-256 fingerprint fixes the key; where the whole key is pinned it is compared too.
  if (pins.some((pin) => pin.fingerprint === key.fingerprint && (pin.publicKey === null || pin.publicKey === key.publicKey))) return 'pinned'
  if (certificate !== null) return problem === null ? 'certified' : 'certificate-refused'
  if (pins.length === 0) return 'unknown'
  return pins.some((pin) => pin.algorithm === key.algorithm || pin.algorithm === 'unknown') ? 'changed' : 'other-algorithm'
}

const REFUSALS = {
  unknown: 'sftp.host_key_unknown',
  changed: 'sftp.host_key_changed',
  'other-algorithm': 'sftp.host_key_other_algorithm',
  revoked: 'sftp.host_key_revoked',
  'certificate-refused': 'sftp.host_certificate_refused',
} as const satisfies Partial<Record<PresentedHostKey['verdict'], ErrorCode>>

/** Why a key is refused, with what was presented and what was expected; null when the host is proved. `who`: `the server`. */
export function refusalOf(presented: PresentedHostKey, who: string): AppError | null {
  const { verdict, certificate } = presented
  if (verdict === 'pinned' || verdict === 'certified') return null
  const expected = presented.expected.map(({ algorithm, fingerprint }) => `${fingerprint} (${algorithm})`).join(', ')
  const reason = certificate?.problem == null ? '' : ` with a certificate: ${certificate.problem}`
  return new AppError(REFUSALS[verdict], `${who} presented ${presented.fingerprint} (${presented.algorithm})${reason}; ${expected === '' ? 'none is pinned' : `trusted: ${expected}`}`, {
    details: {
      presented: presented.fingerprint,
      algorithm: presented.algorithm,
      expected: expected === '' ? 'none' : expected,
      presentedKey: presented.publicKey,
      ...(certificate === null ? {} : { authority: certificate.authority, certificate: certificate.keyId, names: certificate.names.join(', '), ...(certificate.problem === null ? {} : { problem: certificate.problem }) }),
    },
  })
}
