/** Takes the security layers off a message, one inside the other, while it streams by. */
import { CmsError, decompress, decrypt, findDigest, sniffCms, verifyOpaque, type CmsKind, type SignatureReport } from '../../../crypto/cms/index.ts'
import { persistent } from './byte-stream.ts'
import { createTap, tapped } from './digest-tap.ts'
import { headerValue } from './header-fields.ts'
import { readMediaType } from './media-type.ts'
import { readEntity, type MimeEntity } from './mime-entity.ts'
import { contentTypeOf, enterLayer, type OpenContext } from './open-context.ts'
import { noteHead, openPayload } from './open-payload.ts'
import { acceptSignature, openMultipartSigned } from './open-signed.ts'
import { Refusal, refusalOf, type Step } from './refusal.ts'
import { decodeBase64, readTransferEncoding } from './transfer-encoding.ts'

const PREFIX = 96

/** Opens an entity: the whole message, or what a layer held. */
export async function openEntity(context: OpenContext, entity: MimeEntity): Promise<void> {
  const { value, parameters } = readMediaType(contentTypeOf(entity.fields))
  if (value === 'multipart/signed') {
    enterLayer(context, 'signed')
    await openMultipartSigned(context, parameters, await multipartBody(context, entity), openEntity)
    return
  }
  const cms = mayBeLayer(context, value) ? await cmsBody(context, entity) : undefined
  if (cms !== undefined) noteType(context, cms.kind, parameters.get('smime-type'))
  switch (cms?.kind) {
    case 'enveloped-data':
    case 'auth-enveloped-data':
      return await openEncrypted(context, cms.body)
    case 'compressed-data':
      return await openCompressed(context, cms.body)
    case 'signed-data':
      return await openOpaque(context, cms.body)
    case 'data':
    case 'other':
      throw unreadable(parameters.get('smime-type'))
    case undefined:
      if (/pkcs7-mime/.test(value)) throw unreadable(parameters.get('smime-type'))
      refuseEarly(context)
      await openPayload(context, entity)
  }
}

/** S/MIME types at every level; at the outermost one also what products write that do not know the type. */
function mayBeLayer(context: OpenContext, type: string): boolean {
  if (/^application\/(x-)?pkcs7-mime$/.test(type)) return true
  return context.entered.size === 0 && (type === '' || type === 'application/octet-stream' || /pkcs7/.test(type))
}

/** Without any layer the missing protection is known before a byte was read. */
function refuseEarly(context: OpenContext): void {
  if (context.entered.size === 0) checkProtection(context)
}

/** Whether the layers are those that the policy wants. */
export function checkProtection({ entered, policy }: OpenContext): void {
  if (policy.requireSignature !== false && !entered.has('signed')) throw new Refusal('signature-required', 'the message is not signed, and the agreement demands it')
  if (policy.requireEncryption !== false && !entered.has('encrypted')) throw new Refusal('encryption-required', 'the message is not encrypted, and the agreement demands it')
}

/** What the object identifier at the beginning of a body says that it is, and the body in binary. */
async function cmsBody(context: OpenContext, entity: MimeEntity): Promise<{ readonly kind: CmsKind; readonly body: AsyncIterable<Uint8Array> } | undefined> {
  const prefix = await entity.body.peek(PREFIX)
  const direct = sniffCms(prefix)
  if (direct !== undefined) return { kind: direct, body: entity.body.rest() }
  const wrapped = looksLikeBase64(prefix) ? sniffCms(Buffer.from(Buffer.from(prefix).toString('latin1'), 'base64')) : undefined
  if (wrapped === undefined) return undefined
  if (context.entered.size === 0 || !saysBase64(entity)) context.warn('body-base64')
  return { kind: wrapped, body: decodeBase64(entity.body.rest(), () => context.warn('transfer-encoding-damaged')) }
}

/** A multipart never has a transfer encoding (RFC 2045 6.4), but some products wrap the whole HTTP body. */
async function multipartBody(context: OpenContext, entity: MimeEntity): Promise<AsyncIterable<Uint8Array>> {
  if (!saysBase64(entity) || !looksLikeBase64(await entity.body.peek(PREFIX))) return entity.body.rest()
  context.warn('body-base64')
  return decodeBase64(entity.body.rest(), () => context.warn('transfer-encoding-damaged'))
}

function saysBase64(entity: MimeEntity): boolean {
  return readTransferEncoding(headerValue(entity.fields, 'content-transfer-encoding')) === 'base64'
}

function looksLikeBase64(prefix: Uint8Array): boolean {
  return /^\s*[A-Za-z0-9+/\r\n]+={0,2}\s*$/.test(Buffer.from(prefix.buffer, prefix.byteOffset, prefix.length).toString('latin1'))
}

function noteType(context: OpenContext, kind: CmsKind, smimeType: string | undefined): void {
  if (smimeType === undefined) context.warn('layer-type-missing')
  else if (smimeType.toLowerCase().replace(/^authenveloped/, 'auth-enveloped') !== kind) context.warn('layer-type-differs')
}

