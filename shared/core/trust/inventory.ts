/** The few acts of which everything about trust is made: keep an item, note how we know it, bind it, end a binding. */
import type { ProvenanceInput } from '../../contract/connections/common.ts'
import type { Binding, Provenance, Role, TrustItem, TrustKind } from '../../contract/trust.ts'
import type { AuditTrail } from '../audit/service.ts'
import { actorText, type Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { TrustRepository } from './repository.ts'
import { isActive, problemOfRole } from './rules.ts'

export interface BindTarget {
  readonly partner?: string | undefined
  readonly connection?: string | undefined
  readonly role: Role
  readonly activeFrom?: string | undefined
  readonly activeUntil?: string | undefined
}

/** What is known of a key or certificate when it comes in. */
export interface NewItem {
  readonly algorithm: string
  readonly bits: number | null
  readonly fingerprint: string
  /** OpenSSH line, PEM or armoured key; null when only the fingerprint is known. */
  readonly publicKey: string | null
  readonly notBefore?: string | null
  readonly notAfter?: string | null
  /** Text of the private half; it is sealed. */
  readonly privateKey?: string
}

export interface InventoryDeps {
  readonly repository: TrustRepository
  readonly secrets: SealedSecrets
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
}

export type Inventory = ReturnType<typeof createInventory>

/** Everything that writes belongs inside a transaction of the caller. */
export function createInventory({ repository, secrets, audit, publisher, clock }: InventoryDeps) {
  const now = (): string => timestamp(clock.now())

  const seal = (id: string, privateKey: string): void => {
    const secret = `trust/${id}`
    secrets.put(secret, privateKey)
    repository.setSecret(id, secret)
  }

  const activeOnly = (bindings: readonly Binding[]): Binding[] => bindings.filter((binding) => isActive(binding, clock.now()))

  return {
    get: (id: string): TrustItem => repository.get(id).item,

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
        if (key.privateKey !== undefined && known.secret === null) seal(known.item.id, key.privateKey)
        return { item: repository.get(known.item.id).item, created: false }
      }
      const id = newId('ti', clock.now())
      const { algorithm, bits, fingerprint, publicKey, notBefore = null, notAfter = null } = key
      repository.insert({ id, kind, label, algorithm, bits, fingerprint, publicKey, notBefore, notAfter, createdAt: now() }, null)
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

    /** Rejects with `input.invalid` when the item cannot fill the role. Binding twice is binding once. */
    bind(id: string, target: BindTarget, actor: Actor): void {
      const { item } = repository.get(id)
      const problem = problemOfRole(item, target.role)
      if (problem !== null) throw new AppError('input.invalid', problem)
      const at = clock.now()
      const exists = activeOnly(item.bindings).some(
        (binding) => binding.role === target.role && binding.partner === (target.partner ?? null) && binding.connection === (target.connection ?? null),
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
