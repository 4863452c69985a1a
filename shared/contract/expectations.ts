/** Expectations: a file should arrive or leave by a time; its absence is an event, and can be stated under our signature. */
import { z } from 'zod'
import { Limit, Nothing, Slug, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'
import { Schedule } from './schedules.ts'

const Patterns = z.array(z.string().min(1).max(255)).max(50)
const Minutes = z.number().int().min(0).max(44_640)
const Bytes = z.number().int().min(0)

export const ExpectationDocument = z
  .strictObject({
    $schema: z.string().optional(),
    id: Slug,
    name: z.string().min(1).max(200).meta({ title: 'Name', examples: ['Orders from Acme'] }),
    direction: z.enum(['inbound', 'outbound']).meta({ title: 'Direction', description: 'inbound: it should arrive. outbound: it should leave.' }),
    partner: Slug.meta({ title: 'Partner' }),
    connection: Slug.optional().meta({ title: 'Connection', description: 'Left out: any connection of the partner.' }),
    flow: Slug.optional().meta({ title: 'Flow', description: 'Left out: whatever brings or sends it.' }),
    files: Patterns.min(1).default(['*']).meta({ title: 'Files', description: 'Patterns with * and ?. What fits none is not meant.' }),
    names: Patterns.default([]).meta({ title: 'Right names', description: 'What fits "Files" but none of these came under a wrong name. {date} is the due day as 20261231, {day} as 2026-12-31.' }),
    by: Schedule.meta({ title: 'By' }),
    earlyMinutes: Minutes.min(1).default(720).meta({ title: 'Counts from (min before)', description: 'Earlier files belong to the time before.' }),
    graceMinutes: Minutes.default(15).meta({ title: 'Grace (min)', description: 'Nobody is told before it is over.' }),
    count: z
      .strictObject({ atLeast: z.number().int().min(1).max(100_000).default(1).meta({ title: 'At least' }), atMost: z.number().int().min(1).max(100_000).optional().meta({ title: 'At most' }) })
      .prefault({})
      .meta({ title: 'How many files' }),
    size: z
      .strictObject({ atLeast: Bytes.optional().meta({ title: 'At least (bytes)' }), atMost: Bytes.optional().meta({ title: 'At most (bytes)' }) })
      .prefault({})
      .meta({ title: 'How large each' }),
    enabled: z.boolean().default(true).meta({ title: 'Watched', description: 'Otherwise nothing is expected for now.' }),
    except: Patterns.default([]).meta({ title: 'But not', advanced: true }),
    notes: z.string().max(5000).optional().meta({ title: 'Notes', advanced: true, description: 'Whom to call when nothing comes.' }),
  })
  .superRefine(({ count, size }, context) => {
    if (count.atMost !== undefined && count.atMost < count.atLeast) context.addIssue({ code: 'custom', path: ['count', 'atMost'], message: 'it is less than "at least"' })
    if (size.atLeast !== undefined && size.atMost !== undefined && size.atMost < size.atLeast) context.addIssue({ code: 'custom', path: ['size', 'atMost'], message: 'it is less than "at least"' })
  })
  .meta({ title: 'Waybill expectation', description: 'A file that should arrive or leave by a time.' })
export type ExpectationDocument = z.infer<typeof ExpectationDocument>

/**
 * `waiting` its time is not over · `met` · `late` complete after the grace period · `missing` none or too few ·
 * `wrong` something came, but not as agreed: too many, a wrong size or name, or held.
 */
export const CaseState = z.enum(['waiting', 'met', 'late', 'missing', 'wrong'])
export type CaseState = z.infer<typeof CaseState>

export const ExpectedFile = z.object({
  delivery: z.string(),
  name: z.string(),
  size: z.number().int(),
  at: Timestamp,
  /** What is wrong with it; null when it is as agreed. */
  problem: z.string().nullable(),
})
export type ExpectedFile = z.infer<typeof ExpectedFile>

/** One due time of an expectation. */
export const ExpectationCase = z.object({
  expectation: Slug,
  due: Timestamp,
  /** Files count from here … */
  from: Timestamp,
  /** … to here in time, the grace period included … */
  deadline: Timestamp,
  /** … and to here as late ones. */
  until: Timestamp,
  state: CaseState,
  /** `1 of 2 files`, in words. */
  reason: z.string(),
  files: z.array(ExpectedFile),
  /** How often the partner's folder was looked at from `from` to now or `until`; null for what is not collected by looking. */
  looks: z.object({ total: z.number().int(), failed: z.number().int(), lastAt: Timestamp.nullable() }).nullable(),
  changedAt: Timestamp,
})
export type ExpectationCase = z.infer<typeof ExpectationCase>

export const ExpectationSummary = z.object({
  id: Slug,
  name: z.string(),
  document: ExpectationDocument,
  /** In words: `every day at 08:00, Europe/Berlin`. */
  when: z.string(),
  nextDueAt: Timestamp.nullable(),
  /** The case that is open now or was the last. */
  current: ExpectationCase.nullable(),
  updatedAt: Timestamp,
})
export type ExpectationSummary = z.infer<typeof ExpectationSummary>

export const ExpectationDetail = z.object({ summary: ExpectationSummary, next: z.array(Timestamp), cases: z.array(ExpectationCase) })
export type ExpectationDetail = z.infer<typeof ExpectationDetail>

/** What a statement of absence turned out to be when it was checked. */
export const StatementVerdict = z.object({
  ok: z.boolean(),
  /** Why not; empty when it holds. */
  problems: z.array(z.string()),
  text: z.string(),
  workspace: z.string(),
  signedAt: z.string(),
  /** SHA-256 of the public key (SPKI), hex: compare it with the one that the signer tells. */
  key: z.string(),
})
export type StatementVerdict = z.infer<typeof StatementVerdict>

const Id = z.object({ id: Slug })

export const expectations = {
  list: procedure('read', z.object({ limit: Limit, partner: Slug.optional(), flow: Slug.optional() }), z.object({ expectations: z.array(ExpectationSummary), total: z.number().int(), attention: z.number().int() })),
  show: procedure('read', Id, ExpectationDetail),
  check: procedure('read', z.object({ document: z.unknown().optional() }), z.object({ document: ExpectationDocument, next: z.array(Timestamp), when: z.string() })),
  /** Validates; applying the same document twice changes nothing. */
  apply: procedure('write', z.object({ document: z.unknown().optional() }), z.object({ expectation: ExpectationDetail, changed: z.boolean(), created: z.boolean() })),
  remove: procedure('write', Id, Nothing),
  /** Newest first. */
  cases: procedure('read', z.object({ expectation: Slug.optional(), state: z.array(CaseState).max(5).optional(), since: Timestamp.optional(), limit: Limit }), z.object({ cases: z.array(ExpectationCase) })),
  /** What was looked at and not found, under the signature of this workspace: a file to hand on. */
  statement: procedure('write', Id.extend({ due: Timestamp }), z.object({ name: z.string(), text: z.string() })),
  /** Checks such a file, of this or of another workspace. */
  verifyStatement: procedure('read', z.object({ text: z.string().max(20_000_000) }), StatementVerdict),
  schema: procedure('read', Nothing, z.object({ schema: z.record(z.string(), z.unknown()) }), { beforeOpen: true }),
  changed: topic(z.object({ id: Slug })),
} as const