function unreadable(smimeType: string | undefined): Refusal {
  const detail = 'the content is not the CMS that its type announces'
  switch (smimeType?.toLowerCase()) {
    case 'enveloped-data':
    case 'authenveloped-data':
      return new Refusal('undecryptable', detail)
    case 'compressed-data':
      return new Refusal('decompression', detail)
    case 'signed-data':
      return new Refusal('signature-unreadable', detail)
    default:
      return new Refusal('malformed', detail)
  }
}

async function openEncrypted(context: OpenContext, body: AsyncIterable<Uint8Array>): Promise<void> {
  enterLayer(context, 'encrypted')
  const { policy, limits } = context
  const opened = decrypt(body, {
    keys: policy.decryptWith,
    lend: true,
    ...(policy.allow === undefined ? {} : { allow: policy.allow }),
    ...(policy.requireAuthenticatedCipher === true ? { requireAuthenticated: true } : {}),
    ...(limits.cms === undefined ? {} : { limits: limits.cms }),
  })
  const place = context.layers.length
  const inner = await openInside(context, endingQuietly(opened.content), 'decrypt')
  const report = await opened.result.catch((error: unknown) => {
    throw refusalOf(error, 'decrypt')
  })
  context.layers.splice(place, 0, { kind: 'encrypted', report })
  noteTrailing(context, report.trailingBytes)
  if (inner !== undefined) throw inner
  if (policy.permittedCiphers?.includes(report.cipher) === false) throw new Refusal('algorithm-refused', `the agreement does not permit ${report.cipher}`)
}

/**
 * Whoever reads what was decrypted meets an end, whether that end was sound or not: the same is done then, signature and files included,
 * and only the layer's own result tells. Otherwise the time would answer what the receipt does not.
 */
async function* endingQuietly(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* content
  } catch (error) {
    if (!(error instanceof CmsError)) throw error
  }
}

async function openCompressed(context: OpenContext, body: AsyncIterable<Uint8Array>): Promise<void> {
  enterLayer(context, 'compressed')
  const { maxInflated, maxInflateRatio, cms } = context.limits
  const opened = decompress(body, { maxOutputBytes: maxInflated, maxRatio: maxInflateRatio, ...(cms === undefined ? {} : { limits: cms }) })
  const place = context.layers.length
  const inner = await openInside(context, opened.content, 'decompress')
  // no need to inflate the rest: what stands around this layer reads itself to its end
  if (inner !== undefined) throw inner
  const report = await opened.result.catch((error: unknown) => {
    throw refusalOf(error, 'decompress')
  })
  context.layers.splice(place, 0, { kind: 'compressed', report })
  noteTrailing(context, report.trailingBytes)
}

/** Signed content inside the CMS. Old, but RFC 8551 permits it. */
async function openOpaque(context: OpenContext, body: AsyncIterable<Uint8Array>): Promise<void> {
  enterLayer(context, 'signed')
  const { policy, limits } = context
  const opened = verifyOpaque(body, {
    trusted: policy.trusted,
    lend: true,
    ...(policy.allow === undefined ? {} : { allow: policy.allow }),
    ...(policy.at === undefined ? {} : { at: policy.at }),
    ...(limits.cms === undefined ? {} : { limits: limits.cms }),
  })
  const place = context.layers.length
  const tap = createTap(['sha1', 'sha256', 'sha384', 'sha512', context.micAlgorithm], ['raw'])
  const inner = await openInside(context, tapped(opened.content, tap), 'verify')
  const candidates = await tap.finish()
  const report: SignatureReport = await opened.result.catch((error: unknown) => {
    throw refusalOf(error, 'verify')
  })
  context.layers.splice(place, 0, { kind: 'signed', opaque: true, report })
  acceptSignature(context, report, (algorithm) => findDigest(candidates, { algorithm }))
  if (inner !== undefined) throw inner
}

/**
 * Opens what a layer holds. A layer of encryption or signature is always read to its end, whatever is wrong inside: only then
 * is known whether the layer itself was sound, and a failure inside costs the same time as none. Gives the failure inside.
 */
async function openInside(context: OpenContext, content: AsyncIterable<Uint8Array>, step: Step): Promise<unknown> {
  const { stream, drain, close } = persistent(content)
  let failure: unknown
  try {
    const entity = await readEntity(stream)
    noteHead(context, entity)
    await openEntity(context, entity)
  } catch (error) {
    failure = refusalOf(error, step)
  }
  if (step === 'decompress' && failure !== undefined) await close()
  else {
    await drain().catch((error: unknown) => {
      throw refusalOf(error, step)
    })
  }
  return failure
}

function noteTrailing(context: OpenContext, bytes: number): void {
  if (bytes > 0) context.warn('cms-trailing-bytes')
}
