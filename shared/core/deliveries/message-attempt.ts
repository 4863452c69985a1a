/** One attempt of a delivery that travels as a message: built once, posted as often as it takes, decided by its receipt. */
import type { Attempt, Delivery, Receipt, Stage } from '../../contract/deliveries.ts'
import type { WireError } from '../../contract/errors/index.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp } from '../kernel/clock.ts'
import { AppError, asAppError, toWireError } from '../kernel/errors.ts'
import type { MessageRoute } from '../partners/routes.ts'
import { CancelledByOperator, ShuttingDown, type AttemptDeps } from './attempt.ts'
import { createProgressMeter } from './progress.ts'
import type { OutboundEvent } from './rules.ts'

/** What came of posting a message. `within` belongs into the transaction that writes it down. */
export interface MessageAnswer {
  /**
   * `confirmed`, `disputed`: by a receipt. `accepted`: the receipt comes later. `refused`: for good, it was not taken. `not-taken`:
   * the server says so, later perhaps. `unknown`: it may have been taken.
   */
  readonly kind: 'confirmed' | 'accepted' | 'disputed' | 'refused' | 'not-taken' | 'unknown'
  readonly receipt?: Receipt
  readonly error?: AppError
  readonly observed: Readonly<Record<string, string>>
  /** Milliseconds that the server asks us to wait. */
  readonly waitAtLeast?: number | undefined
  /** With `not-taken`: something else is to be tried, at once. */
  readonly again?: boolean
  readonly within?: () => void
}

export interface MessageTask {
  readonly delivery: Delivery
  /** Further files of the same message, after the delivery's own. */
  readonly together: readonly Delivery[]
  readonly signal: AbortSignal
  readonly stage: (stage: Stage) => void
  /** The line stands: from the next byte on the partner may have it. On the disk before that byte. */
  readonly committing: (observed: Readonly<Record<string, string>>, within: () => void) => Promise<void>
  readonly sent: (bytes: number, total: number) => void
}

/** The message domain as the engine sees it. */
export interface MessageExchange {
  /** Rejects with an AppError for what prevents sending at all, and for what the line does; whether bytes went out is told by `committing`. */
  send(task: MessageTask, route: MessageRoute): Promise<MessageAnswer>
  /** When the first try of the present message was, in milliseconds. */
  firstTryAt(delivery: string): number | null
  /** Pause before the next try, or null when the time is over. */
  pauseAfter(tries: number, since: number, route: MessageRoute): number | null
  /** When a receipt that is awaited is overdue, and when it is given up, in milliseconds from its acceptance. */
  patience(route: MessageRoute): { readonly warnMs: number; readonly failMs: number }
  acceptedAt(delivery: string): number | null
  /** A person said that it was not delivered: what is sent next is a new message. Call it inside a transaction. */
  discard(delivery: string): void
}

export interface MessageAttemptDeps extends AttemptDeps {
  readonly exchange: MessageExchange
  readonly routeOf: (delivery: Delivery, receiving?: boolean) => MessageRoute
}

