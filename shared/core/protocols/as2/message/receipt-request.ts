/** What a sender asks for in return: Disposition-Notification-* and Receipt-Delivery-Option (RFC 4130 7.3, RFC 8098 2). */
import type { DigestName } from '../../../crypto/cms/index.ts'
import { MessageError } from './errors.ts'
import { headerValue, safeHeader, type HeaderPair } from './header-fields.ts'
import { readMicAlgorithm, writeMicAlgorithm, type MicSpelling } from './mic-algorithms.ts'

/** What we ask for. */
export interface ReceiptOptions {
  readonly signed: boolean
  /** Value of Disposition-Notification-To: any text; receivers ignore what it says. */
  readonly to: string
  /** One algorithm, the message's signing digest, unless a partner needs more. Default: that digest, else SHA-256. */
  readonly micAlgorithms?: readonly DigestName[]
  /** Default `optional`. */
  readonly importance?: 'optional' | 'required'
  readonly spelling?: MicSpelling
  /** The URL for an asynchronous receipt; without it the receipt comes in the HTTP response. */
  readonly asyncUrl?: string
}

export interface ReceivedReceiptOptions {
  /** `pkcs7-signature` was asked for. */
  readonly signed: boolean
  /** `required` importance of either parameter. */
  readonly required: boolean
  /** The protocol that was asked for; undefined: none. */
  readonly protocol?: string
  /** The listed names as spelled. */
  readonly micNames: readonly string[]
  /** Those that we know, in their order. */
  readonly micAlgorithms: readonly DigestName[]
}

/** What was asked of us. */
export type ReceiptRequest =
  | { readonly wanted: false }
  | ({
      readonly wanted: true
      /** The value of Disposition-Notification-To, never acted upon. */
      readonly to: string
      /** Chosen by whoever sent the request: compare it to the partner's configured address, never just post to it. */
      readonly delivery: ReceiptDelivery
    } & ReceivedReceiptOptions)

export type ReceiptDelivery = { readonly mode: 'sync' } | { readonly mode: 'async'; readonly url: URL; readonly raw: string } | { readonly mode: 'unusable'; readonly raw: string }

/** The headers that ask for a receipt, unfolded. Throws MessageError. */
export function receiptHeaders(options: ReceiptOptions, signingDigest: DigestName | undefined): HeaderPair[] {
  const { importance = 'optional', micAlgorithms = [signingDigest ?? 'sha256'], spelling } = options
  const names = micAlgorithms.map((name) => writeMicAlgorithm(name, spelling)).join(', ')
  if (options.signed && names === '') throw new MessageError('message.options_invalid', 'a signed receipt needs a MIC algorithm')
  return [
    safeHeader('Disposition-Notification-To', options.to),
    ...(options.signed ? [safeHeader('Disposition-Notification-Options', `signed-receipt-protocol=${importance}, pkcs7-signature; signed-receipt-micalg=${importance}, ${names}`)] : []),
    ...(options.asyncUrl === undefined ? [] : [safeHeader('Receipt-Delivery-Option', asyncUrl(options.asyncUrl))]),
  ]
}

function asyncUrl(text: string): string {
  const url = httpUrl(text)
  if (url === undefined) throw new MessageError('message.options_invalid', 'the address for asynchronous receipts must be an http or https URL')
  return text
}

function httpUrl(text: string): URL | undefined {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) ? url : undefined
}

/** Reads what was asked of us. Options without Disposition-Notification-To ask for nothing (RFC 4130; mendelson agrees, OpenAS2 does not). */
export function readReceiptRequest(headers: readonly HeaderPair[]): ReceiptRequest {
  const to = headerValue(headers, 'disposition-notification-to')
  if (to === undefined) return { wanted: false }
  const address = headerValue(headers, 'receipt-delivery-option')?.trim()
  return { wanted: true, to, delivery: readDelivery(address), ...readReceiptOptions(headerValue(headers, 'disposition-notification-options') ?? '') }
}

function readDelivery(raw: string | undefined): ReceiptDelivery {
  if (raw === undefined || raw === '') return { mode: 'sync' }
  const url = httpUrl(raw.replaceAll(/^<|>$/g, ''))
  return url === undefined ? { mode: 'unusable', raw } : { mode: 'async', url, raw }
}

/** Disposition-Notification-Options in any case, with tabs, with or without blanks and importance, unknown parameters skipped. */
export function readReceiptOptions(value: string): ReceivedReceiptOptions {
  const parameters = new Map<string, { readonly importance?: string; readonly values: readonly string[] }>()
  for (const part of value.split(';')) {
    const equals = part.indexOf('=')
    if (equals < 0) continue
    const words = part
      .slice(equals + 1)
      .split(',')
      .map((word) => word.trim().replaceAll(/^"|"$/g, ''))
      .filter((word) => word !== '')
    const importance = /^(required|optional)$/i.test(words[0] ?? '') ? words[0]?.toLowerCase() : undefined
    const name = part.slice(0, equals).trim().toLowerCase()
    if (!parameters.has(name)) parameters.set(name, { ...(importance === undefined ? {} : { importance }), values: importance === undefined ? words : words.slice(1) })
  }
  const protocol = parameters.get('signed-receipt-protocol')
  const mic = parameters.get('signed-receipt-micalg')
  const micNames = mic?.values ?? []
  return {
    signed: protocol?.values.some((name) => /^(x-)?pkcs7-signature$/i.test(name)) === true,
    required: protocol?.importance === 'required' || mic?.importance === 'required',
    ...(protocol?.values[0] === undefined ? {} : { protocol: protocol.values[0] }),
    micNames,
    micAlgorithms: [...new Set(micNames.map(readMicAlgorithm).filter((name) => name !== undefined))],
  }
}
