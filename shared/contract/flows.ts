/** Flows, their runs, and for every due time what happened. */
import { z } from 'zod'
import { FileSource, Limit, Nothing, Slug, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'
import { SendPlan } from './deliveries.ts'
import { WireError } from './errors/index.ts'
import { FlowDocument, FlowTarget } from './flow-document.ts'

/**
 * `running` · `delivered` all of it · `partly` some files were not · `retrying` some will be tried again · `attention` somebody must
 * look (unknown, disputed, held) · `failed` nothing · `nothing` found no file · `refused` for trust, policy or suspension before
 * anything was sent · `interrupted` the program ended meanwhile; its deliveries go on by themselves.
 */
export const RunOutcome = z.enum(['running', 'delivered', 'partly', 'retrying', 'attention', 'failed', 'nothing', 'refused', 'interrupted'])
export type RunOutcome = z.infer<typeof RunOutcome>

export const RunCounts = z.object({
  /** Files that fitted. */
  found: z.number().int(),
  /** Deliveries, one a file and target. */
  deliveries: z.number().int(),
  delivered: z.number().int(),
  failed: z.number().int(),
  open: z.number().int(),
  skipped: z.number().int(),
})
export type RunCounts = z.infer<typeof RunCounts>

export const FlowRun = z.object({
  id: z.string(),
  flow: Slug,
  trigger: z.enum(['manual', 'schedule', 'catch-up', 'watch', 'after']),
  /** The time that it was due, for runs of a schedule. */
  dueAt: Timestamp.nullable(),
  startedAt: Timestamp,
  endedAt: Timestamp.nullable(),
  outcome: RunOutcome,
  counts: RunCounts,
  error: WireError.nullable(),
})
export type FlowRun = z.infer<typeof FlowRun>

/**
 * What became of a due time: `ran` · `late` (ran to make up for it) · `asleep`, `app-closed` nobody was there · `paused` ·
 * `blocked` the partner was suspended · `offline` there was no network to collect over · `still-running` the run before had not ended · `superseded` a later run made up for it ·
 * `clock-changed` somebody set the clock over it.
 */
export const DueStatus = z.enum(['ran', 'late', 'asleep', 'app-closed', 'paused', 'blocked', 'offline', 'still-running', 'superseded', 'clock-changed'])
export type DueStatus = z.infer<typeof DueStatus>

export const DueTime = z.object({
  flow: Slug,
  at: Timestamp,
  status: DueStatus,
  run: z.string().nullable(),
  /** `pending`: a person was asked whether to make up for it. */
  decision: z.enum(['pending', 'run', 'skip']).nullable(),
  recordedAt: Timestamp,
})
export type DueTime = z.infer<typeof DueTime>

export const FlowSummary = z.object({
  id: Slug,
  name: z.string(),
  direction: z.enum(['outbound', 'inbound']),
  targets: z.array(z.string()),
  trigger: z.enum(['manual', 'schedule', 'watch', 'after']),
  /** `Mon to Fri at 08:00, Europe/Berlin`. */
  when: z.string(),
  paused: z.object({ at: Timestamp, until: Timestamp.nullable(), reason: z.string().nullable() }).nullable(),
  running: z.boolean(),
  nextDueAt: Timestamp.nullable(),
  lastRun: FlowRun.nullable(),
  /** Due times that wait for a person's decision. */
  pending: z.number().int(),
  updatedAt: Timestamp,
})
export type FlowSummary = z.infer<typeof FlowSummary>

/** One thing that happens to each file, and who says so: the flow, or the connection of one target. */
export const FlowStepText = z.object({ text: z.string(), by: z.enum(['flow', 'connection']), target: z.string().nullable() })
export type FlowStepText = z.infer<typeof FlowStepText>

export const FlowDetail = z.object({
  summary: FlowSummary,
  document: FlowDocument,
  /** In order. */
  steps: z.array(FlowStepText),
  /** The next five due times. */
  next: z.array(Timestamp),
  runs: z.array(FlowRun),
  due: z.array(DueTime),
})
export type FlowDetail = z.infer<typeof FlowDetail>

/** A file that a run came upon, for one target. */
export const FlowFile = z.object({
  run: z.string(),
  name: z.string(),
  target: z.string(),
  /** Of a skipped file, the earlier delivery that is the reason; null where there is none. */
  delivery: z.string().nullable(),
  state: z.string(),
  skipped: z.enum(['duplicate', 'under-way', 'needs-person', 'unknown', 'not-stable', 'limit']).nullable(),
  reason: z.string().nullable(),
  error: WireError.nullable(),
  /** When it is tried again by itself. */
  nextTryAt: Timestamp.nullable(),
  /** What became of the file itself; null until it is decided. */
  afterwards: z.string().nullable(),
})
export type FlowFile = z.infer<typeof FlowFile>

/** What a run would do now. Nothing is sent or changed. */
export const DryRun = z.object({
  flow: Slug,
  folder: z.string().nullable(),
  /** `together`: the files that travel as one, where they do. */
  send: z.array(z.object({ name: z.string(), target: z.string(), plan: SendPlan, together: z.array(z.string()).optional() })),
  skip: z.array(z.object({ name: z.string(), target: z.string().nullable(), reason: z.string() })),
  /** Of inbound flows: where is looked. */
  collect: z.array(z.object({ target: z.string(), from: z.string(), patterns: z.array(z.string()), afterwards: z.string() })),
  /** What happens to each file, in order. */
  steps: z.array(FlowStepText),
})
export type DryRun = z.infer<typeof DryRun>

/** A folder of this computer, looked into by a person who chooses one. */
export const FolderLook = z.object({
  path: z.string(),
  parent: z.string().nullable(),
  /** Full paths of the folders inside; hidden ones are left out. */
  folders: z.array(z.string()),
  files: z.number().int(),
  /** Files that a flow would find. */
  matching: z.number().int(),
  /** There is more than was counted. */
  more: z.boolean(),
  /** Why it cannot be used; null when it can. */
  problem: z.string().nullable(),
})
export type FolderLook = z.infer<typeof FolderLook>

const Id = z.object({ id: Slug })
const Reason = z.string().min(3).max(500)

export const flows = {
  list: procedure('read', z.object({ limit: Limit, search: z.string().max(200).optional(), after: Slug.optional() }), z.object({ flows: z.array(FlowSummary), total: z.number().int() })),
  show: procedure('read', Id, FlowDetail),
  /** Validates; applying the same document twice changes nothing. */
  apply: procedure('write', z.object({ document: z.unknown().optional() }), z.object({ flow: FlowDetail, changed: z.boolean(), created: z.boolean() })),
  /** Checks a document without keeping it, and says when it would be due. */
  check: procedure('read', z.object({ document: z.unknown().optional() }), z.object({ document: FlowDocument, next: z.array(Timestamp), when: z.string() })),
  remove: procedure('write', Id, Nothing),
  pause: procedure('write', Id.extend({ until: Timestamp.optional(), reason: Reason.optional() }), FlowSummary),
  resume: procedure('write', Id, FlowSummary),
  /**
   * Starts a run; `wait` answers once its deliveries rest. A person's run also tries again what had failed. With `files`, exactly
   * those travel as the flow says, to `target` or all of its targets, and stay where they are.
   */
  run: procedure('dangerous', Id.extend({ wait: z.boolean().default(false), files: z.array(FileSource).min(1).max(1000).optional(), target: FlowTarget.optional() }), z.object({ run: FlowRun, files: z.array(FlowFile) })),
  /** Of a flow, or of a document that is not kept yet. */
  dryRun: procedure('read', z.object({ id: Slug.optional(), document: z.unknown().optional() }), DryRun),
  /** When a schedule would be due, while a person still changes it. */
  schedule: procedure('read', z.object({ schedule: z.unknown().optional() }), z.object({ when: z.string(), next: z.array(Timestamp), zone: z.string() })),
  /** Left out: the home folder. Only numbers are told of files. */
  lookFolder: procedure('read', z.object({ path: z.string().max(4096).optional(), patterns: z.array(z.string().max(255)).max(50).default(['*']), except: z.array(z.string().max(255)).max(50).default([]) }), FolderLook),
  next: procedure('read', Id.extend({ count: z.number().int().min(1).max(100).default(5) }), z.object({ next: z.array(Timestamp), zone: z.string().nullable() })),
  runs: procedure('read', z.object({ flow: Slug.optional(), limit: Limit, before: z.string().max(60).optional() }), z.object({ runs: z.array(FlowRun) })),
  showRun: procedure('read', z.object({ id: z.string().max(60) }), z.object({ run: FlowRun, files: z.array(FlowFile) })),
  /** Newest first. */
  due: procedure('read', z.object({ flow: Slug.optional(), since: Timestamp.optional(), status: z.array(DueStatus).max(10).optional(), limit: Limit }), z.object({ due: z.array(DueTime) })),
  /** A person's answer about a missed time. */
  decide: procedure('dangerous', z.object({ flow: Slug, at: Timestamp, decision: z.enum(['run', 'skip']) }), DueTime),
  /** Permits one more sending of a file that the duplicate rule would skip. */
  release: procedure('dangerous', z.object({ flow: Slug, delivery: z.string().max(60), reason: Reason }), Nothing),
  /** Pauses or resumes everything that runs by itself. */
  pauseAll: procedure('write', z.object({ until: Timestamp.optional(), reason: Reason.optional() }), Nothing),
  resumeAll: procedure('write', Nothing, Nothing),
  /** For the tray. */
  overview: procedure('read', Nothing, z.object({ paused: z.object({ until: Timestamp.nullable() }).nullable(), running: z.array(Slug), next: z.array(z.object({ flow: Slug, name: z.string(), at: Timestamp })), pending: z.number().int() })),
  /** From the desktop: the computer goes to sleep or woke up. */
  power: procedure('write', z.object({ event: z.enum(['suspend', 'resume', 'lock', 'unlock']) }), Nothing),
  schema: procedure('read', Nothing, z.object({ schema: z.record(z.string(), z.unknown()) }), { beforeOpen: true }),
  changed: topic(z.object({ id: Slug, removed: z.boolean() })),
  ran: topic(FlowRun),
} as const
