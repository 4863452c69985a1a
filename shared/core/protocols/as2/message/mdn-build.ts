/** Builds a receipt (RFC 8098, RFC 4130 7.4): small, final bytes, to be stored before they are sent. */
import { digestOf } from '../../../crypto/primitives/index.ts'
import { writeAs2Id } from './as2-id.ts'
import { BUILD_QUIRKS } from './build-plan.ts'
import { writeDisposition, type DispositionToSend } from './disposition.ts'
import { headerBlock, safeHeader, type HeaderPair } from './header-fields.ts'
import type { BuiltMdn, MdnOptions, MdnQuirks, MdnSigning } from './mdn-types.ts'
import { checkMessageId, newMessageId, readMessageId } from './message-id.ts'
import { writeMicAlgorithm } from './mic-algorithms.ts'
import { newBoundary, withContentLength } from './mime-writer.ts'
import { signaturePart, signedContentType } from './signature-part.ts'

const MDN_QUIRKS: MdnQuirks = { signatureEncoding: 'base64', micSpelling: 'standard', algorithmProtection: false, signatureOid: 'rsaEncryption', modernModifiers: false }

/** Throws MessageError for values that cannot be sent, CmsError for keys that cannot sign. */
export function buildMdn(options: MdnOptions): BuiltMdn {
  const quirks = { ...MDN_QUIRKS, ...options.quirks }
  const messageId = checkMessageId(options.messageId ?? newMessageId(options.date === undefined ? {} : { at: options.date }))
  const disposition = writeDisposition(options.disposition, { modern: quirks.modernModifiers })
  const report = reportEntity(options, quirks, disposition)
  const { type, body } = options.sign === undefined ? report : signed(report, options.sign, options, quirks)
  const headers = [...mdnHeaders(options, messageId), safeHeader('Content-Type', type)]
  return { messageId, headers: withContentLength(headers, body.length), body, disposition, signed: options.sign !== undefined }
}

function mdnHeaders(options: MdnOptions, messageId: string): HeaderPair[] {
  const { as2Version = '1.2', features = ['multiple-attachments'] } = options
  return [
    safeHeader('AS2-Version', as2Version),
    ...(options.product === undefined ? [] : [safeHeader('AS2-Product', options.product)]),
    ...(Number(as2Version) >= 1.2 && features.length > 0 ? [safeHeader('EDIINT-Features', features.join(', '))] : []),
    safeHeader('AS2-From', writeAs2Id(options.as2From)),
    safeHeader('AS2-To', writeAs2Id(options.as2To)),
    safeHeader('Message-ID', messageId),
    safeHeader('Date', (options.date ?? new Date()).toUTCString()),
    safeHeader('Subject', options.subject ?? 'Message Disposition Notification'),
    ...(options.from === undefined ? [] : [safeHeader('From', options.from)]),
    safeHeader('MIME-Version', '1.0'),
  ]
}

interface Entity {
  readonly type: string
  readonly body: Uint8Array
}

function reportEntity(options: MdnOptions, quirks: MdnQuirks, disposition: string): Entity {
  const boundary = newBoundary()
  const text = textPart(options)
  const fields = Buffer.concat([headerBlock([['Content-Type', 'message/disposition-notification'], ['Content-Transfer-Encoding', '7bit']]), headerBlock(reportFields(options, quirks, disposition))])
  const mark = Buffer.from(`--${boundary}\r\n`)
  return {
    type: `multipart/report; report-type=disposition-notification; boundary="${boundary}"`,
    body: Buffer.concat([mark, text, Buffer.from('\r\n'), mark, fields, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  }
}

function reportFields(options: MdnOptions, quirks: MdnQuirks, disposition: string): HeaderPair[] {
  const recipient = `rfc822; ${writeAs2Id(options.finalRecipient ?? options.as2From)}`
  const echo = options.originalMessageId === undefined ? undefined : readMessageId(options.originalMessageId)
  return [
    safeHeader('Reporting-UA', options.reportingUa ?? 'Waybill'),
    safeHeader('Original-Recipient', `rfc822; ${writeAs2Id(options.as2From)}`),
    safeHeader('Final-Recipient', recipient),
    // an identifier that cannot stand in one line is not echoed: it would write fields of its own
    ...(echo?.valid === true ? [safeHeader('Original-Message-ID', echo.raw)] : []),
    safeHeader('Disposition', disposition),
    ...(options.mic === undefined ? [] : [safeHeader('Received-Content-MIC', `${options.mic.value}, ${writeMicAlgorithm(options.mic.algorithm, quirks.micSpelling)}`)]),
  ]
}

const TEXTS: Readonly<Record<DispositionToSend['kind'], string>> = {
  processed: 'The message was received and its security was verified. This is no guarantee that its content was understood by the application that it is meant for.',
  warning: 'The message was received, with a remark that the disposition names.',
  error: 'The message was received but could not be accepted, for the reason that the disposition names. Its content was not delivered.',
  failure: 'The message was received, but a receipt of the kind that was asked for cannot be made.',
}

/** Lines of at most 900 characters, no controls: nothing that a partner sent can become a header or a boundary here. */
function textPart(options: MdnOptions): Uint8Array {
  const recipient = writeAs2Id(options.finalRecipient ?? options.as2From)
  const text = `${options.text ?? TEXTS[options.disposition.kind]}\n\nFinal-Recipient: ${recipient}`
  const lines = text.toWellFormed().split(/\r\n|\r|\n/).flatMap((line) => line.replaceAll(/\p{Cc}/gu, ' ').match(/.{1,900}/gsu) ?? [''])
  const ascii = lines.every((line) => /^[\x20-\x7e]*$/.test(line))
  const head = headerBlock([['Content-Type', `text/plain; charset=${ascii ? 'us-ascii' : 'utf-8'}`], ['Content-Transfer-Encoding', ascii ? '7bit' : '8bit']])
  return Buffer.concat([head, Buffer.from(`${lines.join('\r\n')}\r\n`, 'utf8')])
}

function signed(report: Entity, sign: MdnSigning, options: MdnOptions, quirks: MdnQuirks): Entity {
  const boundary = newBoundary()
  const entity = Buffer.concat([headerBlock([['Content-Type', report.type]]), report.body])
  const { digest = 'sha256' } = sign
  const signature = { ...BUILD_QUIRKS, ...quirks, ...sign, digest, ...(options.allow === undefined ? {} : { allow: options.allow }) }
  const mark = Buffer.from(`--${boundary}\r\n`)
  return {
    type: signedContentType(signature, boundary)[1],
    body: Buffer.concat([mark, entity, Buffer.from('\r\n'), mark, signaturePart(signature, digestOf(digest, entity)), Buffer.from(`\r\n--${boundary}--\r\n`)]),
  }
}
