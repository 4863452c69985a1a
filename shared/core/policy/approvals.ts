/** The lock file: all trust and policy as text, what of it was approved and signed, and what hardened mode makes of a difference. */
import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { Approval, PolicyDiff } from '../../contract/policy-calls.ts'
import type { Policy } from '../../contract/policy-document.ts'
import type { StationDocument } from '../../contract/station.ts'
import type { TrustItem } from '../../contract/trust.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { exceptionsOn } from '../partners/rules.ts'
import type { Database } from '../store/database.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import { signAsWorkspace, WORKSPACE_KEY } from '../workspace/signing.ts'
import type { ApprovalRow, PolicyRepository } from './repository.ts'
import { concerns, differences, endedAsApproved, exceptionLine, HARDENED_FOR_ALL, lockText } from './rules.ts'

/** The last approved trust and policy of one partner, as lines of the lock file. */
export interface ApprovedText {
  readonly at: string
  readonly by: string
  readonly reason: string
  readonly text: string
  readonly signatureValid: boolean
}

export type Approvals = ReturnType<typeof createApprovals>

export interface ApprovalDeps {
  readonly database: Database
  readonly repository: PolicyRepository
  readonly secrets: SealedSecrets
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly station: () => StationDocument | null
  readonly partners: { all(): readonly PartnerDocument[]; find(partner: string): PartnerDocument | null }
  /** Everything that has a binding; of one partner, its own items and those of our station. */
  readonly boundItems: (partner?: string) => readonly TrustItem[]
  /** Everyone's policy, complete. */
  readonly everyone: () => Policy
  /** The policy of a partner, complete. */
  readonly policyOf: (partner: PartnerDocument) => Policy
}

export function createApprovals(deps: ApprovalDeps) {
  const { database, repository, secrets, audit, clock, partners } = deps

  const present = (): string => lockText({ station: deps.station(), everyone: deps.everyone(), partners: partners.all(), items: deps.boundItems(), now: clock.now() })

  const presentOf = (partner: PartnerDocument): string => lockText({ station: deps.station(), everyone: deps.everyone(), partners: [partner], items: deps.boundItems(partner.id), now: clock.now() })

  const signatureHolds = (row: ApprovalRow): boolean => {
    const key = secrets.get(WORKSPACE_KEY)
    if (key === null) return false
    try {
      return verify(null, Buffer.from(row.lock), createPublicKey(createPrivateKey(key)), Buffer.from(row.signature, 'base64'))
    } catch {
      return false
    }
  }

  let kept: { readonly approvals: number; readonly row: ApprovalRow; readonly signatureValid: boolean; readonly lines: ReadonlyMap<string, readonly string[]>; readonly all: ReadonlySet<string> } | null = null
  /** The last approval, read and verified once; its lines by whom they concern. */
  const last = (): typeof kept => {
    const approvals = repository.approvals()
    if (kept?.approvals === approvals) return kept
    const row = repository.lastApproval()
    if (row === undefined) return null
    const lines = row.lock.split('\n').filter((text) => text !== '')
    const byPartner = Map.groupBy(lines, (text) => /^partner (\S+) /.exec(text)?.[1] ?? '')
    kept = { approvals, row, signatureValid: signatureHolds(row), lines: byPartner, all: new Set(lines) }
    return kept
  }

  /** What somebody changed since. */
  const changes = (before: string, after: string): PolicyDiff['lines'] => differences(before, after).filter(({ change, text }) => change === 'added' || !endedAsApproved(text, clock.now()))

  const approvedLines = (partner: string): string[] => [...(last()?.lines.get('') ?? []), ...(last()?.lines.get(partner) ?? [])].filter((text) => concerns(text, partner))

  /** Whoever switches it off for a partner must have that approved: what was approved counts too. */
  const hardenedFor = (partner: PartnerDocument): boolean => {
    if (repository.hardened() || deps.policyOf(partner).hardened) return true
    const approved = last()?.all
    return approved?.has(`partner ${partner.id} policy hardened: true`) === true || (approved?.has(HARDENED_FOR_ALL) === true && !approved.has(`partner ${partner.id} policy hardened: false`))
  }

  /** Why nothing is exchanged with a partner in hardened mode, or null. */
  const problemOf = (partner: PartnerDocument): AppError | null => {
    if (!hardenedFor(partner)) return null
    const approved = last()
    if (approved === null) return new AppError('policy.unapproved', 'hardened mode is on, and nothing was approved yet')
    if (!approved.signatureValid) return new AppError('policy.unapproved', 'the approved text does not bear the signature of this workspace')
    const own = changes(approvedLines(partner.id).join('\n'), presentOf(partner).split('\n').filter((text) => concerns(text, partner.id)).join('\n'))
    if (own.length === 0) return null
    return new AppError('policy.unapproved', `${own.length} line(s) of trust or policy that concern ${partner.id} were not approved`, {
      details: { exception: 'unapproved-change', ...Object.fromEntries(own.slice(0, 20).map(({ change, text }, index) => [`${change} ${index + 1}`, text])) },
    })
  }

  const diff = (): PolicyDiff => {
    const approved = last()
    const lines = changes(approved?.row.lock ?? '', present())
    const signatureValid = approved?.signatureValid ?? false
    return { approved: approved === null ? null : approvalOf(approved.row), signatureValid, changed: lines.length > 0 || !signatureValid, lines }
  }

  return {
    hardenedFor,
    diff,

    lock(): { text: string; sha256: string } {
      const text = present()
      return { text, sha256: sha256(text) }
    },

    /**
     * What was approved last, as far as it concerns a partner: its own lines, and those of our station and of everyone's policy.
     * Null before the first approval. `signatureValid` is false when somebody else than this workspace wrote the text.
     */
    approved(partner: string): ApprovedText | null {
      const approved = last()
      if (approved === null) return null
      const lines = approvedLines(partner)
      const { at, approver, reason } = approved.row
      return { at, by: approver, reason, text: lines.length === 0 ? '' : `${lines.join('\n')}\n`, signatureValid: approved.signatureValid }
    },

    approve(request: { by: string; reason: string; sha256?: string | undefined }, actor: Actor): Approval {
      const text = present()
      if (request.sha256 !== undefined && request.sha256 !== sha256(text)) throw new AppError('input.conflict', 'trust or policy has changed since it was looked at; nothing was approved')
      return database.transaction(() => {
        const signature = signAsWorkspace(secrets, text)
        const row: ApprovalRow = { at: timestamp(clock.now()), approver: request.by, reason: request.reason, lock: text, signature: signature.value, public_key: signature.publicKey }
        repository.insertApproval(row)
        audit.record({ actor, type: 'policy.approved', subject: { kind: 'policy', id: 'lock' }, data: { by: request.by, reason: request.reason, sha256: sha256(text), signature: row.signature } })
        return approvalOf(row)
      })
    },

    problemOf,

    /**
     * The exception under which unapproved changes count for a while: only one that stands in the approved text itself, so that
     * nobody opens a door with the very change that it is to let through.
     */
    maintenanceOf(partner: PartnerDocument, connection: string): PartnerDocument['exceptions'][number] | null {
      const approved = last()
      if (approved === null || !approved.signatureValid) return null
      return exceptionsOn(partner, connection, clock.now()).find((exception) => exception.allow === 'unapproved-change' && approved.all.has(exceptionLine(partner.id, exception))) ?? null
    },
  }
}

function approvalOf({ at, approver, reason, lock, signature, public_key: publicKey }: ApprovalRow): Approval {
  return { at, by: approver, reason, sha256: sha256(lock), signature, publicKey }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
