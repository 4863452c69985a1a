/** AS2: our receiver, and what a message and its receipts were made of. */
import { z } from 'zod'
import { Fact, Limit, Nothing, Sha256, Slug, Timestamp } from './common.ts'
import { Host } from './connections/common.ts'
import { procedure, topic } from './define.ts'
import { WireError } from './errors/index.ts'

/** How our receiver listens. It is off until somebody switches it on. */
export const ReceiverSettings = z.object({
  /** Start it with the program. */
  enabled: z.boolean(),
  /** An address of this computer; 0.0.0.0 and :: are all of them. */
  host: Host,
  /** 0 takes any free port. */
  port: z.number().int().min(0).max(65_535),
  /** HTTPS with the station's certificate in the role tls-server. Off where a proxy in front does it, or messages are protected anyway. */
  tls: z.boolean(),
  /** Trust item of the certificate; null: the station's newest one in the role tls-server. */
  certificate: z.string().max(60).nullable(),
  /** Requests at the same time, over all partners. */
  maxParallel: z.number().int().min(1).max(1000),
  /**
   * Reads HTTP as old products write it: header lines that are folded, blanks after the size of a chunk. Two framings of one request are refused
   * all the same; behind a proxy it is still better off, for the proxy may read such a request otherwise.
   */
  oldHttp: z.boolean(),
})
export type ReceiverSettings = z.infer<typeof ReceiverSettings>

export const ReceiverStatus = z.object({
  settings: ReceiverSettings,
  listening: z.boolean(),
  /** As seen from this computer: `http://127.0.0.1:10080/as2`. Null while it does not listen. */
  address: z.string().nullable(),
  /** The station's address for partners, when one is entered. */
  publicAddress: z.string().nullable(),
  since: Timestamp.nullable(),
  /** Why it could not be started. */
  error: WireError.nullable(),
  /** Requests that are being worked on. */
  active: z.number().int(),
  /** Counted since it was started. */
  messages: z.number().int(),
  duplicates: z.number().int(),
  receipts: z.number().int(),
  refused: z.number().int(),
  /** Asynchronous receipts that still have to be posted. */
  receiptsToPost: z.number().int(),
})
export type ReceiverStatus = z.infer<typeof ReceiverStatus>

/** One header field as it was sent or received. */
const Field = z.object({ name: z.string(), value: z.string() })

/** A receipt as it came or as we gave it. */
export const ReceiptView = z.object({
  at: Timestamp,
  mode: z.enum(['sync', 'async']),
  messageId: z.string().nullable(),
  disposition: z.string(),
  signed: z.boolean(),
  /** `sha256:…` of the certificate that verified it. */
  signer: z.string().nullable(),
  mic: z.string().nullable(),
  /** Of received ones: `delivered`, `mic-mismatch`, `wrong-signer` … Of ours: `sent`, `queued`, `failed`. */
  verdict: z.string(),
  /** Whole sentences. */
  reasons: z.array(z.string()),
  headers: z.array(Field),
  /** The body as text, at most 64 KiB of it. */
  text: z.string(),
  sha256: Sha256,
})
export type ReceiptView = z.infer<typeof ReceiptView>

/** A message as it travelled. */
export const MessageView = z.object({
  id: z.string(),
  direction: z.enum(['outbound', 'inbound']),
  deliveries: z.array(z.string()),
  partner: Slug.nullable(),
  connection: Slug.nullable(),
  messageId: z.string(),
  as2From: z.string(),
  as2To: z.string(),
  /** When it was built, or when it came. */
  at: Timestamp,
  /** Outermost first: encrypted, compressed, signed. */
  layers: z.array(z.string()),
  /** Algorithms, certificates, peculiarities. */
  facts: z.array(Fact),
  headers: z.array(Field),
  bodyBytes: z.number().int(),
  bodySha256: Sha256,
  /** What a partner may rightly answer, the expected one first; of a received message, what we answered. */
  mics: z.array(z.object({ algorithm: z.string(), over: z.string(), form: z.string(), value: z.string() })),
  receipts: z.array(ReceiptView),
  /** Of received ones: why it was refused, for the operator alone. */
  refusal: z.object({ disposition: z.string(), reason: z.string(), detail: z.string() }).nullable(),
})
export type MessageView = z.infer<typeof MessageView>

/** What came to our receiver, taken over or not. */
export const InboundEntry = z.object({
  id: z.string(),
  at: Timestamp,
  state: z.enum(['spooled', 'processed', 'refused', 'quarantined']),
  partner: Slug.nullable(),
  as2From: z.string(),
  as2To: z.string(),
  messageId: z.string(),
  bytes: z.number().int(),
  /** The other side's network address. */
  remote: z.string(),
  disposition: z.string().nullable(),
  reason: z.string().nullable(),
  detail: z.string().nullable(),
  deliveries: z.array(z.string()),
})
export type InboundEntry = z.infer<typeof InboundEntry>

/** Of a delivery, or of an entry of what came in: one of them. */
const MessageRef = z.object({ delivery: z.string().max(60).optional(), inbound: z.string().max(60).optional() })

export const as2 = {
  receiver: procedure('read', Nothing, ReceiverStatus),
  /** Applied at once: a running receiver moves to the new address. */
  configureReceiver: procedure('dangerous', ReceiverSettings.partial(), ReceiverStatus),
  /** With settings: those hold for this run only. */
  startReceiver: procedure('dangerous', z.object({ settings: ReceiverSettings.partial().optional() }), ReceiverStatus),
  /** Lets what is being received end, then closes. */
  stopReceiver: procedure('dangerous', Nothing, ReceiverStatus),
  /** The message of a delivery, or one that came in, with its receipts. */
  message: procedure('read', MessageRef, z.object({ message: MessageView.nullable() })),
  /** What came in, newest first; also what nobody here knows or what was refused. */
  inbound: procedure('read', z.object({ limit: Limit, state: z.array(InboundEntry.shape.state).max(4).optional() }), z.object({ entries: z.array(InboundEntry), total: z.number().int() })),
  /** Writes the raw message or its newest receipt (headers, empty line, body) to a new file of this computer; without a path into the folder `exports` of the workspace. A window names no path. */
  exportRaw: procedure('dangerous', z.object({ of: MessageRef, what: z.enum(['message', 'mdn']), path: z.string().max(4096).optional() }), z.object({ path: z.string(), bytes: z.number().int(), sha256: Sha256 })),
  receiverChanged: topic(ReceiverStatus),
} as const
