/** Signatures over content that streams by: one-pass packets before it, signature packets after it (RFC 9580 10.3). */
import { AppError } from '../../kernel/errors.ts'
import { fitnessFor, unfit } from './key-fitness.ts'
import type { PgpKey, PgpKeyPart } from './key-types.ts'
import { createRunningDigest, hashName, type RunningDigest } from './hashes.ts'
import { signDigest, type AnyKeyPacket, type AnySecretKeyPacket } from './library.ts'
import { PACKET, packetOf } from './packet-stream.ts'
import type { PgpAllowances } from './settings.ts'

/** What was signed with. */
export interface SignedWith {
  /** Fingerprint of the primary key. */
  readonly key: string
  /** Fingerprint of the part that signed. */
  readonly part: string
  readonly owner: string
  readonly algorithm: string
  readonly hash: string
  readonly created: Date
}

export interface Signer {
  readonly report: SignedWith
  onePass(isLast: boolean): Uint8Array
  update(chunk: Uint8Array): void
  /** The signature packet over all that was passed. */
  finish(): Promise<Uint8Array>
}

/** The library's packet of a part. */
export function packetOfPart(key: PgpKey, part: PgpKeyPart): AnyKeyPacket {
  const found = [key.library, ...key.library.subkeys].find((each) => each.getFingerprint().toUpperCase() === part.fingerprint)
  if (found === undefined) throw new AppError('pgp.key_unusable', `the key has no part ${part.fingerprint}`)
  return found.keyPacket
}

/** Throws when the key is unfit to sign. */
export function createSigner(key: PgpKey, at: Date, allow: PgpAllowances): Signer {
  const { fit, part, problems } = fitnessFor(key.summary, 'pgp-sign', at, allow)
  if (!fit || part === null) throw unfit(key.summary, problems)
  if (key.summary.version !== 4) throw new AppError('pgp.unsupported', `signing with a key of version ${key.summary.version}`)
  const packet = packetOfPart(key, part) as AnySecretKeyPacket
  const hash = hashFor(part)
  const digest = createRunningDigest(hash, 'binary')
  return {
    report: { key: key.summary.fingerprint, part: part.fingerprint, owner: key.summary.userIds[0]?.text ?? '', algorithm: part.algorithm, hash: hashName(hash), created: at },
    onePass: (isLast) => packetOf(PACKET.onePass, Buffer.concat([Buffer.from([3, 0, hash, packet.algorithm]), Buffer.from(part.keyId, 'hex'), Buffer.from([isLast ? 1 : 0])])),
    update: digest.update,
    finish: async () => packetOf(PACKET.signature, await signed(packet, hash, at, digest)),
  }
}

async function signed(packet: AnySecretKeyPacket, hash: number, at: Date, digest: RunningDigest): Promise<Uint8Array> {
  return await signDigest(packet, hash, at, digest.digestWith)
}

/** As strong as the curve (RFC 9580 5.2.3.2); SHA-256 otherwise, which processors compute fastest. */
function hashFor(part: PgpKeyPart): number {
  if (/p521|p512|448/i.test(part.algorithm)) return 10
  return /p384/i.test(part.algorithm) ? 9 : 8
}
