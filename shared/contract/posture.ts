/** Posture: what is weak, what has drifted from what was agreed, and what to do first, with proof. Counts and ages; there is no score. */
import { z } from 'zod'
import { Day, Fact, Limit, Nothing, Slug, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'
import { PolicyDiff } from './policy-calls.ts'

export const PostureDomain = z.enum(['crypto', 'lifecycle', 'transport', 'auth', 'secrets', 'flow', 'audit', 'platform'])
export type PostureDomain = z.infer<typeof PostureDomain>

export const PostureScope = z.enum(['platform', 'partner', 'connection', 'flow', 'item'])
export type PostureScope = z.infer<typeof PostureScope>

/** `error`: something is refused, stopped or unsafe now. `warning`: it will be, or safety rests on luck. `info`: worth knowing at the next change. */
export const Severity = z.enum(['error', 'warning', 'info'])
export type Severity = z.infer<typeof Severity>

/** `reappeared` is open again after it was resolved. A suppressed one is not announced and does not count, until its end date. */
export const FindingState = z.enum(['open', 'reappeared', 'suppressed', 'resolved'])
export type FindingState = z.infer<typeof FindingState>

/** What a finding is about. `id` is what `suppress` takes: `acme`, `acme/sftp`, an item's id, `station`, `platform`. */
export const Subject = z.object({ kind: z.enum(['platform', 'station', 'partner', 'connection', 'flow', 'item']), id: z.string(), label: z.string() })
export type Subject = z.infer<typeof Subject>

/** The screen that mends it. Of `settings`, `id` is the card: station, receiver, safekeeping, notifications, workspace. */
export const MendedAt = z.object({ kind: z.enum(['partner', 'partner-form', 'trust', 'flow', 'delivery', 'settings', 'audit', 'deliveries', 'policy']), id: z.string() })
export type MendedAt = z.infer<typeof MendedAt>

export const Suppression = z.object({ reason: z.string(), owner: z.string(), until: Day, at: Timestamp, by: z.string() })
export type Suppression = z.infer<typeof Suppression>

export const Finding = z.object({
  /** The same for the same code, subject and detail, as often as it comes back. */
  id: z.string(),
  code: z.string(),
  domain: PostureDomain,
  scope: PostureScope,
  severity: Severity,
  title: z.string(),
  /** What was found, with names and numbers. */
  message: z.string(),
  /** Why it matters. */
  rationale: z.string(),
  /** Standards and incidents behind the rule. */
  sources: z.array(z.string()),
  suggestion: z.string(),
  subject: Subject,
  partner: Slug.nullable(),
  connection: Slug.nullable(),
  evidence: z.array(Fact),
  /** Deliveries that prove it, newest first, at most 5. */
  deliveries: z.array(z.string()),
  open: MendedAt.nullable(),
  firstSeen: Timestamp,
  lastSeen: Timestamp,
  resolvedAt: Timestamp.nullable(),
  /** How often it came back. */
  reappeared: z.number().int(),
  state: FindingState,
  suppression: Suppression.nullable(),
})
export type Finding = z.infer<typeof Finding>

/** Of what is open; suppressed ones apart. */
export const PostureCounts = z.object({ error: z.number().int(), warning: z.number().int(), info: z.number().int(), suppressed: z.number().int() })
export type PostureCounts = z.infer<typeof PostureCounts>

/** A finding in a list of changes. */
export const FindingRef = z.object({ id: z.string(), code: z.string(), severity: Severity, subject: z.string(), partner: Slug.nullable(), message: z.string() })
export type FindingRef = z.infer<typeof FindingRef>

export const Snapshot = z.object({
  id: z.string(),
  at: Timestamp,
  cause: z.enum(['change', 'delivery', 'daily', 'asked']),
  counts: PostureCounts,
  appeared: z.array(FindingRef),
  resolved: z.array(FindingRef),
})
export type Snapshot = z.infer<typeof Snapshot>

export const PostureRule = z.object({ code: z.string(), domain: PostureDomain, scope: PostureScope, severity: Severity, title: z.string(), rationale: z.string(), sources: z.array(z.string()) })
export type PostureRule = z.infer<typeof PostureRule>

const Filters = z.object({
  partner: Slug.optional(),
  domain: PostureDomain.optional(),
  /** This severity and worse. */
  severity: Severity.optional(),
  code: z.string().max(100).optional(),
  subject: z.string().max(200).optional(),
  /** Left out: open and reappeared. */
  state: z.array(FindingState).max(4).optional(),
})

const SuppressTarget = z.object({ code: z.string().max(100), subject: z.string().max(200) })

export const posture = {
  /** What to do first comes first: by severity, then oldest first. As of the last evaluation. */
  list: procedure('read', Filters.extend({ limit: Limit }), z.object({ findings: z.array(Finding), total: z.number().int(), counts: PostureCounts, evaluatedAt: Timestamp.nullable() })),
  /** Looks at everything now, or at one partner. Changes our own records only; nothing reaches a partner. */
  evaluate: procedure('write', z.object({ partner: Slug.optional() }), z.object({ at: Timestamp, counts: PostureCounts, appeared: z.array(FindingRef), resolved: z.array(FindingRef) })),
  /** Newest first. With a partner: its numbers, and the changes that concern it. */
  history: procedure('read', z.object({ limit: Limit, partner: Slug.optional() }), z.object({ snapshots: z.array(Snapshot), total: z.number().int() })),
  /**
   * What differs from how things stood at a time, or from the approved baseline: the moment at which trust and policy were approved last, under
   * the signature of the lock file. `lines`: what of the approved text is another one now. Rejects with `input.not_found` without either,
   * with `policy.unapproved` when the signature of the approved text does not hold.
   */
  compare: procedure('read', z.object({ at: Timestamp.optional() }), z.object({ from: Timestamp, baseline: z.boolean(), approved: z.object({ by: z.string(), reason: z.string() }).nullable(), appeared: z.array(FindingRef), gone: z.array(FindingRef), same: z.number().int(), lines: PolicyDiff.shape.lines })),
  /** Approves trust and policy as they stand (the lock file, signed): that moment is the baseline from then on. */
  approve: procedure('write', z.object({ by: z.string().min(1).max(200), reason: z.string().min(5).max(500) }), z.object({ at: Timestamp, counts: PostureCounts })),
  /** Every finding of that code about that subject, also one that comes later, up to the end of the day (UTC). Rejects with `input.not_found`. */
  suppress: procedure('write', SuppressTarget.extend({ reason: z.string().min(5).max(500), owner: z.string().min(1).max(200), until: Day }), z.object({ findings: z.array(Finding) })),
  unsuppress: procedure('write', SuppressTarget, z.object({ findings: z.array(Finding) })),
  rules: procedure('read', Nothing, z.object({ rules: z.array(PostureRule) })),
  /** The open findings as a file: JSON, CSV for a spreadsheet, or SARIF 2.1.0. */
  export: procedure('read', Filters.extend({ format: z.enum(['json', 'csv', 'sarif']) }), z.object({ fileName: z.string(), text: z.string() })),
  changed: topic(z.object({ at: Timestamp, counts: PostureCounts })),
} as const
