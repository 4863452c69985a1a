/** Opens EnvelopedData (RFC 5652 6) and AuthEnvelopedData (RFC 5083) while they stream by. */
import { contentOf, octetsOf, withDefiniteLengths, type BerNode } from '../asn1/ber-node.ts'
import { release } from '../../kernel/release.ts'
import { TAG } from '../asn1/der-writer.ts'
import { CIPHER_SIZES, cbcDecryptor, gcmDecryptor, gcmTagWithoutAad, isGcm, unpadded } from '../primitives/index.ts'
import { readAlgorithm, readContentCipher, type Allowances, type CipherChoice, type ContentCipher } from './algorithms.ts'
import { BerStream } from './ber-stream.ts'
import type { ByteSource } from './byte-source.ts'
import { enterContentInfo, leaveContentInfo } from './content-info.ts'
import { CmsError, decryptionFailed, malformed } from './errors.ts'
import { limitsWith, type CmsLimits } from './limits.ts'
import { openedFrom, type Opened } from './opened.ts'
import { openRecipients, type DecryptionKey, type MatchedRecipient, type OpenedRecipients } from './recipients.ts'

export interface DecryptOptions {
  /** Our keys; those of a rollover may all be given. */
  readonly keys: readonly DecryptionKey[]
  readonly allow?: Allowances
  /** Accept only AuthEnvelopedData. */
  readonly requireAuthenticated?: boolean
  readonly limits?: Partial<CmsLimits>
  /** Each chunk that comes out is lent until the next one is asked for, which is faster. Those that go in may always be. */
  readonly lend?: boolean
}

/** What was opened. */
export interface DecryptionReport {
  readonly kind: 'enveloped-data' | 'auth-enveloped-data'
  readonly cipher: ContentCipher
  /** True when the cipher proves that nothing was changed (GCM). It proves nothing about who sent it. */
  readonly authenticated: boolean
  /** Object identifier of the inner content type. */
  readonly contentType: string
  /** Bytes of the GCM tag. */
  readonly tagLength?: number
  /** Recipients that named one of our keys. */
  readonly matched: readonly MatchedRecipient[]
  readonly recipientCount: number
  /** Plaintext bytes. */
  readonly contentBytes: number
  readonly trailingBytes: number
}

/**
 * Decrypts a message. Every failure of the RSA unwrap, the padding, the length or the tag ends in the same
 * `cms.decryption_failed`, after all of the content was processed.
 */
export function decrypt(source: ByteSource, options: DecryptOptions): Opened<DecryptionReport> {
  return openedFrom(run(source, options))
}

async function* run(source: ByteSource, options: DecryptOptions): AsyncGenerator<Uint8Array, DecryptionReport> {
  const limits = limitsWith(options.limits)
  const stream = new BerStream(source, limits)
  try {
    const accepted = options.requireAuthenticated === true ? (['auth-enveloped-data'] as const) : (['enveloped-data', 'auth-enveloped-data'] as const)
    const kind = (await enterContentInfo(stream, accepted)) === 'auth-enveloped-data' ? 'auth-enveloped-data' : 'enveloped-data'
    const authenticated = kind === 'auth-enveloped-data'
    if ((await stream.version('the version')) > 4) throw new CmsError('cms.unsupported', 'an unknown version of the message')
    await stream.captureOptional(0xa0, 'the originator info')
    const recipients = openRecipients(await stream.capture(TAG.set, 'the recipients'), options.keys, options.allow, limits)
    await stream.enter(TAG.sequence, 'the encrypted content')
    const contentType = await stream.oid('the inner content type')
    const algorithm = readAlgorithm(await stream.capture(TAG.sequence, 'the content cipher'), 'the content cipher')
    const choice = readContentCipher(algorithm, authenticated, options.allow)
    const contentTag = await stream.peekTag()
    if (contentTag === undefined) throw new CmsError('cms.unexpected_type', 'the message carries no encrypted content')
    const done = options.lend === true ? release : keep
    const opened = authenticated
      ? yield* openGcm(stream, choice, recipients, done)
      : yield* openCbc(stream, choice, recipients, done)
    return {
      kind,
      cipher: choice.cipher,
      authenticated,
      contentType,
      ...(choice.tagLength === undefined ? {} : { tagLength: choice.tagLength }),
      matched: recipients.matched,
      recipientCount: recipients.recipientCount,
      contentBytes: opened.contentBytes,
      trailingBytes: opened.trailingBytes,
    }
  } finally {
    await stream.close()
  }
}

