/** Judges signatures by the given keys, and by nothing else. */
import { AppError } from '../../kernel/errors.ts'
import { createRunningDigest, hashName, isWeakHash, SHA1, type RunningDigest } from './hashes.ts'
import { problemsOf } from './key-fitness.ts'
import type { PgpKey, PgpKeyPart } from './key-types.ts'
import { endingOf, enums, verifyDigest, type SignaturePacket } from './library.ts'
import { malformed } from './packet-stream.ts'
import { CLOCK_SKEW_MS, type PgpAllowances } from './settings.ts'
import { packetOfPart } from './signing.ts'

export type SignatureStatus = 'valid' | 'unknown-key' | 'invalid' | 'expired-key' | 'revoked-key' | 'unfit-key' | 'weak'

/** One signature of a message. */
export interface SignatureReport {
  readonly status: SignatureStatus
  /** The key that the signature names: fingerprint or, in older ones, 16 hex digits. A claim unless the status is `valid`. */
  readonly issuer: string
  /** Fingerprint of the given key; null: none of them. */
  readonly key: string | null
  /** Fingerprint of the part that signed. */
  readonly part: string | null
  readonly owner: string | null
  readonly algorithm: string | null
  readonly hash: string
  readonly form: 'binary' | 'text'
  readonly created: Date | null
  /** Why it does not count; null when valid. */
  readonly problem: string | null
}

export interface VerifyOptions {
  /** The only keys that count. */
  readonly verifyWith?: readonly PgpKey[]
  readonly allow?: PgpAllowances
  /** Default now. */
  readonly at?: Date
}

/** Digests that the announced signatures need, by form, hash and salt. */
export interface DigestBook {
  announce(type: number, hash: number, salt?: Uint8Array): void
  update(chunk: Uint8Array): void
  find(signature: SignaturePacket): RunningDigest | undefined
}

export function createDigestBook(): DigestBook {
  const digests = new Map<string, RunningDigest>()
  const name = (type: number, hash: number, salt: Uint8Array | undefined): string => `${type}:${hash}:${Buffer.from(salt ?? []).toString('hex')}`
  return {
    announce(type, hash, salt) {
      if (type !== enums.signature.binary && type !== enums.signature.text) throw malformed(`a signature of type ${type} stands before content`)
      const key = name(type, hash, salt)
      if (!digests.has(key)) digests.set(key, createRunningDigest(hash, type === enums.signature.text ? 'text' : 'binary', salt))
    },
    update: (chunk) => {
      for (const digest of digests.values()) digest.update(chunk)
    },
    find: (signature) => digests.get(name(signature.signatureType ?? 0, signature.hashAlgorithm ?? 0, saltOf(signature))),
  }
}

/** Version 6 only. */
export function saltOf(signature: SignaturePacket): Uint8Array | undefined {
  return (signature as unknown as { readonly salt: Uint8Array | null }).salt ?? undefined
}

/** Never throws for a bad signature: the status says what is wrong. */
export async function judge(signature: SignaturePacket, digest: RunningDigest | undefined, { verifyWith = [], allow = {}, at = new Date() }: VerifyOptions): Promise<SignatureReport> {
  const named = signature.issuerFingerprint
  const issuer = (named === null ? signature.issuerKeyID.toHex() : Buffer.from(named).toString('hex')).toUpperCase()
  const hash = signature.hashAlgorithm ?? 0
  const found = findPart(verifyWith, issuer)
  const facts = {
    issuer, hash: hashName(hash), form: signature.signatureType === enums.signature.text ? 'text' : 'binary', created: signature.created,
    key: found?.key.summary.fingerprint ?? null, part: found?.part.fingerprint ?? null,
    owner: found?.key.summary.userIds[0]?.text ?? null, algorithm: found?.part.algorithm ?? null,
  } as const
  if (found === undefined) return { ...facts, status: 'unknown-key', problem: `the signature is by ${issuer}, which is none of the given keys` }
  if (isWeakHash(hash) && !(hash === SHA1 && allow.sha1 === true)) return { ...facts, status: 'weak', problem: `the signature uses ${hashName(hash)}` }
  if (digest === undefined) return { ...facts, status: 'invalid', problem: 'the signature is not of the kind that was announced before the content' }
  const { key, part } = found
  try {
    await verifyDigest(signature, packetOfPart(key, part), digest.digestWith(endingOf(signature)), allow.sha1 === true)
  } catch (error) {
    return { ...facts, status: 'invalid', problem: error instanceof Error ? error.message : 'the signature does not verify' }
  }
  return { ...facts, ...judgeTimes(signature, key, part, at, allow) }
}

