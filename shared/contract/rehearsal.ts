/** A rollover played through before it happens: six uses, each with the old and the next item, at each moment of the plan. */
import { z } from 'zod'
import { Slug, Timestamp } from './common.ts'

/** The first three are of whoever's item changes, the others of the other side. */
export const RehearsedUse = z.enum(['decrypt', 'sign', 'tls', 'check-messages', 'check-receipts', 'encrypt'])
export type RehearsedUse = z.infer<typeof RehearsedUse>

/** One use while the partner works with one of the two items and no other. */
export const RehearsedCell = z.object({
  use: RehearsedUse,
  with: z.enum(['old', 'next']),
  /** `idle`: nothing of the kind happens at that moment. */
  outcome: z.enum(['works', 'fails', 'idle']),
  /** What was found, in plain words. */
  message: z.string(),
  /** `last-message`: a real message or receipt was opened again. `practice`: a message made for the purpose. */
  proof: z.enum(['last-message', 'practice', 'none']),
})
export type RehearsedCell = z.infer<typeof RehearsedCell>

export const RehearsedMoment = z.object({
  moment: z.enum(['now', 'switch', 'retire', 'at']),
  at: Timestamp,
  /** Six uses × {old, next}. */
  cells: z.array(RehearsedCell),
  /** Failures to be expected as the partner stands by the board today. */
  expected: z.array(RehearsedCell),
  /** One or two sentences. */
  conclusion: z.string(),
})
export type RehearsedMoment = z.infer<typeof RehearsedMoment>

export const Rehearsal = z.object({
  rollover: z.string(),
  partner: Slug,
  connection: Slug,
  /** True when our item changes. */
  ours: z.boolean(),
  /** What the partner has by the board: only the old one, both (it answered), or it was seen with the next. */
  stands: z.enum(['old', 'both', 'next']),
  moments: z.array(RehearsedMoment),
})
export type Rehearsal = z.infer<typeof Rehearsal>