/** What becomes of a chunk that was read. */
type Done = (chunk: Uint8Array) => void
const keep: Done = () => undefined

interface Ending {
  readonly contentBytes: number
  readonly trailingBytes: number
}

async function* openCbc(stream: BerStream, choice: CipherChoice, recipients: OpenedRecipients, done: Done): AsyncGenerator<Uint8Array, Ending> {
  const { cipher, iv } = choice
  if (isGcm(cipher)) throw malformed('a GCM cipher in EnvelopedData')
  const decryptor = cbcDecryptor(cipher, recipients.contentKey(CIPHER_SIZES[cipher].key), iv)
  let contentBytes = 0
  let held: Uint8Array = new Uint8Array()
  for await (const chunk of stream.octets(0x80, 'the encrypted content', true)) {
    const plain = decryptor.update(chunk)
    if (plain.length === 0) continue
    contentBytes += held.length
    if (held.length > 0) yield held
    done(held)
    held = plain
  }
  await stream.leave('the encrypted content')
  await stream.captureOptional(0xa1, 'the unprotected attributes')
  const trailingBytes = await leaveContentInfo(stream)
  const last = unpadded(held, CIPHER_SIZES[cipher].block)
  // With a wrong padding too everything is given: whoever reads does the same work then, and only the end tells (Vaudenay 2002).
  const given = last ?? held
  contentBytes += given.length
  if (given.length > 0) yield given
  if (last === undefined) throw decryptionFailed()
  finish(() => decryptor.final())
  return { contentBytes, trailingBytes }
}

async function* openGcm(stream: BerStream, choice: CipherChoice, recipients: OpenedRecipients, done: Done): AsyncGenerator<Uint8Array, Ending> {
  const { cipher, iv, tagLength } = choice
  if (!isGcm(cipher) || tagLength === undefined) throw malformed('AuthEnvelopedData without a GCM cipher')
  const key = recipients.contentKey(CIPHER_SIZES[cipher].key)
  const decryptor = gcmDecryptor(cipher, key, iv, tagLength)
  let contentBytes = 0
  for await (const chunk of stream.octets(0x80, 'the encrypted content', true)) {
    const plain = decryptor.update(chunk)
    contentBytes += plain.length
    yield plain
    done(plain)
  }
  await stream.leave('the encrypted content')
  const attributes = await stream.captureOptional(0xa1, 'the authenticated attributes')
  const tag = octetsOf(await captureOctetString(stream))
  await stream.captureOptional(0xa2, 'the unauthenticated attributes')
  const trailingBytes = await leaveContentInfo(stream)
  if (tag.length !== tagLength) throw decryptionFailed()
  const expected = attributes === undefined ? tag : gcmTagWithoutAad(cipher, key, tag, asSet(attributes), contentBytes)
  finish(() => {
    decryptor.setAuthTag(expected)
    return decryptor.final()
  })
  return { contentBytes, trailingBytes }
}

async function captureOctetString(stream: BerStream): Promise<BerNode> {
  const constructed = (await stream.peekTag()) === (TAG.octetString | 0x20)
  return await stream.capture(constructed ? TAG.octetString | 0x20 : TAG.octetString, 'the authentication tag')
}

/** The additional data are the attributes as a DER SET, not under their implicit tag (RFC 5083 2.2). */
function asSet(attributes: BerNode): Uint8Array {
  if (contentOf(attributes).length === 0) throw malformed('the authenticated attributes are empty')
  const der = Uint8Array.from(withDefiniteLengths(attributes))
  der[0] = TAG.set
  return der
}

/** Whatever the runtime says about padding, length or tag becomes the one outcome. */
function finish(final: () => Uint8Array): Uint8Array {
  try {
    return final()
  } catch {
    throw decryptionFailed()
  }
}
