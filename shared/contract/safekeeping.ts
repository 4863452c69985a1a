/** Copies of everything that outlive this computer: one sealed file each, made and checked here, opened by the recovery passphrase. */
import { z } from 'zod'
import { FileSource, Nothing, Sha256, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'

/** What is in a backup, as far as it tells without its key. */
export const BackupHeader = z.object({
  format: z.literal(1),
  workspace: z.string(),
  createdAt: Timestamp,
  version: z.string(),
})
export type BackupHeader = z.infer<typeof BackupHeader>

/** A backup that was made here. */
export const Backup = z.object({ file: z.string(), at: Timestamp, bytes: z.number().int(), sha256: Sha256, payloads: z.number().int(), records: z.number().int() })
export type Backup = z.infer<typeof Backup>

/** What a backup was found to hold. `ok`: it opens, every piece of it is whole, and its database too. */
export const BackupVerdict = z.object({
  ok: z.boolean(),
  header: BackupHeader,
  payloads: z.number().int(),
  bytes: z.number().int(),
  /** Number of audit records, and the hash of the newest. */
  records: z.number().int(),
  head: z.string(),
  problem: z.string().nullable(),
})
export type BackupVerdict = z.infer<typeof BackupVerdict>

const Folder = z
  .string()
  .max(4096)
  .regex(/^(\/|[A-Za-z]:[\\/]|\\\\)/, 'write a full path')

export const SafekeepingSettings = z.object({
  /** Where backups go by themselves; null: only when asked. Best on another disk. */
  folder: Folder.nullable(),
  /** A new one after so many days. */
  everyDays: z.number().int().min(1).max(365),
  /** How many backups are kept there; older ones are removed once a newer one is whole. */
  keep: z.number().int().min(1).max(365),
  /** Anchors of the audit chain: one a day is written here; null: only when asked. Outside the workspace, best where we cannot write afterwards. */
  anchorFolder: Folder.nullable(),
  /** Below so much free space the disk counts as filling. */
  leastFreeBytes: z.number().int().min(1),
})
export type SafekeepingSettings = z.infer<typeof SafekeepingSettings>

export const SafekeepingState = z.object({
  settings: SafekeepingSettings,
  lastBackup: Backup.nullable(),
  lastAnchor: z.object({ at: Timestamp, seq: z.number().int(), file: z.string() }).nullable(),
  /** Why the last one by itself did not work; null when it did. */
  problem: z.string().nullable(),
})
export type SafekeepingState = z.infer<typeof SafekeepingState>

export const safekeeping = {
  state: procedure('read', Nothing, SafekeepingState),
  configure: procedure('dangerous', SafekeepingSettings.partial(), SafekeepingState),
  /** Writes one now: to a new file that is named (command line), else into the folder of the settings. Rejects with `input.invalid`, `input.conflict`, `input.unwritable`. */
  backUp: procedure('dangerous', z.object({ file: FileSource.optional() }), Backup),
  changed: topic(z.object({ at: Timestamp })),
} as const

/** Parts of the workspace's calls: they work before a workspace is open. */
export const restoring = {
  /** Reads all of a backup. Without a passphrase the open workspace's key is tried. Rejects with `backup.*`. */
  verifyBackup: procedure('read', z.object({ file: FileSource, passphrase: z.string().max(1024).optional() }), BackupVerdict, { beforeOpen: true }),
  /** Into this workspace folder, which must be empty. Every partner comes back suspended: what moved on since the backup is looked at first. */
  restore: procedure('dangerous', z.object({ file: FileSource, passphrase: z.string().max(1024) }), z.object({ verdict: BackupVerdict, suspended: z.number().int() }), { beforeOpen: true }),
} as const

