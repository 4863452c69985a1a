import type { ProvenanceInput } from '../../contract/connections/common.ts'
import type { TrustItem, TrustItemDetail } from '../../contract/trust.ts'
import type { AuditTrail } from '../audit/service.ts'
import { readPrivateKey, type SshPublicKey } from '../crypto/ssh/index.ts'
import { systemActor, type Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import type { PartnerFacts } from '../partners/facts.ts'
import type { Database } from '../store/database.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { TrustRepository } from './repository.ts'
import type { FlowAtTime } from './affected-flows.ts'
import { namesItem } from './assurance.ts'
import { createAttachments } from './attachments.ts'
import { createCalendarFeed } from './calendar-feed.ts'
import { createEndings } from './endings.ts'
import { exported, type ExportedFile, type ExportFormat } from './exports.ts'
import { requestFor } from './requests.ts'
import { exportedPrivate } from './private-exports.ts'
import { fitnessOf } from './fitness.ts'
import { generated, type GenerateRequest } from './generation.ts'
import { createInsights } from './insights.ts'
import { createInventory, type BindTarget } from './inventory.ts'
import { createMaterials, type Materials } from './materials.ts'
import { createSshInventory } from './ssh.ts'
import { createTakingIn } from './taking-in.ts'

export type TrustService = ReturnType<typeof createTrustService>

/** The inventory and its bindings. Items are never edited in place and never deleted. */
export function createTrustService(deps: {
  readonly database: Database
  readonly repository: TrustRepository
  readonly secrets: SealedSecrets
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
  readonly partners: PartnerFacts
  /** The flows that there are, for what runs into an expiry. */
  readonly flows?: () => readonly FlowAtTime[]
}) {
  const { database, repository, audit, clock, partners } = deps
  const inventory = createInventory(deps)
  const { announce, ensure, addProvenance, endBinding } = inventory

  const materials = createMaterials(inventory)
  const ssh = createSshInventory(inventory)
  const insights = createInsights({ repository, partners, flows: deps.flows ?? (() => []), clock })
  const attachments = createAttachments(deps)
  const feed = createCalendarFeed({ ...deps, text: () => insights.calendar().text })

  const requirePartners = (targets: readonly BindTarget[]): void => {
    for (const { partner, connection } of targets) if (partner !== undefined) partners.require(partner, connection)
  }

  return {
    ...createTakingIn({ database, repository, inventory, requirePartners }),
    ...createEndings({ ...deps, inventory, insights }),

    list: (query: Parameters<TrustRepository['list']>[0]) => repository.list(query),
    show(id: string): TrustItemDetail {
      const { item } = repository.get(id)
      return { ...item, fitness: fitnessOf(item, inventory.circumstances({})) }
    },
    boundItems: (partner?: string): TrustItem[] => repository.boundItems(partner),
    itemsOfPartner: (partner: string): TrustItem[] => repository.itemsOfPartner(partner),

    /** The clock was ahead and is right now: what somebody bound or ended meanwhile holds from now on, not from when the clock gets there again. */
    clockWentBack(): void {
      const now = clock.now()
      const { begun, ended } = repository.actedAhead(now)
      if (begun.length + ended.length === 0) return
      const at = timestamp(now)
      database.transaction(() => {
        for (const binding of begun) repository.setWindow({ ...binding, activeFrom: at })
        for (const binding of ended) repository.setWindow({ ...binding, activeFrom: binding.activeFrom < at ? binding.activeFrom : at, activeUntil: at })
        audit.record({ actor: systemActor, type: 'trust.windows_mended', subject: { kind: 'workspace', id: 'clock' }, data: { begun: begun.map(({ id }) => id), ended: ended.map(({ id }) => id) } })
      })
    },

    materials,
    /** What the bindings of today give at another time (milliseconds). */
    materialsAt: (at: number): Materials => createMaterials(createInventory({ ...deps, clock: { ...clock, now: () => at } })),
    ssh,
    insights,

    /** The private key of an SSH client key item, as text. */
    clientKey(id: string): string {
      const text = inventory.get(id).kind === 'ssh-client' ? inventory.privateKey(id) : null
      if (text === null) throw new AppError('input.invalid', `${id} is not an SSH client key with its private part`)
      return text
    },

    async generate(request: GenerateRequest, actor: Actor): Promise<TrustItem> {
      const { kind, key, label } = await generated(request, clock.now())
      const item = database.transaction(() => {
        const targets = request.kind === 'ssh' ? [] : request.bind
        requirePartners(targets)
        const made = ensure(kind, key, label, actor)
        addProvenance(made.item.id, inventory.provenance({ source: 'generated' }, actor))
        for (const target of targets) inventory.bind(made.item.id, target, actor)
        return repository.get(made.item.id).item
      })
      return announce(item)
    },

    /** A person compared the item over a second channel. */
    confirm(request: { id: string; compared: string; source: ProvenanceInput['source']; person: string; note?: string | undefined }, actor: Actor): TrustItem {
      const { item } = repository.get(request.id)
      if (!namesItem(request.compared, item)) throw new AppError('trust.differs', `${request.compared.slice(0, 100)} is not ${item.label}`, { details: { here: item.fingerprint, ...(item.x509 === null ? {} : { 'SHA-1 here': item.x509.sha1 }) } })
      const { source, person, note } = request
      database.transaction(() => {
        addProvenance(item.id, inventory.provenance({ source, person, ...(note === undefined ? {} : { note }) }, actor, request.compared))
        audit.record({ actor, type: 'trust.confirmed', subject: { kind: 'trust', id: item.id }, data: { fingerprint: item.fingerprint, compared: request.compared, source, person } })
      })
      return announce(repository.get(item.id).item)
    },

    /** A certificate request for the key of an item, with its names. The answer is installed by importing it. */
    request(id: string, actor: Actor): ExportedFile {
      const stored = repository.get(id)
      const privateKey = inventory.privateKey(id)
      if (privateKey === null || stored.item.x509 === null) throw new AppError('input.invalid', `${stored.item.label} is no certificate with its private key here`)
      const file = requestFor(stored, privateKey)
      audit.record({ actor, type: 'trust.requested', subject: { kind: 'trust', id }, data: { fingerprint: stored.item.fingerprint, file: file.fileName } })
      return file
    },

    /** The private half under a password. It is recorded before it is handed out. */
    async exportPrivate(request: { id: string; password: string; reason: string }, actor: Actor): Promise<ExportedFile> {
      const stored = repository.get(request.id)
      const privateKey = inventory.privateKey(request.id)
      if (privateKey === null) throw new AppError('input.invalid', `${stored.item.label} has no private key here`)
      const file = await exportedPrivate(stored, privateKey, request.password)
      audit.record({ actor, type: 'trust.private_key_exported', subject: { kind: 'trust', id: request.id }, data: { fingerprint: stored.item.fingerprint, file: file.fileName, reason: request.reason } })
      return file
    },

    /** Seals the client key that a partner document brought along. */
    addClientKey(text: string, passphrase: string | undefined, label: string, actor: Actor): TrustItem {
      const key = readPrivateKey(text, passphrase)
      const { item } = ensure('ssh-client', key, label, actor)
      addProvenance(item.id, inventory.provenance({ source: 'partner-file' }, actor))
      return repository.get(item.id).item
    },

    bind(item: string, target: BindTarget, actor: Actor): TrustItem {
      database.transaction(() => {
        requirePartners([target])
        inventory.bind(item, target, actor)
      })
      return announce(repository.get(item).item)
    },

    feed,

    attach(id: string, provenance: ProvenanceInput, file: { readonly name: string; readonly content: Buffer }, actor: Actor): TrustItem {
      const { item } = repository.get(id)
      database.transaction(() => {
        const kept = attachments.add(id, file.name, file.content)
        repository.addProvenance(id, { ...inventory.provenance(provenance, actor), file: kept })
        audit.record({ actor, type: 'trust.provenance_added', subject: { kind: 'trust', id }, data: { fingerprint: item.fingerprint, source: provenance.source, file: kept.name, sha256: kept.sha256 } })
      })
      return announce(repository.get(id).item)
    },

    attachment: (id: string, file: string) => attachments.get(id, file),

    /** The public part, in the form that is asked for. */
    export: (id: string, format: ExportFormat) => exported(repository.get(id), format),

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

    /** Pins a presented certificate (PEM) or its public key (`spki:…`) that a person compared. */
    pinCertificate(
      target: { partner: string; connection: string; certificate: string; provenance: ProvenanceInput; compared: string; replace: boolean },
      actor: Actor,
    ): TrustItem {
      const { provenance, compared, ...rest } = target
      return announce(database.transaction(() => materials.pinTls({ ...rest, provenance: inventory.provenance(provenance, actor, compared) }, actor)))
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

    /** A fingerprint-only pin learns the full key of the server that matched it. */
    noteSeenKey(key: SshPublicKey): void {
      const known = repository.findByFingerprint('ssh-host', key.fingerprint)
      if (known !== null && known.item.publicKey === null) repository.completePublicKey(known.item.id, key)
    },
  }
}

