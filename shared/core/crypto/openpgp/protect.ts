/** Signs and encrypts a stream. */
import { randomBytes } from 'node:crypto'
import { AppError } from '../../kernel/errors.ts'
import type { ByteSource } from '../cms/byte-source.ts'
import { openedFrom, type Opened } from '../cms/opened.ts'
import { encryptWithAead } from './aead.ts'
import { armored } from './armor.ts'
import { encryptWithMdc } from './cfb.ts'
import { AES128, AES256, GCM, OCB, type AeadMode, type AeadSpec, type CipherSpec, type ContentCipher } from './ciphers.ts'
import { compressed, type Compression } from './compression.ts'
import { fitnessFor, unfit } from './key-fitness.ts'
import type { PgpKey, PgpKeyPart } from './key-types.ts'
import { wrapSessionKey } from './library.ts'
import { PACKET, packetOf, packetStream } from './packet-stream.ts'
import type { PacketProfile, PgpAllowances } from './settings.ts'
import { createSigner, packetOfPart, type SignedWith, type Signer } from './signing.ts'

export interface ProtectOptions {
  /** Keys with their secret; each makes one signature. None: not signed. */
  readonly signWith?: readonly PgpKey[]
  /** The partner's keys. None: not encrypted. */
  readonly encryptTo?: readonly PgpKey[]
  /** Our own key, so that we can open what we sent. */
  readonly encryptToSelf?: PgpKey
  /** Default `gnupg22`. */
  readonly profile?: PacketProfile
  /** Default false: binary. */
  readonly armor?: boolean
  /** Default none: what is exchanged is often compressed already, and it costs more than all the rest. */
  readonly compression?: Compression
  /** Stands inside the message for the recipient; not protected from change in a message that is only signed. At most 255 bytes. */
  readonly fileName?: string
  readonly allow?: PgpAllowances
  /** Default now: keys are judged at it, and signatures bear it. */
  readonly at?: Date
  /** Each chunk of the content is lent until the next one is asked for, which is faster. */
  readonly lend?: boolean
}

/** Whom it was encrypted to. */
export interface EncryptedTo {
  readonly key: string
  readonly part: string
  readonly owner: string
  readonly algorithm: string
  readonly self: boolean
}

export interface ProtectReport {
  readonly profile: PacketProfile
  /** Null: not encrypted. */
  readonly encryption: { readonly packet: 'seipd-v1' | 'seipd-v2'; readonly cipher: ContentCipher; readonly aead: AeadMode | null; readonly recipients: readonly EncryptedTo[] } | null
  readonly signatures: readonly SignedWith[]
  readonly compression: Compression
  readonly armored: boolean
  readonly contentBytes: number
}

/**
 * Answers once every key was found fit; rejects otherwise with `pgp.key_expired`, `pgp.key_revoked`, `pgp.weak_algorithm`, `pgp.key_unusable` or
 * `key.passphrase_needed`, before anything was read. The message is whole when `result` resolves.
 */
export async function protect(source: ByteSource, options: ProtectOptions): Promise<Opened<ProtectReport>> {
  const { signWith = [], encryptTo = [], encryptToSelf, profile = 'gnupg22', compression = 'none', allow = {}, at = new Date() } = options
  if (signWith.length === 0 && encryptTo.length === 0) throw new AppError('input.invalid', 'the message would be neither signed nor encrypted')
  // Fractions of a second do not exist in a signature.
  const instant = new Date(Math.floor(at.getTime() / 1000) * 1000)
  const signers = signWith.map((key) => createSigner(key, instant, allow))
  const recipients = encryptTo.length === 0 ? [] : recipientsOf(encryptTo, encryptToSelf, instant, allow)
  const name = Buffer.from(options.fileName ?? '')
  if (name.length > 255) throw new AppError('input.invalid', 'the file name inside an OpenPGP message has at most 255 bytes')
  const envelope = recipients.length === 0 ? undefined : await createEnvelope(recipients, profile)

  async function* run(): AsyncGenerator<Uint8Array, ProtectReport> {
    let contentBytes = 0
    async function* literal(): AsyncGenerator<Uint8Array, void> {
      const header = Buffer.concat([Buffer.from([0x62, name.length]), name, Buffer.alloc(4)])
      header.writeUInt32BE(instant.getTime() / 1000, header.length - 4)
      yield header
      for await (const chunk of source) {
        contentBytes += chunk.length
        for (const signer of signers) signer.update(chunk)
        yield chunk
      }
    }
    // CFB and compression copy what they are given; nothing else in the chain does
    const isEncryptedInCfb = envelope?.report.packet === 'seipd-v1'
    // nobody keeps what becomes armour
    const lend = options.lend === true || options.armor === true
    const message = signedMessage(packetStream(PACKET.literal, literal(), compression !== 'none' || isEncryptedInCfb), signers)
    const packed = compression === 'none' ? message : packetStream(PACKET.compressed, compressed(message, compression), isEncryptedInCfb)
    const whole = envelope === undefined ? packed : envelope.seal(packed, lend)
    yield* options.armor === true ? armored('MESSAGE', whole) : whole
    return {
      profile, compression, contentBytes, armored: options.armor === true,
      encryption: envelope?.report ?? null,
      signatures: signers.map(({ report }) => report),
    }
  }
  return openedFrom(run(), () => new AppError('pgp.abandoned', 'the message was not written to its end'))
}

