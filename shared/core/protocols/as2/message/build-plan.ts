/** From options to nested entities: which layer wraps which, and where the digests are taken. */
import { createHash } from 'node:crypto'
import { compress, encrypt, type CandidateDigest, type DigestName } from '../../../crypto/cms/index.ts'
import type { BuildOptions, BuildQuirks, BuiltMessage, BuiltPayload, Payload, SignLayer } from './build-options.ts'
import { createMicTap, digestToSign, micsOf, micTapped, type MicPlan, type MicTap } from './build-mic.ts'
import { MessageError } from './errors.ts'
import { fileNameParameters } from './file-names.ts'
import { headerBlock, type HeaderPair } from './header-fields.ts'
import type { MicCandidate } from './mic.ts'
import { checkMediaType, entityBytes, multipartBytes, newBoundary, type OutgoingEntity } from './mime-writer.ts'
import { signaturePart, signedContentType, type SignatureOptions } from './signature-part.ts'
import { encodeBase64 } from './transfer-encoding.ts'

export const BUILD_QUIRKS: BuildQuirks = {
  payloadEncoding: 'binary',
  signatureEncoding: 'base64',
  layerEncoding: 'binary',
  micSpelling: 'standard',
  algorithmProtection: false,
  signatureOid: 'rsaEncryption',
  fileNameStyle: 'quoted',
  partHeaders: 'full',
  oldMediaTypes: false,
}

export interface BuildPlan {
  readonly quirks: BuildQuirks
  readonly layers: BuiltMessage['layers']
  /** Of the signature; undefined for unsigned messages. */
  readonly digest: DigestName | undefined
  readonly outermost: OutgoingEntity
  /** After the stream ended. */
  mics(): Promise<MicCandidate[]>
  payloads(): BuiltPayload[]
}

/** Throws `message.options_invalid`. */
export function planBuild(options: BuildOptions): BuildPlan {
  check(options)
  const quirks = { ...BUILD_QUIRKS, ...options.quirks }
  const { sign, compress: compression, encrypt: encryption } = options
  const digest = sign === undefined ? undefined : (sign.digest ?? 'sha256')
  const wanted = wantedMics(options, digest)
  const text = quirks.payloadEncoding === '8bit' || quirks.payloadEncoding === 'none'
  const micPlan = { algorithms: wanted, text: text && compression?.when !== 'before-signing', bytes: compression?.when === 'before-signing' ? 0 : options.payloads.reduce((sum, { bytes = 0 }) => sum + bytes, 0) }
  const payloads: BuiltPayload[] = []
  let results: () => Promise<MicCandidate[]>

  const inside = sign !== undefined || compression !== undefined || encryption !== undefined
  let entity = payloadEntity(options, inside ? quirks : { ...quirks, payloadEncoding: 'none' }, payloads)
  if (sign === undefined) {
    const unsigned = observeUnsigned(entity, micPlan, inside)
    entity = unsigned.entity
    results = () => unsigned.mics(wanted)
  }
  const compressed = (inner: OutgoingEntity): OutgoingEntity => cmsEntity(quirks, 'compressed-data', 'smime.p7z', (source) => compress(source, compression?.level === undefined ? {} : { level: compression.level }), inner)
  if (compression?.when === 'before-signing') entity = compressed(entity)
  if (sign !== undefined) {
    const form = quirks.payloadEncoding === '8bit' && compression?.when !== 'before-signing' ? 'canonical' : 'raw'
    const signed = signedEntity(entity, signatureOptions(options, quirks, sign), form, micPlan)
    entity = signed.entity
    results = () => signed.mics(wanted)
  }
  if (compression?.when === 'after-signing') entity = compressed(entity)
  if (encryption !== undefined) {
    const { recipients, originatorCopy, cipher } = encryption
    const everybody = originatorCopy === undefined ? recipients : [...recipients, originatorCopy]
    const type = cipher.endsWith('-gcm') ? 'authEnveloped-data' : 'enveloped-data'
    entity = cmsEntity({ ...quirks, layerEncoding: 'binary' }, type, 'smime.p7m', (source) => encrypt(source, { recipients: everybody, cipher, ...(options.allow === undefined ? {} : { allow: options.allow }), ...(options.lend === true ? { lend: true } : {}) }), entity)
  }
  return {
    quirks,
    layers: layersOf(options),
    digest,
    outermost: entity,
    mics: () => results(),
    payloads: () => payloads.filter((one) => one !== undefined),
  }
}

function layersOf({ sign, compress: compression, encrypt: encryption }: BuildOptions): BuiltMessage['layers'] {
  const signed = sign === undefined ? [] : (['signed'] as const)
  const inner = compression === undefined ? signed : compression.when === 'after-signing' ? (['compressed', ...signed] as const) : ([...signed, 'compressed'] as const)
  return encryption === undefined ? inner : ['encrypted', ...inner]
}

const WEAK_IN_1_3 = new Set<string>(['sha1', 'md5', 'des-ede3-cbc'])

function check(options: BuildOptions): void {
  const wrong = (what: string): never => {
    throw new MessageError('message.options_invalid', what)
  }
  if (options.payloads.length === 0) wrong('a message has at least one payload')
  if (options.encrypt?.recipients.length === 0) wrong('there is nobody to encrypt for')
  if (options.as2Version !== '1.3') return
  if (options.product === undefined) wrong('AS2 version 1.3 needs the name of the product')
  if ([options.sign?.digest, options.encrypt?.cipher].some((name) => name !== undefined && WEAK_IN_1_3.has(name))) wrong('AS2 version 1.3 forbids SHA-1, MD5 and 3DES')
}

