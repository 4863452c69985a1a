/** What speaks for and against an item in a role. Pure. */
import type { FitnessProblem, PgpDetails, RoleFitness, X509Details } from '../../contract/trust-details.ts'
import type { Role, TrustKind } from '../../contract/trust-words.ts'
import type { PgpRole } from '../crypto/openpgp/index.ts'
import { pgpProblems } from './pgp-fitness.ts'

const ROLES_OF_KIND: Readonly<Record<TrustKind, readonly Role[]>> = {
  'ssh-host': ['ssh-host', 'ssh-jump'],
  'ssh-ca': ['ssh-host'],
  'ssh-revoked': ['ssh-host'],
  'ssh-client': ['ssh-client'],
  x509: ['sign', 'verify', 'encrypt', 'decrypt', 'tls-client', 'tls-server', 'tls-caller'],
  ca: ['tls-server', 'verify'],
  pgp: ['pgp-sign', 'pgp-verify', 'pgp-encrypt', 'pgp-decrypt'],
}

/** Roles that need the private half. */
const NEEDS_PRIVATE_KEY: readonly Role[] = ['sign', 'decrypt', 'tls-client', 'ssh-client', 'pgp-sign', 'pgp-decrypt']

/** Below this RSA is refused; an exception `rsa-1024` goes down to the second number, nothing goes below. */
const LEAST_RSA_BITS = 2048
const LEAST_RSA_BITS_TOLERATED = 1024

/** The part of an item that decides. */
export interface Judged {
  readonly kind: TrustKind
  readonly state: 'active' | 'retired'
  readonly hasPrivateKey: boolean
  readonly algorithm: string
  readonly bits: number | null
  readonly notBefore: string | null
  readonly notAfter: string | null
  readonly x509: X509Details | null
  readonly pgp: PgpDetails | null
}

export interface Circumstances {
  /** When the item is to be used, milliseconds. */
  readonly at: number
  /** Names of the exceptions that hold for the partner and connection. */
  readonly tolerated: readonly string[]
}

/** Every role that the item's kind can have, each with what speaks against it. */
export function fitnessOf(item: Judged, circumstances: Circumstances): RoleFitness[] {
  return ROLES_OF_KIND[item.kind].map((role) => ({ role, problems: problemsOfRole(item, role, circumstances) }))
}

/** Errors forbid the role; warnings are shown. Empty when all is well. */
export function problemsOfRole(item: Judged, role: Role, circumstances: Circumstances): FitnessProblem[] {
  const basic = basicProblem(item, role)
  if (basic !== null) return [basic]
  if (item.kind === 'pgp') return item.pgp === null ? [] : pgpProblems(item.pgp, role as PgpRole, circumstances)
  return [...sizeProblems(item, circumstances), ...timeProblems(item, role, circumstances), ...(item.x509 === null ? [] : certificateProblems(item.x509, item.kind, role))]
}

function basicProblem(item: Judged, role: Role): FitnessProblem | null {
  if (item.state === 'retired') return error('retired', 'the item is retired')
  if (!ROLES_OF_KIND[item.kind].includes(role)) return error('wrong-kind', `an item of kind ${item.kind} cannot fill the role ${role}`)
  if (NEEDS_PRIVATE_KEY.includes(role) && !item.hasPrivateKey) return error('no-private-key', `the role ${role} needs the private key, and only the public part is here`)
  return null
}

function sizeProblems({ x509, bits }: Judged, { tolerated }: Circumstances): FitnessProblem[] {
  if (bits === null || (x509?.keyType !== 'rsa' && x509?.keyType !== 'rsa-pss') || bits >= LEAST_RSA_BITS) return []
  if (bits < LEAST_RSA_BITS_TOLERATED) return [error('key-small', `the RSA key has ${bits} bits; nothing below ${LEAST_RSA_BITS_TOLERATED} is ever accepted`)]
  if (tolerated.includes('rsa-1024')) return [warning('key-small', `the RSA key has only ${bits} bits; an exception tolerates it`)]
  return [error('key-small', `the RSA key has ${bits} bits; ${LEAST_RSA_BITS} are needed, or an exception rsa-1024 with an end date`)]
}

