/**
 * Decides what runs when: files in lanes (file-lanes.ts), messages in theirs. In the background it also wakes up for waiting
 * deliveries; on demand it runs only what it is told to.
 */
import { isErrorCode } from '../../contract/errors/index.ts'
import type { Lines } from '../background/service.ts'
import { systemActor } from '../kernel/actor.ts'
import type { Routes } from '../partners/routes.ts'
import { timestamp } from '../kernel/clock.ts'
import { AppError, asAppError, toWireError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { within, type Patience } from '../kernel/patience.ts'
import { stepFor } from './rules.ts'
import { CancelledByOperator, ShuttingDown, type AttemptDeps } from './attempt.ts'
import { createFileLanes } from './file-lanes.ts'
import { createHolds } from './holds.ts'
import { receiptIsDue, runMessageAttempt, type MessageExchange } from './message-attempt.ts'
import { createMessageLanes } from './message-lanes.ts'
import type { LedgerEntry } from './repository.ts'

/** The wall clock is compared at least this often, because timers stand still while a laptop sleeps. */
const TICK_MS = 15_000
const MOST_TRIES_AT_ONCE = 4
/** Messages up to here are built while others are on the wire. */
const BUILT_AHEAD_BYTES = 1024 * 1024

/**
 * How many messages of that size are under way where so many may be on the wire: a small one waits for the disk, before it goes and after its
 * answer, longer than for the partner. Where one follows the other, none begins before the one before it has ended.
 */
function underWay(onTheWire: number, bytes: number): number {
  return onTheWire === 1 || bytes > BUILT_AHEAD_BYTES ? onTheWire : onTheWire * 2
}

export interface DeliveryEngine {
  /** Runs a queued, waiting or unknown delivery as soon as its lane is free. What a person asks for is tried also where nothing is tried by itself. */
  run(id: string, byPerson?: boolean): void
  /** Stops a delivery that is under way; false when it is not. */
  abort(id: string): boolean
  /** Resolves when the delivery is neither queued in a lane nor running. */
  settled(id: string): Promise<void>
  /** Looks at the clock at once: the computer woke up. */
  wake(): void
  /** Background operation: resumes what is due, now and from then on. */
  start(): void
  /** Starts nothing any more; ends the running attempts when there is no patience left (they go on at the next start). Resolves when all have ended. */
  stop(patience?: Patience): Promise<void>
}

export function createDeliveryEngine(deps: AttemptDeps & { readonly routes: Routes; readonly exchange: MessageExchange; readonly lines: Lines; readonly logger: Logger }): DeliveryEngine {
  const { deliveries, ledger, clock, routes, lines, logger } = deps
  const holds = createHolds(deps)
  const controllers = new Map<string, AbortController>()
  const pending = new Map<string, PromiseWithResolvers<void>>()
  const background = new AbortController()
  let waking = new AbortController()
  let stopping = false

  const settle = (id: string): void => {
    pending.get(id)?.resolve()
    pending.delete(id)
    holds.rests(id)
  }

  const enqueue = (named: string): void => {
    const id = ledger.leadOf(named)
    if (stopping || pending.has(id)) return
    const { delivery } = deliveries.get(id)
    const { partner, connection } = delivery
    const key = `${partner}/${connection}`
    pending.set(id, Promise.withResolvers<void>())
    if (routes.isMessages(partner, connection)) messageLanes.add(id, { key, parallel: underWay(routes.sessionsAtOnce(partner, connection, 0), delivery.size) })
    else fileLanes.add(id, { key, partner, connection })
  }

  /** False when the operator was faster: cancelled or resolved while it stood in the lane. */
  const canStart = (id: string): boolean => stepFor(deliveries.stateOf(id), 'started') !== null

  const isDueNow = ({ state, delivery }: LedgerEntry): boolean => !stopping && state === 'waiting' && delivery.nextTryAt !== null && Date.parse(delivery.nextTryAt) <= clock.now()

  const messageDeps = { ...deps, routeOf: ({ partner, connection }: { partner: string; connection: string }, receiving = false) => routes.messages(partner, connection, { receiving }) }

  /** What goes again at once is not left to a background that may not be there. Answers what became of it. */
  const tryMessage = async (id: string, signal: AbortSignal): Promise<LedgerEntry> => {
    for (let tries = 1; ; tries++) {
      await runMessageAttempt(id, signal, messageDeps)
      const entry = deliveries.get(id)
      if (tries === MOST_TRIES_AT_ONCE || !isDueNow(entry)) return entry
    }
  }

  const runMessage = async (id: string): Promise<void> => {
    const controller = new AbortController()
    controllers.set(id, controller)
    try {
      if (stopping) return
      const entry = deliveries.get(id)
      if (entry.state === 'awaiting-receipt') receiptIsDue(id, messageDeps)
      else if (stepFor(entry.state, 'started') !== null && !holds.isHeld(id, entry)) {
        const { delivery } = await lines.during(async () => await tryMessage(id, controller.signal))
        if (delivery.error === null) lines.reached(delivery)
        else if (!controller.signal.aborted) lines.failed(delivery, new AppError(isErrorCode(delivery.error.code) ? delivery.error.code : 'internal.unexpected', delivery.error.message))
      }
    } catch (error) {
      logger.log('error', 'a delivery could not be run', { delivery: id, problem: asAppError(error).message })
    } finally {
      controllers.delete(id)
    }
  }
  const messageLanes = createMessageLanes(runMessage, settle)
  const fileLanes = createFileLanes({ ...deps, holds, controllers, canStart, settle, stopping: background.signal })

  /** Our own store failed in the middle of an attempt (a full disk): nobody runs it, and it is written down as running. */
  const takeOver = (): void => {
    for (const { delivery } of deliveries.inStates(['sending', 'committing']))
      if (ledger.leadOf(delivery.id) === delivery.id && !pending.has(delivery.id)) ledger.apply(delivery.id, 'interrupted', { actor: systemActor, attempt: 'interrupted', nextTryAt: timestamp(clock.now()), error: toWireError(new AppError('delivery.interrupted', 'the attempt could not be written to its end')) })
  }

  /** Milliseconds until the next look. */
  const look = (): number => {
    try {
      takeOver()
      for (const { delivery } of deliveries.due(timestamp(clock.now()))) enqueue(delivery.id)
      const next = deliveries.nextDueAt()
      return next === null ? TICK_MS : Math.min(TICK_MS, Math.max(50, Date.parse(next) - clock.now()))
    } catch (error) {
      // Only our own store can fail here.
      logger.log('error', 'due deliveries could not be looked up', { problem: asAppError(error).message })
      return TICK_MS
    }
  }

  const watch = async (): Promise<void> => {
    while (!background.signal.aborted) {
      waking = new AbortController()
      await clock.sleep(look(), AbortSignal.any([background.signal, waking.signal])).catch(() => undefined)
    }
  }

  return {
    run(id, byPerson = false) {
      if (byPerson) holds.force(ledger.leadOf(id))
      enqueue(id)
    },
    abort(id) {
      const controller = controllers.get(ledger.leadOf(id))
      controller?.abort(new CancelledByOperator('cancelled by the operator'))
      return controller !== undefined
    },
    settled: (id) => pending.get(ledger.leadOf(id))?.promise ?? Promise.resolve(),
    wake: () => waking.abort(),
    start() {
      lines.onRelease((release) => {
        if (deliveries.hasten(release, timestamp(clock.now())) > 0) waking.abort()
      })
      void watch().catch((error: unknown) => logger.log('error', 'the delivery engine stopped', { problem: asAppError(error).message }))
    },
    async stop(patience) {
      stopping = true
      background.abort()
      await within(patience, Promise.all([...pending.values()].map(async (entry) => await entry.promise)))
      for (const controller of controllers.values()) controller.abort(new ShuttingDown('Waybill is ending'))
      await Promise.all([...pending.values()].map(async (entry) => await entry.promise))
    },
  }
}