/** What is asked for and what signs; when there is neither, the two that partners fall back to. */
function wantedMics({ receipt }: BuildOptions, digest: DigestName | undefined): DigestName[] {
  const named = [...(receipt?.micAlgorithms ?? []), ...(digest === undefined ? [] : [digest])]
  return [...new Set(named.length > 0 ? named : (['sha256', 'sha1'] as const))]
}

function signatureOptions(options: BuildOptions, quirks: BuildQuirks, sign: SignLayer): SignatureOptions {
  const { signer, digest = 'sha256', scheme, certificates, signingTime } = sign
  return {
    ...quirks,
    signer,
    digest,
    ...(scheme === undefined ? {} : { scheme }),
    ...(certificates === undefined ? {} : { certificates }),
    ...(signingTime === undefined ? {} : { signingTime }),
    ...(options.allow === undefined ? {} : { allow: options.allow }),
  }
}

function payloadEntity(options: BuildOptions, quirks: BuildQuirks, built: BuiltPayload[]): OutgoingEntity {
  const parts = options.payloads.map((payload, index) => onePayload(payload, index, quirks, built))
  const [first] = parts
  if (first === undefined || parts.length === 1) return first ?? { head: [], content: async function* () {} }
  const boundary = newBoundary()
  const type = options.payloads[0]?.contentType.replace(/\s*;.*$/s, '') ?? ''
  return {
    // RFC 6362 wants the type of the first part
    head: [['Content-Type', `multipart/related; boundary="${boundary}"; type="${type}"`], ...(quirks.payloadEncoding === 'none' ? [] : ([['Content-Transfer-Encoding', 'binary']] as const))],
    content: () => multipartBytes(boundary, parts.map((part) => () => entityBytes(part))),
  }
}

function onePayload(payload: Payload, index: number, quirks: BuildQuirks, built: BuiltPayload[]): OutgoingEntity {
  const encoding = quirks.payloadEncoding
  const named = payload.fileName === undefined || quirks.fileNameStyle === 'none' ? undefined : fileNameParameters(payload.fileName, quirks.fileNameStyle)
  const head: HeaderPair[] = [
    ['Content-Type', checkMediaType(payload.contentType)],
    ...(encoding === 'none' ? [] : ([['Content-Transfer-Encoding', encoding]] as const)),
    ...(quirks.partHeaders === 'full' ? ([['Content-Disposition', named === undefined ? 'attachment' : `attachment; ${named}`]] as const) : []),
  ]
  async function* counted(): AsyncGenerator<Uint8Array, void> {
    const hash = payload.sha256 === undefined ? createHash('sha256') : undefined
    let bytes = 0
    for await (const chunk of payload.source) {
      hash?.update(chunk)
      bytes += chunk.length
      yield chunk
    }
    built[index] = {
      ...(payload.fileName === undefined ? {} : { fileName: payload.fileName }),
      contentType: payload.contentType,
      bytes,
      sha256: payload.sha256 ?? hash?.digest('hex') ?? '',
    }
  }
  return { head, content: () => (encoding === 'base64' ? encodeBase64(counted()) : counted()) }
}

interface Observed {
  readonly entity: OutgoingEntity
  mics(order: readonly DigestName[]): Promise<MicCandidate[]>
}

/** Unsigned messages: partners digest with or without the header (as2 1.4). */
function observeUnsigned(entity: OutgoingEntity, plan: MicPlan, withHead: boolean): Observed {
  const whole = createMicTap(plan)
  const body = createMicTap(plan)
  return {
    entity: {
      head: entity.head,
      async *content() {
        if (withHead) await whole.update(headerBlock(entity.head))
        yield* micTapped(entity.content(), body, ...(withHead ? [whole] : []))
      },
    },
    async mics(order) {
      const preferred = plan.text && withHead ? 'canonical' : 'raw'
      const ofWhole = withHead ? micsOf('entity', await whole.finish(), order, preferred) : []
      return [...ofWhole, ...micsOf('body', await body.finish(), order, preferred)]
    },
  }
}

function signedEntity(inner: OutgoingEntity, options: SignatureOptions, form: 'raw' | 'canonical', plan: MicPlan): Observed {
  const boundary = newBoundary()
  const tap: MicTap = createMicTap(plan)
  let candidates: CandidateDigest[] = []
  async function* observed(): AsyncGenerator<Uint8Array, void> {
    yield* micTapped(entityBytes(inner), tap)
    candidates = await tap.finish()
  }
  return {
    entity: {
      head: [signedContentType(options, boundary)],
      content: () => multipartBytes(boundary, [observed, () => [signaturePart(options, digestToSign(candidates, options.digest, form))]]),
    },
    mics: (order) => Promise.resolve(micsOf('signed-entity', candidates, order, form)),
  }
}

/** One application/pkcs7-mime around an entity. */
function cmsEntity(
  quirks: BuildQuirks,
  type: string,
  name: string,
  wrap: (source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
  inner: OutgoingEntity,
): OutgoingEntity {
  const mediaType = quirks.oldMediaTypes ? 'application/x-pkcs7-mime' : 'application/pkcs7-mime'
  return {
    head: [
      ['Content-Type', `${mediaType}; smime-type=${type}; name="${name}"`],
      ['Content-Transfer-Encoding', quirks.layerEncoding],
      ...(quirks.partHeaders === 'full' ? ([['Content-Disposition', `attachment; filename="${name}"`]] as const) : []),
    ],
    content: () => (quirks.layerEncoding === 'base64' ? encodeBase64(wrap(entityBytes(inner))) : wrap(entityBytes(inner))),
  }
}
