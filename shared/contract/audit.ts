/** The chain of records that settles a dispute. */
import { z } from 'zod'
import { FileSource, Limit, Nothing, Sha256, Slug, Timestamp } from './common.ts'
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

/**
 * The head of the chain at one moment, signed: kept where whoever changes the chain cannot reach it, it proves that every record up to
 * `seq` is the one that stood there.
 */
export const Anchor = z.object({
  form: z.literal('waybill-anchor-1'),
  workspace: z.string().max(100),
  seq: z.number().int().min(0),
  head: Sha256,
  at: Timestamp,
  /** Ed25519, SPKI in PEM, and the signature over the canonical JSON of every other field in Base64. */
  publicKey: z.string().max(1000),
  signature: z.string().max(200),
})
export type Anchor = z.infer<typeof Anchor>

export const AnchorVerdict = z.object({
  ok: z.boolean(),
  anchor: Anchor,
  /** Records that were added since. */
  since: z.number().int(),
  /** In words; null when the anchor holds. */
  problem: z.string().nullable(),
})
export type AnchorVerdict = z.infer<typeof AnchorVerdict>

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
  /** The present head of the chain, signed, to be kept elsewhere; `text` is the whole file. `file`: written there too (command line), must not exist. */
  anchor: procedure('write', z.object({ file: FileSource.optional() }), z.object({ anchor: Anchor, text: z.string(), fileName: z.string() })),
  /** Whether the chain still is the one of that moment. Walks all of it. Rejects with `input.invalid` when the text is no anchor. */
  checkAnchor: procedure('read', z.object({ text: z.string().max(10_000) }), AnchorVerdict),
} as const
