/** Whether a key may do something at an instant, and if not, why. Pure: works on summaries. */
import { AppError } from '../../kernel/errors.ts'
import type { PgpCapability, PgpKeyPart, PgpKeySummary, PgpRole } from './key-types.ts'
import { LEAST_RSA_BITS, type PgpAllowances } from './settings.ts'

export type PgpProblemCode = 'revoked' | 'expired' | 'not-yet-valid' | 'weak' | 'defective' | 'not-capable' | 'no-secret' | 'protected'

export interface PgpProblem {
  readonly code: PgpProblemCode
  /** Names the part, and the date or reason. */
  readonly text: string
}

export interface PgpFitness {
  readonly role: PgpRole
  readonly fit: boolean
  /** The part that would be used; with `pgp-verify` and `pgp-decrypt` one of those that count. */
  readonly part: PgpKeyPart | null
  /** Empty when fit. */
  readonly problems: readonly PgpProblem[]
  /** When the fitness ends by itself; null: never, or not fit. */
  readonly until: Date | null
}

const CAPABILITY: Readonly<Record<PgpRole, PgpCapability>> = { 'pgp-sign': 'sign', 'pgp-verify': 'sign', 'pgp-encrypt': 'encrypt', 'pgp-decrypt': 'encrypt' }

export const PGP_ROLES: readonly PgpRole[] = ['pgp-sign', 'pgp-verify', 'pgp-encrypt', 'pgp-decrypt']

/**
 * Judges a key for a role. Decrypting is permitted with expired and revoked parts, as messages are older than the day on which they are
 * opened. Whoever holds a summary of a key that was sealed unprotected gets the same answer as from the key itself.
 */
export function fitnessFor(summary: PgpKeySummary, role: PgpRole, at: Date, allow: PgpAllowances = {}): PgpFitness {
  const capable = summary.parts.filter(({ capabilities }) => capabilities.includes(CAPABILITY[role]))
  const verb = CAPABILITY[role] === 'sign' ? 'signs' : 'encrypts'
  if (capable.length === 0) {
    const [primary] = summary.parts
    const defect = summary.parts.find((part) => part.defect !== null)
    const text = defect === undefined ? `no part of the key ${summary.fingerprint} ${verb}` : `${nameOf(defect)}: ${defect.defect ?? ''}`
    return { role, fit: false, part: primary ?? null, problems: [{ code: defect === undefined ? 'not-capable' : 'defective', text }], until: null }
  }
  const judged = capable.map((part) => ({ part, problems: problemsOf(summary, part, role, at, allow) }))
  // The newest that serves, as GnuPG chooses; otherwise the one that comes closest tells why.
  const byAge = judged.toSorted((left, right) => right.part.created.getTime() - left.part.created.getTime())
  const best = byAge.find(({ problems }) => problems.length === 0)
  if (best !== undefined) return { role, fit: true, part: best.part, problems: [], until: role === 'pgp-decrypt' ? null : endOf(summary, best.part) }
  const nearest = byAge.toSorted((left, right) => left.problems.length - right.problems.length)[0]
  return { role, fit: false, part: nearest?.part ?? null, problems: nearest?.problems ?? [], until: null }
}

/** Every problem of one part for a role at an instant. */
export function problemsOf(summary: PgpKeySummary, part: PgpKeyPart, role: PgpRole, at: Date, allow: PgpAllowances = {}): PgpProblem[] {
  const needsSecret = role === 'pgp-sign' || role === 'pgp-decrypt'
  const [primary] = summary.parts
  const judged = primary === undefined || part.primary ? [part] : [primary, part]
  const problems: PgpProblem[] = []
  for (const each of judged) {
    if (each.defect !== null) problems.push({ code: 'defective', text: `${nameOf(each)}: ${each.defect}` })
    if (role !== 'pgp-decrypt') problems.push(...problemsInTime(each, at))
  }
  const weak = weaknessOf(part, allow)
  if (weak !== null && role !== 'pgp-decrypt') problems.push({ code: 'weak', text: `${nameOf(part)}: ${weak}` })
  if (needsSecret && (part.secret === 'none' || part.secret === 'stub')) problems.push({ code: 'no-secret', text: `${nameOf(part)}: its secret is not here` })
  if (needsSecret && part.secret === 'protected') problems.push({ code: 'protected', text: `${nameOf(part)}: its passphrase was not given` })
  return problems
}

function problemsInTime(part: PgpKeyPart, at: Date): PgpProblem[] {
  const problems: PgpProblem[] = []
  if (part.revoked !== null) {
    const { reason, text, at: since } = part.revoked
    problems.push({ code: 'revoked', text: `${nameOf(part)} was revoked on ${since.toISOString()} (${reason === 'none' ? 'no reason given' : reason}${text === '' ? '' : `: ${text}`})` })
  }
  if (part.created > at) problems.push({ code: 'not-yet-valid', text: `${nameOf(part)} begins on ${part.created.toISOString()}` })
  if (part.expires !== null && part.expires <= at) problems.push({ code: 'expired', text: `${nameOf(part)} expired on ${part.expires.toISOString()}` })
  return problems
}

function weaknessOf(part: PgpKeyPart, allow: PgpAllowances): string | null {
  const least = allow.minRsaBits ?? LEAST_RSA_BITS
  if (part.algorithm.startsWith('rsa')) return (part.bits ?? 0) < least ? `RSA with ${part.bits ?? 0} bits, at least ${least} are needed` : null
  if (/^(dsa|elgamal)/.test(part.algorithm)) return `${part.algorithm} is no longer safe`
  return null
}

function endOf(summary: PgpKeySummary, part: PgpKeyPart): Date | null {
  const ends = [summary.parts[0]?.expires, part.expires].flatMap((date) => (date ? [date.getTime()] : []))
  return ends.length === 0 ? null : new Date(Math.min(...ends))
}

function nameOf(part: PgpKeyPart): string {
  return `${part.primary ? 'key' : 'subkey'} ${part.fingerprint}`
}

/** The error for what makes a key unfit. */
export function unfit(summary: PgpKeySummary, problems: readonly PgpProblem[]): AppError {
  const codes = new Set(problems.map(({ code }) => code))
  const code = codes.has('revoked') ? 'pgp.key_revoked' : codes.has('expired') ? 'pgp.key_expired' : codes.has('weak') ? 'pgp.weak_algorithm' : codes.has('protected') ? 'key.passphrase_needed' : 'pgp.key_unusable'
  return new AppError(code, problems.map(({ text }) => text).join('; '), { details: { key: summary.fingerprint, owner: summary.userIds[0]?.text ?? '' } })
}
