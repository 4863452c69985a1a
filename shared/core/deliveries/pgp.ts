/** Payload protection with OpenPGP on the way out and in: which keys, under which agreement; the format itself is `crypto/openpgp`. */
import { PgpSettings } from '../../contract/connections/common.ts'
import type { Connection } from '../../contract/connections/index.ts'
import type { Role } from '../../contract/trust.ts'
import type { PgpAllowances, PgpKey } from '../crypto/openpgp/index.ts'
import type { ProtectReport, UnprotectReport } from '../crypto/openpgp/operations.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { StoredPayload, PayloadStore } from '../store/payload-store.ts'
import type { Material, Materials } from '../trust/materials.ts'
import type { OpenPayload } from './inbound/release.ts'

/** Where a file goes to or comes from, and what is tolerated there now. */
export interface PgpTarget {
  readonly partner: string
  readonly connection: Connection
  readonly tolerated: readonly string[]
}

export interface ProtectedPayload extends StoredPayload {
  /** What was done, with which algorithms and keys. */
  readonly facts: Readonly<Record<string, string>>
}

export interface PgpSteps {
  /** The name under which a file travels: with the agreed ending where it is protected. */
  remoteName(name: string, connection: Connection): string
  /** Rejects when a key that the agreement needs is missing. Nothing is read or written. */
  checkKeys(target: PgpTarget): void
  /** Protects a stored payload as agreed and stores the result; null where nothing was agreed. Rejects with `pgp.*`. */
  protect(payload: StoredPayload, fileName: string, target: PgpTarget, signal: AbortSignal): Promise<ProtectedPayload | null>
  readonly open: OpenPayload
  /** What is done at a target, with the keys that are bound now: `signed with …, encrypted to …`; null where nothing is. */
  describe(target: PgpTarget, direction: 'outbound' | 'inbound'): string | null
}

export type PgpProtection = Exclude<PgpSettings['outbound'], 'none'>

/** The connection as if it asked for at least so much. Rejects with `input.invalid` where OpenPGP has no place. */
export function strengthened(connection: Connection, protect: PgpProtection): Connection {
  if (connection.protocol === 'as2') throw new AppError('input.invalid', `${connection.id}: AS2 signs and encrypts messages by itself, as its connection says`)
  const pgp = connection.pgp ?? PgpSettings.parse({})
  return { ...connection, pgp: { ...pgp, outbound: pgp.outbound === 'none' || pgp.outbound === protect ? protect : 'sign-and-encrypt' } }
}

/** The connection as if it opened what it receives. */
export function opening(connection: Connection, requireSignature: boolean): Connection {
  if (connection.protocol === 'as2') return connection
  const pgp = connection.pgp ?? PgpSettings.parse({})
  return { ...connection, pgp: { ...pgp, inbound: 'open', requireSignature: pgp.inbound === 'open' ? pgp.requireSignature || requireSignature : requireSignature } }
}

export function createPgpSteps(deps: {
  readonly materials: Materials
  readonly payloads: PayloadStore
  /** Rejects with `input.not_found`. */
  readonly targetOf: (partner: string, connection: string) => PgpTarget
  readonly clock: Clock
}): PgpSteps {
  const { materials, payloads, targetOf, clock } = deps

  const bound = ({ partner, connection }: PgpTarget, role: Role, whose: 'ours' | 'theirs'): Material[] => {
    const found = materials.of(partner, connection.id, role).filter(({ item }) => item.kind === 'pgp')
    if (found.length > 0) return found
    throw new AppError('pgp.no_key_bound', `no OpenPGP key is bound as ${role} for ${partner}/${connection.id}`, { details: { role, key: whose === 'ours' ? 'one of ours' : 'one of the partner' } })
  }

  /** Rolled-over keys: the newest binding is used for what we send. */
  const newest = async (target: PgpTarget, role: Role, whose: 'ours' | 'theirs'): Promise<PgpKey> => {
    const [material] = bound(target, role, whose)
    return await keyOf(material as Material)
  }

  const all = async (target: PgpTarget, role: Role, whose: 'ours' | 'theirs'): Promise<PgpKey[]> => await Promise.all(bound(target, role, whose).map(keyOf))

  return {
    remoteName(name, connection) {
      const pgp = settingsOf(connection)
      return pgp === null || pgp.outbound === 'none' || name.endsWith(pgp.suffix) ? name : `${name}${pgp.suffix}`
    },

    checkKeys(target) {
      const pgp = settingsOf(target.connection)
      if (pgp === null) return
      if (isSigned(pgp)) bound(target, 'pgp-sign', 'ours')
      if (isEncrypted(pgp)) bound(target, 'pgp-encrypt', 'theirs')
      if (isEncrypted(pgp) && pgp.encryptToSelf) bound(target, 'pgp-decrypt', 'ours')
    },

    describe(target, direction) {
      const pgp = settingsOf(target.connection)
      if (pgp === null) return null
      const named = (role: Role): string => materials.of(target.partner, target.connection.id, role).filter(({ item }) => item.kind === 'pgp').map(({ item }) => `${item.label} (${item.fingerprint.slice(-16)})`).join(', ') || 'a key that is not bound yet'
      const parts = direction === 'inbound'
        ? pgp.inbound === 'none' ? [] : [`decrypted with ${named('pgp-decrypt')}`, pgp.requireSignature ? `signature checked with ${named('pgp-verify')}` : 'a signature is checked where there is one']
        : [isSigned(pgp) ? `signed with ${named('pgp-sign')}` : '', isEncrypted(pgp) ? `encrypted to ${named('pgp-encrypt')}` : '']
      return parts.filter((part) => part !== '').join(', ') || null
    },

    async protect(payload, fileName, target, signal) {
      const pgp = settingsOf(target.connection)
      if (pgp === null || pgp.outbound === 'none') return null
      const { protect } = await openPgp()
      const message = await protect(payloads.read(payload.sha256, { offset: 0, signal, lend: true }), {
        signWith: isSigned(pgp) ? [await newest(target, 'pgp-sign', 'ours')] : [],
        // Each bound key is a recipient: while the partner changes keys, the old and the new one both open it.
        encryptTo: isEncrypted(pgp) ? await all(target, 'pgp-encrypt', 'theirs') : [],
        ...(pgp.encryptToSelf && isEncrypted(pgp) ? { encryptToSelf: await newest(target, 'pgp-decrypt', 'ours') } : {}),
        profile: pgp.profile,
        armor: pgp.armor,
        fileName: Buffer.byteLength(fileName) <= 255 ? fileName : '',
        allow: allowancesOf(target),
        at: new Date(clock.now()),
        lend: true,
      })
      const stored = await payloads.take(message.content, { size: payload.size })
      return { ...stored, facts: protectFacts(await message.result) }
    },

    async open(delivery, signal) {
      const target = targetOf(delivery.partner, delivery.connection)
      const pgp = settingsOf(target.connection)
      if (pgp === null || pgp.inbound === 'none') return null
      const { unprotect } = await openPgp()
      const message = unprotect(payloads.read(delivery.sha256, { offset: 0, signal, lend: true }), {
        decryptWith: await all(target, 'pgp-decrypt', 'ours'),
        // Without a key of the partner nothing can be genuine; an unsigned file is then only possible where that was agreed.
        verifyWith: pgp.requireSignature ? await all(target, 'pgp-verify', 'theirs') : await optional(() => all(target, 'pgp-verify', 'theirs')),
        requireSignature: pgp.requireSignature,
        requireEncryption: false,
        allow: allowancesOf(target),
        at: new Date(clock.now()),
        lend: true,
      })
      const stored = await payloads.take(message.content, { size: delivery.size })
      return { ...stored, fileName: openedName(delivery.fileName), facts: unprotectFacts(await message.result) }
    },
  }
}

