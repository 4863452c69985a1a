import type { Connection, PartnerDocument, SftpConnection } from '../../contract/partner-document.ts'
import type { PartnerDetail, PartnerSummary } from '../../contract/partners.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import type { Database } from '../store/database.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { TrustService } from '../trust/service.ts'
import { isActive } from '../trust/rules.ts'
import type { PartnerRepository, StoredPartner } from './repository.ts'
import { addressOf, exceptionStates, parsePartnerDocument, secretId, secretText } from './rules.ts'

/** What partners need to know of the ledger. */
export interface DeliveryStatistics {
  /** Per partner: newest delivery, how many wait for a person, how many are not finished. */
  perPartner(): ReadonlyMap<string, { readonly lastAt: string; readonly attention: number; readonly open: number }>
}

export type PartnerService = ReturnType<typeof createPartnerService>

export function createPartnerService(deps: {
  readonly database: Database
  readonly repository: PartnerRepository
  readonly deliveries: DeliveryStatistics
  readonly trust: TrustService
  readonly secrets: SealedSecrets
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
}) {
  const { database, repository, deliveries, trust, secrets, audit, publisher, clock } = deps
  const now = (): string => timestamp(clock.now())

  const summaryOf = (partner: StoredPartner, statistics: ReturnType<DeliveryStatistics['perPartner']>): PartnerSummary => ({
    id: partner.id,
    name: partner.document.name,
    suspended: partner.suspended,
    connections: partner.document.connections.map((connection) => ({
      id: connection.id,
      protocol: connection.protocol,
      address: addressOf(connection),
      trusted: trust.pins(partner.id, connection.id).length > 0,
    })),
    lastDeliveryAt: statistics.get(partner.id)?.lastAt ?? null,
    attention: statistics.get(partner.id)?.attention ?? 0,
    practice: partner.practice,
    updatedAt: partner.updatedAt,
  })

  /** The document as it is shown: with the pins that hold now. */
  const shown = (partner: StoredPartner): PartnerDocument => ({
    ...partner.document,
    connections: partner.document.connections.map((connection) => ({
      ...connection,
      hostKeys: trust.pins(partner.id, connection.id).map((pin) => {
        const provenance = trust.show(pin.item).provenance.at(-1)
        const { source, person, at, note } = provenance ?? { source: 'other' as const, person: undefined, at: undefined, note: undefined }
        return {
          key: pin.publicKey ?? pin.fingerprint,
          provenance: { source, ...(person === undefined ? {} : { person }), ...(at === undefined ? {} : { at }), ...(note === undefined ? {} : { note }) },
        }
      }),
    })),
  })

  const detailOf = (id: string): PartnerDetail => {
    const partner = repository.get(id)
    const at = clock.now()
    return {
      summary: summaryOf(partner, deliveries.perPartner()),
      document: shown(partner),
      trust: trust.itemsOfPartner(id).filter((item) => item.bindings.some((binding) => binding.partner === id && isActive(binding, at))),
      exceptions: exceptionStates(partner.document, at),
    }
  }

  /** Seals what the connection brings along and answers it as it is stored. */
  const sealConnection = (partner: string, connection: Connection, before: Connection | undefined, actor: Actor): { stored: SftpConnection; changed: boolean } => {
    const { hostKeys, ...rest } = connection
    const path = `connections.${connection.id}.auth`
    let changed = hostKeys !== undefined && trust.syncPins(partner, connection.id, hostKeys, actor)
    const { auth } = connection
    if (auth.method === 'password') {
      const id = secretId(partner, connection.id, 'password')
      const text = secretText(auth.password, `${path}.password`)
      const sealed = secrets.get(id)
      if (text === null && sealed === null) throw new AppError('input.invalid', `${path}.password: nothing is sealed yet; give the password`)
      if (text !== null && text !== sealed) {
        secrets.put(id, text)
        changed = true
      }
      trust.syncClientKey(partner, connection.id, null, actor)
      return { stored: { ...rest, auth: { method: 'password', password: { sealed: true } } }, changed }
    }
    const item = auth.item ?? clientKeyItem(partner, connection, before, auth, path, actor)
    trust.syncClientKey(partner, connection.id, item, actor)
    return { stored: { ...rest, auth: { method: 'key', item } }, changed }
  }

  const clientKeyItem = (
    partner: string,
    connection: Connection,
    before: Connection | undefined,
    auth: Extract<SftpConnection['auth'], { method: 'key' }>,
    path: string,
    actor: Actor,
  ): string => {
    const text = auth.privateKey === undefined ? null : secretText(auth.privateKey, `${path}.privateKey`)
    if (text === null) {
      const kept = before?.auth.method === 'key' ? before.auth.item : undefined
      if (kept === undefined) throw new AppError('input.invalid', `${path}.privateKey: no key is sealed yet; give the private key`)
      return kept
    }
    const passphrase = auth.passphrase === undefined ? null : secretText(auth.passphrase, `${path}.passphrase`)
    return trust.addClientKey(text, passphrase ?? undefined, `Key for ${partner}/${connection.id}`, actor).id
  }

  const noOpenDeliveries = (id: string): void => {
    const open = deliveries.perPartner().get(id)?.open ?? 0
    if (open > 0) throw new AppError('input.in_use', `${open} deliveries to ${id} are not finished`, { details: { deliveries: String(open) } })
  }

  return {
    list(query: { limit: number; search?: string | undefined }): { partners: PartnerSummary[]; total: number } {
      const { partners, total } = repository.list(query)
      const statistics = deliveries.perPartner()
      return { partners: partners.map((partner) => summaryOf(partner, statistics)), total }
    },

    show: detailOf,

    /** Validates, seals, pins and stores in one transaction; the same document twice changes nothing. */
    apply(input: unknown, actor: Actor, options: { readonly practice?: boolean } = {}): { partner: PartnerDetail; changed: boolean; created: boolean } {
      const { $schema: _, ...document } = parsePartnerDocument(input)
      const result = database.transaction(() => {
        const before = repository.find(document.id)
        let changed = before === null
        const connections = document.connections.map((connection) => {
          const sealed = sealConnection(document.id, connection, before?.document.connections.find(({ id }) => id === connection.id), actor)
          changed ||= sealed.changed
          return sealed.stored
        })
        const stored: PartnerDocument = { ...document, connections }
        const differences = before === null ? [] : differingFields(before.document, stored)
        changed ||= differences.length > 0
        if (!changed) return { changed, created: false }
        repository.save(stored, { practice: options.practice ?? before?.practice ?? false, at: now() })
        audit.record({
          actor,
          type: before === null ? 'partner.created' : 'partner.changed',
          subject: { kind: 'partner', id: document.id },
          partner: document.id,
          data: { name: document.name, connections: connections.map(({ id, protocol, host, port }) => ({ id, protocol, host, port })), changed: differences },
        })
        return { changed, created: before === null }
      })
      if (result.changed) publisher.publish('partners.changed', { id: document.id, removed: false })
      return { partner: detailOf(document.id), ...result }
    },

    setSuspended(id: string, suspended: boolean, reason: string | undefined, actor: Actor): PartnerSummary {
      const partner = repository.get(id)
      if (partner.suspended !== suspended) {
        database.transaction(() => {
          repository.setSuspended(id, suspended, now())
          audit.record({
            actor,
            type: suspended ? 'partner.suspended' : 'partner.resumed',
            subject: { kind: 'partner', id },
            partner: id,
            data: reason === undefined ? {} : { reason },
          })
        })
        publisher.publish('partners.changed', { id, removed: false })
      }
      return detailOf(id).summary
    },

    remove(id: string, actor: Actor): void {
      repository.get(id)
      noOpenDeliveries(id)
      database.transaction(() => {
        trust.releasePartner(id, actor)
        for (const connection of repository.get(id).document.connections) secrets.delete(secretId(id, connection.id, 'password'))
        repository.remove(id, now())
        audit.record({ actor, type: 'partner.removed', subject: { kind: 'partner', id }, partner: id })
      })
      publisher.publish('partners.changed', { id, removed: true })
    },
  }
}

/** Names of the top-level fields that differ; values stay out of the audit trail. */
function differingFields(before: PartnerDocument, after: PartnerDocument): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof PartnerDocument>
  return [...keys].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
}
