/** Runs one attempt of one delivery on an open session and writes down how it ended. */
import type { Delivery } from '../../contract/deliveries.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, asAppError, toWireError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import type { PolicyGate } from '../policy/gate.ts'
import type { FileProtocol, FileSession, ObservedCrypto } from '../protocols/file-protocol.ts'
import type { PayloadStore } from '../store/payload-store.ts'
import type { Ledger } from './ledger.ts'
import { createProgressMeter } from './progress.ts'
import { putFile } from './put-file.ts'
import type { DeliveryRepository } from './repository.ts'
import { isDefiniteAfterCommit, nextPause } from './rules.ts'
import type { Turn } from './turns.ts'

/** How often the acknowledged prefix is written down: it costs a disk flush each time. */
const PERSIST_EVERY_MS = 1_000

export interface AttemptDeps {
  readonly deliveries: DeliveryRepository
  readonly ledger: Ledger
  readonly payloads: PayloadStore
  readonly publisher: Publisher
  readonly clock: Clock
  readonly random: () => number
  readonly policy: Pick<PolicyGate, 'permitContent' | 'noteUses'>
}

/** Reason of an abort: the operator cancelled this delivery. */
export class CancelledByOperator extends Error {}
/** Reason of an abort: the program is ending; the delivery goes on at the next start. */
export class ShuttingDown extends Error {}

/** Sends the file of a delivery whose attempt was started. Never rejects for what happens to the delivery itself. */
export async function runAttempt(
  started: { readonly id: string; readonly attempt: string },
  session: FileSession,
  options: { readonly protocol: FileProtocol['id']; readonly verify: 'auto' | 'size' | 'hash' | 'read-back'; readonly signal: AbortSignal; readonly turn: Turn; /** Whether the session goes on with another file. */ readonly more: () => boolean },
  deps: AttemptDeps,
): Promise<void> {
  const { deliveries, ledger, payloads, publisher, clock, policy } = deps
  const { delivery, maybeArrived } = deliveries.get(started.id)
  const travels = delivery.wire ?? delivery
  // Some of it shows during the transfer only, as whether FTPS resumed the session.
  const observed = (): ObservedCrypto => ({ ...session.observed, ...delivery.wire?.facts })
  const meter = createProgressMeter(delivery.id, travels.size, publisher, clock)
  let persistedAt = clock.now()
  let acknowledged = deliveries.acknowledgedBefore(delivery.id, started.attempt)
  deliveries.updateAttempt(started.attempt, { observed: observed(), bytes: acknowledged })
  const travelled = { delivery: delivery.id, attempt: started.attempt, partner: delivery.partner, connection: delivery.connection, direction: 'outbound' } as const
  // Before the first byte, while the exceptions hold that let it begin; again at the end, for what shows only in transfer.
  policy.noteUses(travelled, observed())
  try {
    const receipt = await putFile(
      {
        id: delivery.id,
        protocol: options.protocol,
        remoteName: delivery.remoteName,
        size: travels.size,
        sha256: travels.sha256,
        verify: options.verify,
        untouched: delivery.attempts <= 1 && !maybeArrived,
        maybeArrived,
        askedBefore: maybeArrived || deliveries.askedBefore(delivery.id, travels.size),
        acknowledged,
        content: (offset) => payloads.read(travels.sha256, { offset, signal: options.signal }),
      },
      {
        session,
        clock,
        signal: options.signal,
        observer: {
          stage: (stage) => meter.stage(stage),
          absent: () => ledger.apply(delivery.id, 'probe-absent', { actor: systemActor }),
          transferring(resumedAt) {
            acknowledged = resumedAt
            deliveries.updateAttempt(started.attempt, { resumedAt, bytes: resumedAt })
          },
          acknowledged(bytes) {
            acknowledged = bytes
            meter.bytes(bytes)
            if (clock.now() - persistedAt < PERSIST_EVERY_MS) return
            persistedAt = clock.now()
            deliveries.updateAttempt(started.attempt, { bytes })
          },
          async committing() {
            await options.turn.comes(options.signal)
            deliveries.updateAttempt(started.attempt, { bytes: acknowledged, observed: observed() })
            ledger.apply(delivery.id, 'committing', { actor: systemActor, grouped: true })
            options.turn.passOn()
            // One flush for all whose turn it is at this moment.
            await ledger.flushed()
          },
        },
      },
    )
    policy.noteUses(travelled, observed())
    ledger.apply(delivery.id, 'confirmed', { actor: systemActor, receipt, attempt: 'delivered', data: { observed: observed() }, grouped: options.more() })
  } catch (error) {
    deliveries.updateAttempt(started.attempt, { bytes: acknowledged })
    endWithError(delivery, options.signal.aborted ? options.signal.reason : error, observed(), deps)
  }
}

/** Writes down how a started attempt failed. Also used when no session could be opened at all. */
export function endWithError(delivery: Delivery, reason: unknown, observed: ObservedCrypto, deps: AttemptDeps): void {
  const { deliveries, ledger, clock } = deps
  const { state, maybeArrived, retryUntil, delivery: now } = deliveries.get(delivery.id)
  if (state !== 'sending' && state !== 'committing') return
  const data = Object.keys(observed).length > 0 ? { observed } : {}
  if (reason instanceof ShuttingDown) {
    ledger.apply(delivery.id, 'interrupted', { actor: systemActor, attempt: 'interrupted', nextTryAt: timestamp(clock.now()), data })
    return
  }
  if (reason instanceof CancelledByOperator && state === 'sending' && !maybeArrived) {
    ledger.apply(delivery.id, 'cancelled', {
      actor: systemActor,
      attempt: 'cancelled',
      error: toWireError(new AppError('call.cancelled', 'cancelled by the operator; an incomplete temporary file may remain at the partner')),
      data,
    })
    return
  }
  const failure = asAppError(reason)
  const error = toWireError(failure)
  const pause = failure.retry === 'never' ? null : nextPause(now.attempts, deps.random(), retryUntil === null ? null : Date.parse(retryUntil) - clock.now())
  const nextTryAt = pause === null ? null : timestamp(clock.now() + pause)
  const undecided = maybeArrived && !(state === 'committing' && isDefiniteAfterCommit(failure.code))
  if (undecided) {
    // Asked for the final name and got no clear answer: look first, soon; nothing is sent before that.
    const probeAt = state === 'committing' && failure.code !== 'delivery.unknown' ? timestamp(clock.now()) : nextTryAt
    ledger.apply(delivery.id, 'became-unknown', { actor: systemActor, attempt: 'unknown', error, nextTryAt: probeAt, data })
  } else if (state === 'committing' || nextTryAt === null) {
    ledger.apply(delivery.id, 'failed-for-good', { actor: systemActor, attempt: 'failed', error, data })
  } else {
    ledger.apply(delivery.id, 'failed-for-now', { actor: systemActor, attempt: 'failed', error, nextTryAt, data })
  }
}
