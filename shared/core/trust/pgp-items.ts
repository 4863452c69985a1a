/** OpenPGP keys as items of the inventory. Loads the library: import it where a key is at hand. */
import type { PgpDetails } from '../../contract/trust-details.ts'
import type { PgpKey, PgpKeySummary } from '../crypto/openpgp/index.ts'
import { applyRevocation, generatePgpKey, protectedSecretText, publicKeyText, readPgpKeys, secretKeyToSeal, type NewPgpKey } from '../crypto/openpgp/operations.ts'
import { AppError } from '../kernel/errors.ts'
import { timestamp } from '../kernel/clock.ts'
import type { NewItem } from './new-item.ts'
import type { Found } from './x509-material.ts'

/** Every key of a file. Rejects with `key.…`; with `key.passphrase_needed` when a secret half is still protected. */
export async function pgpKeysIn(content: Uint8Array, passphrase: string | undefined): Promise<Found[]> {
  return (await readPgpKeys(content, passphrase)).map(pgpFound)
}

/** A new key of our own. */
export async function newPgpKey(wanted: NewPgpKey): Promise<Found> {
  return pgpFound(await generatePgpKey(wanted))
}

function pgpFound(key: PgpKey): Found {
  const { summary } = key
  if (summary.isProtected) throw new AppError('key.passphrase_needed', `the secret key ${summary.fingerprint} is protected`)
  return { kind: 'pgp', key: pgpItem(key), label: (summary.userIds.find(({ valid }) => valid) ?? summary.userIds[0])?.text.slice(0, 200) || `OpenPGP key ${summary.fingerprint.slice(-16)}` }
}

function pgpItem(key: PgpKey): NewItem {
  const { summary } = key
  const [primary] = summary.parts
  if (primary === undefined) throw new AppError('key.malformed', 'the OpenPGP key has no primary key')
  return {
    algorithm: primary.algorithm,
    bits: primary.bits,
    fingerprint: summary.fingerprint,
    publicKey: publicKeyText(key),
    notBefore: timestamp(primary.created.getTime()),
    notAfter: primary.expires === null ? null : timestamp(primary.expires.getTime()),
    pgp: detailsOf(summary),
    ...(summary.hasSecret ? { privateKey: Buffer.from(secretKeyToSeal(key)).toString('base64') } : {}),
  }
}

/** What came in together with what was known: the owner's newest statements, and every subkey of both. */
export async function mergedWithKnown(found: Found, known: { readonly publicKey: string | null; readonly privateKey: string | null }): Promise<Found> {
  const parts = [known.publicKey, found.key.publicKey].flatMap((text) => (text === null ? [] : [text]))
  const secrets = [known.privateKey, found.key.privateKey].flatMap((text) => (text === null || text === undefined ? [] : [text]))
  const [publicKey] = await readPgpKeys(parts.join('\n'))
  const [secretKey] = secrets.length === 0 ? [] : await readPgpKeys(Buffer.concat(secrets.map((text) => Buffer.from(text, 'base64'))))
  if (publicKey === undefined) return found
  const merged = secretKey === undefined ? publicKey : await together(publicKey, secretKey)
  return { ...found, key: pgpItem(merged) }
}

/** Reads a public and a secret half as one: the library joins what stands in one file. */
async function together(publicKey: PgpKey, secretKey: PgpKey): Promise<PgpKey> {
  const [joined] = await readPgpKeys(Buffer.concat([secretKeyToSeal(secretKey), publicKey.library.toPublic().write()]))
  return joined ?? secretKey
}

/**
 * The known key that a revocation certificate declares void, as it is from then on. `known`: the armoured public keys that are here.
 * Rejects with `key.malformed` when it fits none of them.
 */
export async function revokedFound(content: Uint8Array, known: readonly string[]): Promise<Found> {
  for (const text of known) {
    const [key] = await readPgpKeys(text)
    const revoked = key === undefined ? null : await applyRevocation(key, Buffer.from(content).toString('utf8')).catch(() => null)
    if (revoked !== null) return pgpFound(revoked)
  }
  throw new AppError('key.malformed', 'this is a revocation certificate, but the OpenPGP key that it revokes is not in the inventory: import that key first')
}

/** The usable key of an item, from its sealed half where that is here. */
export async function pgpKeyOf(item: { readonly publicKey: string | null }, privateKey: string | null): Promise<PgpKey> {
  const [key] = await readPgpKeys(privateKey === null ? (item.publicKey ?? '') : Buffer.from(privateKey, 'base64'))
  if (key === undefined) throw new AppError('key.malformed', 'the item holds no OpenPGP key')
  return key
}

/** The secret key of an item, armoured, under a password. */
export async function pgpSecretText(item: { readonly publicKey: string | null }, privateKey: string, password: string): Promise<string> {
  return await protectedSecretText(await pgpKeyOf(item, privateKey), password)
}

function detailsOf({ version, userIds, parts, preferences, hasSecret, isProtected, warnings }: PgpKeySummary): PgpDetails {
  return JSON.parse(JSON.stringify({ version, userIds, parts, preferences, hasSecret, isProtected, warnings })) as PgpDetails
}
