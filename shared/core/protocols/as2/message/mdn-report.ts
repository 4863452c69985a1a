/** The report inside a receipt: multipart/report, or what some products send instead. */
import { collect } from '../../../crypto/cms/index.ts'
import { readAs2Id } from './as2-id.ts'
import { readDisposition } from './disposition.ts'
import { MessageError } from './errors.ts'
import { headerValue, parseHeaderBlock, textOf, type HeaderPair } from './header-fields.ts'
import { allParts } from './mdn-parts.ts'
import type { MdnWarning, ReceivedMdn } from './mdn-types.ts'
import { readMediaType } from './media-type.ts'
import { messageIdKey } from './message-id.ts'
import { readMicAlgorithm } from './mic-algorithms.ts'
import { readEntity } from './mime-entity.ts'
import { decodeBase64, decodeQuotedPrintable, readTransferEncoding } from './transfer-encoding.ts'

export type MdnReport = Omit<ReceivedMdn, 'kind' | 'envelope' | 'signature' | 'sha256' | 'warnings'>

const MAX_TEXT = 64 * 1024

/** Throws `message.malformed` when there is no disposition. */
export async function readMdnReport(head: readonly HeaderPair[], body: Uint8Array, warnings: Set<MdnWarning>): Promise<MdnReport> {
  const { value, parameters } = readMediaType(headerValue(head, 'content-type'))
  if (value === 'message/disposition-notification') {
    warnings.add('report-not-multipart')
    return interpret(await decodedBody(head, body), '', warnings)
  }
  if (!value.startsWith('multipart/')) throw new MessageError('message.malformed', `a ${value === '' ? 'body without type' : value} is no receipt`)
  if (parameters.get('report-type')?.toLowerCase() !== 'disposition-notification') warnings.add('report-type-missing')
  let text: string | undefined
  let report: Uint8Array | undefined
  for (const part of await allParts(body, parameters.get('boundary'), warnings)) {
    const entity = await readEntity([part])
    if (entity.folded) warnings.add('header-folded')
    const content = await decodedBody(entity.fields, await collect(entity.body.rest(), part.length))
    const type = readMediaType(headerValue(entity.fields, 'content-type')).value
    if (type === 'message/disposition-notification') report ??= content
    else if (type === '' || type.startsWith('text/')) text ??= textOf(content.subarray(0, MAX_TEXT))
  }
  if (report === undefined) throw new MessageError('message.malformed', 'the report has no disposition notification')
  if (text === undefined) warnings.add('text-missing')
  return interpret(report, text ?? '', warnings)
}

async function decodedBody(head: readonly HeaderPair[], body: Uint8Array): Promise<Uint8Array> {
  switch (readTransferEncoding(headerValue(head, 'content-transfer-encoding'))) {
    case 'base64':
      return await collect(decodeBase64([body]), body.length)
    case 'quoted-printable':
      return await collect(decodeQuotedPrintable([body]), body.length)
    case 'identity':
    case 'unknown':
      return body
  }
}

function interpret(content: Uint8Array, text: string, warnings: Set<MdnWarning>): MdnReport {
  const { fields } = parseHeaderBlock(content)
  const value = (name: string): string | undefined => headerValue(fields, name)
  const disposition = value('disposition')
  if (disposition === undefined) throw new MessageError('message.malformed', 'the disposition notification states no disposition')
  const original = value('original-message-id')
  const finalRecipient = recipientOf(value('final-recipient'), warnings)
  const originalRecipient = recipientOf(value('original-recipient'), warnings)
  if (finalRecipient === undefined) warnings.add('final-recipient-missing')
  if (originalRecipient === undefined) warnings.add('original-recipient-missing')
  const reportingUa = value('reporting-ua')
  const mic = readMic(value('received-content-mic'))
  const [error, warning, failure] = [value('error'), value('warning'), value('failure')]
  return {
    text,
    fields,
    disposition: readDisposition(disposition, {
      ...(error === undefined ? {} : { error }),
      ...(warning === undefined ? {} : { warning }),
      ...(failure === undefined ? {} : { failure }),
    }),
    ...(original === undefined || original.trim() === '' ? {} : { originalMessageId: { raw: original.trim(), key: messageIdKey(original) } }),
    ...(finalRecipient === undefined ? {} : { finalRecipient }),
    ...(originalRecipient === undefined ? {} : { originalRecipient }),
    ...(reportingUa === undefined ? {} : { reportingUa }),
    ...(mic === undefined ? {} : { mic }),
  }
}

/** `rfc822; "Some Id"`; SEEBURGER leaves the type out. */
function recipientOf(raw: string | undefined, warnings: Set<MdnWarning>): string | undefined {
  if (raw === undefined || raw === '') return undefined
  const typed = /^[A-Za-z0-9-]+\s*;(.*)$/s.exec(raw)?.[1]
  if (typed === undefined) warnings.add('recipient-without-type')
  return readAs2Id(typed ?? raw)?.id
}

/** `value, algorithm`: blanks anywhere, as long values are wrapped. */
function readMic(raw: string | undefined): ReceivedMdn['mic'] {
  if (raw === undefined || raw === '') return undefined
  const comma = raw.lastIndexOf(',')
  const value = (comma < 0 ? raw : raw.slice(0, comma)).replaceAll(/[\s"]+/g, '')
  const algorithmName = comma < 0 ? '' : raw.slice(comma + 1).trim()
  const algorithm = readMicAlgorithm(algorithmName)
  return { raw, value, algorithmName, ...(algorithm === undefined ? {} : { algorithm }) }
}
