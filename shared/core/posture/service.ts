/** Evaluates, remembers, announces. Never in the way of a delivery. */
import type { Finding, FindingRef, PostureCounts, PostureDomain, FindingState, Severity, Snapshot } from '../../contract/posture.ts'
import type { PolicyDiff } from '../../contract/policy-calls.ts'
import type { AuditTrail } from '../audit/service.ts'
import { actorText, systemActor, type Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'
import type { RaiseNotice } from '../notifications/raise.ts'
import type { Database } from '../store/database.ts'
import type { Collector } from './collect.ts'
import { DAY_MS } from './days.ts'
import { evaluate, type Found } from './evaluate.ts'
import type { ApprovalFact, PostureFacts } from './facts.ts'
import type { PostureRepository, StoredSuppression } from './repository.ts'
import type { Rule } from './rule.ts'
import { countsOf, holds, isOpen, nextStates, openAt, refOf } from './states.ts'

export interface FindingQuery {
  readonly partner?: string | undefined
  readonly domain?: PostureDomain | undefined
  readonly severity?: Severity | undefined
  readonly code?: string | undefined
  readonly subject?: string | undefined
  readonly state?: readonly FindingState[] | undefined
}

export interface Evaluation {
  readonly at: string
  readonly counts: PostureCounts
  readonly appeared: FindingRef[]
  readonly resolved: FindingRef[]
}

export type PostureService = ReturnType<typeof createPostureService>

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info']
const OPEN: readonly FindingState[] = ['open', 'reappeared']
/** Longer than this is no suppression but a decision; it has to be taken again. */
const MOST_SUPPRESSED_DAYS = 366
const MOST_RECORDED = 50
const EVALUATED = 'evaluated'
/** Of these an open error stops a partner in hardened mode; how the exchange itself goes never does. */
const BLOCKING: readonly PostureDomain[] = ['crypto', 'lifecycle', 'transport', 'auth', 'secrets']
/** What refusals tell of was refused already, and only an exchange that goes well settles them; what ends soon is good until its day. */
const NOT_BLOCKING: readonly string[] = ['identity_refused', 'policy_refused', 'item_expiring']
/** These stop everybody. */
const BLOCKING_ALL: readonly string[] = ['primitives_failed', 'audit_broken', 'policy_signature_bad']

export function createPostureService(deps: {
  readonly rules: readonly Rule[]
  readonly collector: Collector
  readonly repository: PostureRepository
  readonly database: Database
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly raise: RaiseNotice
  /** The lock file: what was approved last, and approving what stands now. */
  readonly approval: { facts(): ApprovalFact; approve(request: { by: string; reason: string }, actor: Actor): { readonly at: string; readonly sha256: string } }
  readonly clock: Clock
}) {
  const { rules, collector, repository, database, audit, publisher, raise, approval, clock } = deps
  let running: Promise<Evaluation> | null = null

  const suppressions = (now: number): ReadonlyMap<string, StoredSuppression> => new Map(repository.suppressions().filter((one) => holds(one, now)).map((one) => [`${one.code} ${one.subject}`, one]))

  const suppressionOf = (all: ReadonlyMap<string, StoredSuppression>) => ({ code, subject }: Pick<Found, 'code' | 'subject'>): Finding['suppression'] => {
    const found = all.get(`${code} ${subject.id}`)
    if (found === undefined) return null
    const { reason, owner, until, at, by } = found
    return { reason, owner, until, at, by }
  }

  /** What an evaluation without a partner's name covers: everything. With one: that partner's connections and itself. */
  const covered = (partner: string | undefined): Finding[] => (partner === undefined ? repository.findings() : repository.findings(partner).filter(({ scope }) => scope === 'connection' || scope === 'partner'))

  const settle = (facts: PostureFacts, cause: Snapshot['cause'], partner: string | undefined, actor: Actor): Evaluation => {
    const at = timestamp(facts.now)
    const found = evaluate(rules, facts, partner)
    const isFirst = repository.lastSnapshotAt() === null
    const known = new Map(covered(partner).map((finding) => [finding.id, finding]))
    const change = nextStates(known, found, suppressionOf(suppressions(facts.now)), at)
    const appeared = change.appeared.map(refOf)
    const resolved = change.resolved.map(refOf)
    const counts = database.transaction(() => {
      repository.save(change.written)
      repository.seenAgain(change.seenAgain, at)
      if (partner === undefined) repository.setNote(EVALUATED, at)
      const now = repository.findings()
      const total = countsOf(now)
      if (appeared.length + resolved.length > 0 || cause === 'daily' || isFirst) repository.addSnapshot({ id: newId('snp', facts.now), at, cause, counts: total, appeared, resolved }, byPartner(now))
      if (appeared.length + resolved.length > 0) audit.record({ actor, type: 'posture.changed', subject: { kind: 'posture', id: partner ?? 'all' }, ...(partner === undefined ? {} : { partner }), data: { cause, counts: total, appeared: appeared.slice(0, MOST_RECORDED).map(recorded), resolved: resolved.slice(0, MOST_RECORDED).map(recorded) } })
        if (!isFirst) announce(change.appeared, raise)
      return total
    })
    publisher.publish('posture.changed', { at, counts })
    return { at, counts, appeared, resolved }
  }

  const everything = async (cause: Snapshot['cause'], actor: Actor): Promise<Evaluation> => settle(await collector.all(), cause, undefined, actor)

  const select = (findings: readonly Finding[], query: FindingQuery): Finding[] => {
    const states = query.state ?? OPEN
    const worst = query.severity === undefined ? SEVERITIES.length - 1 : SEVERITIES.indexOf(query.severity)
    return findings
      .filter((finding) => states.includes(finding.state) && SEVERITIES.indexOf(finding.severity) <= worst && fits(finding, query))
      .toSorted((left, right) => SEVERITIES.indexOf(left.severity) - SEVERITIES.indexOf(right.severity) || left.firstSeen.localeCompare(right.firstSeen) || left.code.localeCompare(right.code) || left.id.localeCompare(right.id))
  }

  const about = (code: string, subject: string): Finding[] => repository.findings().filter((finding) => finding.code === code && finding.subject.id === subject)

  /** Findings of one code and subject after a suppression came or went. */
  const restate = (code: string, subject: string, now: number): Finding[] => {
    const findings = about(code, subject)
    const suppression = suppressionOf(suppressions(now))
    const changed = findings.filter(({ state }) => state !== 'resolved').map((finding): Finding => {
      const found = suppression(finding)
      return { ...finding, suppression: found, state: found !== null ? 'suppressed' : finding.reappeared > 0 ? 'reappeared' : 'open' }
    })
    repository.save(changed)
    const [appeared, resolved] = [changed.filter(isOpen).map(refOf), changed.filter(({ state }) => state === 'suppressed').map(refOf)]
    const all = repository.findings()
    repository.addSnapshot({ id: newId('snp', now), at: timestamp(now), cause: 'asked', counts: countsOf(all), appeared, resolved }, byPartner(all))
    return changed
  }

  const publishCounts = (): void => publisher.publish('posture.changed', { at: timestamp(clock.now()), counts: countsOf(repository.findings()) })

  return {
    /** One evaluation of everything at a time: who asks meanwhile gets the next one. */
    async evaluateAll(cause: Snapshot['cause'], actor: Actor = systemActor): Promise<Evaluation> {
      const before = running
      const mine = (before === null ? Promise.resolve() : before.then(() => undefined, () => undefined)).then(async () => await everything(cause, actor))
      running = mine
      try {
        return await mine
      } finally {
        if (running === mine) running = null
      }
    },

    /** One partner after its deliveries moved on: milliseconds, and only once everything was evaluated before. */
    evaluateAfterDelivery(partner: string): Evaluation | null {
      const facts = collector.afterDelivery(partner)
      return facts === null ? null : settle(facts, 'delivery', partner, systemActor)
    },

    list(query: FindingQuery & { readonly limit: number }): { findings: Finding[]; total: number; counts: PostureCounts; evaluatedAt: string | null } {
      const all = repository.findings(query.partner)
      const findings = select(all, query)
      return { findings: findings.slice(0, query.limit), total: findings.length, counts: countsOf(all), evaluatedAt: repository.note(EVALUATED) }
    },

    select: (query: FindingQuery): Finding[] => select(repository.findings(query.partner), query),

    history(query: { readonly limit: number; readonly partner?: string | undefined }): { snapshots: Snapshot[]; total: number } {
      return { snapshots: repository.snapshots(query), total: repository.countSnapshots() }
    },

    /** Rejects with `input.not_found` when neither a time is given nor a baseline was approved, with `policy.unapproved` when it is not ours. */
    compare(at: string | undefined): { from: string; baseline: boolean; approved: { by: string; reason: string } | null; appeared: FindingRef[]; gone: FindingRef[]; same: number; lines: PolicyDiff['lines'] } {
      const baseline = at === undefined ? approval.facts() : null
      if (baseline?.approved === null) throw new AppError('input.not_found', 'there is no approved baseline yet: approve one, or name a time')
      if (baseline?.signatureValid === false) throw new AppError('policy.unapproved', 'the approved text does not bear the signature of this workspace')
      const from = at ?? baseline?.approved?.at ?? timestamp(clock.now())
      const now = new Map(select(repository.findings(), {}).map((finding) => [finding.id, refOf(finding)]))
      const then = openAt([...now.values()], repository.snapshots({ limit: Number.MAX_SAFE_INTEGER, after: from }))
      return {
        from,
        baseline: at === undefined,
        approved: baseline?.approved == null ? null : { by: baseline.approved.by, reason: baseline.approved.reason },
        lines: [...(baseline?.lines ?? [])],
        appeared: [...now.values()].filter(({ id }) => !then.has(id)),
        gone: [...then.values()].filter(({ id }) => !now.has(id)),
        same: [...now.keys()].filter((id) => then.has(id)).length,
      }
    },

    approve(by: string, reason: string, actor: Actor): { at: string; counts: PostureCounts } {
      const counts = countsOf(repository.findings())
      const at = database.transaction(() => {
        const approved = approval.approve({ by, reason }, actor)
        audit.record({ actor, type: 'posture.approved', subject: { kind: 'posture', id: 'all' }, data: { by, reason, counts, lock: approved.sha256 } })
        return approved.at
      })
      return { at, counts }
    },

    /** What stands in the way of an exchange in hardened mode: rejects with `posture.blocked`. Never asked otherwise. */
    requireClean(partner: string): void {
      const inTheWay = repository.findings().filter((finding) => isOpen(finding) && finding.severity === 'error' && (finding.partner === partner ? BLOCKING.includes(finding.domain) && !NOT_BLOCKING.includes(finding.code) : finding.partner === null && BLOCKING_ALL.includes(finding.code)))
      const [first] = inTheWay
      if (first === undefined) return
      throw new AppError('posture.blocked', `${first.message}${inTheWay.length === 1 ? '' : `, and ${inTheWay.length - 1} more`}`, { details: Object.fromEntries(inTheWay.slice(0, 5).map(({ code, subject }) => [code, subject.id])) })
    },

    suppress(request: { readonly code: string; readonly subject: string; readonly reason: string; readonly owner: string; readonly until: string }, actor: Actor): Finding[] {
      const now = clock.now()
      const { code, subject, until } = request
      if (!holds({ until }, now)) throw new AppError('input.invalid', `until: ${until} is over already`)
      if (Date.parse(until) - now > MOST_SUPPRESSED_DAYS * DAY_MS) throw new AppError('input.invalid', 'until: at most one year; decide again then')
      if (about(code, subject).length === 0) throw new AppError('input.not_found', `there is no finding ${code} about ${subject}`)
      const findings = database.transaction(() => {
        repository.suppress({ ...request, at: timestamp(now), by: actorText(actor) })
        const [first] = about(code, subject)
        audit.record({ actor, type: 'posture.suppressed', subject: { kind: 'posture', id: `${code} ${subject}` }, partner: first?.partner ?? null, data: { ...request } })
        return restate(code, subject, now)
      })
      publishCounts()
      return findings
    },

    unsuppress(code: string, subject: string, actor: Actor): Finding[] {
      const findings = database.transaction(() => {
        if (!repository.unsuppress(code, subject)) throw new AppError('input.not_found', `${code} about ${subject} is not suppressed`)
        audit.record({ actor, type: 'posture.unsuppressed', subject: { kind: 'posture', id: `${code} ${subject}` }, data: { code, subject } })
        return restate(code, subject, clock.now())
      })
      publishCounts()
      return findings
    },

    lastEvaluatedAt: (): string | null => repository.note(EVALUATED),
  }
}

function fits(finding: Finding, { partner, domain, code, subject }: FindingQuery): boolean {
  return (partner === undefined || finding.partner === partner) && (domain === undefined || finding.domain === domain) && (code === undefined || finding.code === code) && (subject === undefined || finding.subject.id === subject)
}

function byPartner(findings: readonly Finding[]): Record<string, PostureCounts> {
  const groups = Map.groupBy(findings.filter(({ partner, state }) => partner !== null && state !== 'resolved'), ({ partner }) => partner ?? '')
  return Object.fromEntries([...groups].map(([partner, own]) => [partner, countsOf(own)]))
}

const recorded = ({ code, subject, severity }: FindingRef): { code: string; subject: string; severity: Severity } => ({ code, subject, severity })

/** Ends are announced by the expiry watch, and single deliveries by the ledger. */
const ANNOUNCED_ELSEWHERE: readonly PostureDomain[] = ['lifecycle', 'flow']

function announce(appeared: readonly Finding[], raise: RaiseNotice): void {
  const told = appeared.filter(({ severity, domain, state }) => !ANNOUNCED_ELSEWHERE.includes(domain) && (severity === 'error' || (severity === 'warning' && state === 'reappeared')))
  const [first, ...others] = told
  if (first === undefined) return
  const again = first.state === 'reappeared' ? ', again' : ''
  raise({
    severity: 'attention',
    title: others.length === 0 ? `${first.title}${again}` : `${told.length} new findings`,
    body: others.length === 0 ? first.message : told.slice(0, 3).map(({ title }) => title).join(' · '),
    subject: first.partner === null ? { kind: 'workspace', id: 'posture' } : { kind: 'partner', id: first.partner },
  })
}
