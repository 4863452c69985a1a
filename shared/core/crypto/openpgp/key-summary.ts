/**
 * Reads off a key what holds about it. Only signatures that verify count; times are kept as facts, to be judged later at any instant.
 * The latest statement of the owner counts, as in GnuPG: a renewed key speaks for messages that were signed before its renewal too.
 */
import { directSignatures, cipherSuites, enums, NO_DATE, SETTINGS, type AnyKeyPacket, type AnySecretKeyPacket, type Key, type SignaturePacket, type Subkey, type User } from './library.ts'
import type { PgpCapability, PgpKeyPart, PgpKeySummary, PgpPreferences, PgpRevocation, PgpUserId, SecretState } from './key-types.ts'

export async function summarise(key: Key): Promise<PgpKeySummary> {
  const primary = key.keyPacket
  const users = await Promise.all(key.users.map((user) => describeUser(key, user)))
  const named = users.filter((user) => user.id !== undefined).toSorted((left, right) => Number(right.isPrimary) - Number(left.isPrimary) || right.at - left.at)
  const direct = await latest(directSignatures(key).filter(({ signatureType }) => signatureType === enums.signature.key), primary, enums.signature.key, { key: primary })
  // RFC 9580 5.2.3.10: version 6 keys state their properties on the key itself, older ones beside the primary user id.
  const self = key.keyPacket.version === 6 ? direct : (named.find(({ id }) => id?.valid === true)?.certificate ?? named[0]?.certificate ?? direct)
  const parts = [await describePrimary(key, self), ...(await Promise.all(key.subkeys.map((subkey) => describeSubkey(key, subkey))))]
  const warnings: string[] = []
  if (!named.some(({ id }) => id?.valid === true)) warnings.push('no-valid-user-id')
  if (self?.hashAlgorithm === enums.hash.sha1) warnings.push('sha1-self-signature')
  return {
    fingerprint: fingerprintOf(primary),
    version: primary.version,
    userIds: named.flatMap(({ id }) => (id === undefined ? [] : [id])),
    parts,
    preferences: preferencesOf(self),
    hasSecret: parts.some(({ secret }) => secret === 'open' || secret === 'protected'),
    isProtected: parts.some(({ secret }) => secret === 'protected'),
    warnings,
  }
}

interface DescribedUser {
  readonly id: PgpUserId | undefined
  readonly certificate: SignaturePacket | undefined
  readonly isPrimary: boolean
  readonly at: number
}

async function describeUser(key: Key, user: User): Promise<DescribedUser> {
  const data = { userID: user.userID, userAttribute: user.userAttribute, key: key.keyPacket }
  const certificate = await latest(user.selfCertifications, key.keyPacket, undefined, data)
  const revocation = await latest(user.revocationSignatures, key.keyPacket, enums.signature.certRevocation, data)
  // a user id can be certified again after it was revoked
  const revoked = revocation !== undefined && (certificate === undefined || timeOf(revocation) >= timeOf(certificate))
  const id = user.userID === null ? undefined : { text: user.userID.userID, valid: certificate !== undefined && !revoked, revoked }
  return { id, certificate, isPrimary: certificate?.isPrimaryUserID === true && !revoked, at: certificate === undefined ? 0 : timeOf(certificate) }
}

async function describePrimary(key: Key, self: SignaturePacket | undefined): Promise<PgpKeyPart> {
  const packet = key.keyPacket
  const revoked = await revocationOf(key.revocationSignatures, packet, enums.signature.keyRevocation, { key: packet })
  return {
    ...describePacket(packet), primary: true, revoked,
    expires: self === undefined ? null : expiryOf(packet, self),
    capabilities: self === undefined ? [] : capabilitiesOf(packet, self, true),
    defect: self === undefined ? 'no valid self-signature' : null,
  }
}

async function describeSubkey(key: Key, subkey: Subkey): Promise<PgpKeyPart> {
  const packet = subkey.keyPacket
  const data = { key: key.keyPacket, bind: packet }
  const binding = await latest(subkey.bindingSignatures, key.keyPacket, enums.signature.subkeyBinding, data)
  const revoked = await revocationOf(subkey.revocationSignatures, key.keyPacket, enums.signature.subkeyRevocation, data)
  const capabilities = binding === undefined ? [] : capabilitiesOf(packet, binding, false)
  return {
    ...describePacket(packet), primary: false, revoked, capabilities,
    expires: binding === undefined ? null : expiryOf(packet, binding),
    defect: binding === undefined ? 'no valid binding to the primary key' : await missingBackSignature(binding, packet, capabilities, data),
  }
}

/** RFC 9580 5.2.1.9: a subkey that signs must have signed the primary key, or anybody could adopt somebody's subkey. */
async function missingBackSignature(binding: SignaturePacket, packet: AnyKeyPacket, capabilities: readonly PgpCapability[], data: object): Promise<string | null> {
  if (!capabilities.includes('sign')) return null
  const back = binding.embeddedSignature
  const holds = back !== null && (await latest([back], packet, enums.signature.keyBinding, data)) !== undefined
  return holds ? null : 'the subkey did not sign its primary key'
}

