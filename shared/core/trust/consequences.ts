/** What stops when an item does. Pure. */
import type { Connection } from '../../contract/connections/index.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { Consequence } from '../../contract/trust-insights.ts'
import type { Binding, Role, TrustItem } from '../../contract/trust.ts'
import type { Uses } from './affected-flows.ts'
import { problemsOfRole } from './fitness.ts'
import { isActive } from './rules.ts'

export interface World {
  readonly partners: readonly Pick<PartnerDocument, 'id' | 'name' | 'connections'>[]
  /** Every item that has a binding. */
  readonly items: readonly TrustItem[]
  /** Milliseconds. */
  readonly at: number
  readonly tolerated: (partner: string, connection: string) => readonly string[]
  readonly uses: Uses
}

/** What an item's absence does at the world's time. Roles that it does not fill then, or that nobody needs, are left out. */
export function consequencesOf(item: TrustItem, world: World): Consequence[] {
  return item.bindings
    .filter((binding) => isActive(binding, world.at))
    .flatMap((binding) => placesOf(binding, world).map(({ partner, connection }) => consequence(item, binding, partner.id, connection, world)))
    .toSorted((left, right) => placeOf(left).localeCompare(placeOf(right)))
}

function placeOf({ partner, connection, role }: Consequence): string {
  return `${partner}/${connection} ${role}`
}

/** The items whose time is over at the world's time, each with what that does. */
export function consequencesOfTime(world: World): Consequence[] {
  return world.items.flatMap((item) => consequencesOf(item, world).filter(({ partner, connection, role }) => isUnfit(item, role, partner, connection, world)))
}

/** Whether the item is forbidden in a role at the world's time. */
export function isUnfit(item: TrustItem, role: Role, partner: string, connection: string, { at, tolerated }: World): boolean {
  // A pinned certificate or an authority is bound as it is, but no server that shows an expired one is accepted. A pinned key outlives its certificate.
  const { notAfter } = item
  if (role === 'tls-server' && notAfter !== null && !item.fingerprint.startsWith('spki:') && Date.parse(notAfter) <= at) return true
  const exceptions = tolerated(partner, connection)
  if (role === 'tls-caller' && notAfter !== null && Date.parse(notAfter) <= at && !exceptions.includes('certificate-expired')) return true
  return problemsOfRole(item, role, { at, tolerated: exceptions }).some(({ severity }) => severity === 'error')
}

interface Place {
  readonly partner: World['partners'][number]
  readonly connection: Connection
}

/** The connections that rely on a binding: the partner's; or for one of our station, all that have none of their own. */
function placesOf(binding: Binding, world: World): Place[] {
  return world.partners
    .filter(({ id }) => (binding.partner === null ? !OF_THE_PARTNER.includes(binding.role) : binding.partner === id))
    .flatMap((partner) => partner.connections.map((connection) => ({ partner, connection })))
    .filter(({ partner, connection }) => (binding.connection === null || binding.connection === connection.id) && world.uses(partner.id, connection, binding.role, binding.partner === null))
    .filter(({ partner, connection }) => binding.partner !== null || servers(partner.id, connection.id, binding, world).every(({ binding: other }) => other.partner === null))
}

/** What fills a role on a connection at the world's time: the partner's own, else the station's. */
function servers(partner: string, connection: string, { role, partner: owner }: Pick<Binding, 'role' | 'partner'>, { items, at }: World): { item: TrustItem; binding: Binding }[] {
  const all = items.flatMap((item) => item.bindings.filter((binding) => binding.role === role && isActive(binding, at)).map((binding) => ({ item, binding })))
  const own = all.filter(({ binding }) => binding.partner === partner && (binding.connection === null || binding.connection === connection))
  // The keyring of AS2 takes these from the partner alone: a certificate of the station would speak for everybody.
  if (OF_THE_PARTNER.includes(role)) return own
  const ofStation = all.filter(({ binding }) => binding.partner === null)
  // What our own server shows and what we accept of a partner's server have nothing to do with each other.
  if (role === 'tls-server') return owner === null ? ofStation : own
  return own.length > 0 ? own : ofStation
}

function consequence(item: TrustItem, binding: Binding, partner: string, connection: Connection, world: World): Consequence {
  const others = servers(partner, connection.id, binding, world).filter(({ item: other }) => other.id !== item.id && !isUnfit(other, binding.role, partner, connection.id, world))
  const ours = binding.partner === null
  const severity = others.length === 0 ? 'breaks' : WHAT_COMES_IN.includes(binding.role) && !(ours && binding.role === 'tls-server') ? 'partly' : 'covered'
  return {
    item: item.id,
    label: item.label,
    partner,
    connection: connection.id,
    role: binding.role,
    direction: ours && binding.role === 'tls-server' ? 'inbound' : directionOf(binding.role, connection),
    severity,
    message: messageOf(binding, severity, others[0]?.item.label ?? ''),
    via: ours ? 'station' : 'partner',
  }
}

/** The other side chooses which of several it uses. */
const WHAT_COMES_IN: readonly Role[] = ['verify', 'decrypt', 'pgp-verify', 'pgp-decrypt', 'ssh-host', 'ssh-jump', 'tls-server', 'tls-caller']
/** No item of our station's speaks for a partner in them. */
const OF_THE_PARTNER: readonly Role[] = ['verify', 'encrypt', 'tls-caller']

const BROKEN: Readonly<Record<Role, string>> = {
  sign: 'nothing that we send, and no receipt of ours, can be signed',
  verify: 'signed messages and receipts of the partner are refused',
  encrypt: 'nothing can be encrypted to the partner, so nothing is sent',
  decrypt: 'what the partner encrypts to us cannot be opened',
  'tls-client': 'servers that ask for our certificate refuse the connection',
  'tls-server': 'the identity of the server cannot be confirmed, so nothing is exchanged',
  'tls-caller': 'what the partner posts to our receiver is turned away',
  'ssh-host': 'the identity of the server cannot be confirmed, so nothing is exchanged',
  'ssh-jump': 'the identity of the jump host cannot be confirmed, so nothing is exchanged',
  'ssh-client': 'we cannot sign in',
  'pgp-sign': 'nothing that we send can be signed',
  'pgp-verify': 'signed files of the partner are refused',
  'pgp-encrypt': 'nothing can be encrypted to the partner, so nothing is sent',
  'pgp-decrypt': 'what the partner encrypts to us cannot be opened',
}

function messageOf({ role, partner }: Binding, severity: Consequence['severity'], other: string): string {
  if (severity === 'breaks') return role === 'tls-server' && partner === null ? 'our receiver has no certificate to show, so partners cannot reach it by HTTPS' : BROKEN[role]
  return severity === 'covered' ? `${other} takes over` : `goes on with ${other}; what still comes with this one is refused`
}

function directionOf(role: Role, connection: Connection): Consequence['direction'] {
  switch (role) {
    case 'sign':
      return connection.protocol === 'as2' && !connection.message.sign ? 'inbound' : 'both'
    case 'verify':
      return connection.protocol === 'as2' && connection.receipt.request !== 'signed' ? 'inbound' : 'both'
    case 'encrypt':
    case 'pgp-sign':
    case 'pgp-encrypt':
      return 'outbound'
    case 'decrypt':
    case 'tls-caller':
    case 'pgp-verify':
    case 'pgp-decrypt':
      return 'inbound'
    default:
      return 'both'
  }
}
