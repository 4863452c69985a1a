import type { Approval, PolicyDiff, Review, ReviewSummary, RoleReview } from '../../contract/policy-calls.ts'
import type { Delivery } from '../../contract/deliveries.ts'
import type { ExceptionState } from '../../contract/policy.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { StationDocument } from '../../contract/station.ts'
import { Role, type TrustItem } from '../../contract/trust.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import type { RaiseNotice } from '../notifications/raise.ts'
import { exceptionStates } from '../partners/rules.ts'
import type { Database } from '../store/database.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import { problemsOfRole } from '../trust/fitness.ts'
import { isActive } from '../trust/rules.ts'
import { createApprovals, type ApprovedText } from './approvals.ts'
import { createPolicyDocuments } from './documents.ts'
import { createPolicyGate, type PolicyGate } from './gate.ts'
import { createReminders } from './reminders.ts'
import type { Refusal } from './facts.ts'
import { createPolicyRepository } from './repository.ts'
import { askedOf, rulesOf, seenFor } from './rules.ts'

export type { ApprovedText } from './approvals.ts'
export type { PolicyGate } from './gate.ts'
export type PolicyService = ReturnType<typeof createPolicyService>

/** Weaknesses that are refused before the policy sees them. */
const REFUSED_BELOW: readonly string[] = ['as2.algorithm_refused', 'as2.plain_http', 'as2.certificate_unfit', 'sftp.algorithms_refused', 'tls.version_refused', 'tls.algorithms_refused', 'pgp.weak_algorithm', 'pgp.no_integrity', 'pgp.not_signed', 'pgp.not_encrypted', 'pgp.key_expired']

const REVIEW_EVERY_DAYS = 365
const DAY_MS = 86_400_000

export interface PolicyDeps {
  readonly database: Database
  readonly secrets: SealedSecrets
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly raise: RaiseNotice
  readonly clock: Clock
  readonly station: () => StationDocument | null
  readonly partners: { all(): readonly PartnerDocument[]; find(partner: string): PartnerDocument | null; tolerated(partner: string, connection: string | undefined): readonly string[] }
  /** Everything that has a binding; of one partner, its own items and those of our station. */
  readonly boundItems: (partner?: string) => readonly TrustItem[]
  /** What was negotiated at the last attempt on a connection. */
  readonly lastObserved: (partner: string, connection: string) => Readonly<Record<string, string>>
}

