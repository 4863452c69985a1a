/** Judging answers and receipts, and when to try again. Pure. */
import type { ErrorCode } from '../../contract/errors/index.ts'
import type { MdnReceipt } from '../../contract/deliveries.ts'
import type { Certificate } from '../crypto/x509/index.ts'
import type { MdnReading, MdnVerdict, MdnVerdictCode } from '../protocols/as2/message/index.ts'
import type { BuiltRecord, ReceiptFacts } from './repository.ts'

/** What an HTTP answer without a receipt means for the message. */
export type BareAnswer =
  /** 2xx, and the receipt comes later or none was asked for. */
  | 'taken'
  /** 2xx, and a receipt should have come along. */
  | 'no-receipt'
  /** The same bytes may be posted again later; the server says that it did not take them. */
  | 'later'
  /** The same, but it may have taken them. */
  | 'failed'
  | 'refused'
  | 'redirected'

/** Answers that say "not now" about the request itself (RFC 9110, 8470, 6585). */
const NOT_NOW = [408, 425, 429, 503]

export function meaningOf(status: number, receiptMode: BuiltRecord['receiptMode']): BareAnswer {
  if (status >= 200 && status < 300) return receiptMode === 'sync' ? 'no-receipt' : 'taken'
  if (status >= 300 && status < 400) return 'redirected'
  if (NOT_NOW.includes(status)) return 'later'
  return status >= 500 || status < 200 ? 'failed' : 'refused'
}

/** Whether a receipt decides something, and what. Null: it proves nothing and nothing disproves. */
export const DISPUTES: Readonly<Partial<Record<MdnVerdictCode, ErrorCode>>> = {
  'mic-mismatch': 'as2.receipt_mic_mismatch',
  'mic-missing': 'as2.receipt_mic_missing',
  unsigned: 'as2.receipt_unsigned',
  'wrong-signer': 'as2.receipt_wrong_signer',
  'signature-invalid': 'as2.receipt_signature_invalid',
}

/**
 * Whether a receipt that was posted to our receiver may change a delivery. Anybody can post there: what is not signed by the
 * partner where a signature was agreed is kept and shown, and changes nothing.
 */
export function mayDecide(verdict: MdnVerdictCode, reading: MdnReading, signedReceipt: boolean): boolean {
  if (reading.kind !== 'mdn' || verdict === 'unparsable' || verdict === 'not-ours') return false
  return !signedReceipt || reading.signature.state === 'valid'
}

/** What the ledger keeps of a receipt. */
export function receiptOf(reading: MdnReading, verdict: MdnVerdict, message: BuiltRecord, mode: 'sync' | 'async', at: string): MdnReceipt {
  const facts = factsOf(reading, verdict)
  const mic = reading.kind === 'mdn' ? reading.mic : undefined
  const matched = verdict.matchedMic
  const ours = matched ?? message.mics.find(({ algorithm }) => algorithm === mic?.algorithm) ?? message.mics[0]
  return {
    kind: 'mdn',
    at,
    messageId: message.messageId,
    mdnMessageId: facts.messageId,
    mode,
    disposition: facts.disposition,
    signed: facts.signed,
    signer: facts.signer,
    micAlgorithm: mic?.algorithm ?? mic?.algorithmName ?? null,
    micSent: ours?.value ?? null,
    micReceived: mic?.value ?? null,
    micMatches: mic === undefined ? null : matched !== undefined,
    rawSha256: reading.sha256,
  }
}

export function factsOf(reading: MdnReading, verdict: MdnVerdict): ReceiptFacts {
  if (reading.kind !== 'mdn') return { messageId: reading.envelope.messageId?.raw ?? null, disposition: '', signed: false, signer: null, mic: null, reasons: verdict.reasons }
  const { signature } = reading
  return {
    messageId: reading.envelope.messageId?.raw ?? null,
    disposition: reading.disposition.raw,
    signed: signature.state !== 'unsigned',
    signer: signature.state === 'valid' ? `sha256:${signature.report.signer.certificate.fingerprintSha256}` : null,
    mic: reading.mic?.raw ?? null,
    reasons: verdict.reasons,
  }
}

/** `RSA 2048`, `EC P-256`: kind and size of a certificate's key. */
export function keyText({ keyType, keyBits, curve }: Pick<Certificate, 'keyType' | 'keyBits' | 'curve'>): string {
  return keyType === 'ec' ? `EC ${curve ?? ''}`.trimEnd() : `${keyType.toUpperCase()} ${keyBits ?? ''}`.trimEnd()
}

/** `rsaes-pkcs1`, `rsaes-oaep-sha256`: as the message layer names it when it reads one. */
export function transportText(transport: { readonly scheme: 'rsaes-pkcs1' } | { readonly scheme: 'rsaes-oaep'; readonly hash: string } | undefined): string {
  return transport === undefined || transport.scheme === 'rsaes-pkcs1' ? 'rsaes-pkcs1' : `${transport.scheme}-${transport.hash}`
}

const MINUTE_MS = 60_000
const FIRST_PAUSE_MS = 5 * MINUTE_MS
const LONGEST_PAUSE_MS = 4 * 60 * MINUTE_MS
const JITTER = 0.2

/**
 * Pause after the n-th failed try (1-based) of a message or an asynchronous receipt: 5, 10, 20, 40 … minutes up to 4 hours,
 * ±20 %. Null when the time allowed would be over by then. `since`, `now` in milliseconds, `random` in [0, 1).
 */
export function pauseAfterTry(tries: number, window: { readonly since: number; readonly now: number; readonly hours: number }, random: number): number | null {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(16, Math.max(0, tries - 1)))
  const spread = Math.round(pause * (1 - JITTER + 2 * JITTER * random))
  return window.now + spread - window.since > window.hours * 60 * MINUTE_MS ? null : spread
}

/** Retry-After in seconds or as a date (RFC 9110 §10.2.3), in milliseconds from now, at most a day; undefined when it says nothing usable. */
export function retryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const seconds = /^\s*\d{1,9}\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 86_400_000) : undefined
}

/** An answer or address that never leaves this computer. */
export function isLoopback(host: string): boolean {
  const name = host.replaceAll(/^\[|\]$/g, '').toLowerCase()
  return name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)
}
