import type { TrustItem } from '../../../shared/contract/trust.ts'
import type { Role } from '../../../shared/contract/trust-words.ts'

const WORDS: Readonly<Record<Role, string>> = {
  sign: 'we sign with it',
  verify: 'their signatures',
  encrypt: 'we encrypt to it',
  decrypt: 'what they encrypt to us',
  'tls-client': 'we sign in with it',
  'tls-server': 'their server',
  'tls-caller': 'they sign in with it',
  'ssh-host': 'their server',
  'ssh-jump': 'the jump host',
  'ssh-client': 'we sign in with it',
  'pgp-sign': 'we sign with it',
  'pgp-verify': 'their signatures',
  'pgp-encrypt': 'we encrypt to it',
  'pgp-decrypt': 'what they encrypt to us',
}

const KINDS: Readonly<Record<TrustItem['kind'], string>> = {
  'ssh-host': 'Host key',
  'ssh-ca': 'Authority for host keys',
  'ssh-revoked': 'Revoked host key',
  'ssh-client': 'Our SSH key',
  x509: 'Certificate',
  ca: 'Certificate authority',
  pgp: 'OpenPGP key',
}

/** `Certificate: their signatures, we encrypt to it`. */
export function restsOn(item: TrustItem, partner: string): string {
  const uses = new Set(item.bindings.filter((binding) => binding.partner === partner).map(({ role }) => WORDS[role]))
  return `${KINDS[item.kind]}${uses.size === 0 ? '' : `: ${[...uses].join(', ')}`}`
}