function timeProblems({ notBefore, notAfter, hasPrivateKey }: Judged, role: Role, { at, tolerated }: Circumstances): FitnessProblem[] {
  const problems: FitnessProblem[] = []
  if (notBefore !== null && at < Date.parse(notBefore)) problems.push(warning('not-yet-valid', `it is valid from ${notBefore.slice(0, 10)} only`))
  if (notAfter !== null && Date.parse(notAfter) <= at) problems.push(expired(role, hasPrivateKey, notAfter.slice(0, 10), tolerated))
  return problems
}

/** What was encrypted to an expired key must still open; a signature under an expired one counts only by exception. */
function expired(role: Role, hasPrivateKey: boolean, day: string, tolerated: readonly string[]): FitnessProblem {
  const text = `it expired on ${day}`
  if (role === 'decrypt' || role === 'pgp-decrypt') return warning('expired', `${text}; what partners still encrypt to it can be opened`)
  if ((role === 'verify' || role === 'pgp-verify') && tolerated.includes('certificate-expired')) return warning('expired', `${text}; an exception tolerates signatures under it`)
  if (role === 'tls-caller') return warning('expired', tolerated.includes('certificate-expired') ? `${text}; an exception lets callers show it` : `${text}; whoever shows it is turned away`)
  if (role === 'tls-server' && !hasPrivateKey) return warning('expired', `${text}; a connection that demands a valid one will refuse it`)
  if (role === 'verify') return error('expired', `${text}; only an exception certificate-expired with an end date lets it verify`)
  return error('expired', text)
}

function certificateProblems(x509: X509Details, kind: TrustKind, role: Role): FitnessProblem[] {
  return [...keyTypeProblems(x509, role), ...(kind === 'ca' ? authorityProblems(x509) : usageProblems(x509, role)), ...signatureProblems(x509)]
}

function keyTypeProblems({ keyType }: X509Details, role: Role): FitnessProblem[] {
  if (keyType === 'other') return [error('key-type', 'its key is of a kind that Waybill cannot use')]
  if ((role === 'encrypt' || role === 'decrypt') && keyType !== 'rsa') return [error('key-type', `messages are encrypted to RSA keys, and this one is ${keyType}`)]
  return []
}

/**
 * Partners' certificates often lack the usage that their products need, and those products do not look; so this is said, not
 * enforced (RFC 5280 4.2.1.3 and 4.2.1.12).
 */
function usageProblems({ keyUsage, extendedKeyUsage }: X509Details, role: Role): FitnessProblem[] {
  const problems: FitnessProblem[] = []
  const wanted = role === 'encrypt' || role === 'decrypt' ? ['keyEncipherment', 'dataEncipherment'] : role === 'sign' || role === 'verify' ? ['digitalSignature', 'nonRepudiation'] : ['digitalSignature', 'keyEncipherment']
  if (keyUsage !== null && !keyUsage.some((usage) => wanted.includes(usage))) problems.push(warning('usage', `its key usage (${keyUsage.join(', ') || 'none'}) does not include ${wanted.join(' or ')}`))
  const purpose = role === 'tls-client' || role === 'tls-caller' ? 'clientAuth' : role === 'tls-server' ? 'serverAuth' : 'emailProtection'
  if (extendedKeyUsage !== null && !extendedKeyUsage.includes(purpose) && !extendedKeyUsage.includes('any')) problems.push(warning('purpose', `its purposes (${extendedKeyUsage.join(', ')}) do not include ${purpose}`))
  return problems
}

function authorityProblems({ isCa, keyUsage }: X509Details): FitnessProblem[] {
  if (!isCa) return [warning('not-a-ca', 'the certificate does not say that it belongs to an authority')]
  if (keyUsage !== null && !keyUsage.includes('keyCertSign')) return [warning('usage', 'its key usage does not allow issuing certificates')]
  return []
}

/** The signature on a self-signed certificate proves nothing either way. */
function signatureProblems({ signature, selfSigned }: X509Details): FitnessProblem[] {
  return !selfSigned && /md5|sha1/i.test(signature) ? [warning('weak-signature', `its issuer signed it with ${signature}, which can be forged`)] : []
}

function error(code: string, message: string): FitnessProblem {
  return { severity: 'error', code, message }
}

function warning(code: string, message: string): FitnessProblem {
  return { severity: 'warning', code, message }
}