export function createPolicyService(deps: PolicyDeps) {
  const { database, audit, publisher, clock, partners } = deps
  const repository = createPolicyRepository(database)
  const documents = createPolicyDocuments({ database, repository, audit, publisher })
  const approvals = createApprovals({ ...deps, repository, everyone: documents.everyone, policyOf: documents.of })
  const gate: PolicyGate = createPolicyGate({ database, repository, approvals, audit, publisher, clock, find: partners.find, policyOf: documents.of })

  const documentOf = (id: string): PartnerDocument => {
    const found = partners.find(id)
    if (found === null) throw new AppError('input.not_found', `there is no partner ${id}`)
    return found
  }

  const roleReview = (partner: PartnerDocument, connection: PartnerDocument['connections'][number], role: Role, items: readonly TrustItem[]): RoleReview | null => {
    const now = clock.now()
    const all = items.flatMap((item) => item.bindings.filter((binding) => binding.role === role && isActive(binding, now)).map((binding) => ({ item, binding })))
    const own = all.filter(({ binding }) => binding.partner === partner.id && (binding.connection === null || binding.connection === connection.id))
    const effective = own.length > 0 || role === 'verify' || role === 'encrypt' ? own : all.filter(({ binding }) => binding.partner === null)
    const asked = askedOf(connection, role, documents.of(partner))
    if (asked === null && own.length === 0) return null
    const tolerated = partners.tolerated(partner.id, connection.id)
    const bound = (asked === null ? own : effective).map(({ item, binding }) => ({
      item: item.id, label: item.label, fingerprint: item.fingerprint, assurance: item.assurance,
      via: binding.partner === null ? ('station' as const) : ('partner' as const),
      activeFrom: binding.activeFrom, activeUntil: binding.activeUntil,
      problems: problemsOfRole(item, role, { at: now, tolerated }),
    }))
    const usable = bound.filter(({ problems }) => problems.every(({ severity }) => severity !== 'error'))
    const clean = usable.length === bound.length && bound.every(({ problems, assurance }) => problems.length === 0 && (assurance === 'own' || assurance === 'confirmed'))
    return {
      connection: connection.id,
      role,
      asked: asked ?? 'not asked for by the settings',
      bound,
      seen: seenFor(role, deps.lastObserved(partner.id, connection.id)),
      verdict: asked !== null && usable.length === 0 ? 'missing' : clean ? 'ok' : 'warning',
    }
  }

  const today = (): string => timestamp(clock.now()).slice(0, 10)

  const review = (id: string): Review => {
    const partner = documentOf(id)
    const items = deps.boundItems(id)
    const roles = partner.connections.flatMap((connection) => Role.options.flatMap((role) => roleReview(partner, connection, role, items) ?? []))
    const row = repository.lastReview(id)
    const last = row === undefined ? null : { at: row.at, by: row.reviewer, note: row.note, due: row.due }
    return { partner: id, roles, last, overdue: last === null || last.due < today() }
  }

  /** Exceptions as they stand, with what relied on them. */
  const exceptionsOf = (partner: PartnerDocument): ExceptionState[] => {
    const usage = repository.usage(partner.id)
    return exceptionStates(partner, clock.now()).map((state) => {
      const own = usage.filter(({ allow, until, connection }) => allow === state.allow && until === state.until && (state.connection === undefined || state.connection === connection)).toSorted((left, right) => right.lastAt.localeCompare(left.lastAt))
      return { ...state, used: { deliveries: own.reduce((sum, { deliveries }) => sum + deliveries, 0), lastAt: own[0]?.lastAt ?? null, lastDelivery: own[0]?.lastDelivery ?? null } }
    })
  }

  return {
    gate,
    remind: createReminders({ repository, partners: partners.all, raise: deps.raise, clock }),
    /** What a protocol or format refused by itself is told by the ledger; what the policy refused is noted already. */
    noteFailure({ id, partner, connection, direction, error }: Delivery): void {
      if (error === null || !REFUSED_BELOW.includes(error.code)) return
      gate.noteRefusal({ partner, connection, direction, delivery: id }, { rule: error.code, seen: error.message, exception: error.details?.['exception'] ?? null })
    },
    refusals: (partner?: string): Refusal[] => repository.refusals(partner),
    exceptionsOf,

    /** Everyone's policy: what was changed, and what that comes to. */
    everyone: () => ({ document: documents.change(), effective: documents.everyone() }),
    apply: documents.apply,

    hardened: repository.hardened,
    /** For everybody, or by the partner's own document. */
    hardenedFor: (partner: string): boolean => approvals.hardenedFor(documentOf(partner)),

    show(id: string) {
      const partner = documentOf(id)
      const states = exceptionsOf(partner)
      const effective = documents.of(partner)
      const exceptionsOn = (connection: string): ExceptionState[] => states.filter((state) => state.connection === undefined || state.connection === connection)
      return {
        partner: id,
        hardened: approvals.hardenedFor(partner),
        document: partner.policy ?? {},
        effective,
        connections: partner.connections.map((connection) => ({ connection: connection.id, protocol: connection.protocol, rules: rulesOf(connection, effective), exceptions: exceptionsOn(connection.id) })),
        refusals: repository.refusals(id).slice(0, 50),
      }
    },

    review,

    /** When which partner was reviewed, the most urgent first. */
    reviews(): ReviewSummary[] {
      const last = new Map(repository.lastReviews().map((row) => [row.partner, row]))
      return partners
        .all()
        .map(({ id, name }): ReviewSummary => {
          const row = last.get(id)
          return { partner: id, name, at: row?.at ?? null, by: row?.reviewer ?? null, due: row?.due ?? null, overdue: row === undefined || row.due < today() }
        })
        .toSorted((left, right) => (left.due ?? '').localeCompare(right.due ?? '') || left.name.localeCompare(right.name))
    },

    recordReview(request: { partner: string; by: string; note?: string | undefined; due?: string | undefined }, actor: Actor): Review {
      documentOf(request.partner)
      const now = clock.now()
      const due = request.due ?? timestamp(now + REVIEW_EVERY_DAYS * DAY_MS).slice(0, 10)
      if (due < today()) throw new AppError('input.invalid', `due: ${due} is over`)
      database.transaction(() => {
        repository.insertReview({ partner: request.partner, at: timestamp(now), reviewer: request.by, note: request.note ?? null, due })
        audit.record({ actor, type: 'policy.reviewed', subject: { kind: 'partner', id: request.partner }, partner: request.partner, data: { by: request.by, due } })
      })
      publisher.publish('policy.changed', { hardened: repository.hardened() })
      return review(request.partner)
    },

    lock: approvals.lock,
    diff: (): PolicyDiff => approvals.diff(),
    /** Null before the first approval. */
    approved: (partner: string): ApprovedText | null => approvals.approved(partner),

    approve(request: { by: string; reason: string; sha256?: string | undefined }, actor: Actor): Approval {
      const approval = approvals.approve(request, actor)
      publisher.publish('policy.changed', { hardened: repository.hardened() })
      return approval
    },

    setHardened(on: boolean, actor: Actor): { hardened: boolean } {
      database.transaction(() => {
        repository.setHardened(on)
        audit.record({ actor, type: on ? 'policy.hardened' : 'policy.relaxed', subject: { kind: 'policy', id: 'lock' } })
      })
      publisher.publish('policy.changed', { hardened: on })
      return { hardened: on }
    },
  }
}
