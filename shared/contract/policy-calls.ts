/** Trust and policy as text: what holds with a partner, who reviewed it, what was approved, and what has changed since. */
import { z } from 'zod'
import { Day, Fact, Nothing, Slug, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'
import { Policy, PolicyChange } from './policy-document.ts'
import { Exception, ExceptionState } from './policy.ts'
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

/** When a partner was reviewed last. */
export const ReviewSummary = z.object({ partner: Slug, name: z.string(), at: Timestamp.nullable(), by: z.string().nullable(), due: Day.nullable(), overdue: z.boolean() })
export type ReviewSummary = z.infer<typeof ReviewSummary>

/** What the policy refused on a connection; `rule` is a rule of the policy, or the code of the refusal where a protocol was faster. */
export const PolicyRefusal = z.object({
  partner: Slug, connection: z.string(), direction: z.string(), rule: z.string(), seen: z.string(), asked: z.string(), exception: z.string().nullable(),
  firstAt: Timestamp, lastAt: Timestamp, times: z.number().int(), delivery: z.string().nullable(),
})
export type PolicyRefusal = z.infer<typeof PolicyRefusal>

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
  /** `document` is what differs for this partner, `effective` what holds. */
  show: procedure('read', z.object({ partner: Slug }), z.object({ partner: Slug, hardened: z.boolean(), document: PolicyChange, effective: Policy, connections: z.array(ConnectionPolicy), refusals: z.array(PolicyRefusal) })),
  /** The policy for everyone: what differs from what Waybill starts with, and what that comes to. */
  everyone: procedure('read', Nothing, z.object({ document: PolicyChange, effective: Policy })),
  /** Replaces what differs: for everyone, or for one partner. */
  apply: procedure('dangerous', z.object({ partner: Slug.optional(), document: z.unknown().optional() }), z.object({ document: PolicyChange, effective: Policy, changed: z.boolean() })),
  /** One weakness tolerated for a while. It must not have ended. */
  addException: procedure('dangerous', z.object({ partner: Slug, exception: Exception }), z.object({ exceptions: z.array(ExceptionState) })),
  /** Takes an exception away before its end. */
  endException: procedure('dangerous', z.object({ partner: Slug, allow: Exception.shape.allow, connection: Slug.optional() }), z.object({ exceptions: z.array(ExceptionState), ended: z.number().int() })),
  state: procedure('read', Nothing, z.object({ hardened: z.boolean() })),
  review: procedure('read', z.object({ partner: Slug }), Review),
  /** Of every partner, the most urgent first. */
  reviews: procedure('read', Nothing, z.object({ reviews: z.array(ReviewSummary) })),
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
  /** Something was refused on a connection of the partner. */
  refused: topic(z.object({ partner: Slug })),
} as const
