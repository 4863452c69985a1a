import type { ProvenanceInput } from '../../contract/connections/common.ts'
import type { TrustItem, TrustKind } from '../../contract/trust.ts'
import type { AuditTrail } from '../audit/service.ts'
import { generateSshKey, isPpk, readPrivateKey, readPublicKey, type SshKeyAlgorithm, type SshPublicKey } from '../crypto/ssh/index.ts'
import type { Actor } from '../kernel/actor.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import type { Database } from '../store/database.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { TrustRepository } from './repository.ts'
import { createInventory, type BindTarget } from './inventory.ts'
import { createMaterials } from './materials.ts'
import { isActive } from './rules.ts'
import { createSshInventory } from './ssh.ts'

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
  const { database, repository, audit, clock } = deps
  const inventory = createInventory(deps)
  const { announce, ensure, addProvenance, endBinding } = inventory

  const ssh = createSshInventory(inventory)

  return {
    list: (query: Parameters<TrustRepository['list']>[0]) => repository.list(query),
    show: (id: string): TrustItem => repository.get(id).item,
    itemsOfPartner: (partner: string): TrustItem[] => repository.itemsOfPartner(partner),

    materials: createMaterials(inventory),
    ssh,

    /** The private key of an SSH client key item, as text. */
    clientKey(id: string): string {
      const text = inventory.get(id).kind === 'ssh-client' ? inventory.privateKey(id) : null
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
          if (request.provenance !== undefined) addProvenance(made.item.id, inventory.provenance(request.provenance, actor))
          for (const target of request.bind) inventory.bind(made.item.id, target, actor)
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
        addProvenance(made.item.id, inventory.provenance({ source: 'generated' }, actor))
        return repository.get(made.item.id).item
      })
      return announce(item)
    },

    /** Seals the client key that a partner document brought along. */
    addClientKey(text: string, passphrase: string | undefined, label: string, actor: Actor): TrustItem {
      const key = readPrivateKey(text, passphrase)
      const { item } = ensure('ssh-client', key, label, actor)
      addProvenance(item.id, inventory.provenance({ source: 'partner-file' }, actor))
      return repository.get(item.id).item
    },

    bind(item: string, target: BindTarget, actor: Actor): TrustItem {
      database.transaction(() => inventory.bind(item, target, actor))
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
        const earlier = inventory.active(target.partner, target.connection, 'ssh-host')
        const pinned = ssh.pin(target.partner, target.connection, target.key, inventory.provenance(target.provenance, actor, target.compared), actor)
        if (target.replace)
          for (const binding of earlier) if (binding.item !== pinned.id && inventory.get(binding.item).kind === 'ssh-host') endBinding(binding, actor, `replaced by ${pinned.fingerprint}`)
        return pinned
      })
      return announce(item)
    },

    /** Binds what a known_hosts file says: for the servers named, or everything unbound where none is. */
    importKnownHosts(
      request: { text: string; targets: readonly Parameters<typeof ssh.importFor>[0][]; provenance?: ProvenanceInput | undefined },
      actor: Actor,
    ): { items: TrustItem[]; created: number } {
      const provenance = inventory.provenance(request.provenance ?? { source: 'partner-file' }, actor)
      const kept = database.transaction(() =>
        request.targets.length === 0 ? ssh.importAll(request.text, provenance, actor) : request.targets.flatMap((target) => ssh.importFor(target, request.text, provenance, actor)),
      )
      return { items: kept.map(({ item }) => announce(item)), created: kept.filter(({ created }) => created).length }
    },

    /** Makes the client keys of a connection the given ones. Call it inside a transaction. */
    syncClientKeys(partner: string, connection: string, items: readonly string[], actor: Actor): void {
      for (const binding of inventory.active(partner, connection, 'ssh-client')) if (!items.includes(binding.item)) endBinding(binding, actor, 'no longer in the partner document')
      for (const item of items) inventory.bind(item, { partner, connection, role: 'ssh-client' }, actor)
    },

    /** Ends every binding of a partner that is removed. Call it inside a transaction. */
    releasePartner(partner: string, actor: Actor): void {
      for (const item of repository.itemsOfPartner(partner))
        for (const binding of item.bindings) if (binding.partner === partner && isActive(binding, clock.now())) endBinding(binding, actor, 'the partner was removed')
    },

    /** A fingerprint-only pin learns the full key of the server that matched it. */
    noteSeenKey(key: SshPublicKey): void {
      const known = repository.findByFingerprint('ssh-host', key.fingerprint)
      if (known !== null && known.item.publicKey === null) repository.completePublicKey(known.item.id, key)
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
