import type { HostKeyPin, ProvenanceInput } from '../../contract/partner-document.ts'
import type { Binding, Provenance, Role, TrustItem, TrustKind } from '../../contract/trust.ts'
import type { AuditTrail } from '../audit/service.ts'
import { describeFingerprint, generateSshKey, isPpk, readPrivateKey, readPublicKey, type SshKeyAlgorithm, type SshPublicKey } from '../crypto/ssh/index.ts'
import { actorText, type Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'
import type { Pin } from '../protocols/file-protocol.ts'
import type { Database } from '../store/database.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { TrustRepository } from './repository.ts'
import { isActive, problemOfRole } from './rules.ts'

export interface BindTarget {
  readonly partner?: string | undefined
  readonly connection?: string | undefined
  readonly role: Role
}

export interface ImportRequest {
  /** The file's content. */
  readonly text: string
  readonly label?: string | undefined
  readonly passphrase?: string | undefined
  readonly bind: readonly BindTarget[]
  readonly provenance?: ProvenanceInput | undefined
}

export type TrustService = ReturnType<typeof createTrustService>

/** The inventory and its bindings. Items are never edited in place and never deleted. */
export function createTrustService(deps: {
  readonly database: Database
  readonly repository: TrustRepository
  readonly secrets: SealedSecrets
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
}) {
  const { database, repository, secrets, audit, publisher, clock } = deps
  const now = (): string => timestamp(clock.now())

  const announce = (item: TrustItem): TrustItem => {
    publisher.publish('trust.changed', { id: item.id })
    return item
  }

  const complete = (input: ProvenanceInput, actor: Actor, compared?: string): Provenance => ({
    ...input,
    at: input.at ?? now(),
    recordedBy: actorText(actor),
    ...(compared === undefined ? {} : { compared }),
  })

  const addProvenance = (item: string, record: Provenance): void => {
    const known = repository.get(item).item.provenance
    const same = known.some((other) => other.source === record.source && other.note === record.note && other.person === record.person && other.compared === record.compared)
    if (!same) repository.addProvenance(item, record)
  }

  /** Finds the item of a key or creates it. A private key that comes along is sealed. */
  const ensure = (
    kind: TrustKind,
    key: { algorithm: string; bits: number | null; fingerprint: string; publicKey: string | null; privateKey?: string },
    label: string,
    actor: Actor,
  ): { item: TrustItem; created: boolean } => {
    const known = repository.findByFingerprint(kind, key.fingerprint)
    if (known !== null) {
      if (key.publicKey !== null && known.item.publicKey === null) repository.completePublicKey(known.item.id, key.publicKey, key.algorithm, key.bits)
      if (key.privateKey !== undefined && known.secret === null) seal(known.item.id, key.privateKey)
      return { item: repository.get(known.item.id).item, created: false }
    }
    const id = newId('ti', clock.now())
    repository.insert(
      {
        id,
        kind,
        label,
        algorithm: key.algorithm,
        bits: key.bits,
        fingerprint: key.fingerprint,
        publicKey: key.publicKey,
        notBefore: null,
        notAfter: null,
        createdAt: now(),
      },
      null,
    )
    if (key.privateKey !== undefined) seal(id, key.privateKey)
    audit.record({
      actor,
      type: 'trust.added',
      subject: { kind: 'trust', id },
      data: { kind, label, algorithm: key.algorithm, fingerprint: key.fingerprint, privateKey: key.privateKey !== undefined },
    })
    return { item: repository.get(id).item, created: true }
  }

  const seal = (id: string, privateKey: string): void => {
    const secret = `trust/${id}`
    secrets.put(secret, privateKey)
    repository.setSecret(id, secret)
  }

  const bindItem = (item: TrustItem, target: BindTarget & { activeFrom?: string | undefined; activeUntil?: string | undefined }, actor: Actor): void => {
    const problem = problemOfRole(item, target.role)
    if (problem !== null) throw new AppError('input.invalid', problem)
    const at = clock.now()
    const exists = item.bindings.some(
      (binding) =>
        isActive(binding, at) && binding.role === target.role && binding.partner === (target.partner ?? null) && binding.connection === (target.connection ?? null),
    )
    if (exists) return
    const binding: Binding = {
      id: newId('bnd', at),
      item: item.id,
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
      subject: { kind: 'trust', id: item.id },
      partner: binding.partner,
      data: { binding: binding.id, role: binding.role, partner: binding.partner, connection: binding.connection, fingerprint: item.fingerprint },
    })
  }

  const endBinding = (binding: Binding, actor: Actor, why: string): void => {
    repository.endBinding(binding.id, now())
    audit.record({
      actor,
      type: 'trust.unbound',
      subject: { kind: 'trust', id: binding.item },
      partner: binding.partner,
      data: { binding: binding.id, role: binding.role, partner: binding.partner, connection: binding.connection, why },
    })
  }

  const activeBindings = (partner: string, connection: string, role: Role): Binding[] =>
    repository.bindingsFor(partner, connection, role).filter((binding) => isActive(binding, clock.now()))

  const pinKey = (partner: string, connection: string, key: Omit<SshPublicKey, 'publicKey'> & { publicKey: string | null }, provenance: Provenance, actor: Actor): TrustItem => {
    const { item } = ensure('ssh-host', key, `Host key of ${partner}/${connection}`, actor)
    addProvenance(item.id, provenance)
    bindItem(item, { partner, connection, role: 'ssh-host' }, actor)
    return repository.get(item.id).item
  }

  return {
    list: (query: Parameters<TrustRepository['list']>[0]) => repository.list(query),
    show: (id: string): TrustItem => repository.get(id).item,
    itemsOfPartner: (partner: string): TrustItem[] => repository.itemsOfPartner(partner),

    /** Host keys that are accepted on a connection now. */
    pins(partner: string, connection: string): Pin[] {
      return activeBindings(partner, connection, 'ssh-host').map((binding) => {
        const { item } = repository.get(binding.item)
        return { item: item.id, algorithm: item.algorithm, fingerprint: item.fingerprint, publicKey: item.publicKey }
      })
    },

    /** The private key of an SSH client key item, as text. */
    clientKey(id: string): string {
      const { item, secret } = repository.get(id)
      const text = item.kind === 'ssh-client' && secret !== null ? secrets.get(secret) : null
      if (text === null) throw new AppError('input.invalid', `${id} is not an SSH client key with its private part`)
      return text
    },

    /** Imports whatever the text holds and binds it. Nothing is stored unless everything can be. */
    import(request: ImportRequest, actor: Actor): { items: TrustItem[]; created: number } {
      const found = readSshMaterial(request)
      const result = database.transaction(() => {
        let created = 0
        const ids = found.map((key) => {
          const kind: TrustKind = key.privateKey !== undefined || request.bind.some(({ role }) => role === 'ssh-client') ? 'ssh-client' : 'ssh-host'
          const made = ensure(kind, key, request.label ?? key.comment ?? `${key.algorithm} key`, actor)
          if (made.created) created += 1
          if (request.provenance !== undefined) addProvenance(made.item.id, complete(request.provenance, actor))
          for (const target of request.bind) bindItem(repository.get(made.item.id).item, target, actor)
          return made.item.id
        })
        return { items: ids.map((id) => repository.get(id).item), created }
      })
      for (const item of result.items) announce(item)
      return result
    },

    generate(request: { algorithm: SshKeyAlgorithm; label: string }, actor: Actor): TrustItem {
      const key = generateSshKey(request.algorithm, request.label)
      const item = database.transaction(() => {
        const made = ensure('ssh-client', key, request.label, actor)
        addProvenance(made.item.id, complete({ source: 'generated' }, actor))
        return repository.get(made.item.id).item
      })
      return announce(item)
    },

    /** Seals the client key that a partner document brought along. */
    addClientKey(text: string, passphrase: string | undefined, label: string, actor: Actor): TrustItem {
      const key = readPrivateKey(text, passphrase)
      const { item } = ensure('ssh-client', key, label, actor)
      addProvenance(item.id, complete({ source: 'partner-file' }, actor))
      return repository.get(item.id).item
    },

    bind(item: string, target: BindTarget & { activeFrom?: string | undefined; activeUntil?: string | undefined }, actor: Actor): TrustItem {
      database.transaction(() => bindItem(repository.get(item).item, target, actor))
      return announce(repository.get(item).item)
    },

    unbind(binding: string, actor: Actor): TrustItem {
      const found = repository.findBinding(binding)
      if (found === null) throw new AppError('input.not_found', `there is no binding ${binding}`)
      database.transaction(() => endBinding(found, actor, 'unbound by the operator'))
      return announce(repository.get(found.item).item)
    },

    retire(id: string, reason: string | undefined, actor: Actor): TrustItem {
      const { item } = repository.get(id)
      const users = item.bindings.filter((binding) => isActive(binding, clock.now()))
      if (users.length > 0)
        throw new AppError('input.in_use', `${item.label} is bound ${users.length} time(s)`, {
          details: Object.fromEntries(users.map((binding, index) => [`used by ${index + 1}`, `${binding.partner ?? 'station'}/${binding.connection ?? '*'} as ${binding.role} (${binding.id})`])),
        })
      database.transaction(() => {
        repository.setState(id, 'retired')
        audit.record({ actor, type: 'trust.retired', subject: { kind: 'trust', id }, data: { fingerprint: item.fingerprint, ...(reason === undefined ? {} : { reason }) } })
      })
      return announce(repository.get(id).item)
    },

    /** The public part as text. */
    export(id: string): { fileName: string; text: string } {
      const { item } = repository.get(id)
      if (item.publicKey === null) throw new AppError('input.invalid', 'only the fingerprint of this item is known')
      return { fileName: `${item.label.replaceAll(/[^A-Za-z0-9._-]+/g, '-')}.pub`, text: `${item.publicKey} ${item.label}\n` }
    },

    /** Pins a presented host key that a person compared. `replace` ends the earlier pins of the connection. */
    pinPresented(
      target: { partner: string; connection: string; key: SshPublicKey; provenance: ProvenanceInput; compared: string; replace: boolean },
      actor: Actor,
    ): TrustItem {
      const item = database.transaction(() => {
        const earlier = activeBindings(target.partner, target.connection, 'ssh-host')
        const pinned = pinKey(target.partner, target.connection, target.key, complete(target.provenance, actor, target.compared), actor)
        if (target.replace)
          for (const binding of earlier) if (binding.item !== pinned.id) endBinding(binding, actor, `replaced by ${pinned.fingerprint}`)
        return pinned
      })
      return announce(item)
    },

    /** Makes the pins of a connection exactly those of its document. Call it inside a transaction. Answers whether anything changed. */
    syncPins(partner: string, connection: string, wanted: readonly HostKeyPin[], actor: Actor): boolean {
      let changed = false
      const before = new Map(activeBindings(partner, connection, 'ssh-host').map((binding) => [binding.item, binding]))
      const kept = new Set<string>()
      for (const pin of wanted) {
        const text = typeof pin === 'string' ? pin : pin.key
        const provenance = typeof pin === 'string' ? undefined : pin.provenance
        const key = text.startsWith('SHA256:') ? { ...describeFingerprint(text), publicKey: null } : readPublicKey(text)
        const item = pinKey(partner, connection, key, complete(provenance ?? { source: 'partner-file' }, actor), actor)
        kept.add(item.id)
        changed ||= !before.has(item.id)
      }
      for (const [item, binding] of before) {
        if (kept.has(item)) continue
        endBinding(binding, actor, 'no longer in the partner document')
        changed = true
      }
      return changed
    },

    /** Makes the client key of a connection the given one (null: none). Call it inside a transaction. */
    syncClientKey(partner: string, connection: string, item: string | null, actor: Actor): void {
      for (const binding of activeBindings(partner, connection, 'ssh-client')) if (binding.item !== item) endBinding(binding, actor, 'no longer in the partner document')
      if (item !== null) bindItem(repository.get(item).item, { partner, connection, role: 'ssh-client' }, actor)
    },

    /** Ends every binding of a partner that is removed. Call it inside a transaction. */
    releasePartner(partner: string, actor: Actor): void {
      for (const item of repository.itemsOfPartner(partner))
        for (const binding of item.bindings) if (binding.partner === partner && isActive(binding, clock.now())) endBinding(binding, actor, 'the partner was removed')
    },

    /** A fingerprint-only pin learns the full key of the server that matched it. */
    noteSeenKey(key: SshPublicKey): void {
      const known = repository.findByFingerprint('ssh-host', key.fingerprint)
      if (known !== null && known.item.publicKey === null) repository.completePublicKey(known.item.id, key.publicKey, key.algorithm, key.bits)
    },
  }
}

/** Every SSH key in a text: one private key, or public key lines. */
function readSshMaterial(request: ImportRequest): (SshPublicKey & { privateKey?: string })[] {
  const { text } = request
  if (text.includes('PRIVATE KEY') || isPpk(text)) return [readPrivateKey(text, request.passphrase)]
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.length === 0) throw new AppError('key.malformed', 'the file holds no key')
  return lines.map((line) => readPublicKey(line))
}
