/** What the protocols get to work with: the items that are bound now, with their private halves where a role needs them. */
import type { CertificatePin } from '../../contract/connections/common.ts'
import type { Binding, Provenance, Role, TrustItem } from '../../contract/trust.ts'
import { readCertificate, type Certificate } from '../crypto/x509/index.ts'
import type { Actor } from '../kernel/actor.ts'
import type { Pin, TlsTrust } from '../protocols/file-protocol.ts'
import type { Inventory } from './inventory.ts'
import { certificateItem, inOperatorsWords } from './certificates.ts'
import type { NewItem } from './new-item.ts'
import { chainText } from './x509-material.ts'

/** An item in a role, newest binding first. */
export interface Material {
  readonly item: TrustItem
  /** PEM or OpenSSH text, for OpenPGP Base64 of the binary key; null where only the public part is here. */
  readonly privateKey: string | null
  /** The certificates above it in PEM, nearest first. */
  readonly chain: readonly string[]
}

const OF_THE_PARTNER: readonly Role[] = ['verify', 'encrypt', 'tls-caller', 'pgp-verify', 'pgp-encrypt']

export type Materials = ReturnType<typeof createMaterials>

export function createMaterials(inventory: Inventory) {
  const materialOf = (binding: Binding): Material => ({ item: inventory.get(binding.item), privateKey: inventory.privateKey(binding.item), chain: inventory.chain(binding.item) })

  /** The connection's and the partner's own items; where there are none, our station's: of ours only, for no key of ours speaks for a partner. */
  const of = (partner: string, connection: string, role: Role): Material[] => {
    const own = inventory.active(partner, connection, role)
    return (own.length > 0 || OF_THE_PARTNER.includes(role) ? own : inventory.activeOfStation(role)).toReversed().map(materialOf)
  }

  return {
    of,

    /** One item, whatever it is bound to. */
    one: (id: string): Material => ({ item: inventory.get(id), privateKey: inventory.privateKey(id), chain: inventory.chain(id) }),

    /** See `Inventory.version`. */
    version: (): number => inventory.version(),

    /** Host keys that are accepted on a connection now. */
    pins: (partner: string, connection: string): Pin[] =>
      inventory
        .active(partner, connection, 'ssh-host')
        .map(({ item }) => inventory.get(item))
        .filter(({ kind }) => kind === 'ssh-host')
        .map(pinOf),

    /** What decides about a TLS server now, and the certificate that we show. */
    tls(partner: string, connection: string): TlsTrust {
      const servers = inventory.active(partner, connection, 'tls-server').map(({ item }) => inventory.get(item))
      const client = of(partner, connection, 'tls-client').find(({ privateKey, item }) => privateKey !== null && item.publicKey !== null)
      return {
        pins: servers.filter(({ kind }) => kind === 'x509').map(({ id, fingerprint, publicKey }) => ({ item: id, fingerprint, certificate: publicKey })),
        authorities: servers.flatMap(({ kind, publicKey }) => (kind === 'ca' && publicKey !== null ? [publicKey] : [])),
        client: client?.privateKey && client.item.publicKey !== null ? { item: client.item.id, certificate: chainText(client.item.publicKey, client.chain), privateKey: client.privateKey } : null,
      }
    },

    /** Pins one, beside those that are pinned or in their stead. Call it inside a transaction. */
    pinTls(target: { readonly partner: string; readonly connection: string; readonly certificate: string; readonly provenance: Provenance; readonly replace: boolean }, actor: Actor): TrustItem {
      const { partner, connection, certificate, provenance, replace } = target
      const earlier = inventory.active(partner, connection, 'tls-server').filter(({ item }) => inventory.get(item).kind === 'x509')
      const { item } = inventory.ensure('x509', pinnedItem(certificate), `Server certificate of ${partner}/${connection}`, actor)
      inventory.addProvenance(item.id, provenance)
      inventory.bind(item.id, { partner, connection, role: 'tls-server' }, actor)
      if (replace) for (const binding of earlier) if (binding.item !== item.id) inventory.endBinding(binding, actor, `replaced by ${item.fingerprint}`)
      return inventory.get(item.id)
    },

    /** The certificate of a server of ours with its key: the item named, else the station's newest. */
    server(id: string | null): { readonly certificate: string; readonly privateKey: string } | null {
      const candidates = id === null ? inventory.activeOfStation('tls-server').toReversed().map(materialOf) : [{ item: inventory.get(id), privateKey: inventory.privateKey(id) }]
      const found = candidates.find(({ item, privateKey }) => privateKey !== null && item.publicKey !== null)
      return found?.privateKey && found.item.publicKey !== null ? { certificate: found.item.publicKey, privateKey: found.privateKey } : null
    },

    /** What a partner's program may show now when it calls our receiver: each certificate, or what is known of it. */
    callers: (partner: string, connection: string): TrustItem[] => inventory.active(partner, connection, 'tls-caller').map(({ item }) => inventory.get(item)),

    /** An item of which only the fingerprint was known learns the certificate that was shown: from now on its end is watched. Call it inside a transaction. */
    noteSeenCertificate(certificate: Certificate, actor: Actor): void {
      inventory.announce(inventory.ensure('x509', certificateItem(certificate), '', actor).item)
    },

    /** Makes the pinned certificates of a connection in a role exactly those of its document. Answers whether anything changed. */
    syncTlsPins(partner: string, connection: string, role: 'tls-server' | 'tls-caller', wanted: readonly CertificatePin[], actor: Actor): boolean {
      const before = new Map(inventory.active(partner, connection, role).flatMap((binding) => (inventory.get(binding.item).kind === 'x509' ? [[binding.item, binding] as const] : [])))
      const kept = new Set<string>()
      for (const pin of wanted) {
        const { certificate: text, provenance } = typeof pin === 'string' ? { certificate: pin, provenance: undefined } : pin
        const { item } = inventory.ensure('x509', pinnedItem(text), `${role === 'tls-server' ? 'Server' : 'Client'} certificate of ${partner}/${connection}`, actor)
        inventory.addProvenance(item.id, inventory.provenance(provenance ?? { source: 'partner-file' }, actor))
        inventory.bind(item.id, { partner, connection, role }, actor)
        kept.add(item.id)
      }
      for (const [item, binding] of before) if (!kept.has(item)) inventory.endBinding(binding, actor, 'no longer in the partner document')
      return kept.size !== before.size || [...kept].some((item) => !before.has(item))
    },
  }
}

/** An SSH key as the adapters compare it. */
export function pinOf({ id, algorithm, fingerprint, publicKey }: TrustItem): Pin {
  return { item: id, algorithm, fingerprint, publicKey }
}

/** `sha256:…`, `spki:…` or PEM as it stands in a document. */
function pinnedItem(text: string): NewItem {
  if (text.startsWith('-----')) return certificateItem(inOperatorsWords(() => readCertificate(text)))
  const fingerprint = text.startsWith('sha256:') ? `sha256:${text.slice(7).replaceAll(':', '').toLowerCase()}` : text
  return { algorithm: text.startsWith('spki:') ? 'public key' : 'certificate', bits: null, fingerprint, publicKey: null }
}
