/** Receipts (MDN, RFC 8098 and RFC 4130 7): what one is built from, what one said, and the verdict about it. */
import type { Allowances, DigestName, SignatureReport, SignatureScheme, SigningKey, TrustedSigner } from '../../../crypto/cms/index.ts'
import type { Certificate } from '../../../crypto/x509/index.ts'
import type { DispositionToSend, ReceivedDisposition } from './disposition.ts'
import type { Envelope } from './envelope.ts'
import type { HeaderPair } from './header-fields.ts'
import type { MicCandidate } from './mic.ts'
import type { MicSpelling } from './mic-algorithms.ts'

export interface MdnSigning {
  readonly signer: SigningKey
  /** Default SHA-256. */
  readonly digest?: DigestName
  readonly scheme?: SignatureScheme
  readonly certificates?: readonly Certificate[]
  readonly signingTime?: Date | null
}

export interface MdnOptions {
  /** Our identifier: the one to which the message was sent. */
  readonly as2From: string
  /** The partner's. */
  readonly as2To: string
  readonly disposition: DispositionToSend
  /** Message-ID of the message exactly as received; left out when it is not printable. */
  readonly originalMessageId?: string
  /** From `OpenedMessage.mic`; left out of what cannot be computed. */
  readonly mic?: { readonly algorithm: DigestName; readonly value: string }
  /** Absent: an unsigned receipt. */
  readonly sign?: MdnSigning
  /** For a person: what happened, in plain language. Default by disposition. Lines of any text. */
  readonly text?: string
  readonly messageId?: string
  readonly date?: Date
  readonly subject?: string
  readonly from?: string
  readonly reportingUa?: string
  readonly as2Version?: '1.0' | '1.1' | '1.2' | '1.3'
  readonly features?: readonly string[]
  readonly product?: string
  /** `Final-Recipient` when it is not `as2From`. */
  readonly finalRecipient?: string
  readonly quirks?: Partial<MdnQuirks>
  readonly allow?: Allowances
}

export interface MdnQuirks {
  /** Default `base64`. */
  readonly signatureEncoding: 'base64' | 'binary'
  /** Of `micalg` and Received-Content-MIC. Default `standard`. */
  readonly micSpelling: MicSpelling
  readonly algorithmProtection: boolean
  readonly signatureOid: 'rsaEncryption' | 'withDigest'
  /** The partner speaks version 1.3 and knows its modifiers. Default false. */
  readonly modernModifiers: boolean
}

/** Final bytes: store and send exactly these, again for a duplicate. */
export interface BuiltMdn {
  readonly messageId: string
  /** With Content-Length. The same for an HTTP response and for an asynchronous POST. */
  readonly headers: readonly HeaderPair[]
  readonly body: Uint8Array
  /** As stated. */
  readonly disposition: string
  readonly signed: boolean
}

export interface MdnPolicy {
  /** The partner's bound certificates: the only ones that count. */
  readonly trusted: readonly TrustedSigner[]
  readonly allow?: Allowances
  readonly at?: Date
  /** As in OpenPolicy. */
  readonly convertedLineEnds?: boolean
  /** Default 1 MiB. */
  readonly maxBytes?: number
}

export type MdnSignatureState =
  | { readonly state: 'unsigned' }
  | { readonly state: 'valid'; readonly report: SignatureReport }
  /** `signer-unknown`: signed with a key that is not bound to the partner, whatever certificate came along. */
  | { readonly state: 'signer-unknown' | 'invalid' | 'refused' | 'unreadable'; readonly detail: string; readonly embedded: readonly string[] }

export type MdnWarning =
  | 'preamble'
  | 'report-not-multipart'
  | 'report-type-missing'
  | 'header-folded'
  | 'recipient-without-type'
  | 'original-recipient-missing'
  | 'final-recipient-missing'
  | 'message-id-missing'
  | 'text-missing'
  | 'signed-form-canonical'
  | 'signed-form-other'
  | SignatureReport['warnings'][number]

/** What a receipt says. When it is signed, all of it comes from the signed bytes; believe it only when the signature is `valid`. */
export interface ReceivedMdn {
  readonly kind: 'mdn'
  readonly envelope: Envelope
  readonly signature: MdnSignatureState
  /** For a person, as the partner wrote it. Untrusted text, at most 64 KiB. */
  readonly text: string
  readonly fields: readonly HeaderPair[]
  readonly disposition: ReceivedDisposition
  /** Raw, and without brackets for comparing. */
  readonly originalMessageId?: { readonly raw: string; readonly key: string }
  readonly finalRecipient?: string
  readonly originalRecipient?: string
  readonly reportingUa?: string
  readonly mic?: { readonly raw: string; readonly value: string; readonly algorithm?: DigestName; readonly algorithmName: string }
  /** SHA-256 of the body in lower-case hex: each receipt counts once. */
  readonly sha256: string
  readonly warnings: readonly MdnWarning[]
}

/** Something that is no receipt, or none that can be read. */
export interface UnreadableMdn {
  readonly kind: 'unreadable'
  readonly envelope: Envelope
  readonly detail: string
  readonly sha256: string
}

export type MdnReading = ReceivedMdn | UnreadableMdn

/** What we expect of the receipt for one message; all of it was stored when the message was built. */
export interface MdnExpectation {
  readonly messageId: string
  readonly as2From: string
  readonly as2To: string
  readonly signedReceipt: boolean
  /** From `BuildReport.mics`. */
  readonly mics: readonly MicCandidate[]
  /** Default true when a signed receipt was asked for. */
  readonly requireMic?: boolean
}

export type MdnVerdictCode =
  | 'delivered'
  | 'mic-mismatch'
  | 'mic-missing'
  | 'unsigned'
  | 'wrong-signer'
  | 'signature-invalid'
  | 'negative'
  | 'unparsable'
  | 'not-ours'

export interface MdnVerdict {
  readonly code: MdnVerdictCode
  /** Only for `delivered`. */
  readonly delivered: boolean
  /** Whole sentences for an operator: what happened and why we think so. */
  readonly reasons: readonly string[]
  /** The partner says that it had the message already. */
  readonly duplicate: boolean
  /** The form of the message that the partner digested. */
  readonly matchedMic?: MicCandidate
}
