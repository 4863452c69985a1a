/** The chain of records that settles a dispute. */
import { z } from 'zod'
import { FileSource, Limit, Nothing, Slug, Timestamp } from './common.ts'
import { procedure } from './define.ts'
import { Attempt, Delivery } from './deliveries.ts'

/** Append-only; `hash` = SHA-256 over the canonical JSON (RFC 8785) of every other field. */
export const AuditEvent = z.object({
  seq: z.number().int(),
  at: Timestamp,
  /** Who: `cli:<user>`, `window:<user>`, `system`. */
  actor: z.string(),
  /** Groups what one action started; null for none. */
  trace: z.string().nullable(),
  /** `delivery.created`, `trust.pinned`, … */
  type: z.string(),
  subject: z.object({ kind: z.string(), id: z.string() }),
  data: z.record(z.string(), z.unknown()),
  prevHash: z.string(),
  hash: z.string(),
})
export type AuditEvent = z.infer<typeof AuditEvent>

export const AuditVerdict = z.object({
  ok: z.boolean(),
  checked: z.number().int(),
  head: z.string(),
  at: Timestamp,
  /** The first bad record; null when the chain holds. */
  firstBad: z.object({ seq: z.number().int(), problem: z.enum(['changed', 'removed', 'inserted', 'reordered']), explanation: z.string() }).nullable(),
})
export type AuditVerdict = z.infer<typeof AuditVerdict>

/** The life of one file: every delivery that carried it, with its events in order. */
export const Trace = z.object({
  query: z.string(),
  deliveries: z.array(z.object({ delivery: Delivery, attempts: z.array(Attempt) })),
  events: z.array(AuditEvent),
})
export type Trace = z.infer<typeof Trace>

export const audit = {
  /** Newest first; pass the last `seq` as `before` for the next page. */
  list: procedure(
    'read',
    z.object({
      limit: Limit,
      before: z.number().int().optional(),
      since: Timestamp.optional(),
      until: Timestamp.optional(),
      partner: Slug.optional(),
      type: z.string().max(60).optional(),
      search: z.string().max(200).optional(),
    }),
    z.object({ events: z.array(AuditEvent), total: z.number().int() }),
  ),
  /** By file name, content hash, delivery id; a given file is hashed first. */
  trace: procedure('read', z.object({ query: z.string().max(1024).optional(), file: FileSource.optional() }), Trace),
  verify: procedure('read', Nothing, AuditVerdict),
} as const
