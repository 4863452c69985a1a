/** What deserves attention in the inventory. Pure. */
import type { TrustFinding } from '../../contract/trust-insights.ts'
import type { Binding, Role, TrustItem } from '../../contract/trust.ts'
import { problemsOfRole } from './fitness.ts'
import { isActive } from './rules.ts'
import { productOfTestKey } from './test-keys.ts'

interface Bound {
  readonly item: TrustItem
  readonly binding: Binding
  /** Items of one key pair count as one. */
  readonly key: string
}

/** Over everything that is bound now. `tolerated` names the exceptions of a partner. */
export function findingsOf(items: readonly TrustItem[], now: number, tolerated: (partner: string, connection: string | undefined) => readonly string[]): TrustFinding[] {
  const bound = items.flatMap((item) => item.bindings.filter((binding) => isActive(binding, now)).map((binding): Bound => ({ item, binding, key: item.keyId ?? item.fingerprint })))
  return [...testKeys(bound), ...unfit(bound, now, tolerated), ...unconfirmed(bound), ...oneKeyForTwo(bound), ...sharedByPartners(bound), ...messagesAndTls(bound)]
}

function finding(code: string, severity: TrustFinding['severity'], message: string, suggestion: string, of: readonly Bound[]): TrustFinding {
  return {
    code, severity, message, suggestion,
    items: [...new Map(of.map(({ item }) => [item.id, { id: item.id, label: item.label }])).values()],
    partners: [...new Set(of.flatMap(({ binding }) => (binding.partner === null ? [] : [binding.partner])))].toSorted(),
  }
}

function grouped(bound: readonly Bound[], by: (one: Bound) => string): Bound[][] {
  return [...Map.groupBy(bound, by).values()]
}

function testKeys(bound: readonly Bound[]): TrustFinding[] {
  return grouped(bound, ({ item }) => item.id).flatMap((group) => {
    const product = productOfTestKey(group[0]?.item.keyId)
    return product === null ? [] : [finding('trust_test_key', 'error', `${group[0]?.item.label ?? ''} is the test key that comes with ${product}; everybody has its private half`, 'Replace it before real files are exchanged.', group)]
  })
}

function unfit(bound: readonly Bound[], now: number, tolerated: (partner: string, connection: string | undefined) => readonly string[]): TrustFinding[] {
  return bound.flatMap((one) => {
    const { item, binding } = one
    const names = binding.partner === null ? [] : tolerated(binding.partner, binding.connection ?? undefined)
    return problemsOfRole(item, binding.role, { at: now, tolerated: names }).map(({ severity, code, message }) =>
      finding(`trust_${code.replaceAll('-', '_')}`, severity, `${item.label} as ${binding.role}: ${message}`, severity === 'error' ? 'It is refused in this role; bind another item.' : 'Ask for a better one at the next change.', [one]),
    )
  })
}

const OF_THE_PARTNER: readonly Role[] = ['verify', 'encrypt', 'pgp-verify', 'pgp-encrypt', 'ssh-host', 'ssh-jump', 'tls-server']

function unconfirmed(bound: readonly Bound[]): TrustFinding[] {
  return grouped(bound.filter(({ binding }) => OF_THE_PARTNER.includes(binding.role)), ({ item }) => item.id).flatMap((group) => {
    const [{ item } = {}] = group
    if (item?.assurance === 'first-use') return [finding('trust_first_use', 'error', `${item.label} was trusted as it was presented, and never compared`, 'Compare its fingerprint by phone, then confirm it.', group)]
    if (item?.assurance === 'unconfirmed') return [finding('trust_unconfirmed', 'warning', `nobody has confirmed over a second channel that ${item.label} is genuine`, 'Compare its fingerprint by phone, then confirm it.', group)]
    return []
  })
}

function oneKeyForTwo(bound: readonly Bound[]): TrustFinding[] {
  const pairs: readonly (readonly [Role, Role, string])[] = [['sign', 'decrypt', 'our'], ['verify', 'encrypt', 'their']]
  return pairs.flatMap(([signing, crypting, whose]) =>
    grouped(bound.filter(({ binding }) => binding.role === signing || binding.role === crypting), ({ key }) => key)
      .filter((group) => group.some(({ binding }) => binding.role === signing) && group.some(({ binding }) => binding.role === crypting))
      .map((group) => finding('trust_one_key_for_two', 'info', `one key signs and encrypts (${whose} ${group[0]?.item.label ?? ''})`, 'Use two at the next change, so that each can be renewed without the other.', group)),
  )
}

function sharedByPartners(bound: readonly Bound[]): TrustFinding[] {
  const theirs: readonly Role[] = ['verify', 'encrypt', 'pgp-verify', 'pgp-encrypt']
  return grouped(bound.filter(({ binding }) => binding.partner !== null && theirs.includes(binding.role)), ({ key }) => key)
    .filter((group) => new Set(group.map(({ binding }) => binding.partner)).size > 1)
    .map((group) => finding('trust_shared_by_partners', 'warning', `several partners have the same key (${group[0]?.item.label ?? ''}): each can read and sign for the others`, 'Ask whether they use one service provider; if not, have them make keys of their own.', group))
}

function messagesAndTls(bound: readonly Bound[]): TrustFinding[] {
  const message: readonly Role[] = ['sign', 'verify', 'encrypt', 'decrypt']
  return grouped(bound, ({ key }) => key)
    .filter((group) => group.some(({ binding }) => message.includes(binding.role)) && group.some(({ binding }) => binding.role.startsWith('tls-')))
    .map((group) => finding('trust_messages_and_tls', 'info', `${group[0]?.item.label ?? ''} serves messages and TLS alike`, 'The standard asks for separate certificates (rfc4130bis).', group))
}
