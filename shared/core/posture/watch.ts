/** Evaluates by itself: at each change, after deliveries, and daily. Bounded, debounced, and never in the way of what it watches. */
import { systemActor } from '../kernel/actor.ts'
import type { Clock } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import type { EventBus } from '../kernel/events.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Snapshot } from '../../contract/posture.ts'
import type { PostureService } from './service.ts'

/** After the last of a series of messages; a series that does not end is cut. */
const SETTLE_MS = 1500
const MOST_SETTLE_MS = 15_000
/** Timers stand still while a computer sleeps: the day is compared this often. */
const TICK_MS = 10 * 60_000
/** More partners than these at once, and looking at everything is cheaper. */
const MOST_SINGLE = 20

const RESTING: readonly string[] = ['waiting', 'awaiting-receipt', 'disputed', 'unknown', 'delivered', 'failed', 'cancelled', 'held']

export interface PostureWatch {
  /** From now on, until the signal. */
  run(signal: AbortSignal): Promise<void>
}

export function createPostureWatch({ service, bus, clock, logger }: { readonly service: PostureService; readonly bus: Pick<EventBus, 'subscribe'>; readonly clock: Clock; readonly logger: Logger }): PostureWatch {
  let everything = false
  let dirty = new Set<string>()
  let since: number | null = null
  let newest = 0
  let wake: (() => void) | null = null

  const touch = (): void => {
    newest = clock.now()
    // What follows is looked at together with the first.
    if (since !== null) return
    since = newest
    wake?.()
  }

  const guarded = async (cause: Snapshot['cause']): Promise<void> => {
    try {
      await service.evaluateAll(cause, systemActor)
    } catch (error) {
      logger.log('error', 'the posture could not be evaluated', { problem: asAppError(error).message })
    }
  }

  const work = async (): Promise<void> => {
    const [all, partners] = [everything, dirty]
    everything = false
    dirty = new Set()
    since = null
    if (all || partners.size > MOST_SINGLE) return await guarded(all ? 'change' : 'delivery')
    for (const partner of partners) {
      try {
        service.evaluateAfterDelivery(partner)
      } catch (error) {
        logger.log('error', 'the posture of a partner could not be evaluated', { partner, problem: asAppError(error).message })
      }
    }
  }

  const isDue = (): boolean => since !== null && (clock.now() - newest >= SETTLE_MS || clock.now() - since >= MOST_SETTLE_MS)

  const isNewDay = (): boolean => service.lastEvaluatedAt()?.slice(0, 10) !== new Date(clock.now()).toISOString().slice(0, 10)

  /** Until something happens, or the time is over. */
  const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
    const woken = new AbortController()
    wake = () => {
      if (!woken.signal.aborted) woken.abort()
    }
    await clock.sleep(ms, AbortSignal.any([signal, woken.signal])).catch(() => undefined)
    wake = null
  }

  return {
    async run(signal) {
      const changed = (): void => {
        everything = true
        touch()
      }
      const leave = [
        bus.subscribe('partners.changed', changed),
        bus.subscribe('trust.changed', changed),
        bus.subscribe('station.changed', changed),
        bus.subscribe('as2.receiverChanged', changed),
        bus.subscribe('flows.changed', changed),
        bus.subscribe('expectations.changed', changed),
        bus.subscribe('policy.changed', changed),
        bus.subscribe('safekeeping.changed', changed),
        bus.subscribe('deliveries.changed', ({ partner, state }) => {
          if (!RESTING.includes(state)) return
          dirty.add(partner)
          touch()
        }),
        bus.subscribe('policy.changed', changed),
        bus.subscribe('policy.refused', ({ partner }) => {
          dirty.add(partner)
          touch()
        }),
      ]
      try {
        await guarded(isNewDay() ? 'daily' : 'change')
        while (!signal.aborted) {
          await pause(since === null ? TICK_MS : SETTLE_MS, signal)
          if (signal.aborted) return
          if (isDue()) await work()
          else if (since === null && isNewDay()) await guarded('daily')
        }
      } finally {
        for (const end of leave) end()
      }
    },
  }
}
