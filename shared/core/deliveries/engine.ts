/**
 * Decides what runs when. Deliveries of one connection share a lane and, in it, as many sessions as the partner permits (usually
 * one); lanes run side by side.
 * In the background it also wakes up for waiting deliveries; on demand it runs only what it is told to.
 */
import type { FileRoute, Routes } from '../partners/routes.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { FileSession } from '../protocols/file-protocol.ts'
import { stepFor } from './rules.ts'
import { CancelledByOperator, endWithError, runAttempt, ShuttingDown, type AttemptDeps } from './attempt.ts'
import { receiptIsDue, runMessageAttempt, type MessageExchange } from './message-attempt.ts'
import { createMessageLanes } from './message-lanes.ts'

const MAX_LANES = 4
/** In all lanes together. */
const MAX_SESSIONS = 8
/** A session waits so long for the next file of its lane: files that are handed over one after the other share one sign-in. */
const LINGER_MS = 3_000
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

interface Lane {
  readonly partner: string
  readonly connection: string
  readonly waiting: string[]
  /** Sessions at work. */
  running: number
  /** Wakes sessions that are open and have nothing to do. */
  readonly resting: (() => void)[]
}

interface OpenSession {
  readonly session: FileSession
  readonly route: FileRoute
  /** It has rested, and may be gone. */
  readonly rested: boolean
}

