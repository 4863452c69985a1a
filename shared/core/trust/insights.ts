/** Questions about the whole inventory: what ends, what would break, what deserves attention. */
import type { AffectedFlow, Consequence, ExpiryEntry, TrustFinding } from '../../contract/trust-insights.ts'
import type { TrustItem } from '../../contract/trust.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import type { PartnerFacts } from '../partners/facts.ts'
import { affectedFlows, createUses, type FlowAtTime } from './affected-flows.ts'
import { calendarOf } from './calendar.ts'
import { consequencesOf, consequencesOfTime, isUnfit, type World } from './consequences.ts'
import { DEFAULT_LEAD_DAYS, entriesOf } from './expiry-rules.ts'
import { findingsOf } from './findings.ts'
import type { TrustRepository } from './repository.ts'

export interface WhatIf {
  readonly item: string
  readonly label: string
  readonly at: string
  readonly cause: 'gone' | 'expired' | 'still-valid'
  readonly consequences: Consequence[]
  readonly flows: AffectedFlow[]
}

export type Insights = ReturnType<typeof createInsights>

export function createInsights({ repository, partners, flows, clock }: { readonly repository: TrustRepository; readonly partners: PartnerFacts; readonly flows: () => readonly FlowAtTime[]; readonly clock: Clock }) {
  const worldAt = (at: number): World => {
    const all = partners.all()
    return { partners: all, items: repository.boundItems(), at, tolerated: (partner, connection) => partners.tolerated(partner, connection), uses: createUses(flows, all) }
  }

  const entries = (partner?: string): ExpiryEntry[] => {
    const lead = new Map(partners.all().map(({ id, leadDays }) => [id, leadDays ?? DEFAULT_LEAD_DAYS]))
    const longest = Math.max(DEFAULT_LEAD_DAYS, ...lead.values())
    // What is our station's has to be agreed with every partner.
    const leadOf = (id: string | null): number => (id === null ? longest : (lead.get(id) ?? DEFAULT_LEAD_DAYS))
    return repository
      .boundItems()
      .flatMap((item) => entriesOf(item, clock.now(), leadOf))
      .filter(({ uses }) => partner === undefined || uses.some((use) => use.partner === partner || use.partner === null))
      .toSorted((left, right) => left.endsAt.localeCompare(right.endsAt) || left.item.localeCompare(right.item))
  }

  const flowsOf = (consequences: readonly Consequence[], at: number): AffectedFlow[] =>
    consequences.length === 0 ? [] : affectedFlows(consequences, flows(), at, partners.all())

  /** What would stop if the item were gone now. */
  const ifGone = (item: TrustItem): Consequence[] => consequencesOf(item, worldAt(clock.now()))

  return {
    entries,
    ifGone,

    expiry(query: { limit: number; within?: number | undefined; partner?: string | undefined }): { at: string; entries: ExpiryEntry[]; total: number } {
      const { within } = query
      const all = entries(query.partner).filter(({ daysLeft }) => within === undefined || daysLeft <= within)
      return { at: timestamp(clock.now()), entries: all.slice(0, query.limit), total: all.length }
    },

    calendar: (): { fileName: string; text: string } => ({ fileName: 'waybill-expiry.ics', text: calendarOf(entries(), timestamp(clock.now())) }),

    whatIf(id: string, at: string | undefined): WhatIf {
      const { item } = repository.get(id)
      const facts = { item: id, label: item.label, at: at ?? timestamp(clock.now()) }
      if (at === undefined) {
        const consequences = ifGone(item)
        return { ...facts, cause: 'gone', consequences, flows: flowsOf(consequences, clock.now()) }
      }
      const world = worldAt(Date.parse(at))
      const consequences = consequencesOf(item, world).filter(({ partner, connection, role }) => isUnfit(item, role, partner, connection, world))
      const over = item.notAfter !== null && Date.parse(item.notAfter) <= world.at
      return { ...facts, cause: over || consequences.length > 0 ? 'expired' : 'still-valid', consequences, flows: flowsOf(consequences, Math.max(world.at, clock.now())) }
    },

    outlook(at: string): { at: string; consequences: Consequence[]; flows: AffectedFlow[] } {
      const consequences = consequencesOfTime(worldAt(Date.parse(at)))
      return { at, consequences, flows: flowsOf(consequences, Math.max(Date.parse(at), clock.now())) }
    },

    findings: (): TrustFinding[] => findingsOf(repository.boundItems(), clock.now(), (partner, connection) => partners.tolerated(partner, connection)),
  }
}
