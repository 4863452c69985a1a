import type { ProvenanceInput } from '../../contract/connections/common.ts'
import type { PreviewItem, TrustItem, TrustItemDetail } from '../../contract/trust.ts'
import type { Consequence } from '../../contract/trust-insights.ts'
import type { FitnessProblem } from '../../contract/trust-details.ts'
import type { AuditTrail } from '../audit/service.ts'
import { readPrivateKey, type SshPublicKey } from '../crypto/ssh/index.ts'
import type { Actor } from '../kernel/actor.ts'
import type { Clock } from '../kernel/clock.ts'
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
import { exported, type ExportedFile, type ExportFormat } from './exports.ts'
import { requestFor } from './requests.ts'
import { exportedPrivate } from './private-exports.ts'
import { fitnessOf } from './fitness.ts'
import { generated, type GenerateRequest } from './generation.ts'
import { createInsights } from './insights.ts'
import { createInventory, type BindTarget } from './inventory.ts'
import { readMaterial, type Material, type MaterialRequest } from './material-files.ts'
import { asNew } from './new-item.ts'
import { mergedWithKnown, revokedFound } from './pgp-items.ts'
import { previewOf } from './preview.ts'
import { remarksOf } from './remarks.ts'
import { createMaterials, type Materials } from './materials.ts'
import { isPending } from './rules.ts'
import { createSshInventory } from './ssh.ts'
import type { Found, LoneKey } from './x509-material.ts'

export interface ImportRequest {
  /** The file's content. */
  readonly content: Buffer
  readonly kind?: 'x509' | 'ca' | undefined
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

  /** The list of what would break is the one that `whatIf` gives. */
  const refuseWhileBound = (item: TrustItem): void => {
    const users = item.bindings.filter((binding) => isPending(binding, clock.now()))
    if (users.length === 0) return
    const broken = insights.ifGone(item).map(({ partner, connection, role, severity, message }) => `${partner}/${connection} as ${role}: ${severity === 'breaks' ? message : `${severity}, ${message}`}`)
    const idle = users.filter((binding) => broken.every((text) => !text.includes(` as ${binding.role}:`))).map((binding) => `${binding.partner ?? 'station'}/${binding.connection ?? '*'} as ${binding.role} (nothing relies on it now)`)
    throw new AppError('input.in_use', `${item.label} is bound ${users.length} time(s)`, {
      details: Object.fromEntries([...broken, ...idle].map((text, index) => [`used by ${index + 1}`, text])),
    })
  }

  const requirePartners = (targets: readonly BindTarget[]): void => {
    for (const { partner, connection } of targets) if (partner !== undefined) partners.require(partner, connection)
  }

  /** A private key whose certificate is in the inventory already. */
  const attachKey = ({ keyId, privateKey }: LoneKey, actor: Actor): string => {
    const [known] = repository.findByKeyId(keyId)
    if (known === undefined) throw new AppError('trust.key_without_certificate', 'no certificate belongs to the private key')
    if (known.secret === null) inventory.addPrivateKey(known.item, privateKey, actor)
    return known.item.id
  }

  /** An authority's answer to our request: the same key pair, so the private half is here already. */
  const installAnswer = (item: TrustItem, actor: Actor): void => {
    if (item.kind !== 'x509' || item.hasPrivateKey || item.keyId === null) return
    const privateKey = repository.findByKeyId(item.keyId).map(({ item: other }) => inventory.privateKey(other.id)).find((text) => text !== null)
    if (privateKey !== undefined && privateKey !== null) inventory.addPrivateKey(item, privateKey, actor)
  }

  const knowsKey = (keyId: string): boolean => repository.findByKeyId(keyId).length > 0

  /** An OpenPGP key that is here already comes in as both together. */
  const withKnown = async (found: Found): Promise<Found> => {
    const known = found.kind === 'pgp' ? repository.findByFingerprint('pgp', found.key.fingerprint) : null
    return known === null ? found : await mergedWithKnown(found, { publicKey: known.item.publicKey, privateKey: inventory.privateKey(known.item.id) })
  }

  const read = async (request: MaterialRequest): Promise<Material> => {
    const known = repository.list({ limit: 10_000, kind: 'pgp' }).items.flatMap(({ publicKey }) => publicKey ?? [])
    const revoked = await revokedFound(request.content, known)
    return revoked === null ? await readMaterial(request, knowsKey) : { format: 'OpenPGP revocation', found: [revoked], loneKeys: [] }
  }

  const remarksOn = ({ kind, key }: Found): FitnessProblem[] => {
    const others = key.keyId === undefined ? [] : repository.findByKeyId(key.keyId).filter(({ item }) => item.kind !== kind || item.fingerprint !== key.fingerprint)
    return remarksOf(key, others.map(({ item }) => item.label))
  }