function judgeTimes(signature: SignaturePacket, key: PgpKey, part: PgpKeyPart, at: Date, allow: PgpAllowances): { status: SignatureStatus; problem: string | null } {
  const created = signature.created ?? new Date(0)
  if (created.getTime() > at.getTime() + CLOCK_SKEW_MS) return { status: 'invalid', problem: `the signature is of ${created.toISOString()}, which is in the future` }
  if (signature.getExpirationTime() <= at) return { status: 'invalid', problem: 'the signature has expired' }
  if (!part.capabilities.includes('sign')) return { status: 'unfit-key', problem: `${part.fingerprint} may not sign messages` }
  // A revoked key counts no more, whatever it was revoked for: whoever holds it may date signatures back.
  const problems = problemsOf(key.summary, part, 'pgp-verify', created, allow)
  const [first] = problems
  if (first === undefined) return { status: 'valid', problem: null }
  const codes = new Set(problems.map(({ code }) => code))
  const status = codes.has('revoked') ? 'revoked-key' : codes.has('expired') ? 'expired-key' : codes.has('weak') ? 'weak' : 'unfit-key'
  return { status, problem: problems.map(({ text }) => text).join('; ') }
}

/** By fingerprint, or by the key id that is its end. */
function findPart(keys: readonly PgpKey[], issuer: string): { readonly key: PgpKey; readonly part: PgpKeyPart } | undefined {
  for (const key of keys) {
    const part = key.summary.parts.find(({ fingerprint, keyId }) => (issuer.length === 16 ? keyId === issuer : fingerprint === issuer))
    if (part !== undefined) return { key, part }
  }
  return undefined
}

/** Throws unless one signature counts, or none is needed and none of the given keys made a bad one. */
export function demandSignature(signatures: readonly SignatureReport[], isRequired: boolean): void {
  if (signatures.some(({ status }) => status === 'valid')) return
  if (signatures.length === 0) {
    if (isRequired) throw new AppError('pgp.not_signed', 'the message has no signature')
    return
  }
  const bad = signatures.find(({ status }) => status !== 'unknown-key')
  if (bad === undefined && !isRequired) return
  const told = bad ?? signatures[0]
  if (told === undefined) return
  throw new AppError(CODES[told.status], told.problem ?? 'the signature does not count', { details: { issuer: told.issuer, ...(told.owner === null ? {} : { owner: told.owner }), hash: told.hash } })
}

const CODES = {
  valid: 'pgp.signature_invalid', 'unknown-key': 'pgp.signer_unknown', invalid: 'pgp.signature_invalid', 'expired-key': 'pgp.key_expired',
  'revoked-key': 'pgp.key_revoked', 'unfit-key': 'pgp.key_unusable', weak: 'pgp.weak_algorithm',
} as const satisfies Record<SignatureStatus, string>

/** What deserves a look although the message counts. */
export function signatureWarnings(signatures: readonly SignatureReport[], keys: readonly PgpKey[], at: Date): string[] {
  const warnings = signatures.filter(({ status }) => status !== 'valid').map(({ status, issuer }) => `signature-${status}: ${issuer}`)
  for (const { part, status } of signatures) {
    const found = part === null ? undefined : findPart(keys, part)
    if (status === 'valid' && found !== undefined && problemsOf(found.key.summary, found.part, 'pgp-verify', at).some(({ code }) => code === 'expired')) warnings.push(`signer-expired-since: ${part ?? ''}`)
    if (status === 'valid' && found?.key.summary.warnings.includes('sha1-self-signature') === true) warnings.push(`sha1-self-signature: ${found.key.summary.fingerprint}`)
  }
  return warnings
}
