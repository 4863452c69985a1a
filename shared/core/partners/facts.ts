/** What other domains may know of partners without reaching into their tables. */
import type { Clock } from '../kernel/clock.ts'
import type { PartnerRepository } from './repository.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import { connectionOf, toleratedOn } from './rules.ts'

export interface PartnerFacts {
  /** Rejects with `input.not_found` when there is no such partner, or no such connection of it. */
  require(partner: string, connection: string | undefined): void
  /** Names of the exceptions that hold now; none for a partner that is not there yet. */
  tolerated(partner: string, connection: string | undefined): readonly string[]
  /** Null for a partner that is not there. */
  find(partner: string): PartnerDocument | null
  /** Every partner that is not removed. */
  all(): readonly PartnerDocument[]
}

const MOST_PARTNERS = 10_000

export function partnerFacts(partners: PartnerRepository, clock: Clock): PartnerFacts {
  return {
    require(partner, connection) {
      const { document } = partners.get(partner)
      if (connection !== undefined) connectionOf(document, connection)
    },
    tolerated(partner, connection) {
      const document = partners.find(partner)?.document
      return document === undefined ? [] : toleratedOn(document, connection, clock.now())
    },
    find: (partner) => partners.find(partner)?.document ?? null,
    all: () => partners.list({ limit: MOST_PARTNERS }).partners.map(({ document }) => document),
  }
}