/** The latest of the signatures that verify. */
async function latest(signatures: readonly SignaturePacket[], issuer: AnyKeyPacket, type: number | undefined, data: object): Promise<SignaturePacket | undefined> {
  const verified = await Promise.all(signatures.map(async (signature) => {
    try {
      await signature.verify(issuer, type ?? signature.signatureType ?? 0, data, NO_DATE, false, SETTINGS)
      return [signature]
    } catch {
      return []
    }
  }))
  return verified.flat().toSorted((left, right) => timeOf(right) - timeOf(left))[0]
}

const REASONS: Readonly<Record<number, PgpRevocation['reason']>> = { 1: 'superseded', 2: 'compromised', 3: 'retired', 32: 'user-id-invalid' }

async function revocationOf(signatures: readonly SignaturePacket[], issuer: AnyKeyPacket, type: number, data: object): Promise<PgpRevocation | null> {
  const found = await latest(signatures, issuer, type, data)
  if (found === undefined) return null
  return { reason: REASONS[found.reasonForRevocationFlag ?? 0] ?? 'none', text: found.reasonForRevocationString ?? '', at: new Date(timeOf(found)) }
}

function describePacket(packet: AnyKeyPacket): Pick<PgpKeyPart, 'fingerprint' | 'keyId' | 'algorithm' | 'bits' | 'curve' | 'created' | 'secret'> {
  const { algorithm, bits, curve } = packet.getAlgorithmInfo()
  return {
    fingerprint: fingerprintOf(packet),
    keyId: packet.getKeyID().toHex().toUpperCase(),
    algorithm: nameOf(algorithm, bits, curve),
    bits: bits ?? null,
    curve: curve === undefined ? null : nameOf(algorithm, bits, curve),
    created: packet.created,
    secret: secretOf(packet),
  }
}

function nameOf(algorithm: string, bits: number | undefined, curve: string | undefined): string {
  if (algorithm.startsWith('rsa')) return `rsa${bits ?? ''}`
  if (algorithm === 'dsa' || algorithm === 'elgamal') return `${algorithm}${bits ?? ''}`
  if (curve === 'ed25519Legacy') return 'ed25519'
  if (curve === 'curve25519Legacy') return 'cv25519'
  return curve === undefined ? algorithm : curve.toLowerCase()
}

function secretOf(packet: AnyKeyPacket): SecretState {
  if (!('isMissingSecretKeyMaterial' in packet)) return 'none'
  const secret = packet as AnySecretKeyPacket
  if (secret.isMissingSecretKeyMaterial()) return 'stub'
  return secret.isDecrypted() ? 'open' : 'protected'
}

function expiryOf(packet: AnyKeyPacket, signature: SignaturePacket): Date | null {
  const key = signature.keyNeverExpires === false ? packet.created.getTime() + (signature.keyExpirationTime ?? 0) * 1000 : Number.POSITIVE_INFINITY
  const own = signature.getExpirationTime()
  const end = Math.min(key, own === Number.POSITIVE_INFINITY ? own : Number(own))
  return Number.isFinite(end) ? new Date(end) : null
}

const { publicKey } = enums
const CAN_SIGN: readonly number[] = [publicKey.rsaEncryptSign, publicKey.rsaSign, publicKey.dsa, publicKey.ecdsa, publicKey.eddsaLegacy, publicKey.ed25519, publicKey.ed448]
const CAN_ENCRYPT: readonly number[] = [publicKey.rsaEncryptSign, publicKey.rsaEncrypt, publicKey.elgamal, publicKey.ecdh, publicKey.x25519, publicKey.x448]

function capabilitiesOf(packet: AnyKeyPacket, signature: SignaturePacket, primary: boolean): PgpCapability[] {
  const signs = CAN_SIGN.includes(packet.algorithm)
  const encrypts = CAN_ENCRYPT.includes(packet.algorithm)
  const flags = signature.keyFlags?.[0]
  const found: PgpCapability[] = []
  if (primary && signs) found.push('certify')
  // Keys older than the flags may do what their algorithm can.
  if (signs && (flags === undefined ? primary : (flags & enums.keyFlags.signData) !== 0)) found.push('sign')
  if (encrypts && (flags === undefined || (flags & (enums.keyFlags.encryptCommunication | enums.keyFlags.encryptStorage)) !== 0)) found.push('encrypt')
  if (signs && flags !== undefined && (flags & enums.keyFlags.authentication) !== 0) found.push('authenticate')
  return found
}

function preferencesOf(self: SignaturePacket | undefined): PgpPreferences {
  const features = self?.features?.[0] ?? 0
  return {
    // 0x02 is GnuPG's own announcement of packet 20; RFC 9580 5.2.3.32 reserves it
    aead: (features & 0x02) !== 0 || (self?.preferredAEADAlgorithms?.length ?? 0) > 0,
    seipdV2: (features & 0x08) !== 0,
    ciphers: [...(self?.preferredSymmetricAlgorithms ?? [])],
    hashes: [...(self?.preferredHashAlgorithms ?? [])],
    compressions: [...(self?.preferredCompressionAlgorithms ?? [])],
    cipherSuites: self === undefined ? [] : cipherSuites(self),
  }
}

function fingerprintOf(packet: AnyKeyPacket): string {
  return packet.getFingerprint().toUpperCase()
}

function timeOf(signature: SignaturePacket): number {
  return signature.created?.getTime() ?? 0
}
