/** Opens the encrypted data of a message with the given secret keys. */
import { AppError } from '../../kernel/errors.ts'
import { copied } from '../../kernel/release.ts'
import { ByteReader } from '../cms/byte-source.ts'
import { readAead } from './aead.ts'
import { decryptWithMdc, decryptWithoutIntegrity } from './cfb.ts'
import { cipherById, type AeadMode, type CipherSpec, type ContentCipher } from './ciphers.ts'
import type { PgpKey, PgpKeyPart } from './key-types.ts'
import type { AnySecretKeyPacket, WrappedSessionKey } from './library.ts'
import { malformed, PACKET, truncated, type Packet } from './packet-stream.ts'
import type { PgpAllowances } from './settings.ts'
import { packetOfPart } from './signing.ts'

/** `seipd-v1` and `seipd-v2`: packet 18; `aead`: packet 20 of GnuPG 2.3 and later; `sed`: packet 9, without integrity. */
export type EncryptionPacket = 'seipd-v1' | 'seipd-v2' | 'aead' | 'sed'

export interface EncryptionReport {
  readonly packet: EncryptionPacket
  readonly cipher: ContentCipher
  readonly aead: AeadMode | null
  readonly integrity: 'mdc' | 'aead' | 'none'
  /** Key ids that it is encrypted to; `hidden` where the sender left them out. */
  readonly recipients: readonly string[]
  readonly decryptedWith: { readonly key: string; readonly part: string; readonly algorithm: string }
}

export interface OpenedData {
  readonly report: EncryptionReport
  readonly plain: AsyncGenerator<Uint8Array, void>
}

interface SessionKey {
  readonly octets: Uint8Array
  /** Null: the data names it. */
  readonly cipher: number | null
  readonly with: EncryptionReport['decryptedWith']
}

/** Rejects with `pgp.no_secret_key`, `key.passphrase_needed`, `pgp.no_integrity`, `pgp.weak_algorithm` or `pgp.unsupported`. */
export async function openData(packet: Packet, wrapped: readonly WrappedSessionKey[], recipients: readonly string[], keys: readonly PgpKey[], allow: PgpAllowances): Promise<OpenedData> {
  if (packet.tag === PACKET.encrypted && allow.noIntegrity !== true) throw new AppError('pgp.no_integrity', 'the message is encrypted without integrity protection (packet 9)')
  const reader = new ByteReader(packet.lentBody())
  const version = packet.tag === PACKET.encrypted ? 0 : await versionOf(reader)
  const kind = kindOf(packet.tag, version)
  if (kind === 'seipd-v2' || kind === 'aead') {
    const header = await readAead(new ByteReader(copied(remaining(reader))), kind === 'aead' ? 'packet20' : 'v2')
    const session = await findSessionKey(wrapped.filter((each) => (each.version === 6) === (kind === 'seipd-v2')), recipients, keys)
    if ((session.cipher !== null && session.cipher !== header.cipher.id) || session.octets.length !== header.cipher.keyBytes) throw malformed('the session key does not fit the cipher of the data')
    return { report: { packet: kind, cipher: header.cipher.name, aead: header.mode.name, integrity: 'aead', recipients, decryptedWith: session.with }, plain: header.open(session.octets) }
  }
  const session = await findSessionKey(wrapped.filter((each) => each.version === 3), recipients, keys)
  const cipher = permitted(cipherById(session.cipher ?? 0), allow)
  if (session.octets.length !== cipher.keyBytes) throw malformed('the session key does not fit its cipher')
  const plain = kind === 'sed' ? decryptWithoutIntegrity(remaining(reader), cipher, session.octets) : decryptWithMdc(remaining(reader), cipher, session.octets)
  return { report: { packet: kind, cipher: cipher.name, aead: null, integrity: kind === 'sed' ? 'none' : 'mdc', recipients, decryptedWith: session.with }, plain }
}

function permitted(cipher: CipherSpec, allow: PgpAllowances): CipherSpec {
  if (cipher.name === '3des' && allow.tripleDes !== true) throw new AppError('pgp.weak_algorithm', 'the content is encrypted with 3DES', { details: { cipher: '3DES' } })
  return cipher
}

function kindOf(tag: number, version: number): EncryptionPacket {
  if (tag === PACKET.encrypted) return 'sed'
  if (tag === PACKET.aeadData && version === 1) return 'aead'
  if (tag === PACKET.protectedData && version === 1) return 'seipd-v1'
  if (tag === PACKET.protectedData && version === 2) return 'seipd-v2'
  throw new AppError('pgp.unsupported', `encrypted data of version ${version} (packet ${tag})`)
}

async function versionOf(reader: ByteReader): Promise<number> {
  if (!(await reader.ensure(1))) throw truncated('the encrypted data')
  return reader.take(1)[0] ?? 0
}

async function* remaining(reader: ByteReader): AsyncGenerator<Uint8Array, void> {
  do if (reader.available > 0) yield reader.take(reader.available)
  while (await reader.fill())
}

/** Every failure to unwrap has one outcome: telling them apart would be an oracle (RFC 9580 13.5). */
async function findSessionKey(wrapped: readonly WrappedSessionKey[], recipients: readonly string[], keys: readonly PgpKey[]): Promise<SessionKey> {
  let locked: PgpKeyPart | undefined
  for (const each of wrapped)
    for (const key of keys)
      for (const part of key.summary.parts) {
        if (!part.capabilities.includes('encrypt') || (each.keyId !== null && each.keyId !== part.keyId)) continue
        if (part.secret === 'protected') locked = part
        if (part.secret !== 'open') continue
        try {
          const { sessionKey, cipher } = await each.unwrap(packetOfPart(key, part) as AnySecretKeyPacket)
          return { octets: sessionKey, cipher, with: { key: key.summary.fingerprint, part: part.fingerprint, algorithm: part.algorithm } }
        } catch {
          continue
        }
      }
  if (locked !== undefined) throw new AppError('key.passphrase_needed', `the message is encrypted to ${locked.fingerprint}, whose passphrase was not given`)
  const named = recipients.length === 0 ? 'a passphrase' : recipients.join(', ')
  throw new AppError('pgp.no_secret_key', `none of the given secret keys opens the message; it is encrypted to ${named}`, { details: { recipients: named } })
}
