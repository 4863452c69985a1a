/** The certificates that are bound for a connection, read, and sorted into fit and unfit ones. */
import type { KeyObject } from 'node:crypto'
import type { Toleration } from '../../contract/policy.ts'
import type { Role } from '../../contract/trust.ts'
import { readCertificate, readPrivateKey, type Certificate } from '../crypto/x509/index.ts'
import type { Clock } from '../kernel/clock.ts'
import type { As2Keys } from '../protocols/as2/build-message.ts'
import type { Material, Materials } from '../trust/materials.ts'

/** Windows of bindings open and close by the clock. */
const KEEP_MS = 1000

const ROLES = ['sign', 'encrypt', 'verify', 'decrypt'] as const
export type As2Role = (typeof ROLES)[number]

/** A bound certificate that is not used now, and why. */
export interface Unfit {
  readonly role: As2Role
  /** `sha256:…`, or the item's id where it cannot be read. */
  readonly certificate: string
  readonly problem: string
  /** The exception under which it would be used; null when there is none. */
  readonly exception: Toleration | null
}

export interface Keyring {
  readonly keys: As2Keys
  readonly unfit: readonly Unfit[]
}

export type Keyrings = ReturnType<typeof createKeyrings>

interface Usable {
  readonly id: string
  readonly certificate: Certificate
  readonly privateKey: KeyObject | null
}

export function createKeyrings({ materials, clock }: { readonly materials: Materials; readonly clock: Clock }) {
  const certificates = new Map<string, Certificate>()
  const privateKeys = new Map<string, { readonly text: string; readonly key: KeyObject }>()

  const certificateOf = (pem: string): Certificate => {
    const known = certificates.get(pem)
    if (known !== undefined) return known
    const read = readCertificate(pem)
    certificates.set(pem, read)
    return read
  }

  const privateKeyOf = (id: string, text: string): KeyObject => {
    const known = privateKeys.get(id)
    if (known?.text === text) return known.key
    const key = readPrivateKey(text)
    privateKeys.set(id, { text, key })
    return key
  }

  /** The partner's own roles never come from our station: a certificate bound there would speak for every partner. */
  const boundTo = (partner: string, role: As2Role, material: Material): boolean =>
    role === 'sign' || role === 'decrypt' || material.item.bindings.some((binding) => binding.partner === partner && binding.role === role)

  const read = (partner: string, connection: string, role: As2Role, tolerated: readonly string[], unfit: Unfit[]): Usable[] =>
    materials.of(partner, connection, role as Role).flatMap((material) => {
      const { item, privateKey } = material
      if (!boundTo(partner, role, material)) return []
      const refuse = (problem: string): [] => {
        unfit.push({ role, certificate: item.fingerprint, problem, exception: / bits; /.test(problem) ? 'rsa-1024' : role === 'verify' && problem.startsWith('it was valid until') ? 'certificate-expired' : null })
        return []
      }
      if (item.publicKey === null) return refuse('only its fingerprint is known')
      const own = role === 'sign' || role === 'decrypt'
      if (own && privateKey === null) return refuse('its private key is not here')
      try {
        const certificate = certificateOf(item.publicKey)
        const problem = problemOfCertificate(certificate, role, tolerated, clock.now())
        return problem === null ? [{ id: item.id, certificate, privateKey: own && privateKey !== null ? privateKeyOf(item.id, privateKey) : null }] : refuse(problem)
      } catch (error) {
        return refuse(error instanceof Error ? error.message : 'it cannot be read')
      }
    })

  const readAll = (partner: string, connection: string, tolerated: readonly string[]): Keyring => {
    const unfit: Unfit[] = []
    const [sign = [], encrypt = [], verify = [], decrypt = []] = ROLES.map((role) => read(partner, connection, role, tolerated, unfit))
    const withKey = (usable: Usable[]): { id: string; certificate: Certificate; privateKey: KeyObject }[] =>
      usable.flatMap(({ id, certificate, privateKey }) => (privateKey === null ? [] : [{ id, certificate, privateKey }]))
    const named = ({ id, certificate }: Usable): { id: string; certificate: Certificate } => ({ id, certificate })
    return {
      keys: { sign: withKey(sign)[0] ?? null, encrypt: encrypt[0] === undefined ? null : named(encrypt[0]), verify: verify.map(named), decrypt: withKey(decrypt) },
      unfit,
    }
  }

  const kept = new Map<string, { readonly version: number; readonly at: number; readonly ring: Keyring }>()

  return {
    /** Newest bindings first, as they hold at this moment, give or take a second. */
    of(partner: string, connection: string, tolerated: readonly string[]): Keyring {
      const key = JSON.stringify([partner, connection, tolerated])
      const known = kept.get(key)
      const [version, now] = [materials.version(), clock.now()]
      if (known?.version === version && Math.abs(now - known.at) < KEEP_MS) return known.ring
      const ring = readAll(partner, connection, tolerated)
      kept.set(key, { version, at: now, ring })
      return ring
    },
  }
}

const LEAST_RSA_BITS = 2048

/** Why a certificate is not used in a role, or null. What we received earlier may still be opened with an old key of ours. */
export function problemOfCertificate(certificate: Certificate, role: As2Role, tolerated: readonly string[], now: number): string | null {
  const { notBefore, notAfter, keyType, keyBits } = certificate
  const least = tolerated.includes('rsa-1024') ? 1024 : LEAST_RSA_BITS
  if (keyType !== 'ec' && keyType !== 'other' && keyBits !== undefined && keyBits < least) return `its RSA key has ${keyBits} bits; ${least} are needed`
  if (role === 'encrypt' && keyType !== 'rsa') return 'content can only be encrypted to an RSA key'
  if (role === 'decrypt') return null
  // An exception lets an expired certificate verify, nothing else: what we send has to be protected for today.
  if (role === 'verify' && tolerated.includes('certificate-expired')) return null
  if (now > notAfter.getTime()) return `it was valid until ${notAfter.toISOString()}`
  if (now < notBefore.getTime()) return `it is valid only from ${notBefore.toISOString()}`
  return null
}
