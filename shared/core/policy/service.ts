import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto'
import type { Approval, PolicyDiff, Review, RoleReview } from '../../contract/policy-calls.ts'
import type { ExceptionState } from '../../contract/policy.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { StationDocument } from '../../contract/station.ts'
import { Role, type TrustItem } from '../../contract/trust.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { exceptionStates } from '../partners/rules.ts'
import type { Database } from '../store/database.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import { problemsOfRole } from '../trust/fitness.ts'
import { isActive } from '../trust/rules.ts'
import { signAsWorkspace, WORKSPACE_KEY } from '../workspace/signing.ts'
import { askedOf, concerns, differences, lockText, rulesOf, seenFor } from './rules.ts'

export type PolicyService = ReturnType<typeof createPolicyService>

const HARDENED = 'policy.hardened'
const REVIEW_EVERY_DAYS = 365
const DAY_MS = 86_400_000

interface ApprovalRow {
  at: string
  approver: string
  reason: string
  lock: string
  signature: string
  public_key: string
}

/** The last approved trust and policy of one partner, as lines of the lock file. */
export interface ApprovedText {
  readonly at: string
  readonly by: string
  readonly reason: string
  readonly text: string
  readonly signatureValid: boolean
}

export interface PolicyDeps {
  readonly database: Database
  readonly secrets: SealedSecrets
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
  readonly station: () => StationDocument | null
  readonly partners: { all(): readonly PartnerDocument[]; tolerated(partner: string, connection: string | undefined): readonly string[] }
  /** Everything that has a binding. */
  readonly boundItems: () => readonly TrustItem[]
  /** What was negotiated at the last attempt on a connection. */
  readonly lastObserved: (partner: string, connection: string) => Readonly<Record<string, string>>
}

