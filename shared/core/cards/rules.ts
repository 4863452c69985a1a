/** What stands on a card, and what taking one over changes. Pure. */
import type { CardChange, PartnerCard } from '../../contract/cards.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { StationDocument } from '../../contract/station.ts'
import type { Role, TrustItem } from '../../contract/trust.ts'

/** Our role → what the receiver does with the public half. */
const THEIRS: Partial<Readonly<Record<Role, Role>>> = {
  sign: 'verify', decrypt: 'encrypt', 'tls-client': 'tls-caller', 'tls-server': 'tls-server', 'ssh-client': 'ssh-client', 'pgp-sign': 'pgp-verify', 'pgp-decrypt': 'pgp-encrypt',
}

/** Roles in which a card's item is bound when it is taken over; the others are only kept. */
export const TAKEN_OVER: readonly Role[] = ['verify', 'encrypt', 'tls-caller', 'pgp-verify', 'pgp-encrypt']

export function cardOf(station: StationDocument, used: readonly { readonly item: TrustItem; readonly role: Role }[], createdAt: string): PartnerCard {
  const byItem = new Map<string, { item: TrustItem; roles: Set<Role> }>()
  for (const { item, role } of used) {
    const theirs = THEIRS[role]
    if (theirs === undefined || item.publicKey === null) continue
    const entry = byItem.get(item.id) ?? { item, roles: new Set<Role>() }
    entry.roles.add(theirs)
    byItem.set(item.id, entry)
  }
  return {
    format: 'waybill-card-1',
    name: station.name,
    createdAt,
    contacts: station.contacts.map(({ name, email, phone, role }) => ({ name, ...(email === undefined ? {} : { email }), ...(phone === undefined ? {} : { phone }), ...(role === undefined ? {} : { role }) })),
    ...(station.as2 === undefined ? {} : { as2: { id: station.as2.id, ...(station.as2.url === undefined ? {} : { url: station.as2.url }), ...(station.as2.email === undefined ? {} : { email: station.as2.email }) } }),
    items: [...byItem.values()].map(({ item, roles }) => ({ kind: item.kind, roles: [...roles].toSorted(), label: item.label, fingerprint: item.fingerprint, public: item.publicKey ?? '', notAfter: item.notAfter })),
  }
}

/** `boundAs` tells in which roles an item of the card is bound for the partner already. */
export function changesOf(card: PartnerCard, partner: PartnerDocument | null, boundAs: (fingerprint: string) => readonly Role[]): CardChange[] {
  const as2 = partner?.connections.find((connection) => connection.protocol === 'as2')
  const changes: CardChange[] = []
  const change = (what: string, before: string | null | undefined, after: string | undefined): void => {
    if (after !== undefined && after !== before) changes.push({ what, before: before ?? null, after })
  }
  if (partner === null) change('Partner', null, card.name)
  if (card.as2 !== undefined) {
    change('AS2 identifier', as2?.as2Id, card.as2.id)
    change('AS2 address', as2?.url, card.as2.url)
  }
  for (const { label, fingerprint, roles } of card.items) {
    const already = boundAs(fingerprint)
    const added = roles.filter((role) => TAKEN_OVER.includes(role) && !already.includes(role))
    if (added.length > 0) changes.push({ what: `${label} (${fingerprint})`, before: already.length === 0 ? null : already.join(', '), after: [...already, ...added].join(', ') })
  }
  return changes
}

/** The partner document after taking the card over. */
export function documentAfter(card: PartnerCard, partner: PartnerDocument | null, id: string): unknown {
  const as2 = card.as2 === undefined ? undefined : { as2Id: card.as2.id, ...(card.as2.url === undefined ? {} : { url: card.as2.url }) }
  if (partner === null) return { id, name: card.name, contacts: card.contacts, connections: as2 === undefined ? [] : [{ id: 'as2', protocol: 'as2', ...as2 }] }
  if (as2 === undefined) return partner
  const first = partner.connections.findIndex(({ protocol }) => protocol === 'as2')
  const connections = first === -1 ? [...partner.connections, { id: 'as2', protocol: 'as2', ...as2 }] : partner.connections.map((connection, index) => (index === first ? { ...connection, ...as2 } : connection))
  return { ...partner, connections }
}

/** A short name for a new partner, from its name. */
export function slugOf(name: string): string {
  return name.normalize('NFKD').toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 40) || 'partner'
}
