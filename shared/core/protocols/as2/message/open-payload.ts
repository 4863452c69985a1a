/** The innermost entity: one payload, or several in a multipart/related (RFC 6362), with the MIC of unsigned messages. */
import { createHash } from 'node:crypto'
import { findDigest, type DigestForm, type DigestName } from '../../../crypto/cms/index.ts'
import { createTap, isBinary, tapped } from './digest-tap.ts'
import { readFileName, safeFileName } from './file-names.ts'
import { headerValue, type HeaderPair } from './header-fields.ts'
import { readMediaType } from './media-type.ts'
import type { MicScope } from './mic.ts'
import { readEntity, type MimeEntity } from './mime-entity.ts'
import { readMultipart } from './multipart.ts'
import { boundaryOf, type OpenContext } from './open-context.ts'
import type { PayloadStart } from './open-types.ts'
import { Refusal } from './refusal.ts'
import { decodeBase64, decodeQuotedPrintable, readTransferEncoding } from './transfer-encoding.ts'

/** Delivers the payloads of an entity that is no security layer. */
export async function openPayload(context: OpenContext, entity: MimeEntity): Promise<void> {
  const scope = micScope(context)
  if (scope === undefined) {
    await deliver(context, entity.fields, entity.body.rest(), entity.hasHead, 1)
    return
  }
  const encoding = headerValue(entity.fields, 'content-transfer-encoding')
  // RFC 4130 7.3.1: what was encrypted counts in its canonical form; a plain body as it came
  const form: DigestForm = scope === 'body' || !entity.hasHead || isBinary(encoding) ? 'raw' : 'canonical'
  const algorithm = context.micAlgorithm
  const tap = createTap([algorithm], [form])
  if (scope === 'entity') await tap.update(entity.rawHead)
  await deliver(context, entity.fields, tapped(entity.body.rest(), tap), entity.hasHead, 1)
  const digest = findDigest(await tap.finish(), { algorithm, form })
  if (digest !== undefined) context.mic = { algorithm, over: scope, form, value: Buffer.from(digest).toString('base64') }
}

/** Which bytes the MIC of an unsigned message is over (as2 1.4); undefined for signed ones, whose signature decides. */
function micScope({ entered, policy }: OpenContext): MicScope | undefined {
  if (entered.has('signed')) return undefined
  if (entered.has('encrypted')) return 'entity'
  if (entered.has('compressed')) return policy.micOfCompressed === 'without-headers' ? 'body' : 'entity'
  return 'body'
}

async function deliver(context: OpenContext, fields: readonly HeaderPair[], body: AsyncIterable<Uint8Array>, hasHead: boolean, depth: number): Promise<void> {
  const { value, parameters } = readMediaType(headerValue(fields, 'content-type'))
  if (value === 'multipart/report') throw new Refusal('malformed', 'this is a receipt, not a message')
  if (value !== 'multipart/related' && value !== 'multipart/mixed') {
    await deliverOne(context, hasHead ? fields : bareFields(context), body)
    return
  }
  if (depth > context.limits.maxMimeDepth) throw new Refusal('limit', `multiparts are nested more than ${context.limits.maxMimeDepth} deep`)
  if (value === 'multipart/mixed') context.warn('multipart-not-related')
  const { maxBoundary, maxParts, maxPreamble } = context.limits
  const parts = readMultipart(body, { boundary: boundaryOf(parameters), maxBoundary, maxParts, maxPreamble, note: context.warn })
  for await (const part of parts) {
    if (context.payloads.length >= maxParts) throw new Refusal('limit', `the message has more than ${maxParts} payloads`)
    const entity = await readEntity(part)
    noteHead(context, entity)
    await deliver(context, entity.fields, entity.body.rest(), entity.hasHead, depth + 1)
  }
  if (context.warnings.has('boundary-unterminated')) throw new Refusal('malformed', 'the last attachment is cut: the closing boundary is missing')
}

/** A payload without MIME header: name and type can only come from the HTTP header (mendelson build 59). */
function bareFields(context: OpenContext): HeaderPair[] {
  context.warn('payload-without-header')
  const name = readFileName(context.headers.filter(([field]) => field.toLowerCase() === 'content-disposition'))
  return name === undefined || /^smime\.p7[a-z]$/i.test(name) ? [] : [['Content-Disposition', headerValue(context.headers, 'content-disposition') ?? '']]
}

async function deliverOne(context: OpenContext, fields: readonly HeaderPair[], body: AsyncIterable<Uint8Array>): Promise<void> {
  const start = describe(context, fields)
  const writer = await context.sink.begin(start)
  const hash = writer.digest === undefined ? createHash('sha256' satisfies DigestName) : undefined
  let bytes = 0
  for await (const chunk of decoded(context, fields, body)) {
    bytes += chunk.length
    if (bytes > context.limits.maxPayload) throw new Refusal('limit', `a payload is larger than ${context.limits.maxPayload} bytes`)
    hash?.update(chunk)
    const waiting = writer.write(chunk)
    if (waiting !== undefined) await waiting
  }
  await writer.end()
  context.payloads.push({ ...start, bytes, sha256: hash?.digest('hex') ?? writer.digest?.() ?? '' })
}

function describe(context: OpenContext, fields: readonly HeaderPair[]): PayloadStart {
  const { value, parameters } = readMediaType(headerValue(fields, 'content-type'))
  const rawName = readFileName(fields)
  const safeName = safeFileName(rawName, context.envelope.messageId?.key)
  if (rawName !== undefined && rawName !== safeName) context.warn('payload-name-changed')
  const charset = parameters.get('charset')
  const contentId = headerValue(fields, 'content-id')
  return {
    index: context.payloads.length,
    ...(rawName === undefined ? {} : { rawName }),
    safeName,
    contentType: /^[^\s/]+\/[^\s/]+$/.test(value) ? value : 'application/octet-stream',
    ...(charset === undefined ? {} : { charset }),
    ...(contentId === undefined ? {} : { contentId }),
  }
}

function decoded(context: OpenContext, fields: readonly HeaderPair[], body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  switch (readTransferEncoding(headerValue(fields, 'content-transfer-encoding'))) {
    case 'base64':
      return decodeBase64(body, () => context.warn('transfer-encoding-damaged'))
    case 'quoted-printable':
      return decodeQuotedPrintable(body)
    case 'unknown':
      context.warn('transfer-encoding-unknown')
      return body
    case 'identity':
      return body
  }
}

export function noteHead(context: OpenContext, entity: MimeEntity): void {
  if (entity.folded) context.warn('header-folded')
  if (entity.ignoredLines > 0) context.warn('header-lines-ignored')
}
