import { demandsCertificate } from '../../contract/connections/as2.ts'
import type { ProvenanceInput } from '../../contract/connections/common.ts'
import type { Connection } from '../../contract/connections/index.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { ExceptionState } from '../../contract/policy.ts'
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
import { addressOf, parsePartnerDocument } from './rules.ts'
import { createSealing } from './sealing.ts'

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
  /** Folder in which a partner's received files appear. */
  readonly inboxOf: (partner: string) => string
  /** Exceptions as they stand, with what relied on them. */
  readonly exceptionsOf: (partner: PartnerDocument) => ExceptionState[]
}) {
  const { database, repository, deliveries, trust, secrets, audit, publisher, clock, inboxOf } = deps
  const sealing = createSealing({ trust, secrets })
  const now = (): string => timestamp(clock.now())

  const summaryOf = (partner: StoredPartner, statistics: ReturnType<DeliveryStatistics['perPartner']>): PartnerSummary => ({
    id: partner.id,
    name: partner.document.name,
    suspended: partner.suspended,
    connections: partner.document.connections.map((connection) => ({
      id: connection.id,
      protocol: connection.protocol,
      address: addressOf(connection),
      trusted: isIdentityConfirmed(partner.id, connection),
    })),
    lastDeliveryAt: statistics.get(partner.id)?.lastAt ?? null,
    attention: statistics.get(partner.id)?.attention ?? 0,
    practice: partner.practice,
    updatedAt: partner.updatedAt,
  })

  /** Whether anything here can tell the right server from a wrong one. */
  const isIdentityConfirmed = (partner: string, connection: Connection): boolean => {
    if (connection.protocol === 'folder') return true
    if (connection.protocol === 'sftp') return trust.materials.pins(partner, connection.id).length + trust.ssh.items(partner, connection.id, 'hostAuthorities').length > 0
    return connection.tls.trust === 'authority' || trust.materials.tls(partner, connection.id).pins.length > 0
  }

  const provenanceOf = (item: string): ProvenanceInput => {
    const { source = 'other', person, at, note } = trust.show(item).provenance.at(-1) ?? {}
    return { source, ...(person === undefined ? {} : { person }), ...(at === undefined ? {} : { at }), ...(note === undefined ? {} : { note }) }
  }

  /** A connection as it is shown: with the pins that hold now. */
  const shownConnection = (partner: string, connection: Connection): Connection => {
    if (connection.protocol === 'folder') return connection
    if (connection.protocol === 'sftp') {
      const keys = (list: Parameters<typeof trust.ssh.items>[2]) => trust.ssh.items(partner, connection.id, list).map(({ id, publicKey, fingerprint }) => ({ key: publicKey ?? fingerprint, provenance: provenanceOf(id) }))
      const [hostAuthorities, revokedHostKeys] = [keys('hostAuthorities'), keys('revokedHostKeys')]
      return {
        ...connection,
        hostKeys: keys('hostKeys'),
        ...(hostAuthorities.length === 0 ? {} : { hostAuthorities }),
        ...(revokedHostKeys.length === 0 ? {} : { revokedHostKeys }),
        ...(connection.jump === undefined ? {} : { jump: { ...connection.jump, hostKeys: keys('jumpHostKeys') } }),
      }
    }
    const pins = trust.materials.tls(partner, connection.id).pins.map((pin) => ({ certificate: pin.certificate ?? pin.fingerprint, provenance: provenanceOf(pin.item) }))
    const shown = { ...connection, tls: { ...connection.tls, pins } }
    // Where none must be shown they are left out, which leaves what is bound as it is.
    if (shown.protocol !== 'as2' || !demandsCertificate(shown)) return shown
    const bound = trust.materials.callers(partner, connection.id).map(({ id, publicKey, fingerprint }) => ({ certificate: publicKey ?? fingerprint, provenance: provenanceOf(id) }))
    return { ...shown, inbound: { ...shown.inbound, requireClientCertificate: true, clientCertificates: [...(shown.inbound.clientCertificates ?? []), ...bound] } }
  }

  const detailOf = (id: string): PartnerDetail => {
    const partner = repository.get(id)
    const at = clock.now()
    return {
      summary: summaryOf(partner, deliveries.perPartner()),
      document: { ...partner.document, connections: partner.document.connections.map((connection) => shownConnection(id, connection)) },
      trust: trust.itemsOfPartner(id).filter((item) => item.bindings.some((binding) => binding.partner === id && isActive(binding, at))),
      exceptions: deps.exceptionsOf(partner.document),
      inbox: inboxOf(id),
    }
  }

  const noOpenDeliveries = (id: string): void => {
    const open = deliveries.perPartner().get(id)?.open ?? 0
    if (open > 0) throw new AppError('input.in_use', `${open} deliveries to ${id} are not finished`, { details: { deliveries: String(open) } })
  }

  return {
    list(query: { limit: number; offset?: number | undefined; search?: string | undefined }): { partners: PartnerSummary[]; total: number } {
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
          const sealed = sealing.seal(document.id, connection, before?.document.connections.find(({ id }) => id === connection.id), actor)
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
          data: { name: document.name, connections: connections.map((connection) => ({ id: connection.id, protocol: connection.protocol, address: addressOf(connection) })), changed: differences },
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
        for (const connection of repository.get(id).document.connections) sealing.forget(id, connection)
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