/** Starts and runs one attempt. Never rejects for what happens to the delivery itself. */
export async function runMessageAttempt(id: string, signal: AbortSignal, deps: MessageAttemptDeps): Promise<void> {
  const { deliveries, ledger, publisher, clock } = deps
  const { entry, attempt, alongside } = ledger.start(id, systemActor)
  // What may have arrived before is not changed by beginning once more.
  const { delivery, maybeArrived: maybeBefore } = entry
  /** What happened to the message is a fact of each of its files. */
  const files = [{ delivery, attempt }, ...alongside]
  const noteUses = (observed: Readonly<Record<string, string>>): void => {
    for (const file of files) deps.policy.noteUses({ ...placeOf(file.delivery), attempt: file.attempt }, observed)
  }
  const note = (observed: Readonly<Record<string, string>>, isWhole: boolean): void => {
    for (const file of files) deliveries.updateAttempt(file.attempt, { observed, ...(isWhole ? { bytes: file.delivery.size } : {}) })
    noteUses(observed)
  }
  const meter = createProgressMeter(id, delivery.size, publisher, clock)
  meter.stage('connecting')
  let route: MessageRoute | null = null
  try {
    route = deps.routeOf(delivery)
    const answer = await deps.exchange.send(
      {
        delivery,
        together: alongside.map((file) => file.delivery),
        signal,
        stage: (stage) => meter.stage(stage),
        async committing(observed, within) {
          // A late receipt may have closed it in the meantime.
          if (deliveries.stateOf(id) !== 'sending') throw new Superseded()
          ledger.apply(id, 'committing', {
            actor: systemActor,
            within() {
              within()
              note(observed, false)
            },
            grouped: true,
          })
          await ledger.flushed()
          meter.stage('transferring')
        },
        sent: (bytes, total) => meter.bytes(total === 0 ? delivery.size : Math.min(delivery.size, Math.round((bytes / total) * delivery.size))),
      },
      route,
    )
    // The receipt came before the answer to our post: it has decided.
    if (deliveries.stateOf(id) !== 'committing') {
      answer.within?.()
      note(answer.observed, true)
    } else
      conclude(
        id,
        {
          ...answer,
          within() {
            answer.within?.()
            noteUses(answer.observed)
          },
        },
        { route, maybeBefore },
        deps,
      )
    // Whoever waits for the outcome may rely on it.
    await ledger.flushed()
  } catch (error) {
    if (error instanceof Superseded) return
    endMessageWithError(id, signal.aborted ? signal.reason : error, { route, maybeBefore }, deps)
  }
}

function placeOf({ id, partner, connection }: Delivery): { delivery: string; partner: string; connection: string; direction: 'outbound' } {
  return { delivery: id, partner, connection, direction: 'outbound' }
}

/** Somebody else decided the delivery while this attempt was on its way. */
class Superseded extends Error {}

interface AttemptFacts {
  readonly route: MessageRoute | null
  readonly maybeBefore: boolean
}

function conclude(id: string, answer: MessageAnswer, facts: AttemptFacts, deps: MessageAttemptDeps): void {
  const { ledger, clock } = deps
  const error = answer.error === undefined ? null : toWireError(answer.error)
  const within = answer.within === undefined ? {} : { within: answer.within }
  const receipt = answer.receipt === undefined ? {} : { receipt: answer.receipt }
  const data = { observed: answer.observed }
  const apply = (event: OutboundEvent, attempt: Attempt['result'], change: { readonly error?: WireError | null; readonly nextTryAt?: string | null } = {}): void => {
    // A power cut that undoes it leaves the message under way: the same bytes go again, and the partner answers them as a repetition.
    ledger.apply(id, event, { actor: systemActor, attempt, travelled: answer.observed, data, grouped: true, ...within, ...receipt, error, ...change })
  }
  switch (answer.kind) {
    case 'confirmed':
      return apply('confirmed', 'delivered', { error: null })
    case 'accepted': {
      const { warnMs } = deps.exchange.patience(routeOrFail(facts))
      return apply('accepted', 'accepted', { nextTryAt: timestamp(clock.now() + warnMs) })
    }
    case 'disputed':
      return apply('disputed', 'disputed')
    case 'refused':
      if (facts.maybeBefore && answer.receipt === undefined) return apply('became-unknown', 'unknown')
      return apply('failed-for-good', 'failed')
    case 'not-taken':
    case 'unknown':
      return later(id, answer, facts, error, apply, deps)
  }
}

function later(
  id: string,
  answer: MessageAnswer,
  facts: AttemptFacts,
  error: WireError | null,
  apply: (event: OutboundEvent, attempt: Attempt['result'], change: { readonly error?: WireError | null; readonly nextTryAt?: string | null }) => void,
  deps: MessageAttemptDeps,
): void {
  const nextTryAt = answer.again === true ? timestamp(deps.clock.now()) : nextTry(id, facts, answer.waitAtLeast, deps)
  if (answer.again === true) return apply('not-taken', 'failed', { error, nextTryAt })
  if (answer.kind === 'unknown' || facts.maybeBefore) return apply('became-unknown', 'unknown', { error, nextTryAt })
  if (nextTryAt === null) return apply('failed-for-good', 'failed', { error })
  apply('not-taken', 'failed', { error, nextTryAt })
}

