/** Writes EnvelopedData (RFC 5652 6) and, for GCM, AuthEnvelopedData (RFC 5083, RFC 5084) while the content streams by. */
import { release } from '../../kernel/release.ts'
import { concatBytes } from '../asn1/bytes.ts'
import { derOctetString, derOid, derSetOf, derSmallInteger, TAG } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { cbcEncryptor, CIPHER_SIZES, gcmEncryptor, isGcm, randomOctets, type GcmCipher } from '../primitives/index.ts'
import { checkCipher, contentCipherAlgorithm, type Allowances, type ContentCipher } from './algorithms.ts'
import type { ByteSource } from './byte-source.ts'
import { gatherChunks } from './chunking.ts'
import { elementSize, END_OF_CONTENTS, exactly, INDEFINITE, octetStringContent, openElement, type Encoding } from './encoding.ts'
import { CmsError } from './errors.ts'
import { writeRecipient, type EncryptionRecipient } from './recipients.ts'

export interface EncryptOptions {
  /** At least one. A copy for ourselves, so that our own message can be opened in a dispute, is one more. */
  readonly recipients: readonly EncryptionRecipient[]
  readonly cipher: ContentCipher
  readonly encoding?: Encoding
  readonly allow?: Allowances
  /** Object identifier of the inner content type; default data. */
  readonly contentType?: string
  /** Each chunk that comes out is lent until the next one is asked for, which is faster. Those that go in may always be. */
  readonly lend?: boolean
}

const TAG_BYTES = 16

/** Throws CmsError before the first byte when a recipient or the cipher is not usable. */
export async function* encrypt(source: ByteSource, options: EncryptOptions): AsyncGenerator<Uint8Array, void> {
  const { recipients, cipher, encoding = INDEFINITE } = options
  checkCipher(cipher, options.allow)
  if (recipients.length === 0) throw new CmsError('cms.key_unusable', 'there is nobody to encrypt for')
  const { key: keyBytes, iv: ivBytes } = CIPHER_SIZES[cipher]
  const key = randomOctets(keyBytes)
  const iv = randomOctets(ivBytes)
  const infos = recipients.map((recipient) => writeRecipient(recipient, key, options.allow))
  const head = concatBytes([versionOf(cipher, recipients), derSetOf(infos)])
  const inner = concatBytes([derOid(options.contentType ?? OID.data), contentCipherAlgorithm(cipher, iv)])
  const gcm = isGcm(cipher)
  const tail = gcm ? TAG_BYTES + 2 : 0
  const sizes = encoding.form === 'definite' ? definiteSizes(head, inner, cipherBytes(cipher, encoding.contentLength), tail) : null
  const type = derOid(gcm ? OID.authEnvelopedData : OID.envelopedData)
  yield concatBytes([
    openElement(TAG.sequence, sizes === null ? null : type.length + elementSize(sizes.explicit)),
    type,
    openElement(0xa0, sizes?.explicit ?? null),
    openElement(TAG.sequence, sizes?.enveloped ?? null),
    head,
    openElement(TAG.sequence, sizes?.encrypted ?? null),
    inner,
    sizes === null ? openElement(0xa0, null) : openElement(0x80, sizes.content),
  ])
  const plain = encoding.form === 'definite' ? exactly(source, encoding.contentLength) : gatherChunks(source)
  const sealed: { tag?: Uint8Array } = {}
  const ciphertext = gcm ? gcmChunks(plain, gcmEncryptor(cipher as GcmCipher, key, iv), sealed, options.lend === true) : cbcChunks(plain, cbcEncryptor(cipher as never, key, iv), options.lend === true)
  yield* octetStringContent(ciphertext, sizes === null ? INDEFINITE : { form: 'definite', contentLength: sizes.content })
  const mac = sealed.tag === undefined ? [] : [derOctetString(sealed.tag)]
  if (sizes === null) yield concatBytes([END_OF_CONTENTS, END_OF_CONTENTS, ...mac, END_OF_CONTENTS, END_OF_CONTENTS, END_OF_CONTENTS])
  else yield concatBytes(mac)
}

/** EnvelopedData is version 2 as soon as a recipient is named by key identifier; AuthEnvelopedData is always 0. */
function versionOf(cipher: ContentCipher, recipients: readonly EncryptionRecipient[]): Uint8Array {
  return derSmallInteger(!isGcm(cipher) && recipients.some(({ identifyBy }) => identifyBy === 'ski') ? 2 : 0)
}

function cipherBytes(cipher: ContentCipher, plain: number): number {
  const { block } = CIPHER_SIZES[cipher]
  return isGcm(cipher) ? plain : (Math.floor(plain / block) + 1) * block
}

function definiteSizes(head: Uint8Array, inner: Uint8Array, content: number, tail: number): Record<'content' | 'encrypted' | 'enveloped' | 'explicit', number> {
  const encrypted = inner.length + elementSize(content)
  const enveloped = head.length + elementSize(encrypted) + tail
  return { content, encrypted, enveloped, explicit: elementSize(enveloped) }
}

async function* cbcChunks(source: ByteSource, cipher: { update(chunk: Uint8Array): Uint8Array; final(): Uint8Array }, lend: boolean): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of source) {
    const out = cipher.update(chunk)
    if (out.length > 0) yield out
    if (lend) release(out)
  }
  yield cipher.final()
}

async function* gcmChunks(source: ByteSource, cipher: ReturnType<typeof gcmEncryptor>, sealed: { tag?: Uint8Array }, lend: boolean): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of source) {
    const out = cipher.update(chunk)
    yield out
    if (lend) release(out)
  }
  const rest = cipher.final()
  if (rest.length > 0) yield rest
  sealed.tag = cipher.getAuthTag()
}
