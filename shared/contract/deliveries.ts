/** The ledger: one delivery is one file to one partner; its identity is stable over all attempts. */
import { z } from 'zod'
import { Fact, FileSource, Limit, Nothing, Sha256, Slug, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'
import { WireError } from './errors/index.ts'
import { RelianceFact } from './policy.ts'

/**
 * `queued` waits for its turn · `sending` an attempt runs · `waiting` will be tried again at `nextTryAt` ·
 * `awaiting-receipt` taken by the partner, whose receipt (MDN) comes later by itself · `disputed` there is an answer that proves
 * nothing (another content, no or a wrong signature): never sent again by itself · `unknown` may or may not have arrived: probed,
 * or sent again as the very same message · `delivered`, `failed`, `cancelled` rest.
 * Of inbound ones: `received` is safely here and not yet in the Inbox · `held` waits for a person · `delivered` is released.
 */
export const DeliveryState = z.enum(['queued', 'sending', 'waiting', 'awaiting-receipt', 'disputed', 'unknown', 'delivered', 'failed', 'cancelled', 'received', 'held'])
export type DeliveryState = z.infer<typeof DeliveryState>

export const Outcome = z.enum(['delivered', 'not-delivered', 'unknown'])
export type Outcome = z.infer<typeof Outcome>

/** What the running attempt is doing. */
export const Stage = z.enum(['connecting', 'probing', 'transferring', 'verifying', 'committing'])
export type Stage = z.infer<typeof Stage>

/** A file server's answer, and what was found there afterwards. */
const FileReceipt = z.object({
  kind: z.enum(['sftp', 'ftps', 's3', 'folder']),
  at: Timestamp,
  /** Full path of the file there. */
  remotePath: z.string(),
  size: z.number().int(),
  /** How the content was checked: the server's checksum, a read-back, or the size alone. */
  verifiedBy: z.enum(['hash', 'read-back', 'size']),
  remoteSha256: Sha256.nullable(),
  remoteModifiedAt: Timestamp.nullable(),
  /** What this kind of store tells besides: `etag`, `versionId`, `checksum`, `encryption`. */
  facts: z.record(z.string(), z.string()).default({}),
})

/** A person's word on an unknown outcome. */
const OperatorReceipt = z.object({
  kind: z.literal('operator'),
  at: Timestamp,
  remotePath: z.string(),
  size: z.number().int(),
  verifiedBy: z.literal('operator'),
  remoteSha256: Sha256.nullable(),
  remoteModifiedAt: Timestamp.nullable(),
})

/** A message disposition notification (RFC 4130 §7) as it was judged. */
const Mdn = z.object({
  kind: z.literal('mdn'),
  at: Timestamp,
  messageId: z.string(),
  /** Of the receipt itself; partners may leave it out. */
  mdnMessageId: z.string().nullable(),
  mode: z.enum(['sync', 'async', 'none']),
  disposition: z.string(),
  signed: z.boolean(),
  /** SHA-256 fingerprint of the certificate that verified it. */
  signer: z.string().nullable(),
  micAlgorithm: z.string().nullable(),
  /** Base64, ours and theirs. */
  micSent: z.string().nullable(),
  micReceived: z.string().nullable(),
  micMatches: z.boolean().nullable(),
  /** Content hash of the stored receipt, headers included. */
  rawSha256: Sha256.nullable(),
})

/** Where a received file came from, and what was checked before it was released. */
const InboundReceipt = z.object({
  kind: z.literal('received'),
  at: Timestamp,
  /** Full path or key at the partner, or the AS2 message id. */
  source: z.string(),
  size: z.number().int(),
  remoteModifiedAt: Timestamp.nullable(),
  /** Where it was released on this computer. */
  releasedTo: z.string().nullable(),
  /** What became of it at the partner. */
  afterwards: z.enum(['left', 'deleted', 'moved', 'pending', 'not-applicable']),
  /** Signatures, ciphers and keys that were found; names of certificates. */
  facts: z.record(z.string(), z.string()).default({}),
})

/** What the other side gave us; `kind` tells which. */
export const Receipt = z.discriminatedUnion('kind', [FileReceipt, OperatorReceipt, Mdn, InboundReceipt])
export type Receipt = z.infer<typeof Receipt>
export type FileReceipt = z.infer<typeof FileReceipt>
export type MdnReceipt = z.infer<typeof Mdn>
export type InboundReceipt = z.infer<typeof InboundReceipt>

export const Delivery = z.object({
  id: z.string(),
  partner: Slug,
  connection: Slug,
  direction: z.enum(['outbound', 'inbound']),
  /** The name as the operator knows it. */
  fileName: z.string(),
  /** The name at the partner. */
  remoteName: z.string(),
  size: z.number().int(),
  sha256: Sha256,
  /** What travels where it differs from the file itself (protected with OpenPGP, say). `facts`: ciphers and keys of what we protected; of received files they stand in the receipt. */
  wire: z.object({ sha256: Sha256, size: z.number().int(), facts: z.record(z.string(), z.string()).default({}) }).nullable().default(null),
  state: DeliveryState,
  /** Null while nothing is decided. */
  outcome: Outcome.nullable(),
  stage: Stage.nullable(),
  attempts: z.number().int(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
  nextTryAt: Timestamp.nullable(),
  error: WireError.nullable(),
  receipt: Receipt.nullable(),
  /** Reason under which a duplicate was allowed. */
  duplicateReason: z.string().nullable(),
  /** Groups what one action of a person or flow started. */
  trace: z.string(),
})
export type Delivery = z.infer<typeof Delivery>

/** One try of a delivery, with what was really negotiated. */
export const Attempt = z.object({
  id: z.string(),
  number: z.number().int(),
  startedAt: Timestamp,
  endedAt: Timestamp.nullable(),
  result: z.enum(['running', 'delivered', 'accepted', 'disputed', 'failed', 'unknown', 'interrupted', 'cancelled']),
  /** Bytes that the server has acknowledged in this attempt's temporary file. */
  bytes: z.number().int(),
  /** The offset at which this attempt went on. */
  resumedAt: z.number().int(),
  /** kex, cipher, mac, hostKeyAlgorithm, hostKeyFingerprint, serverSoftware … */
  observed: z.record(z.string(), z.string()),
  /** Exceptions of the policy on which it relied. */
  exceptions: z.array(RelianceFact).default([]),
  error: WireError.nullable(),
})
export type Attempt = z.infer<typeof Attempt>

/** A file inside a delivery that packs several, under its owner's name and with its own content. */
export const DeliveryPart = z.object({ name: z.string(), size: z.number().int(), sha256: z.string() })
export type DeliveryPart = z.infer<typeof DeliveryPart>

export const DeliveryDetail = z.object({
  delivery: Delivery,
  attempts: z.array(Attempt),
  source: z.string(),
  /** Everything on which it relied, in whichever attempt. */
  exceptions: z.array(RelianceFact).default([]),
  parts: z.array(DeliveryPart).default([]),
  /** When its content was deleted here because its time was over; the record stays. */
  contentRemovedAt: Timestamp.nullable().default(null),
})
export type DeliveryDetail = z.infer<typeof DeliveryDetail>

/** What will happen to one file, told before anything is sent. */
export const SendPlan = z.object({
  fileName: z.string(),
  remoteName: z.string(),
  size: z.number().int(),
  target: z.string(),
  protection: z.array(Fact),
  duplicateOf: Delivery.nullable(),
  /** Why it would be refused; null when it would go. */
  refusal: WireError.nullable(),
})
export type SendPlan = z.infer<typeof SendPlan>

const SendFile = z.object({ source: FileSource, as: z.string().max(1024).optional() })
const SendRequest = z.object({ partner: Slug, connection: Slug.optional(), files: z.array(SendFile).min(1).max(1000) })

/** What one look into the partner's folder brought. */
export const ReceiveReport = z.object({
  partner: Slug,
  connection: Slug,
  /** As the server names it. */
  folder: z.string(),
  /** Files that stood there. */
  listed: z.number().int(),
  taken: z.array(Delivery),
  /** Files that will be taken later, and why not now. */
  waiting: z.array(z.object({ name: z.string(), reason: z.enum(['not-stable', 'no-marker']) })),
  /** Files that fit no pattern, or were taken before and left there. */
  ignored: z.number().int(),
  /** Files removed or moved at the partner in this run, because they are safely here. */
  tidied: z.number().int(),
  problems: z.array(z.object({ name: z.string(), error: WireError })),
})
export type ReceiveReport = z.infer<typeof ReceiveReport>

export const Progress = z.object({
  id: z.string(),
  stage: Stage,
  bytes: z.number(),
  total: z.number(),
  /** Over the last seconds; 0 until known. */
  bytesPerSecond: z.number(),
  /** Null until known. */
  secondsLeft: z.number().nullable(),
})
export type Progress = z.infer<typeof Progress>

/** Which deliveries are meant; what is left out is not asked for. */
const DeliveryFilter = z.object({
  partner: Slug.optional(),
  direction: z.enum(['outbound', 'inbound']).optional(),
  since: Timestamp.optional(),
  search: z.string().max(200).optional(),
})

/** States of which many may be tried again at once. A held file is released one by one: each is a person's decision. */
export const RETRIED_TOGETHER = ['waiting', 'unknown', 'failed'] as const
const MOST_TOGETHER = 1000

export const deliveries = {
  list: procedure(
    'read',
    DeliveryFilter.extend({ limit: Limit, state: z.array(DeliveryState).max(20).optional(), before: z.string().max(60).optional() }),
    /** Newest first; pass the last id as `before` for the next page. */
    z.object({ deliveries: z.array(Delivery), total: z.number().int() }),
  ),
  show: procedure('read', z.object({ id: z.string().max(60) }), DeliveryDetail),
  preview: procedure('read', SendRequest, z.object({ plans: z.array(SendPlan) })),
  /**
   * Copies each file into the payload store, writes the intention, and starts. Returns at once with one result a file:
   * a file that is refused does not stop the others.
   */
  send: procedure(
    'dangerous',
    SendRequest.extend({ allowDuplicate: z.string().min(3).max(500).optional() }),
    z.object({ results: z.array(z.object({ fileName: z.string(), delivery: Delivery.nullable(), error: WireError.nullable() })) }),
  ),
  /** Collects from the partner's folder once; files that have just appeared are watched for as long as was agreed. */
  receive: procedure('dangerous', z.object({ partner: Slug, connection: Slug.optional() }), ReceiveReport),
  /** Answers when each delivery rests: neither queued nor sending. One that awaits its receipt rests. */
  wait: procedure('read', z.object({ ids: z.array(z.string().max(60)).max(1000) }), z.object({ deliveries: z.array(Delivery) })),
  /** Tries again now; probes first when the outcome is unknown. A held inbound file is released with it: the person's decision. */
  retry: procedure('dangerous', z.object({ id: z.string().max(60) }), Delivery),
  /**
   * The same for all that the filter finds, the oldest first, at most a thousand: `remaining` says how many were left for the next
   * call. One that cannot be tried again does not stop the others.
   */
  retryAll: procedure(
    'dangerous',
    DeliveryFilter.extend({ state: z.array(z.enum(RETRIED_TOGETHER)).min(1).default([...RETRIED_TOGETHER]), limit: z.number().int().min(1).max(MOST_TOGETHER).default(MOST_TOGETHER) }),
    z.object({ retried: z.array(z.string()), refused: z.array(z.object({ id: z.string(), fileName: z.string(), error: WireError })), remaining: z.number().int() }),
  ),
  /** Records the operator's word on an unknown outcome. */
  resolve: procedure('dangerous', z.object({ id: z.string().max(60), outcome: z.enum(['delivered', 'not-delivered']), reason: z.string().min(3).max(1000) }), Delivery),
  /** Stops it; says what may remain at the partner in the error of the delivery. */
  cancel: procedure('dangerous', z.object({ id: z.string().max(60) }), Delivery),
  /** Numbers for the overview and the tray. */
  counts: procedure('read', Nothing, z.object({ running: z.number().int(), waiting: z.number().int(), attention: z.number().int(), deliveredToday: z.number().int() })),
  changed: topic(Delivery),
  progress: topic(Progress),
  /** While a partner's folder is collected. */
  receiving: topic(z.object({ partner: Slug, connection: Slug, name: z.string(), bytes: z.number(), total: z.number() })),
} as const

/** What a person should hear of: shown by the desktop, listed by the window. */
export const Notification = z.object({
  id: z.string(),
  at: Timestamp,
  severity: z.enum(['info', 'attention']),
  title: z.string(),
  body: z.string(),
  /** What to open on a click. */
  subject: z.object({ kind: z.enum(['delivery', 'partner', 'workspace', 'trust', 'flow', 'expectation']), id: z.string() }).nullable(),
})
export type Notification = z.infer<typeof Notification>
