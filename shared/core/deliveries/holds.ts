/** Deliveries that are not tried by themselves now: they are postponed, visibly, and lose no try. */
import type { Hold, Lines } from '../background/service.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, asAppError, toWireError } from '../kernel/errors.ts'
import type { Ledger } from './ledger.ts'
import type { DeliveryRepository, LedgerEntry } from './repository.ts'

/** Where nothing else tells. */
const FIRST_PAUSE_MS = 30_000

export interface Holds {
  /** What a person asked for is tried all the same, until it rests. */
  force(id: string): void
  /** It rests. */
  rests(id: string): void
  /** True when the delivery was postponed. `entry`: as it is now, where it was just read. */
  isHeld(id: string, entry?: LedgerEntry): boolean
  /** Those that wait behind a delivery whose line failed wait as long as it does. */
  behind(first: string, reason: unknown): (id: string) => void
}

export function createHolds({ deliveries, ledger, lines, clock }: { readonly deliveries: DeliveryRepository; readonly ledger: Ledger; readonly lines: Lines; readonly clock: Clock }): Holds {
  const byPerson = new Set<string>()

  const postpone = (id: string, { by, error, until }: Hold): void => {
    const { state, retryUntil } = deliveries.get(id)
    const times = [until, retryUntil === null ? null : Date.parse(retryUntil)].filter((time) => time !== null)
    const nextTryAt = times.length === 0 ? null : timestamp(Math.min(...times))
    // What is known of an uncertain outcome stays to be read.
    ledger.apply(id, 'postponed', { actor: systemActor, postponed: by, nextTryAt, grouped: true, ...(state === 'unknown' ? {} : { error: toWireError(error) }) })
  }

  /** The end of a delivery's own time is a try for real. */
  const holdOf = ({ delivery, retryUntil }: LedgerEntry): Hold | null => {
    if (byPerson.has(delivery.id) || (retryUntil !== null && Date.parse(retryUntil) <= clock.now())) return null
    return lines.hold(delivery)
  }

  return {
    force: (id) => void byPerson.add(id),
    rests: (id) => void byPerson.delete(id),
    isHeld(id, entry = deliveries.get(id)) {
      const hold = holdOf(entry)
      if (hold !== null) postpone(id, hold)
      return hold !== null
    },
    behind(first, reason) {
      const { delivery } = deliveries.get(first)
      const hold = lines.hold(delivery) ?? sameTime(asAppError(reason), delivery.nextTryAt ?? timestamp(clock.now() + FIRST_PAUSE_MS))
      return (id) => postpone(id, hold)
    },
  }
}

function sameTime(error: AppError, nextTryAt: string): Hold {
  return { by: 'connection', until: Date.parse(nextTryAt), error: new AppError('net.left_alone', `${error.message}; next try ${nextTryAt}`, { details: { 'last problem': error.code, 'next try': nextTryAt } }) }
}
