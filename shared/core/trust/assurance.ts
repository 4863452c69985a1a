/** How sure it is that an item is genuine. Pure. */
import type { Assurance } from '../../contract/trust-details.ts'
import type { Provenance } from '../../contract/trust.ts'

/** A channel on which an attacker of the network does not sit. A file that came along is none, nor is what a server presented. */
const SECOND_CHANNELS: readonly Provenance['source'][] = ['phone', 'in-person', 'portal']

export function assuranceOf(provenance: readonly Provenance[], hasPrivateKey: boolean): Assurance {
  if (hasPrivateKey || provenance.some(({ source }) => source === 'generated')) return 'own'
  if (provenance.some(({ source, compared, person }) => SECOND_CHANNELS.includes(source) || (compared !== undefined && person !== undefined && source !== 'first-use'))) return 'confirmed'
  return provenance.some(({ source }) => source === 'first-use') ? 'first-use' : 'unconfirmed'
}

/** Whether what a person was told names the item: SHA-256 or SHA-1, in hexadecimal with any separators, or OpenSSH's form; at least 20 octets of it. */
export function namesItem(told: string, item: { readonly fingerprint: string; readonly keyId: string | null; readonly x509: { readonly sha1: string } | null }): boolean {
  const text = told.trim()
  if (text === item.fingerprint || text === item.keyId) return true
  if (item.fingerprint.startsWith('SHA256:')) return text.replace(/=+$/, '') === item.fingerprint
  const hex = text.replace(/^(sha-?256|sha-?1|md5)\s*[:=]?/i, '').replaceAll(/[^0-9a-f]/gi, '').toLowerCase()
  const known = [item.fingerprint.replace(/^sha256:/, '').toLowerCase(), item.x509?.sha1 ?? '']
  return hex.length >= 40 && known.includes(hex)
}
