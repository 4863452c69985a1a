/** Where traffic meets the policy: what may be offered, whether what was negotiated and found is permitted, and what relied on an exception. */
import type { Connection } from '../../contract/connections/index.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { Policy } from '../../contract/policy-document.ts'
import { POLICY_RULES, TOLERATED, type Exception, type RelianceFact, type Toleration } from '../../contract/policy.ts'
import type { AuditTrail } from '../audit/service.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { exceptionsOn } from '../partners/rules.ts'
import type { LinePolicy } from '../protocols/file-protocol.ts'
import type { Database } from '../store/database.ts'
import type { Approvals } from './approvals.ts'
import { contentChecks, judge, lineChecks, receiptChecks, type Check, type Direction, type Facts, type Reliance } from './checks.ts'
import type { PolicyRepository } from './repository.ts'

/** Where something travels. */
export interface Place {
  readonly partner: string
  readonly connection: string
  readonly direction: Direction
  readonly delivery?: string
}

export interface Travelled extends Place {
  readonly delivery: string
  /** Left out for what was received. */
  readonly attempt?: string
}

export interface PolicyGate {
  /** In hardened mode: rejects with `policy.unapproved` when trust or policy of the partner is not what was approved. */
  requireApproved(partner: string, connection?: string, direction?: Direction): void
  /** What the policy says about the line to a server, as it holds now. */
  line(place: Place): LinePolicy
  /** Rejects with `policy.refused` what is not permitted about a message, a file or a receipt; the facts as they are written down. */
  permitContent(place: Place, facts: Facts): void
  /** The same for what is only planned: nothing is written down. */
  permitPlan(place: Place, facts: Facts): void
  permitReceipt(place: Place, facts: Facts): void
  /** Writes down on which exceptions a delivery relied, by all that was observed of it. */
  noteUses(travelled: Travelled, facts: Facts): void
  /** A refusal that a protocol or format found by itself. */
  noteRefusal(place: Place, refusal: { readonly rule: string; readonly seen: string; readonly asked?: string; readonly exception?: string | null }): void
  /** On which exceptions a delivery relied. */
  usesOf(delivery: string): (RelianceFact & { readonly attempt: string })[]
}

