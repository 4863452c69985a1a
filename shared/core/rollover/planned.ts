/** What will be bound at a moment of the plan: bindings as they stand at that time, and what the plan will still do to them. */
import type { Role } from '../../contract/trust.ts'
import type { Material, Materials } from '../trust/materials.ts'

export interface PlannedChange {
  readonly old: string
  readonly next: Material
  /** The next item takes over what goes out, though nothing is bound for it yet: the partner was seen to use it. */
  readonly switched: boolean
  /** The old one has ended wherever the next one serves. */
  readonly retired: boolean
  /** Roles that the plan changes at its switch. */
  readonly outgoing: (role: Role) => boolean
}

/** Reads through `base`, which holds for the time in question. */
export function plannedMaterials(base: Materials, { old, next, switched, retired, outgoing }: PlannedChange): Materials {
  const changed = (partner: string, role: Role, list: readonly Material[]): Material[] => {
    const has = (id: string): boolean => list.some(({ item }) => item.id === id)
    const bound = { ...next, item: { ...next.item, bindings: [...next.item.bindings, { id: 'planned', item: next.item.id, partner, connection: null, role, activeFrom: next.item.createdAt, activeUntil: null }] } }
    const withNext = switched && outgoing(role) && has(old) && !has(next.item.id) ? [bound, ...list] : [...list]
    return retired && withNext.some(({ item }) => item.id === next.item.id) ? withNext.filter(({ item }) => item.id !== old) : withNext
  }
  const of: Materials['of'] = (partner, connection, role) => changed(partner, role, base.of(partner, connection, role))
  return {
    ...base,
    of,
    server(id) {
      const shown = base.server(id)
      const { publicKey } = base.one(old).item
      const mine = next.privateKey !== null && next.item.publicKey !== null ? { certificate: next.item.publicKey, privateKey: next.privateKey } : null
      return id === null && switched && outgoing('tls-server') && mine !== null && shown !== null && shown.certificate === publicKey ? mine : shown
    },
    tls(partner, connection) {
      const trust = base.tls(partner, connection)
      const [client] = of(partner, connection, 'tls-client').filter(({ privateKey, item }) => privateKey !== null && item.publicKey !== null)
      const pinsNext = trust.pins.some(({ item }) => item === next.item.id)
      return {
        ...trust,
        pins: retired && pinsNext ? trust.pins.filter(({ item }) => item !== old) : trust.pins,
        client: client?.privateKey && client.item.publicKey !== null ? { item: client.item.id, certificate: client.item.publicKey, privateKey: client.privateKey } : null,
      }
    },
  }
}
