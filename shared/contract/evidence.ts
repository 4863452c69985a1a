/** Everything that proves one delivery to a stranger, in one file that needs no Waybill to be read and no workspace to be checked. */
import { z } from 'zod'
import { FileSource, Sha256, Timestamp } from './common.ts'
import { procedure } from './define.ts'

/** One file inside, with what it is. */
export const EvidenceFile = z.object({ name: z.string().max(300), size: z.number().int().min(0), sha256: Sha256, about: z.string().max(300) })
export type EvidenceFile = z.infer<typeof EvidenceFile>

/** `manifest.json`: signed, and it names the content of every other file. */
export const EvidenceManifest = z.object({
  form: z.literal('waybill-evidence-1'),
  workspace: z.string().max(100),
  /** Our name; null when none was given. */
  station: z.string().max(200).nullable(),
  partner: z.object({ id: z.string().max(100), name: z.string().max(200) }),
  delivery: z.string().max(100),
  exportedAt: Timestamp,
  product: z.string().max(100),
  files: z.array(EvidenceFile).max(1000),
  /** What could not be included, and why. */
  missing: z.array(z.string().max(500)).max(100),
})
export type EvidenceManifest = z.infer<typeof EvidenceManifest>

export const EVIDENCE_CHECKS = ['signature', 'files', 'records', 'anchor', 'story', 'content', 'travelled', 'receipt', 'message'] as const

/** `ok` null: there is nothing of the kind in this bundle. */
export const EvidenceCheck = z.object({ check: z.enum(EVIDENCE_CHECKS), ok: z.boolean().nullable(), detail: z.string() })
export type EvidenceCheck = z.infer<typeof EvidenceCheck>

export const EvidenceVerdict = z.object({
  /** True when no check failed. */
  ok: z.boolean(),
  checks: z.array(EvidenceCheck),
  /** What it says, in words; null when that cannot be trusted to be read. */
  says: z.string().nullable(),
  /** SHA-256 of the public key (SPKI, DER) that signed it: to be compared with what its owner says over another channel. */
  key: Sha256.nullable(),
  manifest: EvidenceManifest.nullable(),
})
export type EvidenceVerdict = z.infer<typeof EvidenceVerdict>

export const evidence = {
  /**
   * Writes the bundle of a delivery. Without `path` a free name in our own folder of exports is taken. `content`: whether the file itself
   * goes in; its SHA-256 always does. Rejects with `input.conflict` when the file is there already.
   */
  export: procedure('dangerous', z.object({ delivery: z.string().max(60), path: z.string().max(4096).optional(), content: z.boolean().default(true) }), z.object({ path: z.string(), bytes: z.number().int(), sha256: Sha256, key: Sha256, manifest: EvidenceManifest })),
  /** Looks at a bundle, ours or a stranger's. Rejects with `evidence.not_evidence` when it is something else. */
  verify: procedure('read', z.object({ file: FileSource }), EvidenceVerdict),
} as const
