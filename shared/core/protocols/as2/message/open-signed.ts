/** multipart/signed (RFC 1847, RFC 8551 3.5.3): the first part streams on while its digests are made, the signature comes last. */
import { collect, findDigest, parseSignedData, sniffCms, verifySignedData, type CandidateDigest, type DigestName, type SignatureReport, type SignedDataInfo } from '../../../crypto/cms/index.ts'
import { peekable, persistent } from './byte-stream.ts'
import { createLoneCrWatch, createTap, isMultipart, signedForms, tapped, type DigestTap, type LoneCrWatch } from './digest-tap.ts'
import { headerValue } from './header-fields.ts'
import { readMediaType } from './media-type.ts'
import { readMicAlgorithm } from './mic-algorithms.ts'
import { readEntity, type MimeEntity } from './mime-entity.ts'
import { readMultipart } from './multipart.ts'
import { boundaryOf, type OpenContext } from './open-context.ts'
import { noteHead } from './open-payload.ts'
import { Refusal, refusalOf } from './refusal.ts'
import { decodeBase64 } from './transfer-encoding.ts'

/** A signature part: base64 of a few certificates and signer infos. */
const MAX_SIGNATURE_PART = 6 * 1024 * 1024

export async function openMultipartSigned(
  context: OpenContext,
  parameters: ReadonlyMap<string, string>,
  body: AsyncIterable<Uint8Array>,
  openInner: (context: OpenContext, entity: MimeEntity) => Promise<void>,
): Promise<void> {
  const { maxBoundary, maxParts, maxPreamble } = context.limits
  const parts = readMultipart(body, { boundary: boundaryOf(parameters), maxBoundary, maxParts, maxPreamble, note: context.warn })
  const micalg = readMicAlgorithm(parameters.get('micalg') ?? '')
  if (micalg === undefined) context.warn('micalg-missing')
  const place = context.layers.length
  let candidates: CandidateDigest[] | undefined
  let failure: unknown
  let info: SignedDataInfo | undefined
  let count = 0
  for await (const part of parts) {
    count++
    if (count === 1) {
      const first = await openSignedPart(context, part, micalg, openInner)
      candidates = first.candidates
      failure = first.failure
    } else if (count === 2) info = await readSignature(context, part)
    else throw new Refusal('signature-unreadable', 'a signed multipart has exactly two parts, this one has more')
  }
  if (candidates === undefined || info === undefined) throw new Refusal('signature-unreadable', 'the part with the signature is missing')
  const report = verify(context, info, candidates)
  if (micalg !== undefined && report.digestAlgorithm !== micalg) context.warn('micalg-differs')
  context.layers.splice(place, 0, { kind: 'signed', opaque: false, report })
  const { form, ending } = report.candidate
  const digests = candidates
  acceptSignature(context, report, (algorithm) => findDigest(digests, { algorithm, form, ending }))
  if (failure !== undefined) throw failure
}

interface SignedPart {
  readonly candidates: CandidateDigest[]
  readonly failure: unknown
}

/** What fails inside is only told after the signature: a sender who proved to be the partner gets the real reason. */
async function openSignedPart(
  context: OpenContext,
  part: AsyncIterable<Uint8Array>,
  micalg: DigestName | undefined,
  openInner: (context: OpenContext, entity: MimeEntity) => Promise<void>,
): Promise<SignedPart> {
  const { stream, drain } = persistent(part)
  const entity = await readEntity(stream)
  noteHead(context, entity)
  const forms = signedForms(entity, context.policy.convertedLineEnds)
  const watch = isMultipart(entity) ? createLoneCrWatch() : null
  const tap: DigestTap = createTap(digestsToTry(context, micalg), forms)
  await tap.update(entity.rawHead)
  const content = persistent(tapped(watch === null ? entity.body.rest() : watched(entity.body.rest(), watch), tap))
  let failure: unknown
  try {
    await openInner(context, withBody(entity, content.stream))
  } catch (error) {
    failure = refusalOf(error)
  }
  await content.drain()
  await drain()
  const candidates = await tap.finish()
  return { candidates: watch?.found() === true ? candidates.filter(({ form }) => form === 'raw') : candidates, failure }
}

async function* watched(source: AsyncIterable<Uint8Array>, watch: LoneCrWatch): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of source) {
    watch.see(chunk)
    yield chunk
  }
}

function withBody(entity: MimeEntity, stream: AsyncIterable<Uint8Array>): MimeEntity {
  return { ...entity, body: peekable(stream) }
}

/** The announced digest and the usual one; every one that may be used when nothing is announced. */
function digestsToTry({ micAlgorithm, policy }: OpenContext, micalg: DigestName | undefined): DigestName[] {
  if (micalg !== undefined) return [micalg, 'sha256', micAlgorithm]
  return ['sha256', 'sha384', 'sha512', 'sha1', micAlgorithm, ...(policy.allow?.md5 === true ? (['md5'] as const) : [])]
}

async function readSignature(context: OpenContext, part: AsyncIterable<Uint8Array>): Promise<SignedDataInfo> {
  const entity = await readEntity(part)
  noteHead(context, entity)
  const { value } = readMediaType(headerValue(entity.fields, 'content-type'))
  if (!/^application\/(x-)?pkcs7-signature$/.test(value)) context.warn('signature-part-type')
  try {
    const bytes = await collect(entity.body.rest(), MAX_SIGNATURE_PART)
    const { cms } = context.limits
    const info = parseSignedData(await signatureBytes(bytes), cms === undefined ? {} : { limits: cms })
    if (info.encapsulated !== undefined) throw new Refusal('signature-unreadable', 'a detached signature carries content of its own')
    return info
  } catch (error) {
    throw refusalOf(error, 'verify')
  }
}

/** The transfer encoding is often missing or wrong: what is CMS as it stands is taken so, else it is base64. */
export async function signatureBytes(bytes: Uint8Array): Promise<Uint8Array> {
  return sniffCms(bytes.subarray(0, 96)) === undefined ? await collect(decodeBase64([bytes]), MAX_SIGNATURE_PART) : bytes
}

function verify(context: OpenContext, info: SignedDataInfo, digests: readonly CandidateDigest[]): SignatureReport {
  const { policy } = context
  try {
    return verifySignedData(info, {
      digests,
      trusted: policy.trusted,
      ...(policy.allow === undefined ? {} : { allow: policy.allow }),
      ...(policy.at === undefined ? {} : { at: policy.at }),
    })
  } catch (error) {
    throw refusalOf(error, 'verify')
  }
}

/** The sender is the partner. The MIC is over the very form that was signed. */
export function acceptSignature(context: OpenContext, report: SignatureReport, digestOf: (algorithm: DigestName) => Uint8Array | undefined): void {
  context.senderAuthenticated = true
  for (const warning of report.warnings) context.warn(warning)
  const { form, ending } = report.candidate
  if (form === 'canonical' && ending === 'as-is') context.warn('signed-form-canonical')
  else if (form !== 'raw' || ending !== 'as-is') context.warn('signed-form-other')
  const algorithm = context.policy.micAlgorithmFrom === 'signature' || !context.micRequested ? report.digestAlgorithm : context.micAlgorithm
  const digest = digestOf(algorithm) ?? report.digest
  context.mic = {
    algorithm: digest === report.digest ? report.digestAlgorithm : algorithm,
    over: 'signed-entity',
    form,
    value: Buffer.from(digest).toString('base64'),
  }
  if (context.policy.permittedDigests?.includes(report.digestAlgorithm) === false) throw new Refusal('algorithm-refused', `the agreement does not permit ${report.digestAlgorithm} signatures`)
}
