/** How a bundle is laid out. Whoever writes one and whoever checks one read it here. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { AuditEvent } from '../../contract/audit.ts'
import { DeliveryDetail } from '../../contract/deliveries.ts'
import { ProvenanceInput } from '../../contract/connections/common.ts'

export const NAMES = {
  readme: 'README.txt',
  summary: 'summary.txt',
  delivery: 'delivery.json',
  records: 'records.jsonl',
  anchor: 'anchor.json',
  certificates: 'certificates.json',
  message: 'as2/message.as2',
  messageFacts: 'as2/message.json',
  opened: 'as2/opened.mime',
  receipt: 'as2/receipt.mdn',
  manifest: 'manifest.json',
  signature: 'manifest.sig',
  key: 'key.pem',
} as const

export const CONTENT_FOLDER = 'content/'
export const TRAVELLED_FOLDER = 'travelled/'

/** `certificates.json`: whose they are, and how that is known. */
export const CertificateEntry = z.object({
  file: z.string().max(300),
  fingerprint: z.string().max(100),
  owner: z.enum(['station', 'partner']),
  label: z.string().max(300),
  roles: z.array(z.string().max(60)).max(100),
  provenance: z.array(z.object({ ...ProvenanceInput.shape, source: z.string().max(60) }).loose()).max(1000),
})
export type CertificateEntry = z.infer<typeof CertificateEntry>

/** `as2/message.json`: what was written down when the message was built or taken. */
export const MessageFacts = z.object({
  direction: z.enum(['outbound', 'inbound']),
  messageId: z.string().max(1000),
  as2From: z.string().max(200),
  as2To: z.string().max(200),
  layers: z.array(z.string().max(60)).max(20),
  receiptSigned: z.boolean(),
  /** Digests that the receipt may name, Base64. */
  mics: z.array(z.object({ algorithm: z.enum(['md5', 'sha1', 'sha256', 'sha384', 'sha512']), over: z.enum(['signed-entity', 'entity', 'body']), form: z.enum(['raw', 'canonical', 'header-canonical']), value: z.string().max(200) })).max(50),
  /** Other deliveries that travelled in the same message. */
  together: z.array(z.string().max(100)).max(1000),
})
export type MessageFacts = z.infer<typeof MessageFacts>

/** `delivery.json`. */
export const Story = DeliveryDetail
/** A line of `records.jsonl`. */
export const RecordLine = AuditEvent

/** JSON of somebody else; undefined where it is none. */
export function readJson(bytes: Uint8Array | null): unknown {
  try {
    return bytes === null ? undefined : (JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown)
  } catch {
    return undefined
  }
}

/** SHA-256 of a public key as it is compared over the phone: over its SPKI in DER. */
export function keyFingerprint(key: KeyObject): string {
  return createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('hex')
}

export const publicKeyOf = (pem: string): KeyObject => createPublicKey(pem)
