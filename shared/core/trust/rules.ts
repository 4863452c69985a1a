/** What a trust item may be used for. Pure. */
import type { Role, TrustKind } from '../../contract/trust.ts'

const ROLES_OF_KIND: Readonly<Record<TrustKind, readonly Role[]>> = {
  'ssh-host': ['ssh-host', 'ssh-jump'],
  'ssh-ca': ['ssh-host'],
  'ssh-revoked': ['ssh-host'],
  'ssh-client': ['ssh-client'],
  x509: ['sign', 'verify', 'encrypt', 'decrypt', 'tls-client', 'tls-server'],
  ca: ['tls-server', 'verify'],
  pgp: ['pgp-sign', 'pgp-verify', 'pgp-encrypt', 'pgp-decrypt'],
}

/** Roles that need the private half. */
const NEEDS_PRIVATE_KEY: readonly Role[] = ['sign', 'decrypt', 'tls-client', 'ssh-client', 'pgp-sign', 'pgp-decrypt']

/** Why an item cannot fill a role, or null when it can. */
export function problemOfRole(item: { readonly kind: TrustKind; readonly hasPrivateKey: boolean; readonly state: 'active' | 'retired' }, role: Role): string | null {
  if (item.state === 'retired') return 'the item is retired'
  if (!ROLES_OF_KIND[item.kind].includes(role)) return `an item of kind ${item.kind} cannot fill the role ${role}`
  if (NEEDS_PRIVATE_KEY.includes(role) && !item.hasPrivateKey) return `the role ${role} needs the private key, and only the public part is here`
  return null
}

/** Whether a validity window holds at an instant. */
export function isActive(binding: { readonly activeFrom: string; readonly activeUntil: string | null }, now: number): boolean {
  return Date.parse(binding.activeFrom) <= now && (binding.activeUntil === null || now < Date.parse(binding.activeUntil))
}
