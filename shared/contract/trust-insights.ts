/** What the inventory means for the exchange: what ends when, what would break, what deserves attention. */
import { z } from 'zod'
import { Limit, Nothing, Slug, Timestamp } from './common.ts'
import { procedure } from './define.ts'
import { Role, TrustKind } from './trust-words.ts'

/** Something that relies on an item. */
export const Use = z.object({ partner: Slug.nullable(), connection: Slug.nullable(), role: Role })
export type Use = z.infer<typeof Use>

/** The end of something that is bound: of a certificate, of one above it, or of the part of an OpenPGP key that serves a role. */
export const ExpiryEntry = z.object({
  item: z.string(),
  label: z.string(),
  kind: TrustKind,
  part: z.enum(['own', 'chain', 'subkey']),
  /** Which certificate or subkey ends. */
  name: z.string(),
  endsAt: Timestamp,
  /** Whole days that are left; negative once it has ended. */
  daysLeft: z.number().int(),
  /** The longest lead time of the partners concerned, days. */
  leadDays: z.number().int(),
  state: z.enum(['later', 'soon', 'due', 'expired']),
  uses: z.array(Use),
})
export type ExpiryEntry = z.infer<typeof ExpiryEntry>

/** What happens to one connection of a partner. */
export const Consequence = z.object({
  item: z.string(),
  label: z.string(),
  partner: Slug,
  connection: Slug,
  role: Role,
  direction: z.enum(['outbound', 'inbound', 'both']),
  /** `breaks`: nothing else serves the role. `partly`: another does, but what still comes with this one is refused. `covered`: another takes over. */
  severity: z.enum(['breaks', 'partly', 'covered']),
  message: z.string(),
  /** The partner's own item, or our station's for everybody. */
  via: z.enum(['partner', 'station']),
})
export type Consequence = z.infer<typeof Consequence>

/** A flow that runs into a consequence, with the runs that would. */
export const AffectedFlow = z.object({
  flow: Slug,
  name: z.string(),
  direction: z.enum(['outbound', 'inbound']),
  partner: Slug,
  connection: Slug,
  severity: z.enum(['breaks', 'partly']),
  paused: z.boolean(),
  /** `Mon to Fri at 08:00, Europe/Berlin`, `when a file appears` … */
  when: z.string(),
  /** The next due times from then on; empty for what does not run at times. */
  nextRuns: z.array(Timestamp),
})
export type AffectedFlow = z.infer<typeof AffectedFlow>

export const TrustFinding = z.object({
  code: z.string(),
  severity: z.enum(['error', 'warning', 'info']),
  message: z.string(),
  suggestion: z.string(),
  items: z.array(z.object({ id: z.string(), label: z.string() })),
  partners: z.array(Slug),
})
export type TrustFinding = z.infer<typeof TrustFinding>

export const trustInsights = {
  /** Ends of what is bound now or later, soonest first. `within` days: only those. */
  expiry: procedure('read', z.object({ limit: Limit, within: z.number().int().min(0).max(36_500).optional(), partner: Slug.optional() }), z.object({ at: Timestamp, entries: z.array(ExpiryEntry), total: z.number().int() })),
  /**
   * The calendar as an address that calendar programs fetch from the window's host: a path with a token that nobody guesses, or null while it
   * is off. `renew` makes a new token, and the old address is of no use any more.
   */
  calendarFeed: procedure('read', Nothing, z.object({ path: z.string().nullable() })),
  setCalendarFeed: procedure('dangerous', z.object({ enabled: z.boolean(), renew: z.boolean().default(false) }), z.object({ path: z.string().nullable() })),
  /** What stands at that address; rejects with `input.not_found` for any other token. */
  calendarByToken: procedure('read', z.object({ token: z.string().max(100) }), z.object({ text: z.string() })),
  /** The same as an iCalendar file (RFC 5545), with reminders at the lead time. */
  calendar: procedure('read', Nothing, z.object({ fileName: z.string(), text: z.string() })),
  /** Without a date: the item is gone now (retired, revoked, lost). With one: as things will stand then. */
  whatIf: procedure(
    'read',
    z.object({ item: z.string().max(100), at: Timestamp.optional() }),
    z.object({ item: z.string(), label: z.string(), at: Timestamp, cause: z.enum(['gone', 'expired', 'still-valid']), consequences: z.array(Consequence), flows: z.array(AffectedFlow) }),
  ),
  /** Everything that will have ended by a date, and what that does. */
  outlook: procedure('read', z.object({ at: Timestamp }), z.object({ at: Timestamp, consequences: z.array(Consequence), flows: z.array(AffectedFlow) })),
  findings: procedure('read', Nothing, z.object({ findings: z.array(TrustFinding) })),
} as const
