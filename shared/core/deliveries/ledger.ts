/** The only way a delivery changes: one event, one transaction, one audit record, then the announcement. */
import type { Attempt, Delivery, Receipt } from '../../contract/deliveries.ts'
import type { WireError } from '../../contract/errors/index.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'
import { noticeRaiser } from '../notifications/raise.ts'
import type { Database } from '../store/database.ts'
import { createBundles } from './bundles.ts'
import type { DeliveryChange, DeliveryRepository, LedgerEntry, NewDelivery } from './repository.ts'
import { attentionNotice, recoveredNotice } from './notices.ts'
import { inboundStepFor, type InboundEvent } from './inbound/rules.ts'
import { outcomeOf, stepFor, type LedgerState, type OutboundEvent, type Step } from './rules.ts'

/** What an event brings along. */
export interface EventFacts {
  readonly actor: Actor
  readonly error?: WireError | null
  /** A function where each file of a message has one of its own. */
  readonly receipt?: Receipt | ((delivery: Delivery) => Receipt)
  readonly inboxPath?: string
  readonly content?: DeliveryChange['content']
  readonly nextTryAt?: string | null
  /** What a postponed one waits for. */
  readonly postponed?: 'network' | 'connection'
  /** Further facts for the audit record; never secrets. */
  readonly data?: Readonly<Record<string, unknown>>
  /** How the running attempt ended. */
  readonly attempt?: Attempt['result']
  /** What was observed during it, all of what travels having gone; left out, what was noted before holds. */
  readonly travelled?: Readonly<Record<string, string>>
  /** A later flush may cover it: when a power cut undoes it, the delivery is looked up at the partner. */
  readonly grouped?: boolean
  /** Further writes that belong to the same transaction. */
  readonly within?: () => void
}

export type { LedgerEntry } from './repository.ts'

export interface Ledger {
  /** Rejects with `input.not_found`. */
  get(id: string): LedgerEntry
  /** `within`: further writes of the same transaction. `grouped`: see `Database.transaction`. */
  create(delivery: Omit<NewDelivery, 'id' | 'at'>, actor: Actor, within?: (id: string) => void, durability?: 'flushed' | 'grouped'): Delivery
  /** Several that travel as one message, written down together; the first one stands for all from then on. */
  createTogether(deliveries: readonly Omit<NewDelivery, 'id' | 'at'>[], actor: Actor, within?: (id: string, index: number) => void): Delivery[]
  /** The delivery on which everything happens: another one only where several travel as one message. */
  leadOf(id: string): string
  /** The others that travel with a lead. */
  companionsOf(lead: string): readonly string[]
  /** Whether any delivery stands for a content, as it is or as it travelled. */
  keeps(sha256: string): boolean
  /** Resolves when everything written down so far is on the disk; see `Database.flushed`. */
  flushed(): Promise<void>
  /** Rejects with `input.conflict` when the event cannot happen in the present state. What happens to a lead happens to its companions. */
  apply(id: string, event: OutboundEvent, facts: EventFacts): LedgerEntry
  /** The same for inbound deliveries. */
  applyInbound(id: string, event: InboundEvent, facts: EventFacts): LedgerEntry
  /** Starts an attempt: state and attempt row together. Answers the attempt's id, and those of the files that travel along. */
  start(id: string, actor: Actor): { entry: LedgerEntry; attempt: string; alongside: readonly { readonly delivery: Delivery; readonly attempt: string }[] }
}

type Started = LedgerEntry & { readonly attempt: string }

