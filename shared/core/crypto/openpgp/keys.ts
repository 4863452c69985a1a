/** Reads, makes, exports and revokes keys. */
import { encryptKey, generateKey, readKeys, revokeKey, type PrivateKey } from 'openpgp'
import { AppError } from '../../kernel/errors.ts'
import { SETTINGS, type Key } from './library.ts'
import { summarise } from './key-summary.ts'
import type { PgpKey } from './key-types.ts'
import { isBinary, textOf } from './looks-like-keys.ts'

const MAX_BYTES = 4 * 1024 * 1024
const MAX_KEYS = 100
const BLOCK = /-----BEGIN PGP (PUBLIC|PRIVATE|SECRET) KEY BLOCK-----[\s\S]*?-----END PGP \1 KEY BLOCK-----/g

/**
 * Reads every key of a file or of pasted text, armoured (several blocks, with other text around) or binary. A public and a secret half of
 * one key become one. With a passphrase, protected secret parts are opened. Rejects with `key.malformed` or `key.wrong_passphrase`.
 */
export async function readPgpKeys(input: Uint8Array | string, passphrase?: string): Promise<PgpKey[]> {
  if (input.length > MAX_BYTES) throw new AppError('key.malformed', `the key file is larger than ${MAX_BYTES} bytes`)
  const merged = new Map<string, Key>()
  for (const key of await parse(input)) {
    const fingerprint = key.getFingerprint()
    const known = merged.get(fingerprint)
    merged.set(fingerprint, known === undefined ? key : await merge(known, key))
    if (merged.size > MAX_KEYS) throw new AppError('key.malformed', `the file holds more than ${MAX_KEYS} keys`)
  }
  const keys = [...merged.values()]
  if (passphrase !== undefined) for (const key of keys) await unlock(key, passphrase)
  return await Promise.all(keys.map(async (key) => ({ summary: await summarise(key), library: key })))
}

async function parse(input: Uint8Array | string): Promise<Key[]> {
  try {
    if (isBinary(input)) return await readKeys({ binaryKeys: input, config: SETTINGS })
    const text = textOf(input)
    const blocks = [...text.matchAll(BLOCK)].map(([block]) => block.replaceAll('SECRET KEY BLOCK', 'PRIVATE KEY BLOCK'))
    if (blocks.length === 0) throw new Error(text.includes('-----BEGIN PGP') ? 'the armour is cut off or holds no key' : 'there is no OpenPGP key in it')
    return (await Promise.all(blocks.map((armoredKeys) => readKeys({ armoredKeys, config: SETTINGS })))).flat()
  } catch (error) {
    throw new AppError('key.malformed', `the OpenPGP key cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

async function merge(known: Key, other: Key): Promise<Key> {
  const [base, addition] = other.isPrivate() && !known.isPrivate() ? [other, known] : [known, other]
  return base.isPrivate() ? await base.update(addition) : await base.update(addition as never)
}

/** Opens every protected part. */
async function unlock(key: Key, passphrase: string): Promise<void> {
  if (!key.isPrivate()) return
  for (const part of [key, ...key.subkeys]) {
    const packet = part.keyPacket
    if (!('isDummy' in packet) || packet.isMissingSecretKeyMaterial() || packet.isDecrypted()) continue
    try {
      await packet.decrypt(passphrase)
      await packet.validate()
    } catch (error) {
      const wrong = error instanceof Error && /incorrect key passphrase/i.test(error.message)
      throw new AppError(wrong ? 'key.wrong_passphrase' : 'key.malformed', wrong ? `the passphrase does not open the OpenPGP key ${key.getFingerprint().toUpperCase()}` : `the secret key cannot be opened: ${error instanceof Error ? error.message : ''}`)
    }
  }
}

export interface NewPgpKey {
  readonly name: string
  readonly email?: string
  /** `ed25519` signs, with a cv25519 subkey that encrypts, in the version 4 form that GnuPG 2.2 reads. */
  readonly algorithm: 'ed25519' | 'rsa-3072' | 'rsa-4096'
  /** Null: never. */
  readonly expires: Date | null
  /** Default now. */
  readonly created?: Date
}

/** A primary key that signs, with one subkey that encrypts; both expire together. Unprotected: to be sealed at once. */
export async function generatePgpKey({ name, email, algorithm, expires, created = new Date() }: NewPgpKey): Promise<PgpKey> {
  const seconds = expires === null ? 0 : Math.ceil((expires.getTime() - created.getTime()) / 1000)
  if (seconds < 0) throw new AppError('input.invalid', 'the key would expire before it begins')
  const { privateKey } = await generateKey({
    ...(algorithm === 'ed25519' ? { type: 'ecc', curve: 'ed25519Legacy' } : { type: 'rsa', rsaBits: algorithm === 'rsa-3072' ? 3072 : 4096 }),
    userIDs: [email === undefined ? { name } : { name, email }],
    keyExpirationTime: seconds, date: created, format: 'object', config: SETTINGS,
  })
  return { summary: await summarise(privateKey), library: privateKey }
}

/** The public half, armoured: what is given to a partner. */
export function publicKeyText(key: PgpKey): string {
  return key.library.toPublic().armor(SETTINGS)
}

/** The secret key, armoured, protected by a passphrase. There is no way to export it without one. */
export async function protectedSecretText(key: PgpKey, passphrase: string): Promise<string> {
  if (passphrase === '') throw new AppError('key.passphrase_needed', 'a secret key is exported under a passphrase only')
  const secret = openSecret(key)
  return (await encryptKey({ privateKey: secret, passphrase, config: SETTINGS })).armor(SETTINGS)
}

/** The unprotected secret key in binary: only to be sealed. `readPgpKeys` reads it back. */
export function secretKeyToSeal(key: PgpKey): Uint8Array {
  return openSecret(key).write()
}

function openSecret(key: PgpKey): PrivateKey {
  if (!key.library.isPrivate() || !key.summary.hasSecret) throw new AppError('pgp.key_unusable', `the secret half of ${key.summary.fingerprint} is not here`)
  if (key.summary.isProtected) throw new AppError('key.passphrase_needed', `the secret key ${key.summary.fingerprint} is protected`)
  return key.library
}

/** Applies a revocation certificate that its owner made earlier. Rejects with `key.malformed` when it does not fit the key. */
export async function applyRevocation(key: PgpKey, certificate: string): Promise<PgpKey> {
  // GnuPG puts a colon before the first line, so that nobody imports it by mistake
  const revocationCertificate = certificate.replace(/^:(?=-----BEGIN PGP)/m, '')
  try {
    const revoked = await revokeKey({ key: key.library.toPublic(), revocationCertificate, format: 'object', config: SETTINGS })
    const library = key.library.isPrivate() ? await key.library.update(revoked.publicKey) : revoked.publicKey
    return { summary: await summarise(library), library }
  } catch (error) {
    throw new AppError('key.malformed', `the revocation certificate does not fit the key ${key.summary.fingerprint}`, { cause: error })
  }
}
