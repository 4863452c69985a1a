/** Reads a receipt as products really write them (as2 1.5). When it is signed, everything comes from the signed bytes. */
import { createHash } from 'node:crypto'
import { candidatesOf, CmsError, collect, parseSignedData, verifySignedData, type ByteSource, type SignedDataInfo } from '../../../crypto/cms/index.ts'
import { createLoneCrWatch, isMultipart, signedForms } from './digest-tap.ts'
import { readEnvelope } from './envelope.ts'
import { MessageError } from './errors.ts'
import { headerValue, type HeaderPair } from './header-fields.ts'
import { allParts } from './mdn-parts.ts'
import { readMdnReport, type MdnReport } from './mdn-report.ts'
import type { MdnPolicy, MdnReading, MdnSignatureState, MdnWarning } from './mdn-types.ts'
import { readMediaType } from './media-type.ts'
import { readEntity } from './mime-entity.ts'
import { signatureBytes } from './open-signed.ts'
import { decodeBase64, readTransferEncoding } from './transfer-encoding.ts'

const MAX_MDN_BYTES = 1024 * 1024

/** Never throws for what a partner sent, only for what `body` throws. */
export async function openMdn(headers: readonly HeaderPair[], body: ByteSource, policy: MdnPolicy): Promise<MdnReading> {
  const envelope = readEnvelope(headers)
  const { maxBytes = MAX_MDN_BYTES } = policy
  const hash = createHash('sha256')
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    hash.update(chunk)
    size += chunk.length
    if (size <= maxBytes) parts.push(chunk)
  }
  const sha256 = hash.digest('hex')
  if (size > maxBytes) return { kind: 'unreadable', envelope, detail: `the receipt is larger than ${maxBytes} bytes`, sha256 }
  const warnings = new Set<MdnWarning>()
  try {
    const bytes = await withoutBase64(headers, Buffer.concat(parts))
    const { signature, report } = await readWhole(headers, bytes, policy, warnings)
    if (envelope.messageId === undefined) warnings.add('message-id-missing')
    return { kind: 'mdn', envelope, signature, ...report, sha256, warnings: [...warnings] }
  } catch (error) {
    if (error instanceof MessageError || error instanceof CmsError) return { kind: 'unreadable', envelope, detail: error.message, sha256 }
    throw error
  }
}

async function withoutBase64(headers: readonly HeaderPair[], bytes: Buffer): Promise<Uint8Array> {
  const said = readTransferEncoding(headerValue(headers, 'content-transfer-encoding')) === 'base64'
  return said && /^[A-Za-z0-9+/=\s]+$/.test(bytes.subarray(0, 200).toString('latin1')) ? await collect(decodeBase64([bytes]), bytes.length) : bytes
}

interface Whole {
  readonly signature: MdnSignatureState
  readonly report: MdnReport
}

async function readWhole(headers: readonly HeaderPair[], bytes: Uint8Array, policy: MdnPolicy, warnings: Set<MdnWarning>): Promise<Whole> {
  const { value, parameters } = readMediaType(headerValue(headers, 'content-type'))
  if (value !== 'multipart/signed') return { signature: { state: 'unsigned' }, report: await readMdnReport(headers, bytes, warnings) }
  const parts = await allParts(bytes, parameters.get('boundary'), warnings)
  const [first, second] = parts
  if (first === undefined) throw new MessageError('message.malformed', 'the signed receipt has no parts')
  const signature = second === undefined || parts.length > 2 ? unreadable('a signed receipt has exactly two parts') : await judgeSignature(first, second, policy, warnings)
  const entity = await readEntity([first])
  if (entity.folded) warnings.add('header-folded')
  return { signature, report: await readMdnReport(entity.fields, await collect(entity.body.rest(), first.length), warnings) }
}

function unreadable(detail: string): MdnSignatureState {
  return { state: 'unreadable', detail, embedded: [] }
}

async function judgeSignature(signedPart: Uint8Array, signature: Uint8Array, policy: MdnPolicy, warnings: Set<MdnWarning>): Promise<MdnSignatureState> {
  const entity = await readEntity([signature])
  let info: SignedDataInfo
  try {
    info = parseSignedData(await signatureBytes(await collect(entity.body.rest(), signature.length)))
    if (info.encapsulated !== undefined) return unreadable('a detached signature carries content of its own')
  } catch (error) {
    if (error instanceof CmsError) return unreadable(error.message)
    throw error
  }
  const entityOfReport = await readEntity([signedPart])
  const watch = createLoneCrWatch()
  watch.see(signedPart)
  const forms = isMultipart(entityOfReport) && watch.found() ? ['raw'] : signedForms(entityOfReport, policy.convertedLineEnds)
  const algorithms = info.digestAlgorithms.filter((name) => name !== 'md5' || policy.allow?.md5 === true)
  const embedded = info.embeddedCertificates.map(({ fingerprintSha256 }) => fingerprintSha256)
  try {
    const report = verifySignedData(info, {
      digests: candidatesOf(signedPart, algorithms).filter(({ form }) => forms.includes(form)),
      trusted: policy.trusted,
      ...(policy.allow === undefined ? {} : { allow: policy.allow }),
      ...(policy.at === undefined ? {} : { at: policy.at }),
    })
    for (const warning of report.warnings) warnings.add(warning)
    const { form, ending } = report.candidate
    if (form !== 'raw' || ending !== 'as-is') warnings.add(form === 'canonical' && ending === 'as-is' ? 'signed-form-canonical' : 'signed-form-other')
    return { state: 'valid', report }
  } catch (error) {
    if (!(error instanceof CmsError)) throw error
    return { state: stateOf(error), detail: error.message, embedded }
  }
}

function stateOf(error: CmsError): 'signer-unknown' | 'invalid' | 'refused' | 'unreadable' {
  switch (error.code) {
    case 'cms.signer_unknown':
    case 'cms.signer_ambiguous':
      return 'signer-unknown'
    case 'cms.signature_invalid':
    case 'cms.content_changed':
      return 'invalid'
    case 'cms.algorithm_refused':
      return 'refused'
    default:
      return 'unreadable'
  }
}