export function createPolicyGate(deps: {
  readonly database: Database
  readonly repository: PolicyRepository
  readonly approvals: Approvals
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
  readonly find: (partner: string) => PartnerDocument | null
  readonly policyOf: (partner: PartnerDocument) => Policy
}): PolicyGate {
  const { database, repository, approvals, audit, publisher, clock } = deps

  interface Standing {
    readonly document: PartnerDocument
    readonly policy: Policy
    readonly exceptions: readonly Exception[]
    readonly kind: 'message' | 'file'
  }

  const standingOf = ({ partner, connection }: Place): Standing | null => {
    const document = deps.find(partner)
    const settings = document?.connections.find(({ id }) => id === connection)
    if (document === null || settings === undefined) return null
    return { document, policy: deps.policyOf(document), exceptions: exceptionsOn(document, connection, clock.now()), kind: settings.protocol === 'as2' ? 'message' : 'file' }
  }

  const noteRefusal: PolicyGate['noteRefusal'] = (place, { rule, seen, asked = '', exception = null }) => {
    const { partner, connection, direction, delivery } = place
    database.transaction(() => {
      repository.noteRefusal({ partner, connection, direction, rule, seen: seen.slice(0, 300), asked: asked.slice(0, 500), exception, delivery: delivery ?? null, at: timestamp(clock.now()) })
      audit.record({ actor: systemActor, type: 'policy.refused', subject: delivery === undefined ? { kind: 'connection', id: `${partner}/${connection}` } : { kind: 'delivery', id: delivery }, partner, data: { direction, rule, seen, asked, ...(exception === null ? {} : { exception }) } })
    })
    publisher.publish('policy.refused', { partner })
  }

  const contentOf = (place: Place, facts: Facts, { kind, policy }: Standing): Check[] => [...contentChecks(kind, place.direction, facts, policy), ...(place.direction === 'outbound' ? receiptChecks(facts, policy) : [])]

  const permit = (place: Place, checks: readonly Check[], exceptions: readonly Exception[], isPlan = false): void => {
    const { breaches } = judge(checks, exceptions)
    if (!isPlan) for (const breach of breaches) noteRefusal(place, { rule: breach.rule, seen: breach.seen, asked: breach.asked, exception: breach.waiver })
    const [first] = breaches
    if (first !== undefined) throw refusalOf(first, breaches)
  }

  const maintenance = ({ document }: Standing, connection: string): Reliance[] => {
    const exception = approvals.maintenanceOf(document, connection)
    if (exception === null || approvals.problemOf(document) === null) return []
    return [{ check: { rule: 'approved', seen: 'changes that are not approved yet', asked: 'approved', ok: false, waiver: 'unapproved-change' }, exception }]
  }

  return {
    requireApproved(partner, connection = '', direction = 'outbound') {
      const document = deps.find(partner)
      const problem = document === null ? null : approvals.problemOf(document)
      if (document === null || problem === null || approvals.maintenanceOf(document, connection) !== null) return
      noteRefusal({ partner, connection: connection === '' ? (document.connections[0]?.id ?? '') : connection, direction }, { rule: 'approved', seen: problem.message, asked: 'as it was approved', exception: 'unapproved-change' })
      throw problem
    },

    line(place) {
      const standing = standingOf(place)
      if (standing === null) return { permit: () => undefined }
      const { policy } = standing
      const has = (allow: Toleration): boolean => standing.exceptions.some((exception) => exception.allow === allow)
      return {
        ...(has('ssh-policy') ? {} : { ssh: { ...policy.ssh, hostKeys: policy.roles['ssh-host'].algorithms } }),
        tls: { minimum: has('tls-1.2') ? '1.2' : policy.tls.minimum, forwardSecrecy: policy.tls.forwardSecrecy && !has('tls-static-keys') },
        // At the moment of the handshake, which may come long after: a line opened under an exception ends with it.
        permit(observed) {
          const now = standingOf(place)
          if (now !== null) permit(place, lineChecks(observed, now.policy), now.exceptions)
        },
      }
    },

    permitContent(place, facts) {
      const standing = standingOf(place)
      if (standing !== null) permit(place, contentOf(place, facts, standing), standing.exceptions)
    },

    permitPlan(place, facts) {
      const standing = standingOf(place)
      if (standing !== null) permit(place, contentOf(place, facts, standing), standing.exceptions, true)
    },

    permitReceipt(place, facts) {
      const standing = standingOf(place)
      if (standing !== null) permit(place, receiptChecks(facts, standing.policy), standing.exceptions)
    },

    noteUses(travelled, facts) {
      const standing = standingOf(travelled)
      // Without an exception there is nothing to rely on, an approved maintenance included.
      if (standing === null || standing.exceptions.length === 0) return
      const { delivery, attempt = '', partner, connection } = travelled
      const checks = [...lineChecks(facts, standing.policy), ...contentOf(travelled, facts, standing)]
      const relied = [...judge(checks, standing.exceptions).relied, ...maintenance(standing, connection)]
      if (relied.length === 0) return
      database.transaction(() => {
        const at = timestamp(clock.now())
        for (const { check, exception } of relied) {
          const { allow, reason, owner, until } = exception
          const isNew = repository.noteUse({ delivery, attempt, rule: check.rule, allow, partner, connection, seen: check.seen, reason, owner, until }, at)
          if (isNew) audit.record({ actor: systemActor, type: 'policy.exception_used', subject: { kind: 'delivery', id: delivery }, partner, data: { rule: check.rule, seen: check.seen, exception: allow, until, owner, reason } })
        }
      })
    },

    noteRefusal,
    usesOf: (delivery) => repository.usesOf(delivery),
  }
}

/** What the settings of a connection come to, as the facts that sending would note. */
export function plannedFacts(connection: Connection): Facts {
  if (connection.protocol === 'as2') {
    const { message, receipt } = connection
    return {
      ...(message.sign ? { signed: `${message.digest}${message.signature === 'rsa-pss' ? ', rsa-pss' : ''}` } : {}),
      ...(message.encrypt ? { encrypted: message.cipher, keyTransport: message.keyTransport } : {}),
      receiptAsked: receipt.request,
    }
  }
  const outbound = connection.pgp?.outbound ?? 'none'
  return { ...(outbound.includes('sign') ? { pgpSignedWith: 'as bound' } : {}), ...(outbound.includes('encrypt') ? { pgpCipher: 'aes256' } : {}) }
}

function refusalOf(first: Check, all: readonly Check[]): AppError {
  const { rule, seen, asked, waiver } = first
  const ways = waiver === null ? '' : `; a dated exception ${waiver} (${TOLERATED[waiver]}) would permit it for a while`
  return new AppError('policy.refused', `${POLICY_RULES[rule]}: it is "${seen}", and the policy wants ${asked}${ways}`, {
    details: { rule, seen, asked, ...(waiver === null ? {} : { exception: waiver }), ...(all.length > 1 ? { further: all.slice(1).map((check) => `${check.rule}: ${check.seen}`).join('; ') } : {}) },
  })
}
