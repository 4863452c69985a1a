/** What `openMessage` needs to know, and what it answers. */
import type { Allowances, CmsLimits, CompressionReport, ContentCipher, DecryptionKey, DecryptionReport, DigestName, SignatureReport, SignatureScheme, TrustedSigner } from '../../../crypto/cms/index.ts'
import type { ErrorModifier } from './disposition.ts'
import type { Envelope } from './envelope.ts'
import type { MicCandidate } from './mic.ts'

export interface MessageLimits {
  /** Nested multiparts. */
  readonly maxMimeDepth: number
  readonly maxParts: number
  /** RFC 2046 says 70; more is read, with a warning. */
  readonly maxBoundary: number
  readonly maxPreamble: number
  /** All of the decompressed content. */
  readonly maxInflated: number
  readonly maxInflateRatio: number
  /** Bytes of one payload. */
  readonly maxPayload: number
  readonly cms?: Partial<CmsLimits>
}

/** The partner's agreement, as far as it touches the message. */
export interface OpenPolicy {
  readonly decryptWith: readonly DecryptionKey[]
  /** The partner's bound certificates: the only ones that count. */
  readonly trusted: readonly TrustedSigner[]
  /** Default true. */
  readonly requireSignature?: boolean
  /** Default true. */
  readonly requireEncryption?: boolean
  /** Default: every one that is not weak, and the weak ones in `allow`. */
  readonly permittedCiphers?: readonly ContentCipher[]
  readonly permittedDigests?: readonly DigestName[]
  /** Accept only authenticated encryption (GCM). */
  readonly requireAuthenticatedCipher?: boolean
  /** Weak algorithms that an exception permits. */
  readonly allow?: Allowances
  /**
   * The sender was authenticated by other means (a TLS client certificate bound to the partner). Without it, everything that
   * fails behind ciphertext before the signature verified is answered `decryption-failed`.
   */
  readonly senderAuthenticated?: boolean
  /** Which algorithm the MIC uses when none was requested. Default SHA-256 (rfc4130bis); older partners expect SHA-1. */
  readonly defaultMicAlgorithm?: DigestName
  /** Default `request`, as all current products do; `signature`: RFC 4130 7.4.3 to the letter (pyas2, Oxalis). */
  readonly micAlgorithmFrom?: 'request' | 'signature'
  /** Messages that are compressed only: RFC 5402 digests with headers (default), OpenAS2 without. */
  readonly micOfCompressed?: 'with-headers' | 'without-headers'
  /** The partner's product writes MIME heads with LF and signs them with CRLF. Default false: such heads mean damage. */
  readonly convertedLineEnds?: boolean
  readonly limits?: Partial<MessageLimits>
  /** The time at which certificates are judged; default now. */
  readonly at?: Date
}

/** A payload before its first byte. All of it comes from the sender. */
export interface PayloadStart {
  readonly index: number
  /** As received, decoded from RFC 2231 or 2047; undefined when there is none. */
  readonly rawName?: string
  /** Fit for a file system, never empty, no folder parts. Not unique: the caller never overwrites. */
  readonly safeName: string
  /** Media type in lower case, without parameters. */
  readonly contentType: string
  readonly charset?: string
  readonly contentId?: string
}

export interface PayloadDescriptor extends PayloadStart {
  /** Of the delivered bytes, transfer encoding removed. */
  readonly bytes: number
  readonly sha256: string
}

/** Where payload bytes go: a temporary place. They are PROVISIONAL until the outcome says `ok`. */
export interface PayloadSink {
  begin(payload: PayloadStart): PayloadWriter | Promise<PayloadWriter>
}

export interface PayloadWriter {
  /** The chunk is lent: it holds until this is settled. */
  write(chunk: Uint8Array): void | Promise<void>
  /** All bytes of this payload were written; still provisional. */
  end(): void | Promise<void>
  /** SHA-256 of all of them after `end`, lower-case hex, of a writer that finds it out anyway. */
  digest?(): string
}

/** One layer, outermost first, with what was really used. */
export type OpenedLayer =
  | { readonly kind: 'encrypted'; readonly report: DecryptionReport }
  | { readonly kind: 'compressed'; readonly report: CompressionReport }
  | { readonly kind: 'signed'; readonly opaque: boolean; readonly report: SignatureReport }

export type MessageWarning =
  | 'preamble'
  | 'epilogue'
  | 'boundary-long'
  | 'boundary-unterminated'
  | 'header-folded'
  | 'header-lines-ignored'
  | 'body-base64'
  | 'layer-type-differs'
  | 'layer-type-missing'
  | 'payload-without-header'
  | 'signature-part-type'
  | 'signed-form-canonical'
  | 'signed-form-other'
  | 'micalg-missing'
  | 'micalg-differs'
  | 'payload-name-changed'
  | 'transfer-encoding-unknown'
  | 'transfer-encoding-damaged'
  | 'multipart-not-related'
  | 'cms-trailing-bytes'
  | SignatureReport['warnings'][number]

/** Flat facts for the ledger and the window: what was observed, not what was agreed. */
export interface ObservedCrypto {
  readonly encrypted: boolean
  readonly signed: boolean
  readonly compressed: boolean
  readonly cipher?: ContentCipher
  /** `rsaes-pkcs1`, `rsaes-oaep-sha256`, … */
  readonly keyTransport?: string
  /** SHA-256 of our certificate that opened it. */
  readonly decryptedBy?: string
  readonly digest?: DigestName
  readonly signatureScheme?: SignatureScheme
  readonly signerKeyBits?: number
  /** SHA-256 of the partner's certificate that verified it. */
  readonly signedBy?: string
}

export interface OpenedMessage {
  readonly ok: true
  readonly envelope: Envelope
  readonly layers: readonly OpenedLayer[]
  readonly observed: ObservedCrypto
  readonly payloads: readonly PayloadDescriptor[]
  /** What the receipt states. */
  readonly mic: MicCandidate
  readonly warnings: readonly MessageWarning[]
}

export type FailureReason =
  | 'signature-required'
  | 'encryption-required'
  | 'algorithm-refused'
  | 'not-for-us'
  | 'undecryptable'
  | 'decompression'
  | 'bomb'
  | 'signer-unknown'
  | 'signature-invalid'
  | 'content-changed'
  | 'signature-unreadable'
  | 'layers-not-permitted'
  | 'malformed'
  | 'limit'

/** Why a message was refused. */
export interface FailedMessage {
  readonly ok: false
  readonly envelope: Envelope
  /** What the receipt states. Deliberately coarse behind ciphertext from senders who are not authenticated. */
  readonly disposition: ErrorModifier
  /** What really happened, for the operator only: never answer with it. */
  readonly reason: FailureReason
  /** Technical text for the operator. */
  readonly detail: string
  /** True when a bound signature verified (or the policy said so) before it failed. */
  readonly senderAuthenticated: boolean
  readonly observed: ObservedCrypto
  readonly warnings: readonly MessageWarning[]
}

export type OpenOutcome = OpenedMessage | FailedMessage