export function createPolicyService(deps: PolicyDeps) {
  const { database, secrets, audit, publisher, clock, partners } = deps

  const documentOf = (id: string): PartnerDocument => {
    const found = partners.all().find((partner) => partner.id === id)
    if (found === undefined) throw new AppError('input.not_found', `there is no partner ${id}`)
    return found
  }

  const present = (): string => lockText({ station: deps.station(), partners: partners.all(), items: deps.boundItems(), now: clock.now() })

  const lastApproval = (): ApprovalRow | undefined => database.prepare<[], ApprovalRow>('SELECT * FROM policy_approvals ORDER BY id DESC LIMIT 1').get()

  const hardened = (): boolean => database.prepare<[string], { value: string }>('SELECT value FROM settings WHERE key = ?').get(HARDENED)?.value === 'true'

  const signatureHolds = (row: ApprovalRow): boolean => {
    const key = secrets.get(WORKSPACE_KEY)
    if (key === null) return false
    try {
      return verify(null, Buffer.from(row.lock), createPublicKey(createPrivateKey(key)), Buffer.from(row.signature, 'base64'))
    } catch {
      return false
    }
  }

  const diff = (): PolicyDiff => {
    const approved = lastApproval()
    const lines = differences(approved?.lock ?? '', present())
    const signatureValid = approved !== undefined && signatureHolds(approved)
    return { approved: approved === undefined ? null : approvalOf(approved), signatureValid, changed: lines.length > 0 || !signatureValid, lines }
  }

  const roleReview = (partner: PartnerDocument, connection: PartnerDocument['connections'][number], role: Role, items: readonly TrustItem[]): RoleReview | null => {
    const now = clock.now()
    const all = items.flatMap((item) => item.bindings.filter((binding) => binding.role === role && isActive(binding, now)).map((binding) => ({ item, binding })))
    const own = all.filter(({ binding }) => binding.partner === partner.id && (binding.connection === null || binding.connection === connection.id))
    const effective = own.length > 0 || role === 'verify' || role === 'encrypt' ? own : all.filter(({ binding }) => binding.partner === null)
    const asked = askedOf(connection, role)
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

  const review = (id: string): Review => {
    const partner = documentOf(id)
    const items = deps.boundItems()
    const roles = partner.connections.flatMap((connection) => Role.options.flatMap((role) => roleReview(partner, connection, role, items) ?? []))
    const row = database.prepare<[string], { at: string; reviewer: string; note: string | null; due: string }>('SELECT * FROM policy_reviews WHERE partner = ? ORDER BY id DESC LIMIT 1').get(id)
    const last = row === undefined ? null : { at: row.at, by: row.reviewer, note: row.note, due: row.due }
    return { partner: id, roles, last, overdue: last === null || last.due < timestamp(clock.now()).slice(0, 10) }
  }

  return {
    hardened,

    show(id: string) {
      const partner = documentOf(id)
      const states = exceptionStates(partner, clock.now())
      const exceptionsOf = (connection: string): ExceptionState[] => states.filter((state) => state.connection === undefined || state.connection === connection)
      return { partner: id, hardened: hardened(), connections: partner.connections.map((connection) => ({ connection: connection.id, protocol: connection.protocol, rules: rulesOf(connection), exceptions: exceptionsOf(connection.id) })) }
    },

    review,

    recordReview(request: { partner: string; by: string; note?: string | undefined; due?: string | undefined }, actor: Actor): Review {
      documentOf(request.partner)
      const now = clock.now()
      const due = request.due ?? timestamp(now + REVIEW_EVERY_DAYS * DAY_MS).slice(0, 10)
      database.transaction(() => {
        database.prepare('INSERT INTO policy_reviews (partner, at, reviewer, note, due) VALUES (?, ?, ?, ?, ?)').run(request.partner, timestamp(now), request.by, request.note ?? null, due)
        audit.record({ actor, type: 'policy.reviewed', subject: { kind: 'partner', id: request.partner }, partner: request.partner, data: { by: request.by, due } })
      })
      return review(request.partner)
    },

    lock(): { text: string; sha256: string } {
      const text = present()
      return { text, sha256: sha256(text) }
    },

    diff,

    /**
     * What was approved last, as far as it concerns a partner: its own lines, and those of our station. Null before the first
     * approval. `signatureValid` is false when somebody else than this workspace wrote the text.
     */
    approved(partner: string): ApprovedText | null {
      const row = lastApproval()
      if (row === undefined) return null
      const lines = row.lock.split('\n').filter((text) => concerns(text, partner))
      return { at: row.at, by: row.approver, reason: row.reason, text: lines.length === 0 ? '' : `${lines.join('\n')}\n`, signatureValid: signatureHolds(row) }
    },

    approve(request: { by: string; reason: string; sha256?: string | undefined }, actor: Actor): Approval {
      const text = present()
      if (request.sha256 !== undefined && request.sha256 !== sha256(text)) throw new AppError('input.conflict', 'trust or policy has changed since it was looked at; nothing was approved')
      return database.transaction(() => {
        const signature = signAsWorkspace(secrets, text)
        const row: ApprovalRow = {
          at: timestamp(clock.now()), approver: request.by, reason: request.reason, lock: text,
          signature: signature.value,
          public_key: signature.publicKey,
        }
        database.prepare('INSERT INTO policy_approvals (at, approver, reason, lock, signature, public_key) VALUES (@at, @approver, @reason, @lock, @signature, @public_key)').run({ ...row })
        audit.record({ actor, type: 'policy.approved', subject: { kind: 'policy', id: 'lock' }, data: { by: request.by, reason: request.reason, sha256: sha256(text), signature: row.signature } })
        return approvalOf(row)
      })
    },

    setHardened(on: boolean, actor: Actor): { hardened: boolean } {
      database.transaction(() => {
        database.prepare('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(HARDENED, String(on))
        audit.record({ actor, type: on ? 'policy.hardened' : 'policy.relaxed', subject: { kind: 'policy', id: 'lock' } })
      })
      publisher.publish('policy.changed', { hardened: on })
      return { hardened: on }
    },

    /** In hardened mode: rejects with `policy.unapproved` when trust or policy of the partner is not what was approved. */
    requireApproved(partner: string): void {
      if (!hardened()) return
      const { approved, signatureValid, lines } = diff()
      if (approved === null) throw new AppError('policy.unapproved', 'hardened mode is on, and nothing was approved yet')
      if (!signatureValid) throw new AppError('policy.unapproved', 'the approved text does not bear the signature of this workspace')
      const own = lines.filter(({ text }) => concerns(text, partner))
      if (own.length > 0)
        throw new AppError('policy.unapproved', `${own.length} line(s) of trust or policy that concern ${partner} were not approved`, {
          details: Object.fromEntries(own.slice(0, 20).map(({ change, text }, index) => [`${change} ${index + 1}`, text])),
        })
    },
  }
}

function approvalOf({ at, approver, reason, lock, signature, public_key: publicKey }: ApprovalRow): Approval {
  return { at, by: approver, reason, sha256: sha256(lock), signature, publicKey }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
