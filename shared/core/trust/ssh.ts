/** What SSH connections rest on: pinned keys, authorities, revoked keys, and the keys of jump hosts. */
import type { HostKeyPin } from '../../contract/connections/sftp.ts'
import type { Provenance, Role, TrustItem, TrustKind } from '../../contract/trust.ts'
import { describeFingerprint, keysForHost, parseKnownHosts, readPublicKey, type KnownHost, type SshPublicKey } from '../crypto/ssh/index.ts'
import type { Actor } from '../kernel/actor.ts'
import { AppError } from '../kernel/errors.ts'
import type { SshTrust } from '../protocols/file-protocol.ts'
import type { Inventory } from './inventory.ts'
import { pinOf } from './materials.ts'

/** As a partner document lists them; what is left out stays as it is. */
export interface SshLists {
  readonly hostKeys: readonly HostKeyPin[] | undefined
  readonly hostAuthorities: readonly HostKeyPin[] | undefined
  readonly revokedHostKeys: readonly HostKeyPin[] | undefined
  readonly jumpHostKeys: readonly HostKeyPin[] | undefined
}

/** Where each list is kept: the kind of item and the role in which it is bound. */
const PLACES = {
  hostKeys: { kind: 'ssh-host', role: 'ssh-host', label: 'Host key' },
  hostAuthorities: { kind: 'ssh-ca', role: 'ssh-host', label: 'Host key authority' },
  revokedHostKeys: { kind: 'ssh-revoked', role: 'ssh-host', label: 'Revoked host key' },
  jumpHostKeys: { kind: 'ssh-host', role: 'ssh-jump', label: 'Host key of the jump host' },
} as const satisfies Record<keyof SshLists, { kind: TrustKind; role: Role; label: string }>

type ListName = keyof SshLists
type Key = Omit<SshPublicKey, 'publicKey'> & { readonly publicKey: string | null }

interface Kept {
  readonly item: TrustItem
  readonly created: boolean
}

/** How many lines of known_hosts become items at once when no partner is named. */
const MOST_UNBOUND = 500

export type SshInventory = ReturnType<typeof createSshInventory>

export function createSshInventory(inventory: Inventory) {
  const itemsOf = (partner: string, connection: string, list: ListName): TrustItem[] => {
    const { kind, role } = PLACES[list]
    return inventory
      .active(partner, connection, role)
      .map(({ item }) => inventory.get(item))
      .filter((item) => item.kind === kind)
  }

  const keep = (partner: string, connection: string, list: ListName, key: Key, provenance: Provenance, actor: Actor): Kept => {
    const { kind, role, label } = PLACES[list]
    const { item, created } = inventory.ensure(kind, key, `${label} of ${partner}/${connection}`, actor)
    inventory.addProvenance(item.id, provenance)
    inventory.bind(item.id, { partner, connection, role }, actor)
    return { item: inventory.get(item.id), created }
  }

  const syncList = (partner: string, connection: string, list: ListName, wanted: readonly HostKeyPin[], actor: Actor): boolean => {
    const before = new Set(itemsOf(partner, connection, list).map(({ id }) => id))
    const kept = new Set(
      wanted.map((pin) => {
        const { key: text, provenance } = typeof pin === 'string' ? { key: pin, provenance: undefined } : pin
        const key = text.startsWith('SHA256:') ? { ...describeFingerprint(text), publicKey: null } : readPublicKey(text)
        if (list === 'hostAuthorities' && key.publicKey === null) throw new AppError('input.invalid', 'an authority is given as its public key line')
        return keep(partner, connection, list, key, inventory.provenance(provenance ?? { source: 'partner-file' }, actor), actor).item.id
      }),
    )
    for (const binding of inventory.active(partner, connection, PLACES[list].role))
      if (before.has(binding.item) && !kept.has(binding.item)) inventory.endBinding(binding, actor, 'no longer in the partner document')
    return kept.size !== before.size || [...kept].some((item) => !before.has(item))
  }

  return {
    /** Pins a key on a connection. Call it inside a transaction. */
    pin: (partner: string, connection: string, key: Key, provenance: Provenance, actor: Actor): TrustItem => keep(partner, connection, 'hostKeys', key, provenance, actor).item,

    items: itemsOf,

    trust: (partner: string, connection: string): SshTrust => ({
      authorities: itemsOf(partner, connection, 'hostAuthorities').map(pinOf),
      revoked: itemsOf(partner, connection, 'revokedHostKeys').map(({ fingerprint }) => fingerprint),
      jump: itemsOf(partner, connection, 'jumpHostKeys').map(pinOf),
    }),

    /** Makes what a connection rests on exactly what its document lists. Call it inside a transaction. Answers whether anything changed. */
    sync(partner: string, connection: string, lists: SshLists, actor: Actor): boolean {
      let changed = false
      for (const list of Object.keys(PLACES) as ListName[]) {
        const wanted = lists[list]
        if (wanted !== undefined) changed = syncList(partner, connection, list, wanted, actor) || changed
      }
      return changed
    },

    /** Binds what a known_hosts file says about a server. Rejects with `input.invalid` when it says nothing. Call it inside a transaction. */
    importFor(target: { readonly partner: string; readonly connection: string; readonly host: string; readonly port: number; readonly role: Role }, text: string, provenance: Provenance, actor: Actor): Kept[] {
      const { partner, connection, host, port, role } = target
      const found = keysForHost(parseKnownHosts(text), host, port)
      const keys = role === 'ssh-jump' ? { jumpHostKeys: found.keys } : { hostKeys: found.keys, hostAuthorities: found.authorities }
      if (Object.values(keys).flat().length === 0) throw new AppError('input.invalid', `the file names no key for ${host}:${port}`, { details: { server: `${host}:${port}`, revoked: String(found.revoked.length) } })
      const lists: Partial<Record<ListName, readonly KnownHost[]>> = { ...keys, revokedHostKeys: found.revoked }
      return (Object.keys(lists) as ListName[]).flatMap((list) => (lists[list] ?? []).map((entry) => keep(partner, connection, list, entry.key, { ...provenance, note: noteOf(entry, provenance, found.withoutPort) }, actor)))
    },

    /** Takes every key of a known_hosts file into the inventory, bound to nothing. Call it inside a transaction. */
    importAll(text: string, provenance: Provenance, actor: Actor): Kept[] {
      const { entries, problems } = parseKnownHosts(text)
      if (entries.length === 0) throw new AppError('key.malformed', `the file holds no key${problems[0] === undefined ? '' : `; line ${problems[0].line}: ${problems[0].reason}`}`)
      if (entries.length > MOST_UNBOUND) throw new AppError('input.invalid', `the file has ${entries.length} keys; name the partner whose keys are wanted`)
      return entries.map((entry) => {
        const kind: TrustKind = entry.marker === null ? 'ssh-host' : entry.marker === 'revoked' ? 'ssh-revoked' : 'ssh-ca'
        const made = inventory.ensure(kind, entry.key, entry.hosts.startsWith('|') ? 'known_hosts (hashed name)' : entry.hosts.slice(0, 200), actor)
        inventory.addProvenance(made.item.id, { ...provenance, note: noteOf(entry, provenance, false) })
        return { item: inventory.get(made.item.id), created: made.created }
      })
    },
  }
}

function noteOf(entry: KnownHost, provenance: Provenance, withoutPort: boolean): string {
  const line = `known_hosts, line ${entry.line}${withoutPort ? ' (names the host without its port)' : ''}`
  return provenance.note === undefined ? line : `${provenance.note}; ${line}`
}
