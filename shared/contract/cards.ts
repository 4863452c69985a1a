/** Partner cards: one file with what the other side needs of us, and theirs taken over with a look at what it changes. */
import { z } from 'zod'
import { FileSource, Slug, Timestamp } from './common.ts'
import { As2Id, As2Url } from './connections/as2.ts'
import { procedure } from './define.ts'
import { Role, TrustKind } from './trust-words.ts'

/** Public things only. Roles are those that an item has for whoever receives the card. */
export const PartnerCard = z.strictObject({
  format: z.literal('waybill-card-1'),
  name: z.string().min(1).max(200),
  createdAt: Timestamp,
  contacts: z.array(z.strictObject({ name: z.string().max(200), email: z.string().max(320).optional(), phone: z.string().max(60).optional(), role: z.string().max(100).optional() })).max(50),
  as2: z.strictObject({ id: As2Id, url: As2Url.optional(), email: z.string().max(320).optional() }).optional(),
  items: z.array(z.strictObject({ kind: TrustKind, roles: z.array(Role).min(1).max(13), label: z.string().max(200), fingerprint: z.string().max(200), public: z.string().max(200_000), notAfter: Timestamp.nullable() })).max(50),
})
export type PartnerCard = z.infer<typeof PartnerCard>

export const CardChange = z.object({ what: z.string(), before: z.string().nullable(), after: z.string() })
export type CardChange = z.infer<typeof CardChange>

export const CardPreview = z.object({
  card: PartnerCard,
  /** Six words over the whole card but its date: both sides compare them by phone. */
  words: z.array(z.string()),
  /** The partner that it would change, or null: a new one. */
  partner: Slug.nullable(),
  changes: z.array(CardChange),
})
export type CardPreview = z.infer<typeof CardPreview>

export const cards = {
  /** Ours for a partner: our station, and the public halves of what we use towards it. */
  create: procedure('read', z.object({ partner: Slug }), z.object({ fileName: z.string(), text: z.string(), words: z.array(z.string()), card: PartnerCard })),
  /** What taking a card over would change. Without a partner: the one with its AS2 identifier. */
  read: procedure('read', z.object({ source: FileSource, partner: Slug.optional() }), CardPreview),
  /**
   * Takes it over: the AS2 connection, contacts of a new partner, and its items, bound beside those that are bound already. `words` that were
   * compared by phone make it confirmed; other ones reject with `card.differs`.
   */
  accept: procedure(
    'dangerous',
    z.object({ source: FileSource, partner: Slug.optional(), words: z.array(z.string().max(40)).max(12).optional(), person: z.string().min(1).max(200).optional() }),
    z.object({ partner: Slug, created: z.boolean(), items: z.array(z.string()) }),
  ),
} as const
