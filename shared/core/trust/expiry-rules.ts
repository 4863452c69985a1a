/** What ends when, and when that is said. Pure. */
import type { ExpiryEntry, Use } from '../../contract/trust-insights.ts'
import type { Binding, TrustItem } from '../../contract/trust.ts'
import type { PgpRole } from '../crypto/openpgp/index.ts'
import { pgpEnds } from './pgp-fitness.ts'
import { isPending } from './rules.ts'

export const DAY_MS = 86_400_000
/** Days before the end at which it is said; below the last one daily, after the end too. */
export const THRESHOLDS: readonly number[] = [60, 30, 14, 7, 3, 1]
export const DEFAULT_LEAD_DAYS = 30

interface End {
  readonly part: ExpiryEntry['part']
  readonly name: string
  readonly endsAt: string
  readonly bindings: readonly Binding[]
}

/** Ends of one item that is bound; nothing for what is not. */
export function entriesOf(item: TrustItem, now: number, leadOf: (partner: string | null) => number): ExpiryEntry[] {
  const bindings = item.bindings.filter((binding) => isPending(binding, now))
  if (bindings.length === 0 || item.state === 'retired') return []
  return endsOf(item, bindings, now)
    // A binding that ends before the item does needs no new item.
    .map((end) => ({ ...end, bindings: end.bindings.filter(({ activeUntil }) => activeUntil === null || activeUntil > end.endsAt || Date.parse(end.endsAt) <= now) }))
    .filter((end) => end.bindings.length > 0)
    .map(({ part, name, endsAt, bindings: concerned }) => {
      const daysLeft = Math.floor((Date.parse(endsAt) - now) / DAY_MS)
      const leadDays = Math.max(...concerned.map(({ partner }) => leadOf(partner)))
      return { item: item.id, label: item.label, kind: item.kind, part, name, endsAt, daysLeft, leadDays, state: stateOf(daysLeft, leadDays), uses: usesOf(concerned) }
    })
}

function endsOf(item: TrustItem, bindings: readonly Binding[], now: number): End[] {
  if (item.pgp !== null) {
    const ends = new Map<string, End>()
    for (const binding of bindings) {
      const end = pgpEnds(item.pgp, binding.role as PgpRole, now)
      if (end === null) continue
      const known = ends.get(end.name)
      ends.set(end.name, { part: end.primary ? 'own' : 'subkey', name: end.name, endsAt: end.endsAt, bindings: [...(known?.bindings ?? []), binding] })
    }
    return [...ends.values()]
  }
  if (item.notAfter === null) return []
  const above = item.x509?.chain.map(({ subject, notAfter }): End => ({ part: 'chain', name: subject, endsAt: notAfter, bindings })) ?? []
  return [{ part: 'own', name: item.x509?.subject ?? item.label, endsAt: item.notAfter, bindings }, ...above]
}

function usesOf(bindings: readonly Binding[]): Use[] {
  return bindings.map(({ partner, connection, role }) => ({ partner, connection, role }))
}

function stateOf(daysLeft: number, leadDays: number): ExpiryEntry['state'] {
  if (daysLeft < 0) return 'expired'
  if (daysLeft <= leadDays) return 'due'
  return daysLeft <= Math.max(leadDays, THRESHOLDS[0] ?? 0) ? 'soon' : 'later'
}

/**
 * The step at which an entry stands, or null when nothing is to be said yet: `60` … `1`, then one a day. "At most", not "equal": a
 * computer that was off on the day says it when it is on again, and says the newest step only.
 */
export function stepOf({ daysLeft, leadDays, endsAt }: Pick<ExpiryEntry, 'daysLeft' | 'leadDays' | 'endsAt'>, now: number): string | null {
  if (daysLeft < 1) return `day ${new Date(now).toISOString().slice(0, 10)} of ${endsAt}`
  const steps = [...new Set([...THRESHOLDS, leadDays])].toSorted((left, right) => left - right)
  const reached = steps.find((step) => daysLeft <= step)
  return reached === undefined ? null : `${reached} days before ${endsAt}`
}

export function expiryText({ label, part, name, daysLeft, endsAt, uses }: ExpiryEntry): { title: string; body: string } {
  const what = part === 'own' ? label : `${label}: ${part === 'chain' ? 'the certificate above it' : 'its subkey'} ${name}`
  const when = daysLeft < 0 ? `expired on ${endsAt.slice(0, 10)}` : daysLeft === 0 ? 'expires today' : `expires in ${daysLeft} ${daysLeft === 1 ? 'day' : 'days'}`
  const partners = [...new Set(uses.map(({ partner }) => partner ?? 'all partners'))]
  return { title: `${what} ${when}`, body: `Used for ${partners.join(', ')} (${[...new Set(uses.map(({ role }) => role))].join(', ')}).` }
}
