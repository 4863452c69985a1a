/**
 * The one place that knows openpgp.js beyond its typed interface. It does keys, signature packets and session key packets for us; message
 * bodies never pass through it, so digests are handed over. The dependency is pinned exactly, and tests against GnuPG hold what is relied on.
 */
import {
  config, enums, PublicKeyEncryptedSessionKeyPacket, SignaturePacket,
  type AnyKeyPacket, type AnySecretKeyPacket, type Config, type Key,
} from 'openpgp'
import { AppError } from '../../kernel/errors.ts'
import { malformed } from './packet-stream.ts'

export { enums, SignaturePacket } from 'openpgp'
export type { AnyKeyPacket, AnySecretKeyPacket, Key, PrivateKey, Subkey, User } from 'openpgp'

/** Never the library's global settings: nothing else in the process may change what holds here. */
export const SETTINGS: Config = {
  ...config,
  // what keys that we make ask for: as safe as SHA-512 here, and three times as fast where processors have it
  preferredHashAlgorithm: enums.hash.sha256,
  aeadProtect: false, v6Keys: false, enableParsingV5Entities: false, ignoreMalformedPackets: false,
}

/** For message signatures that an exception tolerates. */
export const WITH_SHA1: Config = { ...SETTINGS, rejectMessageHashAlgorithms: new Set([enums.hash.md5, enums.hash.ripemd]) }

/** Signatures on the key itself that stand beside user ids and subkeys; the library keeps them untyped. */
export function directSignatures(key: Key): readonly SignaturePacket[] {
  return (key as unknown as { readonly directSignatures: SignaturePacket[] }).directSignatures
}

/** Version 6 issuers name the whole fingerprint; what the key must have. */
export function cipherSuites(signature: SignaturePacket): readonly (readonly number[])[] {
  return (signature as unknown as { readonly preferredCipherSuites: number[][] | null }).preferredCipherSuites ?? []
}

type SigningPacket = SignaturePacket & {
  toHash: () => ReadableStream
  hash: () => Promise<Uint8Array>
  sign: (key: AnySecretKeyPacket, data: object, date: Date, detached: boolean, settings: Config) => Promise<void>
}

/**
 * Makes a signature packet over content that was hashed elsewhere. `finish` gets the octets that end the digest (the signed part of the
 * packet and its trailer, RFC 9580 5.2.4) and answers the digest.
 */
export async function signDigest(key: AnySecretKeyPacket, hash: number, date: Date, finish: (ending: Uint8Array) => Uint8Array): Promise<Uint8Array> {
  const packet = new SignaturePacket() as SigningPacket
  packet.signatureType = enums.signature.binary
  packet.publicKeyAlgorithm = key.algorithm
  packet.hashAlgorithm = hash
  // A stream tells the library that only the digest is known, not the content.
  packet.toHash = () => new ReadableStream({ start: (controller) => controller.close() })
  packet.hash = () => Promise.resolve(finish(endingOf(packet)))
  await packet.sign(key, {}, date, false, SETTINGS)
  return packet.write()
}

/** What a version 4 signature adds to the digest of the content. */
export function endingOf(packet: SignaturePacket): Uint8Array {
  const signed = packet.signatureData ?? new Uint8Array()
  const trailer = Buffer.alloc(6)
  trailer[0] = packet.version
  trailer[1] = 0xff
  trailer.writeUInt32BE(signed.length, 2)
  return Buffer.concat([signed, trailer])
}

/** Reads a signature packet's body. Throws `pgp.unsupported` for versions before 4, `pgp.malformed`. */
export function readSignature(body: Uint8Array): SignaturePacket {
  const packet = new SignaturePacket()
  try {
    packet.read(body)
  } catch (error) {
    const version = body[0] ?? 0
    if (version < 4 || version === 5) throw new AppError('pgp.unsupported', `a signature of version ${version}`)
    throw malformed(`a signature cannot be read: ${error instanceof Error ? error.message : ''}`)
  }
  return packet
}

/** Throws when the signature does not fit the digest; times are not judged. */
export async function verifyDigest(packet: SignaturePacket, key: AnyKeyPacket, digest: Uint8Array, sha1: boolean): Promise<void> {
  Object.assign(packet, { hashed: digest })
  await packet.verify(key, packet.signatureType ?? enums.signature.binary, {}, NO_DATE, false, sha1 ? WITH_SHA1 : SETTINGS)
}

/** The library's way to leave times aside, which its types do not know. */
export const NO_DATE = null as unknown as Date

interface SessionPacket {
  read(body: Uint8Array): void
  write(): Uint8Array
  readonly version: number
  readonly publicKeyID: { toHex(): string; isWildcard(): boolean }
  readonly publicKeyAlgorithm: number
  readonly sessionKey: Uint8Array
  readonly sessionKeyAlgorithm: number | null
  encrypt(key: AnyKeyPacket): Promise<void>
  decrypt(key: AnySecretKeyPacket): Promise<void>
}

interface SessionPacketClass {
  fromObject(fields: { version: 3 | 6; encryptionKeyPacket: AnyKeyPacket; anonymousRecipient: boolean; sessionKey: Uint8Array; sessionKeyAlgorithm: number }): SessionPacket
}

/** The body of a packet 1 for one recipient. Version 3 goes with integrity-protected data version 1, version 6 with version 2. */
export async function wrapSessionKey(key: AnyKeyPacket, version: 3 | 6, sessionKey: Uint8Array, cipher: number): Promise<Uint8Array> {
  const made = PublicKeyEncryptedSessionKeyPacket as unknown as SessionPacketClass
  const packet = made.fromObject({ version, encryptionKeyPacket: key, anonymousRecipient: false, sessionKey, sessionKeyAlgorithm: cipher })
  await packet.encrypt(key)
  return packet.write()
}

export interface WrappedSessionKey {
  readonly version: number
  /** 16 hex digits, upper case; null: the sender hid the recipient. */
  readonly keyId: string | null
  /** Throws when the key does not open it. `cipher` is null for version 6, where the data names it. */
  unwrap(key: AnySecretKeyPacket): Promise<{ readonly sessionKey: Uint8Array; readonly cipher: number | null }>
}

/** Reads the body of a packet 1; undefined for what the library does not know, as another recipient's may be. */
export function readSessionKey(body: Uint8Array): WrappedSessionKey | undefined {
  const packet = new PublicKeyEncryptedSessionKeyPacket() as unknown as SessionPacket
  try {
    packet.read(body)
  } catch {
    return undefined
  }
  return {
    version: packet.version,
    keyId: packet.publicKeyID.isWildcard() ? null : packet.publicKeyID.toHex().toUpperCase(),
    unwrap: async (key) => {
      await packet.decrypt(key)
      return { sessionKey: packet.sessionKey, cipher: packet.sessionKeyAlgorithm }
    },
  }
}
