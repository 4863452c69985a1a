/** The few acts of which everything about trust is made: keep an item, note how we know it, bind it, end a binding. */
import type { ProvenanceInput } from '../../contract/connections/common.ts'
import type { Binding, Provenance, Role, TrustItem, TrustKind } from '../../contract/trust.ts'
import type { AuditTrail } from '../audit/service.ts'
import { actorText, type Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'
import type { PartnerFacts } from '../partners/facts.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { NewItem } from './new-item.ts'
import type { StoredItem, TrustRepository } from './repository.ts'
import { problemsOfRole, type Circumstances } from './fitness.ts'
import { isActive } from './rules.ts'

export interface BindTarget {
  readonly partner?: string | undefined
  readonly connection?: string | undefined
  readonly role: Role
  readonly activeFrom?: string | undefined
  readonly activeUntil?: string | undefined
}

export interface InventoryDeps {
  readonly repository: TrustRepository
  readonly secrets: SealedSecrets
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
  readonly partners: PartnerFacts
}

export type Inventory = ReturnType<typeof createInventory>

/** Everything that writes belongs inside a transaction of the caller. */
export function createInventory({ repository, secrets, audit, publisher, clock, partners }: InventoryDeps) {
  const now = (): string => timestamp(clock.now())

  const seal = (id: string, privateKey: string): void => {
    const secret = `trust/${id}`
    secrets.put(secret, privateKey)
    repository.setSecret(id, secret)
  }

  /** A private key arrives for an item that was known by its public part only. */
  const addPrivateKey = (item: TrustItem, privateKey: string, actor: Actor): void => {
    seal(item.id, privateKey)
    audit.record({ actor, type: 'trust.key_added', subject: { kind: 'trust', id: item.id }, data: { fingerprint: item.fingerprint } })
  }

  /** The owner of an OpenPGP key prolonged or revoked it, or added a subkey: same key, newer statements. */
  const renew = ({ item, secret }: StoredItem, key: NewItem, actor: Actor): void => {
    repository.renew(item.id, key)
    if (key.privateKey !== undefined && secret !== null) seal(item.id, key.privateKey)
    audit.record({ actor, type: 'trust.renewed', subject: { kind: 'trust', id: item.id }, data: { fingerprint: item.fingerprint, notAfter: key.notAfter ?? null } })
  }

  const circumstances = ({ partner, connection, activeFrom }: Omit<BindTarget, 'role'>): Circumstances => ({
    at: Math.max(clock.now(), activeFrom === undefined ? 0 : Date.parse(activeFrom)),
    tolerated: partner === undefined ? [] : partners.tolerated(partner, connection),
  })

  const refuseUnfit = (item: TrustItem, target: BindTarget): void => {
    const [problem] = problemsOfRole(item, target.role, circumstances(target)).filter(({ severity }) => severity === 'error')
    if (problem === undefined) return
    const wrongUse = problem.code === 'retired' || problem.code === 'wrong-kind' || problem.code === 'no-private-key'
    throw new AppError(wrongUse ? 'input.invalid' : 'trust.unfit', problem.message, { details: { item: item.label, role: target.role } })
  }

  const activeOnly = (bindings: readonly Binding[]): Binding[] => bindings.filter((binding) => isActive(binding, clock.now()))

  return {
    get: (id: string): TrustItem => repository.get(id).item,

    /** The certificates above an item's own, in PEM, nearest first. */
    chain: (id: string): readonly string[] => repository.get(id).chain,

    /** Changes whenever an item, a binding or a provenance does; windows of bindings open and close without it. */
    version: (): number => repository.version(),

    circumstances,
    addPrivateKey,

    announce(item: TrustItem): TrustItem {
      publisher.publish('trust.changed', { id: item.id })
      return item
    },

    provenance: (input: ProvenanceInput, actor: Actor, compared?: string): Provenance => ({
      ...input,
      at: input.at ?? now(),
      recordedBy: actorText(actor),
      ...(compared === undefined ? {} : { compared }),
    }),

    /** The same statement is kept once. */
    addProvenance(item: string, record: Provenance): void {
      const known = repository.get(item).item.provenance
      const same = known.some((other) => other.source === record.source && other.note === record.note && other.person === record.person && other.compared === record.compared)
      if (!same) repository.addProvenance(item, record)
    },

    /** Finds the item of a key or creates it. A private key that comes along is sealed. */
    ensure(kind: TrustKind, key: NewItem, label: string, actor: Actor): { item: TrustItem; created: boolean } {
      const known = repository.findByFingerprint(kind, key.fingerprint)
      if (known !== null) {
        if (key.publicKey !== null && known.item.publicKey === null) repository.completePublicKey(known.item.id, { ...key, publicKey: key.publicKey })
        if (key.pgp !== undefined && JSON.stringify(key.pgp) !== JSON.stringify(known.item.pgp)) renew(known, key, actor)
        if (key.chain !== undefined && key.chain.length > known.chain.length) repository.setChain(known.item.id, key.chain, key.x509)
        if (key.privateKey !== undefined && known.secret === null) addPrivateKey(known.item, key.privateKey, actor)
        return { item: repository.get(known.item.id).item, created: false }
      }
      const id = newId('ti', clock.now())
      const { algorithm, bits, fingerprint, publicKey, notBefore = null, notAfter = null } = key
      const { keyId = null, x509 = null, pgp = null, chain = [] } = key
      repository.insert({ id, kind, label, algorithm, bits, fingerprint, publicKey, notBefore, notAfter, keyId, x509, pgp, createdAt: now() }, chain)
      if (key.privateKey !== undefined) seal(id, key.privateKey)
      audit.record({
        actor,
        type: 'trust.added',
        subject: { kind: 'trust', id },
        data: { kind, label, algorithm, fingerprint, privateKey: key.privateKey !== undefined },
      })
      return { item: repository.get(id).item, created: true }
    },

    /** The private half of an item as text, or null. */
    privateKey(id: string): string | null {
      const { secret } = repository.get(id)
      return secret === null ? null : secrets.get(secret)
    },

    /** Rejects with `input.invalid` or `trust.unfit` when the item cannot fill the role. Binding twice is binding once. */
    bind(id: string, target: BindTarget, actor: Actor): void {
      const { item } = repository.get(id)
      refuseUnfit(item, target)
      const at = clock.now()
      const exists = item.bindings.some(
        (binding) =>
          binding.role === target.role &&
          binding.partner === (target.partner ?? null) &&
          binding.connection === (target.connection ?? null) &&
          covers(binding, target.activeFrom ?? timestamp(at), target.activeUntil ?? null),
      )
      if (exists) return
      const binding: Binding = {
        id: newId('bnd', at),
        item: id,
        partner: target.partner ?? null,
        connection: target.connection ?? null,
        role: target.role,
        activeFrom: target.activeFrom ?? timestamp(at),
        activeUntil: target.activeUntil ?? null,
      }
      if (binding.activeUntil !== null && binding.activeUntil <= binding.activeFrom) throw new AppError('input.invalid', 'the window of the binding ends before it begins')
      repository.bind(binding)
      audit.record({
        actor,
        type: 'trust.bound',
        subject: { kind: 'trust', id },
        partner: binding.partner,
        data: { binding: binding.id, role: binding.role, partner: binding.partner, connection: binding.connection, fingerprint: item.fingerprint },
      })
    },

    endBinding(binding: Binding, actor: Actor, why: string): void {
      repository.endBinding(binding.id, now())
      audit.record({
        actor,
        type: 'trust.unbound',
        subject: { kind: 'trust', id: binding.item },
        partner: binding.partner,
        data: { binding: binding.id, role: binding.role, partner: binding.partner, connection: binding.connection, why },
      })
    },

    /** Bindings that hold now: those of the connection and of the partner as a whole. */
    active: (partner: string, connection: string, role: Role): Binding[] => activeOnly(repository.bindingsFor(partner, connection, role)),

    /** Our station's own, for every partner that has none of its own. */
    activeOfStation: (role: Role): Binding[] => activeOnly(repository.stationBindings(role)),
  }
}

/** Whether a binding holds over the whole of a window. */
function covers(binding: Binding, from: string, until: string | null): boolean {
  if (binding.activeFrom > from) return false
  return binding.activeUntil === null || (until !== null && until <= binding.activeUntil)
}