/** Loaded where a file needs it: most do not. */
const openPgp = async (): Promise<typeof import('../crypto/openpgp/operations.ts')> => await import('../crypto/openpgp/operations.ts')

async function optional(keys: () => Promise<PgpKey[]>): Promise<PgpKey[]> {
  try {
    return await keys()
  } catch (error) {
    if (error instanceof AppError && error.code === 'pgp.no_key_bound') return []
    throw error
  }
}

function settingsOf(connection: Connection): PgpSettings | null {
  return 'pgp' in connection && connection.pgp !== undefined ? connection.pgp : null
}

const isSigned = ({ outbound }: PgpSettings): boolean => outbound === 'sign' || outbound === 'sign-and-encrypt'
const isEncrypted = ({ outbound }: PgpSettings): boolean => outbound === 'encrypt' || outbound === 'sign-and-encrypt'

/** The sealed form of a secret key is Base64 of the binary one; public keys are armoured. */
async function keyOf({ item, privateKey }: Material): Promise<PgpKey> {
  const text = privateKey ?? item.publicKey ?? ''
  const { readPgpKeys } = await openPgp()
  const [key] = await readPgpKeys(text.startsWith('-----') ? text : Buffer.from(text, 'base64'))
  if (key === undefined) throw new AppError('pgp.key_unusable', `${item.label} holds no OpenPGP key`)
  return key
}

function allowancesOf({ tolerated }: PgpTarget): PgpAllowances {
  return {
    noIntegrity: tolerated.includes('pgp-legacy'),
    tripleDes: tolerated.includes('pgp-legacy'),
    sha1: tolerated.includes('pgp-sha1'),
    ...(tolerated.includes('rsa-1024') ? { minRsaBits: 1024 } : {}),
  }
}

/** `orders.edi.pgp` → `orders.edi`; the endings that programs use, whatever we ourselves write. */
function openedName(name: string): string {
  const shorter = name.replace(/\.(pgp|gpg|asc)$/i, '')
  return shorter === '' ? name : shorter
}

function protectFacts({ encryption, signatures, profile }: ProtectReport): Record<string, string> {
  return {
    pgpProfile: profile,
    ...(encryption === null ? {} : { pgpCipher: encryption.cipher, pgpPacket: encryption.packet, pgpRecipients: encryption.recipients.map(({ key }) => key).join(', '), pgpRecipientKey: encryption.recipients.map(({ algorithm }) => algorithm).join(', ') }),
    ...(signatures.length === 0 ? {} : { pgpSignedWith: signatures.map(({ key, hash }) => `${key} (${hash})`).join(', '), pgpSignerKey: signatures.map(({ algorithm }) => algorithm).join(', ') }),
  }
}

function unprotectFacts({ encryption, signedBy, warnings }: UnprotectReport): Record<string, string> {
  return {
    pgpEncryption: encryption === null ? 'none' : `${encryption.cipher}, ${encryption.packet}`,
    ...(encryption === null ? {} : { pgpRecipientKey: encryption.decryptedWith.algorithm }),
    ...(signedBy === null ? { pgpSignedBy: 'nobody' } : { pgpSignedBy: `${signedBy.owner ?? ''} ${signedBy.key ?? signedBy.issuer ?? ''}`.trim(), pgpSignatureHash: String(signedBy.hash), pgpSignerKey: signedBy.algorithm ?? 'unknown', pgpSignedAt: signedBy.created === null ? 'unknown' : signedBy.created.toISOString() }),
    ...(warnings.length === 0 ? {} : { pgpWarnings: warnings.join(', ') }),
  }
}
