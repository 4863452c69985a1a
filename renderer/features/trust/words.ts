/** The inventory in the words of an office. */
import type { Status } from '../../ui/status.tsx'
import type { RoleFitness } from '../../../shared/contract/trust-details.ts'
import type { Binding, Role, TrustItem } from '../../../shared/contract/trust.ts'
import type { ExpiryEntry } from '../../../shared/contract/trust-insights.ts'
import type { RolloverPartner } from '../../../shared/contract/rollover.ts'
import type { ComponentProps } from 'react'

export const KINDS: Readonly<Record<TrustItem['kind'], string>> = {
  'ssh-host': 'Host key of a partner',
  'ssh-ca': 'Authority for host keys',
  'ssh-revoked': 'Revoked host key',
  'ssh-client': 'Our SSH key',
  x509: 'Certificate',
  ca: 'Certificate authority',
  pgp: 'OpenPGP key',
}

/** What a role does, from our side. */
export const ROLES: Readonly<Record<Role, string>> = {
  sign: 'We sign with it',
  verify: 'Checks their signatures',
  encrypt: 'We encrypt to it',
  decrypt: 'Opens what they encrypt',
  'tls-client': 'We show it to TLS servers',
  'tls-server': 'Identifies a TLS server',
  'tls-caller': 'They show it to our receiver',
  'ssh-host': 'Identifies an SSH server',
  'ssh-jump': 'Identifies a jump host',
  'ssh-client': 'We sign in with it',
  'pgp-sign': 'We sign files with it',
  'pgp-verify': 'Checks signatures of files',
  'pgp-encrypt': 'We encrypt files to it',
  'pgp-decrypt': 'Opens encrypted files',
}

type Tone = ComponentProps<typeof Status>['tone']

export const ASSURANCE: Readonly<Record<TrustItem['assurance'], { readonly tone: Tone; readonly word: string; readonly help: string }>> = {
  own: { tone: 'ok', word: 'Ours', help: 'Made here, or its private key is here.' },
  confirmed: { tone: 'ok', word: 'Confirmed', help: 'A person compared it over a second channel.' },
  unconfirmed: { tone: 'warn', word: 'Not confirmed', help: 'Nobody has compared it over a second channel yet.' },
  'first-use': { tone: 'bad', word: 'First use', help: 'It was trusted as it was presented, and never compared.' },
}

export const isFit = ({ problems }: RoleFitness): boolean => problems.every(({ severity }) => severity !== 'error')

export function pendingBindings(item: TrustItem, now: number): Binding[] {
  return item.bindings.filter(({ activeUntil }) => activeUntil === null || now < Date.parse(activeUntil))
}

/** `until 2027-01-31`, `expired on …`, or nothing for what does not end. */
export function validityText(notAfter: string | null, now: number): string {
  if (notAfter === null) return ''
  return Date.parse(notAfter) <= now ? `expired on ${notAfter.slice(0, 10)}` : `until ${notAfter.slice(0, 10)}`
}

export function daysText(days: number): string {
  if (days < 0) return days === -1 ? 'since yesterday' : `since ${-days} days`
  return days === 0 ? 'today' : days === 1 ? 'tomorrow' : `in ${days} days`
}

export const EXPIRY_TONE: Readonly<Record<ExpiryEntry['state'], { readonly tone: Tone; readonly word: string }>> = {
  expired: { tone: 'bad', word: 'Expired' },
  due: { tone: 'warn', word: 'Act now' },
  soon: { tone: 'run', word: 'Soon' },
  later: { tone: 'ok', word: 'Later' },
}

/** Where a partner stands in a planned change. */
export const STEPS: Readonly<Record<RolloverPartner['step'], { readonly tone: Tone; readonly word: string }>> = {
  prepared: { tone: 'wait', word: 'Prepared' },
  sent: { tone: 'run', word: 'Told' },
  acknowledged: { tone: 'run', word: 'Answered' },
  'in-use': { tone: 'ok', word: 'Next one in use' },
  retired: { tone: 'ok', word: 'Old one retired' },
}

/** Pairs of hexadecimal digits with colons, as they are read out. */
export function readable(fingerprint: string): string {
  const hex = fingerprint.replace(/^sha256:/, '')
  return /^[0-9a-fA-F]{40,64}$/.test(hex) ? (hex.toUpperCase().match(/../g) ?? []).join(':') : fingerprint
}
