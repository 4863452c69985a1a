/** The AS2 headers of a message or receipt, read before anything is known about its sender. */
import { readAs2Id, type ReceivedAs2Id } from './as2-id.ts'
import { headerValue, headerValues, type HeaderPair } from './header-fields.ts'
import { readMessageId, type ReceivedMessageId } from './message-id.ts'
import { readReceiptRequest, type ReceiptRequest } from './receipt-request.ts'

export type EnvelopeWarning = 'as2-id-unquoted-blanks' | 'as2-header-repeated' | 'message-id-unusual'

export interface Envelope {
  /** Undefined: missing, repeated with other values, or not an identifier. */
  readonly from?: ReceivedAs2Id
  readonly to?: ReceivedAs2Id
  readonly messageId?: ReceivedMessageId
  /** `1.0` when it is absent. */
  readonly version: string
  readonly features: readonly string[]
  /** AS2-Product (draft-ietf-ediint-rfc4130bis), else User-Agent or Server. */
  readonly product?: string
  readonly subject?: string
  readonly date?: string
  readonly receipt: ReceiptRequest
  readonly warnings: readonly EnvelopeWarning[]
}

/** Never throws. Identity is only claimed here; the verified signature proves it. */
export function readEnvelope(headers: readonly HeaderPair[]): Envelope {
  const warnings: EnvelopeWarning[] = []
  const as2Id = (name: string): ReceivedAs2Id | undefined => {
    const values = [...new Set(headerValues(headers, name))]
    if (values.length > 1) warnings.push('as2-header-repeated')
    const found = values.length === 1 ? readAs2Id(values[0] ?? '') : undefined
    if (found?.unquotedBlanks === true) warnings.push('as2-id-unquoted-blanks')
    return found
  }
  const from = as2Id('as2-from')
  const to = as2Id('as2-to')
  const rawId = headerValue(headers, 'message-id')
  const messageId = rawId === undefined || rawId.trim() === '' ? undefined : readMessageId(rawId)
  if (messageId !== undefined && !/^<[^@\s]+@[^@\s]+>$/.test(messageId.raw)) warnings.push('message-id-unusual')
  const product = headerValue(headers, 'as2-product') ?? headerValue(headers, 'user-agent') ?? headerValue(headers, 'server')
  const subject = headerValue(headers, 'subject')
  const date = headerValue(headers, 'date')
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(messageId === undefined ? {} : { messageId }),
    version: headerValue(headers, 'as2-version')?.trim() ?? '1.0',
    features: readFeatures(headerValue(headers, 'ediint-features') ?? ''),
    ...(product === undefined ? {} : { product }),
    ...(subject === undefined ? {} : { subject }),
    ...(date === undefined ? {} : { date }),
    receipt: readReceiptRequest(headers),
    warnings,
  }
}

/** EDIINT-Features (RFC 6017): names in lower case. */
export function readFeatures(value: string): string[] {
  return [...new Set(value.split(',').map((name) => name.trim().toLowerCase()).filter((name) => name !== ''))]
}