function nextTry(id: string, { route }: AttemptFacts, waitAtLeast: number | undefined, deps: MessageAttemptDeps): string | null {
  if (route === null) return null
  const { deliveries, clock, exchange } = deps
  const { delivery, retryUntil } = deliveries.get(id)
  const since = exchange.firstTryAt(id) ?? Date.parse(delivery.createdAt)
  // A flow's own window stands instead of the usual day: its pauses grow as always, and its end is the last try.
  const left = retryUntil === null ? null : Date.parse(retryUntil) - clock.now()
  const usual = exchange.pauseAfter(delivery.attempts, left === null ? since : clock.now(), route)
  const pause = left === null ? usual : left <= 0 ? null : Math.min(left, usual ?? left)
  return pause === null ? null : timestamp(clock.now() + Math.max(pause, waitAtLeast ?? 0))
}

function endMessageWithError(id: string, reason: unknown, facts: AttemptFacts, deps: MessageAttemptDeps): void {
  const { deliveries, ledger, clock } = deps
  const state = deliveries.stateOf(id)
  if (state !== 'sending' && state !== 'committing') return
  if (reason instanceof ShuttingDown) {
    ledger.apply(id, 'interrupted', { actor: systemActor, attempt: 'interrupted', nextTryAt: timestamp(clock.now()) })
    return
  }
  if (reason instanceof CancelledByOperator && state === 'sending' && !facts.maybeBefore) {
    const error = toWireError(new AppError('call.cancelled', 'cancelled by the operator before anything was sent'))
    ledger.apply(id, 'cancelled', { actor: systemActor, attempt: 'cancelled', error })
    return
  }
  const failure = reason instanceof CancelledByOperator ? new AppError('delivery.unknown', 'cancelled by the operator while it was being sent') : asAppError(reason)
  const error = toWireError(failure)
  const again = failure.retry === 'never' ? null : nextTry(id, facts, undefined, deps)
  if (state === 'committing' || (facts.maybeBefore && again === null)) {
    // Bytes went out now or earlier, and nothing decided: the same message goes again.
    const nextTryAt = failure.code === 'internal.unexpected' || reason instanceof CancelledByOperator ? null : nextTry(id, facts, undefined, deps)
    ledger.apply(id, 'became-unknown', { actor: systemActor, attempt: 'unknown', error, nextTryAt })
  } else if (again === null) ledger.apply(id, 'failed-for-good', { actor: systemActor, attempt: 'failed', error })
  else ledger.apply(id, 'failed-for-now', { actor: systemActor, attempt: 'failed', error, nextTryAt: again })
}

function routeOrFail({ route }: AttemptFacts): MessageRoute {
  if (route === null) throw new AppError('internal.unexpected', 'an answer without a route')
  return route
}

/** An awaited receipt has not come in time: first a word to the operator, in the end the outcome is unknown. */
export function receiptIsDue(id: string, deps: MessageAttemptDeps): void {
  const { ledger, clock, deliveries, exchange } = deps
  const { delivery } = deliveries.get(id)
  const route = deps.routeOf(delivery, true)
  const { failMs } = exchange.patience(route)
  const accepted = exchange.acceptedAt(id) ?? Date.parse(delivery.updatedAt)
  const giveUpAt = accepted + failMs
  if (clock.now() < giveUpAt) {
    const error = new AppError('as2.receipt_overdue', `taken at ${timestamp(accepted)}; no receipt yet`, { details: { 'given up at': timestamp(giveUpAt) } })
    ledger.apply(id, 'receipt-overdue', { actor: systemActor, error: toWireError(error), nextTryAt: timestamp(giveUpAt) })
    return
  }
  const error = new AppError('as2.receipt_given_up', `taken at ${timestamp(accepted)}; no receipt came until ${timestamp(clock.now())}`)
  ledger.apply(id, 'became-unknown', { actor: systemActor, error: toWireError(error), nextTryAt: null })
}
