/**
 * Decides what runs when: files in lanes (file-lanes.ts), messages in theirs. In the background it also wakes up for waiting
 * deliveries; on demand it runs only what it is told to.
 */
import type { Routes } from '../partners/routes.ts'
import { timestamp } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { stepFor } from './rules.ts'
import { CancelledByOperator, ShuttingDown, type AttemptDeps } from './attempt.ts'
import { createFileLanes } from './file-lanes.ts'
import { receiptIsDue, runMessageAttempt, type MessageExchange } from './message-attempt.ts'
import { createMessageLanes } from './message-lanes.ts'

/** The wall clock is compared at least this often, because timers stand still while a laptop sleeps. */
const TICK_MS = 15_000
const MOST_TRIES_AT_ONCE = 4

export interface DeliveryEngine {
  /** Runs a queued, waiting or unknown delivery as soon as its lane is free. */
  run(id: string): void
  /** Stops a delivery that is under way; false when it is not. */
  abort(id: string): boolean
  /** Resolves when the delivery is neither queued in a lane nor running. */
  settled(id: string): Promise<void>
  /** Background operation: resumes what is due, now and from then on. */
  start(): void
  /** Ends the running attempts (they go on at the next start) and resolves when all have ended. */
  stop(): Promise<void>
}

export function createDeliveryEngine(deps: AttemptDeps & { readonly routes: Routes; readonly exchange: MessageExchange; readonly logger: Logger }): DeliveryEngine {
  const { deliveries, ledger, clock, routes, logger } = deps
  const controllers = new Map<string, AbortController>()
  const pending = new Map<string, PromiseWithResolvers<void>>()
  const background = new AbortController()
  let stopping = false

  const settle = (id: string): void => {
    pending.get(id)?.resolve()
    pending.delete(id)
  }

  const enqueue = (named: string): void => {
    const id = ledger.leadOf(named)
    if (stopping || pending.has(id)) return
    const { delivery } = deliveries.get(id)
    const { partner, connection } = delivery
    const key = `${partner}/${connection}`
    pending.set(id, Promise.withResolvers<void>())
    if (routes.isMessages(partner, connection)) messageLanes.add(id, { key, parallel: routes.sessionsAtOnce(partner, connection) })
    else fileLanes.add(id, { key, partner, connection })
  }

  /** False when the operator was faster: cancelled or resolved while it stood in the lane. */
  const canStart = (id: string): boolean => stepFor(deliveries.get(id).state, 'started') !== null

  const isDueNow = (id: string): boolean => {
    const { state, delivery } = deliveries.get(id)
    return !stopping && state === 'waiting' && delivery.nextTryAt !== null && Date.parse(delivery.nextTryAt) <= clock.now()
  }

  const messageDeps = { ...deps, routeOf: ({ partner, connection }: { partner: string; connection: string }, receiving = false) => routes.messages(partner, connection, { receiving }) }

  const runMessage = async (id: string): Promise<void> => {
    const controller = new AbortController()
    controllers.set(id, controller)
    try {
      if (stopping) return
      if (deliveries.get(id).state === 'awaiting-receipt') receiptIsDue(id, messageDeps)
      else {
        // What goes again at once is not left to a background that may not be there.
        for (let tries = 0; canStart(id) && (tries === 0 || (tries < MOST_TRIES_AT_ONCE && isDueNow(id))); tries++) await runMessageAttempt(id, controller.signal, messageDeps)
      }
    } catch (error) {
      logger.log('error', 'a delivery could not be run', { delivery: id, problem: asAppError(error).message })
    } finally {
      controllers.delete(id)
    }
  }
  const messageLanes = createMessageLanes(runMessage, settle)
  const fileLanes = createFileLanes({ ...deps, controllers, canStart, settle, stopping: background.signal })

  const watch = async (): Promise<void> => {
    while (!background.signal.aborted) {
      for (const { delivery } of deliveries.due(timestamp(clock.now()))) enqueue(delivery.id)
      const next = deliveries.nextDueAt()
      const wait = next === null ? TICK_MS : Math.min(TICK_MS, Math.max(50, Date.parse(next) - clock.now()))
      await clock.sleep(wait, background.signal).catch(() => undefined)
    }
  }

  return {
    run: enqueue,
    abort(id) {
      const controller = controllers.get(ledger.leadOf(id))
      controller?.abort(new CancelledByOperator('cancelled by the operator'))
      return controller !== undefined
    },
    settled: (id) => pending.get(ledger.leadOf(id))?.promise ?? Promise.resolve(),
    start() {
      void watch().catch((error: unknown) => logger.log('error', 'the delivery engine stopped', { problem: asAppError(error).message }))
    },
    async stop() {
      stopping = true
      background.abort()
      for (const controller of controllers.values()) controller.abort(new ShuttingDown('Waybill is ending'))
      await Promise.all([...pending.values()].map(async (entry) => await entry.promise))
    },
  }
}