  return {
    list: (query: Parameters<TrustRepository['list']>[0]) => repository.list(query),
    show(id: string): TrustItemDetail {
      const { item } = repository.get(id)
      return { ...item, fitness: fitnessOf(item, inventory.circumstances({})) }
    },
    boundItems: (partner?: string): TrustItem[] => repository.boundItems(partner),
    itemsOfPartner: (partner: string): TrustItem[] => repository.itemsOfPartner(partner),

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

    /** What an import would make. */
    async preview(request: Omit<ImportRequest, 'bind'>): Promise<{ format: string; items: PreviewItem[] }> {
      const material = await read({ ...request, bind: [] })
      const attached = material.loneKeys.flatMap(({ keyId, privateKey }) => repository.findByKeyId(keyId).slice(0, 1).map(({ item }): Found => ({ kind: item.kind, label: item.label, key: { ...asNew(item), privateKey } })))
      if (attached.length < material.loneKeys.length) throw new AppError('trust.key_without_certificate', 'no certificate belongs to the private key')
      const found = await Promise.all([...attached, ...material.found].map(withKnown))
      return {
        format: material.format,
        items: found.map((one) => previewOf(one, repository.findByFingerprint(one.kind, one.key.fingerprint), remarksOn(one), inventory.circumstances({}))),
      }
    },

    /** Imports whatever the content holds and binds it. Nothing is stored unless everything can be. */
    async import(request: ImportRequest, actor: Actor): Promise<{ items: TrustItem[]; created: number }> {
      const material = await read(request)
      const found = await Promise.all(material.found.map(withKnown))
      const result = database.transaction(() => {
        requirePartners(request.bind)
        const attached = material.loneKeys.map((key) => attachKey(key, actor))
        const made = found.map(({ kind, key, label }) => ensure(kind, key, request.label ?? label, actor))
        for (const { item } of made) installAnswer(item, actor)
        const ids = [...new Set([...attached, ...made.map(({ item }) => item.id)])]
        for (const id of ids) {
          if (request.provenance !== undefined) addProvenance(id, inventory.provenance(request.provenance, actor))
          for (const target of request.bind) inventory.bind(id, target, actor)
        }
        return { items: ids.map((id) => repository.get(id).item), created: made.filter(({ created }) => created).length }
      })
      for (const item of result.items) announce(item)
      return result
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

    unbind(binding: string, actor: Actor): TrustItem {
      const found = repository.findBinding(binding)
      if (found === null) throw new AppError('input.not_found', `there is no binding ${binding}`)
      database.transaction(() => endBinding(found, actor, 'unbound by the operator'))
      return announce(repository.get(found.item).item)
    },

    retire(id: string, reason: string | undefined, actor: Actor): TrustItem {
      const { item } = repository.get(id)
      refuseWhileBound(item)
      database.transaction(() => {
        repository.setState(id, 'retired')
        audit.record({ actor, type: 'trust.retired', subject: { kind: 'trust', id }, data: { fingerprint: item.fingerprint, ...(reason === undefined ? {} : { reason }) } })
      })
      return announce(repository.get(id).item)
    },

    /** Only what was never used: everything else stays explainable. */
    remove(id: string, reason: string | undefined, actor: Actor): void {
      const { item, secret } = repository.get(id)
      refuseWhileBound(item)
      if (item.bindings.length > 0) throw new AppError('input.conflict', `${item.label} was in use; what was exchanged with it must stay explainable. Retire it instead`)
      database.transaction(() => {
        repository.remove(id)
        if (secret !== null) deps.secrets.delete(secret)
        audit.record({ actor, type: 'trust.removed', subject: { kind: 'trust', id }, data: { label: item.label, kind: item.kind, fingerprint: item.fingerprint, ...(reason === undefined ? {} : { reason }) } })
      })
      announce(item)
    },

    /** Everything ends at once. Answers what that stops. */
    revoke(id: string, reason: string, actor: Actor): { item: TrustItem; consequences: Consequence[] } {
      const { item } = repository.get(id)
      const consequences = insights.ifGone(item)
      database.transaction(() => {
        for (const binding of item.bindings) if (isPending(binding, clock.now())) endBinding(binding, actor, `revoked: ${reason}`)
        repository.setState(id, 'retired')
        audit.record({ actor, type: 'trust.revoked', subject: { kind: 'trust', id }, data: { fingerprint: item.fingerprint, reason, stops: consequences.filter(({ severity }) => severity === 'breaks').map(({ partner, connection, role }) => `${partner}/${connection} ${role}`) } })
      })
      return { item: announce(repository.get(id).item), consequences }
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

    /** Ends every binding of a partner that is removed. Call it inside a transaction. */
    releasePartner(partner: string, actor: Actor): void {
      for (const item of repository.itemsOfPartner(partner))
        for (const binding of item.bindings) if (binding.partner === partner && isPending(binding, clock.now())) endBinding(binding, actor, 'the partner was removed')
    },

    /** A fingerprint-only pin learns the full key of the server that matched it. */
    noteSeenKey(key: SshPublicKey): void {
      const known = repository.findByFingerprint('ssh-host', key.fingerprint)
      if (known !== null && known.item.publicKey === null) repository.completePublicKey(known.item.id, key)
    },
  }
}

