/** The planned change from one item to the next, partner by partner, with proof from traffic. */
import { z } from 'zod'
import { Limit, Nothing, Slug, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'
import { Rehearsal } from './rehearsal.ts'
import { Role } from './trust-words.ts'

/** Where one partner stands. Times are null until the step is reached. */
export const RolloverPartner = z.object({
  partner: Slug,
  roles: z.array(Role),
  prepared: Timestamp,
  sent: Timestamp.nullable(),
  acknowledged: Timestamp.nullable(),
  /** The next item was seen in real traffic with the partner. */
  firstSeen: Timestamp.nullable(),
  /** The delivery that proves it. */
  proof: z.string().nullable(),
  /** The old one was last seen in real traffic. */
  oldLastSeen: Timestamp.nullable(),
  oldRetired: z.boolean(),
  step: z.enum(['prepared', 'sent', 'acknowledged', 'in-use', 'retired']),
})
export type RolloverPartner = z.infer<typeof RolloverPartner>

export const Rollover = z.object({
  id: z.string(),
  old: z.object({ id: z.string(), label: z.string(), fingerprint: z.string() }),
  next: z.object({ id: z.string(), label: z.string(), fingerprint: z.string() }),
  /** True when it is our own key that changes. */
  ours: z.boolean(),
  createdAt: Timestamp,
  announceAt: Timestamp.nullable(),
  /** From then on we sign with, encrypt to or show the next one; null: as soon as the partner is seen to use it. */
  switchAt: Timestamp.nullable(),
  retireAt: Timestamp.nullable(),
  state: z.enum(['running', 'done', 'cancelled']),
  partners: z.array(RolloverPartner),
})
export type Rollover = z.infer<typeof Rollover>

export const rollover = {
  /**
   * Both items serve at once from now on: what comes in is accepted with either, what goes out changes at `switchAt`. All bindings of the old
   * item are taken over, for every partner or only one. Rejects with `trust.unfit` when the next item cannot do the old one's work.
   */
  plan: procedure(
    'dangerous',
    z.object({ old: z.string().max(100), next: z.string().max(100), partner: Slug.optional(), announceAt: Timestamp.optional(), switchAt: Timestamp.optional(), retireAt: Timestamp.optional() }),
    Rollover,
  ),
  list: procedure('read', z.object({ limit: Limit }), z.object({ rollovers: z.array(Rollover), total: z.number().int() })),
  show: procedure('read', z.object({ id: z.string().max(100) }), Rollover),
  /** Without a partner: everyone concerned. */
  mark: procedure('write', z.object({ id: z.string().max(100), partner: Slug.optional(), step: z.enum(['sent', 'acknowledged']) }), Rollover),
  /** The text that tells a partner about the change, and for one of ours the card that goes along; its words are told by phone. */
  mail: procedure(
    'read',
    z.object({ id: z.string().max(100), partner: Slug }),
    z.object({ subject: z.string(), body: z.string(), card: z.object({ fileName: z.string(), text: z.string(), words: z.array(z.string()) }).nullable() }),
  ),
  /**
   * Plays the plan through with our own library in the partner's part, for every partner concerned or one: what works and what would fail, now,
   * after the switch and after the end of the old item, or at one time. Changes nothing.
   */
  rehearse: procedure('read', z.object({ id: z.string().max(100), partner: Slug.optional(), at: Timestamp.optional() }), z.object({ rehearsals: z.array(Rehearsal) })),
  /** Does what time and traffic ask for: the switch at first use, the end of the old item. A running service does so by itself. */
  check: procedure('write', Nothing, z.object({ changed: z.number().int() })),
  /**
   * Ends the old item now, wherever it stands, with the next one in its place. Refused (`input.conflict`) while partners were not seen with the
   * next one, unless `anyway`.
   */
  finish: procedure('dangerous', z.object({ id: z.string().max(100), anyway: z.boolean().default(false) }), Rollover),
  /** The next item's bindings end; the old one serves on as before. */
  cancel: procedure('dangerous', z.object({ id: z.string().max(100) }), Rollover),
  changed: topic(z.object({ id: z.string() })),
} as const
