/** Partners and their connections: the partner document and the calls about it. */
import { z } from 'zod'
import { Fact, Limit, Nothing, Sha256, Slug, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'
import { WireError } from './errors/index.ts'
import { PartnerDocument } from './partner-document.ts'
import { ExceptionState } from './policy.ts'
import { TrustItem } from './trust.ts'

/** One line of the partner list. */
export const PartnerSummary = z.object({
  id: Slug,
  name: z.string(),
  suspended: z.boolean(),
  connections: z.array(z.object({ id: Slug, protocol: z.string(), address: z.string(), trusted: z.boolean() })),
  lastDeliveryAt: Timestamp.nullable(),
  /** Deliveries that wait for a person (unknown or failed and not yet looked at). */
  attention: z.number().int(),
  /** True for the embedded practice partner. */
  practice: z.boolean(),
  updatedAt: Timestamp,
})
export type PartnerSummary = z.infer<typeof PartnerSummary>

/** Everything about one partner. Secrets stand as `{ "sealed": true }`. */
export const PartnerDetail = z.object({
  summary: PartnerSummary,
  document: PartnerDocument,
  trust: z.array(TrustItem),
  exceptions: z.array(ExceptionState),
  /** Folder of this computer in which received files appear. */
  inbox: z.string(),
})
export type PartnerDetail = z.infer<typeof PartnerDetail>

/** `skipped` when an earlier stage ended the test; `refused` when trust or policy forbids going on. */
export const StageStatus = z.enum(['running', 'ok', 'failed', 'refused', 'skipped'])

export const TestStage = z.object({
  name: z.enum(['resolve', 'connect', 'host-key', 'certificate', 'authenticate', 'list', 'write-probe', 'boundary', 'exchange', 'clean-up']),
  status: StageStatus,
  ms: z.number(),
  evidence: z.array(Fact),
  error: WireError.nullable(),
})
export type TestStage = z.infer<typeof TestStage>

/** A host key as the server presented it, not trusted by being shown. */
export const PresentedHostKey = z.object({
  algorithm: z.string(),
  bits: z.number().int().nullable(),
  /** `SHA256:…` as OpenSSH prints it. */
  fingerprint: z.string(),
  /** One line in OpenSSH form, without comment. */
  publicKey: z.string(),
  verdict: z.enum(['pinned', 'certified', 'unknown', 'changed', 'other-algorithm', 'revoked', 'certificate-refused']),
  /** The host certificate that came with it, if any. */
  certificate: z
    .object({
      /** `SHA256:…` of the authority that signed it. */
      authority: z.string(),
      keyId: z.string(),
      serial: z.string(),
      names: z.array(z.string()),
      validUntil: Timestamp.nullable(),
      /** Why it does not prove the host; null when it does. */
      problem: z.string().nullable(),
    })
    .nullable()
    .default(null),
  expected: z.array(z.object({ algorithm: z.string(), fingerprint: z.string() })),
})
export type PresentedHostKey = z.infer<typeof PresentedHostKey>

/** A TLS server's certificate as it was presented, not trusted by being shown. */
export const PresentedCertificate = z.object({
  subject: z.string(),
  issuer: z.string(),
  /** Names for which it was issued. */
  names: z.array(z.string()),
  notBefore: Timestamp,
  notAfter: Timestamp,
  /** `sha256:` and lower-case hex. */
  fingerprint: z.string(),
  /** `spki:` and the SHA-256 of the public key in Base64. */
  publicKeyPin: z.string(),
  algorithm: z.string(),
  bits: z.number().int().nullable(),
  pem: z.string(),
  /** `unknown`: no authority vouches for it and it is not pinned. `changed`: another one is pinned. */
  verdict: z.enum(['trusted', 'unknown', 'changed', 'wrong-name', 'expired', 'not-yet-valid']),
  /** Why it is trusted or not, in words. */
  reason: z.string(),
  /** What is pinned. */
  expected: z.array(z.string()),
})
export type PresentedCertificate = z.infer<typeof PresentedCertificate>

export const TestReport = z.object({
  partner: Slug,
  connection: Slug,
  ok: z.boolean(),
  at: Timestamp,
  stages: z.array(TestStage),
  hostKey: PresentedHostKey.nullable(),
  certificate: PresentedCertificate.nullable(),
  /** What was negotiated, as far as the test came. */
  observed: z.record(z.string(), z.string()),
})
export type TestReport = z.infer<typeof TestReport>

/** `partner` or `partner/connection`; without a connection, the partner's only or first one. */
const ConnectionRef = z.object({ partner: Slug, connection: Slug.optional() })

export const partners = {
  list: procedure('read', z.object({ limit: Limit, offset: z.number().int().min(0).max(1_000_000).optional(), search: z.string().max(200).optional() }), z.object({ partners: z.array(PartnerSummary), total: z.number().int() })),
  show: procedure('read', z.object({ id: Slug }), PartnerDetail),
  /** Validates, seals secrets, imports keys and pins; applying the same document twice changes nothing. */
  apply: procedure('dangerous', z.object({ document: z.unknown().optional() }), z.object({ partner: PartnerDetail, changed: z.boolean(), created: z.boolean() })),
  suspend: procedure('write', z.object({ id: Slug, reason: z.string().max(500).optional() }), PartnerSummary),
  resume: procedure('write', z.object({ id: Slug }), PartnerSummary),
  /** Refused while deliveries are under way; the ledger and the audit records stay. */
  remove: procedure('dangerous', z.object({ id: Slug }), Nothing),
  /** The JSON Schema of partner, station and policy documents, as published. */
  schema: procedure('read', z.object({ of: z.enum(['partner', 'station', 'policy']) }), z.object({ schema: z.record(z.string(), z.unknown()) }), { beforeOpen: true }),
  /** Staged report; shows presented keys without trusting them. `testId` names the progress events. */
  test: procedure('dangerous', ConnectionRef.extend({ testId: z.string().max(40).optional() }), TestReport),
  changed: topic(z.object({ id: Slug, removed: z.boolean() })),
  testProgress: topic(z.object({ testId: z.string(), stage: TestStage })),
} as const

/** The embedded practice partner: a real server in its own process that a newcomer can send to. */
export const PracticeStatus = z.object({
  running: z.boolean(),
  partner: Slug.nullable(),
  address: z.string().nullable(),
  /** The ways to reach it, while it runs. */
  services: z.array(z.object({ connection: Slug, protocol: z.string(), address: z.string() })),
  /** Files that have arrived there, newest first, at most 50. */
  received: z.array(z.object({ name: z.string(), size: z.number(), sha256: Sha256, at: Timestamp })),
})
export type PracticeStatus = z.infer<typeof PracticeStatus>

export const practice = {
  /** Starts the server if it is not running and applies the partner `practice` with its pinned key. */
  start: procedure('dangerous', Nothing, PracticeStatus),
  stop: procedure('write', Nothing, PracticeStatus),
  status: procedure('read', Nothing, PracticeStatus),
  /** The practice partner puts a file into the folder from which its SFTP, FTPS and S3 connections collect. */
  offer: procedure('write', Nothing, z.object({ name: z.string() })),
  /** The practice partner sends us an AS2 message; our receiver is started for this run where it does not listen. */
  sendToUs: procedure('dangerous', Nothing, z.object({ name: z.string(), messageId: z.string(), delivered: z.boolean(), disposition: z.string(), reasons: z.array(z.string()) })),
} as const