export function createDeliveryEngine(deps: AttemptDeps & { readonly routes: Routes; readonly exchange: MessageExchange; readonly logger: Logger }): DeliveryEngine {
  const { deliveries, ledger, clock, routes, logger } = deps
  const lanes = new Map<string, Lane>()
  const controllers = new Map<string, AbortController>()
  const pending = new Map<string, PromiseWithResolvers<void>>()
  const background = new AbortController()
  let stopping = false

  const settle = (id: string): void => {
    pending.get(id)?.resolve()
    pending.delete(id)
  }

  const enqueue = (id: string): void => {
    if (stopping || pending.has(id)) return
    const { delivery } = deliveries.get(id)
    const { partner, connection } = delivery
    const key = `${partner}/${connection}`
    if (routes.isMessages(partner, connection)) {
      pending.set(id, Promise.withResolvers<void>())
      messageLanes.add(id, { key, parallel: routes.sessionsAtOnce(partner, connection) })
      return
    }
    const lane = lanes.get(key) ?? { partner, connection, waiting: [], running: 0, resting: [] }
    lanes.set(key, lane)
    pending.set(id, Promise.withResolvers<void>())
    lane.waiting.push(id)
    startLanes()
  }

  const startLanes = (): void => {
    for (const lane of lanes.values()) {
      if ([...lanes.values()].filter((other) => other.running > 0).length >= MAX_LANES) break
      if (lane.running === 0 && lane.waiting.length > 0) startSession(lane)
    }
    // What is left goes to lanes that may have more than one.
    for (const lane of lanes.values())
      while (lane.running > 0 && lane.waiting.length > 0 && lane.running < routes.sessionsAtOnce(lane.partner, lane.connection) && sessions() < MAX_SESSIONS) startSession(lane)
  }

  const sessions = (): number => [...lanes.values()].reduce((sum, { running }) => sum + running, 0)

  /** Goes on with a session that rests, or with a new one. */
  const startSession = (lane: Lane): void => {
    lane.running += 1
    const wake = lane.resting.pop()
    if (wake !== undefined) {
      wake()
      return
    }
    void runLane(lane).finally(() => {
      lane.running -= 1
      if (lane.running + lane.resting.length + lane.waiting.length === 0) lanes.delete(`${lane.partner}/${lane.connection}`)
      startLanes()
    })
  }

  /** True when there is more to do; the session then counts as running again. */
  const rest = async (lane: Lane): Promise<boolean> => {
    const { promise, resolve: wake } = Promise.withResolvers<void>()
    const limit = new AbortController()
    lane.resting.push(wake)
    lane.running -= 1
    startLanes()
    void clock.sleep(LINGER_MS, AbortSignal.any([limit.signal, background.signal])).then(wake, wake)
    await promise
    limit.abort()
    const at = lane.resting.indexOf(wake)
    // Whoever woke it has counted it already.
    if (at === -1) return true
    lane.resting.splice(at, 1)
    lane.running += 1
    return lane.waiting.length > 0
  }

  /** Works through a lane with one session for all its deliveries; opens another when the partner's settings changed or it broke. */
  const runLane = async (lane: Lane): Promise<void> => {
    let open = null as OpenSession | null
    try {
      for (;;) {
        const id = lane.waiting.shift()
        if (id === undefined) {
          if (open === null || stopping || !(await rest(lane))) return
          open = { ...open, rested: true }
          continue
        }
        try {
          if (!stopping && canStart(id)) open = await runOne(id, open, lane)
        } catch (error) {
          // Only our own store can fail here (a full disk, say). The delivery stays as it is written down.
          logger.log('error', 'a delivery could not be run', { delivery: id, problem: asAppError(error).message })
        }
        if (!stopping && mustProbeNow(id)) lane.waiting.unshift(id)
        else settle(id)
      }
    } finally {
      await open?.session.close()
    }
  }

  /** False when the operator was faster: cancelled or resolved while it stood in the lane. */
  const canStart = (id: string): boolean => stepFor(deliveries.get(id).state, 'started') !== null

  /** The answer to the final name was lost: looking is cheap and due at once, so whoever waits gets a decided outcome. */
  const mustProbeNow = (id: string): boolean => {
    const { state, delivery } = deliveries.get(id)
    return state === 'unknown' && delivery.nextTryAt !== null && Date.parse(delivery.nextTryAt) <= clock.now()
  }

  const runOne = async (
    id: string,
    open: OpenSession | null,
    lane: Lane,
  ): Promise<typeof open> => {
    const { delivery } = deliveries.get(id)
    const controller = new AbortController()
    controllers.set(id, controller)
    const { attempt } = ledger.start(id, systemActor)
    try {
      const route = routes.files(delivery.partner, delivery.connection)
      let session = open !== null && open.route.version === route.version && (!open.rested || (await isAlive(open.session))) ? open.session : null
      if (session === null) {
        await open?.session.close()
        deps.publisher.publish('deliveries.progress', { id, stage: 'connecting', bytes: 0, total: delivery.size, bytesPerSecond: 0, secondsLeft: null })
        session = await route.connect(controller.signal)
      }
      await runAttempt({ id, attempt }, session, { protocol: route.connection.protocol, verify: route.connection.verify, signal: controller.signal, more: () => lane.waiting.length > 0 }, deps)
      // Whatever went wrong, a fresh connection is the safe ground for the next file.
      if (deliveries.get(id).delivery.state === 'delivered') return { session, route, rested: false }
      await session.close()
      return null
    } catch (error) {
      const reason: unknown = controller.signal.aborted ? controller.signal.reason : error
      endWithError(delivery, reason, {}, deps)
      // Where another session of the lane works, the server merely had enough of them.
      if (!controller.signal.aborted && lane.running === 1) failTheRest(lane, reason)
      return null
    } finally {
      controllers.delete(id)
    }
  }

  /** No session, no use in asking again for each file of the lane: they share the reason and its pause. */
  const failTheRest = (lane: Lane, reason: unknown): void => {
    for (const id of lane.waiting.splice(0)) {
      try {
        ledger.start(id, systemActor)
        endWithError(deliveries.get(id).delivery, reason, {}, deps)
      } finally {
        settle(id)
      }
    }
  }

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
      const controller = controllers.get(id)
      controller?.abort(new CancelledByOperator('cancelled by the operator'))
      return controller !== undefined
    },
    settled: (id) => pending.get(id)?.promise ?? Promise.resolve(),
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

/** Servers end sessions that rest, and lines break meanwhile. */
async function isAlive(session: FileSession): Promise<boolean> {
  try {
    await session.stat('.waybill')
    return true
  } catch {
    return false
  }
}
