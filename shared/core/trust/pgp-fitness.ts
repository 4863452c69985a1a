/** OpenPGP keys against their roles: the library judges, in the words of the inventory. Pure. */
import type { FitnessProblem, PgpDetails } from '../../contract/trust-details.ts'
import { fitnessFor, type PgpAllowances, type PgpKeySummary, type PgpRole } from '../crypto/openpgp/index.ts'

const LEAST_RSA_BITS_TOLERATED = 1024

export function pgpProblems(details: PgpDetails, role: PgpRole, { at, tolerated }: { readonly at: number; readonly tolerated: readonly string[] }): FitnessProblem[] {
  const { problems } = fitnessFor(summaryOf(details), role, new Date(at), allowancesOf(tolerated))
  return [
    ...problems.map(({ code, text }) => ({ severity: 'error' as const, code, message: text })),
    ...details.warnings.map((warning) => ({ severity: 'warning' as const, code: warning, message: WARNINGS[warning] ?? warning })),
  ]
}

/** When the part that serves a role ends, or did; null: never, or nothing serves it for another reason. */
export function pgpEnds(details: PgpDetails, role: PgpRole, now: number): { readonly name: string; readonly primary: boolean; readonly endsAt: string } | null {
  // What was encrypted to an expired key still opens, but nobody can encrypt to it any more.
  const asked = role === 'pgp-decrypt' ? 'pgp-encrypt' : role === 'pgp-sign' ? 'pgp-verify' : role
  const { part } = fitnessFor(summaryOf(details), asked, new Date(now), { minRsaBits: LEAST_RSA_BITS_TOLERATED })
  const [primary] = details.parts
  if (part === null || primary === undefined || part.revoked !== null) return null
  const own = part.expires?.toISOString() ?? null
  const ends = [own, primary.expires].filter((end) => end !== null).toSorted()
  const [endsAt] = ends
  if (endsAt === undefined) return null
  const byPrimary = part.primary || endsAt !== own
  return { name: byPrimary ? primary.fingerprint : part.fingerprint, primary: byPrimary, endsAt }
}

/** What the names of exceptions mean to the library. */
export function allowancesOf(tolerated: readonly string[]): PgpAllowances {
  return {
    noIntegrity: tolerated.includes('pgp-legacy'),
    tripleDes: tolerated.includes('pgp-legacy'),
    sha1: tolerated.includes('pgp-sha1'),
    ...(tolerated.includes('rsa-1024') ? { minRsaBits: LEAST_RSA_BITS_TOLERATED } : {}),
  }
}

const WARNINGS: Readonly<Record<string, string>> = {
  'sha1-self-signature': 'its owner certified it with SHA-1, which can be forged',
  'no-valid-user-id': 'no name on it is certified by the key itself',
}

/** Dates are kept as text. */
function summaryOf(details: PgpDetails): PgpKeySummary {
  return {
    ...details,
    fingerprint: details.parts[0]?.fingerprint ?? '',
    parts: details.parts.map((part) => ({
      ...part,
      created: new Date(part.created),
      expires: part.expires === null ? null : new Date(part.expires),
      revoked: part.revoked === null ? null : { ...part.revoked, at: new Date(part.revoked.at) },
    })),
  }
}
