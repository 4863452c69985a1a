/** What is known about an OpenPGP key, as plain data. */
import type { Key } from './library.ts'

export type PgpRole = 'pgp-sign' | 'pgp-verify' | 'pgp-encrypt' | 'pgp-decrypt'
export type PgpCapability = 'certify' | 'sign' | 'encrypt' | 'authenticate'

/** `none`: public only · `stub`: the secret is elsewhere (offline primary, smart card) · `protected`: needs its passphrase · `open`: usable. */
export type SecretState = 'none' | 'stub' | 'protected' | 'open'

export interface PgpRevocation {
  readonly reason: 'none' | 'superseded' | 'compromised' | 'retired' | 'user-id-invalid'
  /** What the owner wrote. */
  readonly text: string
  readonly at: Date
}

/** The primary key or a subkey. */
export interface PgpKeyPart {
  /** Upper-case hex: 40 digits for version 4. */
  readonly fingerprint: string
  /** The 16 hex digits by which messages name it. */
  readonly keyId: string
  readonly primary: boolean
  /** As GnuPG names it: `rsa3072`, `ed25519`, `cv25519`, `nistp256`, `dsa2048` … */
  readonly algorithm: string
  readonly bits: number | null
  readonly curve: string | null
  readonly created: Date
  /** Null: never. */
  readonly expires: Date | null
  readonly capabilities: readonly PgpCapability[]
  readonly revoked: PgpRevocation | null
  readonly secret: SecretState
  /** What is wrong with it at any time, as text: no valid binding, a missing back signature. Such a part serves no role. */
  readonly defect: string | null
}

export interface PgpUserId {
  readonly text: string
  /** Certified by the key itself, and not revoked. */
  readonly valid: boolean
  readonly revoked: boolean
}

/** What the owner's program says it can read. */
export interface PgpPreferences {
  /** `ocb`: GnuPG 2.3 and later, packet 20. */
  readonly aead: boolean
  /** Integrity-protected data version 2 (RFC 9580). */
  readonly seipdV2: boolean
  readonly ciphers: readonly number[]
  readonly hashes: readonly number[]
  readonly compressions: readonly number[]
  /** Pairs of cipher and AEAD mode. */
  readonly cipherSuites: readonly (readonly number[])[]
}

export interface PgpKeySummary {
  readonly fingerprint: string
  readonly version: number
  /** The primary one first. */
  readonly userIds: readonly PgpUserId[]
  /** The primary key first. */
  readonly parts: readonly PgpKeyPart[]
  readonly preferences: PgpPreferences
  readonly hasSecret: boolean
  /** Whether a passphrase must be given before its secret parts work. */
  readonly isProtected: boolean
  /** Facts worth telling: `sha1-self-signature`, `no-valid-user-id`. */
  readonly warnings: readonly string[]
}

/** A key that was read: what is known about it, and the library's object, which only this folder looks into. */
export interface PgpKey {
  readonly summary: PgpKeySummary
  readonly library: Key
}
