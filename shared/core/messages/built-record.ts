/** What is written down of a message of ours when it is built. Pure. */
import { newId } from '../kernel/ids.ts'
import { timestamp } from '../kernel/clock.ts'
import type { MessageRoute } from '../partners/routes.ts'
import type { As2Identity } from '../protocols/as2/build-message.ts'
import { messageIdKey, type BuildOptions, type BuildReport, type HeaderPair } from '../protocols/as2/message/index.ts'
import type { BuiltRecord, Facts } from './repository.ts'
import { keyText, transportText } from './rules.ts'

export function recordOf(parts: {
  readonly delivery: string
  readonly route: MessageRoute
  readonly identity: As2Identity
  readonly headers: readonly HeaderPair[]
  readonly layers: readonly string[]
  readonly messageId: string
  readonly report: BuildReport
  readonly bodySha256: string
  readonly date: Date
  readonly facts: Facts
}): Omit<BuiltRecord, 'acceptedAt'> {
  const { route, report } = parts
  const { receipt } = route.connection
  return {
    id: newId('msg', parts.date.getTime()),
    delivery: parts.delivery,
    partner: route.partner.id,
    connection: route.connection.id,
    messageId: parts.messageId,
    messageKey: messageIdKey(parts.messageId),
    as2From: parts.identity.id,
    as2To: route.connection.as2Id,
    headers: parts.headers,
    bodySha256: parts.bodySha256,
    bodyBytes: report.bodyBytes,
    mics: report.mics,
    layers: parts.layers,
    facts: parts.facts,
    receiptMode: receipt.request === 'none' ? 'none' : receipt.mode,
    receiptSigned: receipt.request === 'signed',
    builtAt: timestamp(parts.date.getTime()),
  }
}

/** Algorithms and certificates, for people. */
export function buildFacts(options: BuildOptions): Facts {
  const { sign, encrypt, compress, payloads } = options
  const name = (certificate: { readonly fingerprintSha256: string }): string => `sha256:${certificate.fingerprintSha256}`
  const [recipient] = encrypt?.recipients ?? []
  return [
    { label: 'contentType', value: [...new Set(payloads.map(({ contentType }) => contentType))].join(', ') },
    ...(payloads.length > 1 ? [{ label: 'attachments', value: String(payloads.length) }] : []),
    ...(sign === undefined ? [] : [{ label: 'signed', value: `${sign.digest ?? 'sha256'}${sign.scheme === undefined ? '' : `, ${sign.scheme}`}` }, { label: 'signedBy', value: name(sign.signer.certificate) }, { label: 'signerKey', value: keyText(sign.signer.certificate) }]),
    ...(compress === undefined ? [] : [{ label: 'compressed', value: `zlib, ${compress.when}` }]),
    ...(encrypt === undefined ? [] : [{ label: 'encrypted', value: encrypt.cipher }, { label: 'encryptedTo', value: encrypt.recipients.map(({ certificate }) => name(certificate)).join(', ') }, { label: 'recipientKey', value: encrypt.recipients.map(({ certificate }) => keyText(certificate)).join(', ') }]),
    ...(recipient === undefined ? [] : [{ label: 'keyTransport', value: transportText(recipient.transport) }]),
  ]
}
