/** Trust and policy as text: what holds with a partner, who reviewed it, what was approved, and what has changed since. */
import { z } from 'zod'
import { Day, Fact, Nothing, Slug, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'
import { ExceptionState } from './policy.ts'
import { Assurance, FitnessProblem } from './trust-details.ts'
import { Role } from './trust-words.ts'

/** What is agreed on one connection, in words. */
export const ConnectionPolicy = z.object({ connection: Slug, protocol: z.string(), rules: z.array(Fact), exceptions: z.array(ExceptionState) })
export type ConnectionPolicy = z.infer<typeof ConnectionPolicy>

/** One role of one connection: what policy asks, what is bound, what traffic showed. */
export const RoleReview = z.object({
  connection: Slug,
  role: Role,
  asked: z.string(),
  bound: z.array(z.object({ item: z.string(), label: z.string(), fingerprint: z.string(), assurance: Assurance, via: z.enum(['partner', 'station']), activeFrom: Timestamp, activeUntil: Timestamp.nullable(), problems: z.array(FitnessProblem) })),
  /** What was really negotiated at the last attempt, as far as it concerns the role. */
  seen: z.array(Fact),
  verdict: z.enum(['ok', 'warning', 'missing']),
})
export type RoleReview = z.infer<typeof RoleReview>

export const Review = z.object({
  partner: Slug,
  roles: z.array(RoleReview),
  last: z.object({ at: Timestamp, by: z.string(), note: z.string().nullable(), due: Day }).nullable(),
  overdue: z.boolean(),
})
export type Review = z.infer<typeof Review>

export const Approval = z.object({ at: Timestamp, by: z.string(), reason: z.string(), sha256: z.string(), signature: z.string(), publicKey: z.string() })
export type Approval = z.infer<typeof Approval>

export const PolicyDiff = z.object({
  approved: Approval.nullable(),
  /** False when the signature of the approved text does not verify. */
  signatureValid: z.boolean(),
  changed: z.boolean(),
  lines: z.array(z.object({ change: z.enum(['added', 'removed']), text: z.string() })),
})
export type PolicyDiff = z.infer<typeof PolicyDiff>

export const policy = {
  show: procedure('read', z.object({ partner: Slug }), z.object({ partner: Slug, hardened: z.boolean(), connections: z.array(ConnectionPolicy) })),
  state: procedure('read', Nothing, z.object({ hardened: z.boolean() })),
  review: procedure('read', z.object({ partner: Slug }), Review),
  /** A person looked at every role of the partner. Without a date the next review is due in a year. */
  recordReview: procedure('write', z.object({ partner: Slug, by: z.string().min(1).max(200), note: z.string().max(1000).optional(), due: Day.optional() }), Review),
  /** Canonical, sorted text of all trust and policy. */
  lock: procedure('read', Nothing, z.object({ text: z.string(), sha256: z.string() })),
  /** Against the text that was approved last. */
  diff: procedure('read', Nothing, PolicyDiff),
  /** Signs the present text with the workspace's key. `sha256` of the text that was looked at guards against changes in between. */
  approve: procedure('dangerous', z.object({ by: z.string().min(1).max(200), reason: z.string().min(5).max(500), sha256: z.string().optional() }), Approval),
  /** In hardened mode nothing is exchanged with a partner whose trust or policy differs from what was approved. */
  setHardened: procedure('dangerous', z.object({ on: z.boolean() }), z.object({ hardened: z.boolean() })),
  changed: topic(z.object({ hardened: z.boolean() })),
} as const
