/** What is kept of messages and receipts. */
import type { HeaderPair, MicCandidate } from '../protocols/as2/message/index.ts'

/** A flat list of what was observed, for people. */
export type Facts = readonly { readonly label: string; readonly value: string }[]

/** A message of ours as it was built, frozen. */
export interface BuiltRecord {
  readonly id: string
  readonly delivery: string
  readonly partner: string
  readonly connection: string
  readonly messageId: string
  readonly messageKey: string
  readonly as2From: string
  readonly as2To: string
  /** As posted, without Host and length. */
  readonly headers: readonly HeaderPair[]
  readonly bodySha256: string
  readonly bodyBytes: number
  readonly mics: readonly MicCandidate[]
  readonly layers: readonly string[]
  readonly facts: Facts
  readonly receiptMode: 'sync' | 'async' | 'none'
  readonly receiptSigned: boolean
  readonly builtAt: string
  readonly acceptedAt: string | null
}

/** A receipt for one of our messages, as it came. */
export interface ReceiptRecord {
  readonly receivedAt: string
  readonly mode: 'sync' | 'async'
  readonly headers: readonly HeaderPair[]
  readonly body: Uint8Array
  readonly sha256: string
  readonly verdict: string
  readonly facts: ReceiptFacts
}

export interface ReceiptFacts {
  readonly messageId: string | null
  readonly disposition: string
  readonly signed: boolean
  readonly signer: string | null
  readonly mic: string | null
  readonly reasons: readonly string[]
}

export type InboundState = 'spooled' | 'processed' | 'refused' | 'quarantined'

/** What came in. */
export interface InboundRecord {
  readonly id: string
  readonly receivedAt: string
  readonly processedAt: string | null
  readonly state: InboundState
  readonly partner: string | null
  readonly connection: string | null
  readonly as2From: string
  readonly as2To: string
  readonly messageId: string
  readonly messageKey: string
  readonly headers: readonly HeaderPair[]
  readonly bodySha256: string
  readonly bodyBytes: number
  readonly remote: string
  readonly disposition: string | null
  readonly reason: string | null
  readonly detail: string | null
  readonly mic: MicCandidate | null
  readonly layers: readonly string[]
  readonly facts: Facts
  readonly deliveries: readonly string[]
  readonly mdn: StoredMdn | null
}

/** Our receipt: the very bytes, for repetitions and for posting. */
export interface StoredMdn {
  readonly messageId: string
  readonly headers: readonly HeaderPair[]
  readonly body: Uint8Array
  readonly signed: boolean
  readonly mode: 'sync' | 'async'
  readonly url: string | null
  /** Of asynchronous ones. */
  readonly state: 'queued' | 'sent' | 'failed' | null
  readonly tries: number
  readonly problem: string | null
}

/** How an entry was worked off. */
export interface InboundConclusion {
  readonly state: InboundState
  readonly disposition: string | null
  readonly reason: string | null
  readonly detail: string | null
  readonly mic: MicCandidate | null
  readonly layers: readonly string[]
  readonly facts: Facts
  readonly deliveries: readonly string[]
  readonly mdn: Omit<StoredMdn, 'state' | 'tries' | 'problem'> | null
  readonly at: string
}

export type NewInbound = Pick<
  InboundRecord,
  'id' | 'receivedAt' | 'state' | 'partner' | 'connection' | 'as2From' | 'as2To' | 'messageId' | 'messageKey' | 'headers' | 'bodySha256' | 'bodyBytes' | 'remote' | 'reason' | 'detail'
>