async function* signedMessage(literal: AsyncIterable<Uint8Array>, signers: readonly Signer[]): AsyncGenerator<Uint8Array, void> {
  for (const [index, signer] of signers.entries()) yield signer.onePass(index === signers.length - 1)
  yield* literal
  // The last to announce itself is the first to sign (RFC 9580 10.3.3).
  for (const signer of signers.toReversed()) yield await signer.finish()
}

interface Recipient {
  readonly key: PgpKey
  readonly part: PgpKeyPart
  readonly self: boolean
}

function recipientsOf(keys: readonly PgpKey[], self: PgpKey | undefined, at: Date, allow: PgpAllowances): Recipient[] {
  const all = [...keys.map((key) => ({ key, self: false })), ...(self === undefined ? [] : [{ key: self, self: true }])]
  const fit = all.map(({ key, self: own }) => {
    const { fit: isFit, part, problems } = fitnessFor(key.summary, 'pgp-encrypt', at, allow)
    if (!isFit || part === null) throw unfit(key.summary, problems)
    return { key, part, self: own }
  })
  return fit.filter(({ part }, index) => fit.findIndex((other) => other.part.fingerprint === part.fingerprint) === index)
}

interface Envelope {
  readonly report: NonNullable<ProtectReport['encryption']>
  seal(message: AsyncIterable<Uint8Array>, lend: boolean): AsyncGenerator<Uint8Array, void>
}

async function createEnvelope(recipients: readonly Recipient[], profile: PacketProfile): Promise<Envelope> {
  const aead = profile === 'modern' && recipients.every(({ key }) => key.summary.preferences.seipdV2) ? suiteFor(recipients) : undefined
  const cipher = aead?.cipher ?? cipherFor(recipients)
  const sessionKey = randomBytes(cipher.keyBytes)
  const wrapped = await Promise.all(recipients.map(async ({ key, part }) => packetOf(PACKET.publicKeySession, await wrapSessionKey(packetOfPart(key, part), aead === undefined ? 3 : 6, sessionKey, cipher.id))))
  return {
    report: {
      packet: aead === undefined ? 'seipd-v1' : 'seipd-v2', cipher: cipher.name, aead: aead?.mode.name ?? null,
      recipients: recipients.map(({ key, part, self }) => ({ key: key.summary.fingerprint, part: part.fingerprint, owner: key.summary.userIds[0]?.text ?? '', algorithm: part.algorithm, self })),
    },
    async *seal(message, lend) {
      yield Buffer.concat(wrapped)
      yield* packetStream(PACKET.protectedData, aead === undefined ? encryptWithMdc(message, cipher, sessionKey) : encryptWithAead(message, cipher, aead.mode, sessionKey), lend)
    },
  }
}

/** AES-256 where nobody objects. AES-128 is what every program reads that reads AES at all; 3DES, which older ones imply, is never written. */
function cipherFor(recipients: readonly Recipient[]): CipherSpec {
  return recipients.every(({ key }) => key.summary.preferences.ciphers.includes(AES256.id)) ? AES256 : AES128
}

/** The first that all recipients list; AES-128 with OCB is mandatory (RFC 9580 9.6). */
function suiteFor(recipients: readonly Recipient[]): { readonly cipher: CipherSpec; readonly mode: AeadSpec } {
  const suites = [AES256, AES128].flatMap((cipher) => [OCB, GCM].map((mode) => ({ cipher, mode })))
  const listed = suites.find(({ cipher, mode }) => recipients.every(({ key }) => key.summary.preferences.cipherSuites.some((pair) => pair[0] === cipher.id && pair[1] === mode.id)))
  return listed ?? { cipher: AES128, mode: OCB }
}