export function createLedger(deps: {
  readonly database: Database
  readonly deliveries: DeliveryRepository
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
}): Ledger {
  const { database, deliveries, audit, publisher, clock } = deps
  const bundles = createBundles(database)

  const raise = noticeRaiser(deps)

  const announce = (entry: LedgerEntry): LedgerEntry => {
    publisher.publish('deliveries.changed', entry.delivery)
    return entry
  }

  /** Inside the transaction: who is to hear of it hears of it, whatever happens to this process. */
  const notify = (entry: LedgerEntry, attention: boolean): LedgerEntry => {
    if (attention) raise(attentionNotice(entry.delivery))
    else if (entry.delivery.state === 'delivered' && entry.delivery.attempts > 1) raise(recoveredNotice(entry.delivery))
    return entry
  }

  const change = <Event extends string>(id: string, event: Event, steps: (state: LedgerState, event: Event) => Step | null, facts: EventFacts): LedgerEntry => {
    const before = deliveries.get(id)
    const step = steps(before.state, event)
    if (step === null) throw new AppError('input.conflict', `delivery ${id} is ${before.delivery.state}; "${event}" is not possible now`)
    const at = timestamp(clock.now())
    const maybeArrived = step.maybeArrived ?? before.maybeArrived
    const receipt = typeof facts.receipt === 'function' ? facts.receipt(before.delivery) : facts.receipt
    const error = facts.error === undefined && (step.to === 'delivered' || step.to === 'queued' || step.to === 'received') ? null : facts.error
    const after = deliveries.update(id, {
      state: step.to,
      maybeArrived: step.to === 'delivered' ? false : maybeArrived,
      attempts: event === 'started' ? before.delivery.attempts + 1 : undefined,
      nextTryAt: facts.nextTryAt ?? null,
      postponed: facts.postponed ?? null,
      error,
      receipt,
      duplicateReason: step.to === 'delivered' ? lateReason(before) : undefined,
      inboxPath: facts.inboxPath,
      content: facts.content,
      at,
    })
    facts.within?.()
    if (facts.attempt !== undefined) deliveries.endAttempt(id, facts.attempt, at, facts.error ?? null, facts.travelled === undefined ? {} : { observed: facts.travelled, bytes: before.delivery.size })
    audit.record({
      actor: facts.actor,
      type: step.audit,
      subject: { kind: 'delivery', id },
      partner: before.delivery.partner,
      trace: before.delivery.trace,
      data: {
        state: step.to,
        outcome: outcomeOf(step.to, step.to === 'delivered' ? false : maybeArrived),
        ...(facts.error ? { error: facts.error } : {}),
        ...(receipt === undefined ? {} : { receipt }),
        ...(facts.nextTryAt ? { nextTryAt: facts.nextTryAt } : {}),
        ...(event === 'started' ? { attempt: after.delivery.attempts } : {}),
        ...facts.data,
      },
    })
    return notify(after, step.attention === true)
  }

  /** Given up and sent again since, then its receipt came after all: both rest as delivered, and the ledger says why. */
  const lateReason = ({ state, delivery }: LedgerEntry): string | undefined =>
    state === 'failed' && delivery.duplicateReason === null && deliveries.findSame(delivery.partner, delivery.remoteName, delivery.sha256) !== null
      ? 'its receipt came after it had been given up and sent again'
      : undefined

  const write = (delivery: Omit<NewDelivery, 'id' | 'at'>, actor: Actor, within: (id: string) => void): LedgerEntry => {
    const id = newId('dlv', clock.now())
    const written = deliveries.insert({ ...delivery, id, at: timestamp(clock.now()) })
    within(id)
    audit.record({
      actor,
      type: delivery.direction === 'outbound' ? 'delivery.created' : delivery.state === 'held' ? 'delivery.held' : 'delivery.received',
      subject: { kind: 'delivery', id },
      partner: delivery.partner,
      trace: delivery.trace,
      data: {
        direction: delivery.direction,
        connection: delivery.connection,
        fileName: delivery.fileName,
        remoteName: delivery.remoteName,
        size: delivery.size,
        sha256: delivery.sha256,
        ...(delivery.wire ? { wire: delivery.wire } : {}),
        ...(delivery.direction === 'outbound' ? {} : { source: delivery.source }),
        ...(delivery.error === undefined ? {} : { error: delivery.error }),
        ...(delivery.duplicateReason === null ? {} : { duplicateAllowed: delivery.duplicateReason }),
      },
    })
    return notify(written, delivery.state === 'held')
  }

  /** A lead and its companions, who share every event, receipt and error. */
  const changeAll = (id: string, event: OutboundEvent, facts: EventFacts): [LedgerEntry, ...LedgerEntry[]] => {
    const entry = change(id, event, stepFor, facts)
    const { within: _once, ...shared } = facts
    return [entry, ...bundles.companionsOf(id).map((companion) => change(companion, event, stepFor, { ...shared, data: { ...facts.data, together: id } }))]
  }

  return {
    get: (id) => deliveries.get(id),

    flushed: async () => await database.flushed(),

    create: (delivery, actor, within = () => undefined, durability = 'flushed') => announce(database.transaction(() => write(delivery, actor, within), durability)).delivery,

    createTogether(all, actor, within = () => undefined) {
      const entries = database.transaction(() => {
        const written = all.map((delivery, index) => write(delivery, actor, (id) => within(id, index)))
        bundles.bind(written.map(({ delivery }) => delivery.id))
        return written
      }, 'grouped')
      return entries.map((entry) => announce(entry).delivery)
    },

    leadOf: (id) => bundles.leadOf(id),
    companionsOf: (lead) => bundles.companionsOf(lead),
    keeps: (sha256) => deliveries.keeps(sha256),

    apply(id, event, facts) {
      const [entry, ...companions] = database.transaction(() => changeAll(id, event, facts), facts.grouped === true ? 'grouped' : 'flushed')
      for (const companion of companions) announce(companion)
      return announce(entry)
    },

    applyInbound(id, event, facts) {
      return announce(database.transaction(() => change(id, event, inboundStepFor, facts), facts.grouped === true ? 'grouped' : 'flushed'))
    },

    start(id, actor) {
      const attempt = newId('att', clock.now())
      // Whatever the attempt does that matters has a flushed event of its own before it.
      const rows = database.transaction(() => {
        const [first, ...companions] = changeAll(id, 'started', { actor })
        const found: [Started, ...Started[]] = [{ ...first, attempt }, ...companions.map((one) => ({ ...one, attempt: newId('att', clock.now()) }))]
        for (const row of found) deliveries.startAttempt({ id: row.attempt, delivery: row.delivery.id, number: row.delivery.attempts, at: timestamp(clock.now()) })
        return found
      }, 'grouped')
      const [entry, ...alongside] = rows
      for (const companion of alongside) announce(companion)
      return { entry: announce(entry), attempt, alongside }
    },
  }
}
