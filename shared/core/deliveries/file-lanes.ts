/**
 * Deliveries of one connection share a lane and, in it, as many sessions as the partner permits (usually one); lanes run side by
 * side. A session carries several small files at a time where its protocol can, over the one connection.
 */
import type { Lines } from '../background/service.ts'
import type { FileRoute, Routes } from '../partners/routes.ts'
import { systemActor } from '../kernel/actor.ts'
import { asAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { FileSession } from '../protocols/file-protocol.ts'
import { endWithError, runAttempt, type AttemptDeps } from './attempt.ts'
import type { Holds } from './holds.ts'
import { createTurns, type Turn } from './turns.ts'

const MAX_LANES = 4
/** In all lanes together. */
const MAX_SESSIONS = 8
/** A session waits so long for the next file of its lane: files that are handed over one after the other share one sign-in. */
const LINGER_MS = 3_000
/** How long a lane goes on with the sessions that it has when a further one was refused. */
const FULL_FOR_MS = 60_000
/** Beside a larger file, and beside each other, only smaller ones are sent over one session: memory stays bounded, and a line is full anyway. */
const SMALL_BYTES = 1024 * 1024

export interface FileLanes {
  add(id: string, lane: { readonly key: string; readonly partner: string; readonly connection: string }): void
}

export interface FileLanesDeps extends AttemptDeps {
  readonly routes: Routes
  readonly lines: Lines
  readonly holds: Holds
  readonly logger: Logger
  /** Of what is under way, by delivery. */
  readonly controllers: Map<string, AbortController>
  /** False when the operator was faster. */
  readonly canStart: (id: string) => boolean
  /** Told of each when it neither runs nor waits in a lane. */
  readonly settle: (id: string) => void
  readonly stopping: AbortSignal
}

interface Lane {
  readonly key: string
  readonly partner: string
  readonly connection: string
  readonly waiting: string[]
  /** Sessions at work. */
  running: number
  /** Until when no further session is tried: the last one was refused. */
  fullUntil: number
  /** Wakes sessions that are open and have nothing to do. */
  readonly resting: (() => void)[]
  /** Rings when something was added. */
  bell: PromiseWithResolvers<void>
}

interface OpenSession {
  readonly session: FileSession
  readonly route: FileRoute
  readonly nextTurn: () => Turn
  /** It has rested, and may be gone. */
  rested: boolean
  /** Something went wrong on it: a fresh connection is the safe ground for the next file. */
  spent: boolean
}

export function createFileLanes(deps: FileLanesDeps): FileLanes {
  const { deliveries, ledger, clock, routes, lines, holds, logger, controllers, canStart, settle, stopping } = deps
  const lanes = new Map<string, Lane>()

  const startLanes = (): void => {
    for (const lane of lanes.values()) {
      if ([...lanes.values()].filter((other) => other.running > 0).length >= MAX_LANES) break
      if (lane.running === 0 && lane.waiting.length > 0) startSession(lane)
    }
    // What is left goes to lanes that may have more than one.
    for (const lane of lanes.values())
      while (lane.running > 0 && lane.waiting.length > 0 && clock.now() >= lane.fullUntil && lane.running < routes.sessionsAtOnce(lane.partner, lane.connection, lane.waiting.length) && sessions() < MAX_SESSIONS) startSession(lane)
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
    void runLane(lane, lane.running > 1).finally(() => {
      lane.running -= 1
      if (lane.running + lane.resting.length + lane.waiting.length === 0) lanes.delete(lane.key)
      startLanes()
    })
  }

  /** True when there is more to do; the session then counts as running again. */
  const rest = async (lane: Lane, route: FileRoute): Promise<boolean> => {
    const { promise, resolve: wake } = Promise.withResolvers<void>()
    const limit = new AbortController()
    lane.resting.push(wake)
    lane.running -= 1
    startLanes()
    void clock.sleep(LINGER_MS, AbortSignal.any([limit.signal, stopping])).then(wake, wake)
    const deafen = route.onWanted(wake)
    await promise
    deafen()
    limit.abort()
    const at = lane.resting.indexOf(wake)
    // Whoever woke it has counted it already.
    if (at === -1) return true
    lane.resting.splice(at, 1)
    lane.running += 1
    return lane.waiting.length > 0
  }

  /** A session beside others of the lane; null where they must do. No file has begun on it, so that none fails with it. */
  const openBeside = async (lane: Lane): Promise<OpenSession | null> => {
    try {
      const route = routes.files(lane.partner, lane.connection)
      const session = await route.connectAnother(stopping)
      if (session !== null) return { session, route, nextTurn: createTurns(), rested: false, spent: false }
    } catch (error) {
      logger.log('warn', 'a further connection could not be opened; the others go on', { connection: lane.key, problem: asAppError(error).message })
    }
    lane.fullUntil = clock.now() + FULL_FOR_MS
    return null
  }

  /** Works through a lane with one session for all its deliveries; opens another when the partner's settings changed or it broke. */
  const runLane = async (lane: Lane, beside: boolean): Promise<void> => {
    let open = beside ? await openBeside(lane) : null
    if (beside && open === null) return
    const active = new Map<string, Promise<void>>()
    try {
      for (;;) {
        const [id] = lane.waiting
        if (id === undefined && active.size === 0) {
          if (open === null || stopping.aborted || !(await rest(lane, open.route))) return
          open.rested = true
        } else if (id === undefined || (active.size > 0 && !takes(open, id, active))) {
          await Promise.race([...active.values(), lane.bell.promise])
        } else {
          lane.waiting.shift()
          open = await begin(id, open, lane, active)
        }
      }
    } finally {
      await Promise.all(active.values())
      await open?.session.close()
    }
  }

  const sizeOf = (id: string): number => {
    const { delivery } = deliveries.get(id)
    return (delivery.wire ?? delivery).size
  }

  /** Whether the session may carry it beside what it carries. */
  const takes = (open: OpenSession | null, id: string, active: ReadonlyMap<string, unknown>): boolean =>
    open !== null && !open.spent && active.size < open.session.capabilities.filesAtOnce && (sizeOf(id) <= SMALL_BYTES || [...active.keys()].every((other) => sizeOf(other) <= SMALL_BYTES))

  /** Starts one on the session, or on a new one; answers the session that is open then. Only our own store can make it fail (a full disk, say). */
  const begin = async (id: string, before: OpenSession | null, lane: Lane, active: Map<string, Promise<void>>): Promise<OpenSession | null> => {
    let open = before
    try {
      if (stopping.aborted || !canStart(id) || holds.isHeld(id)) {
        settle(id)
        return open
      }
      const controller = new AbortController()
      controllers.set(id, controller)
      const { attempt } = ledger.start(id, systemActor)
      if (!isPermitted(id)) {
        controllers.delete(id)
        goOn(id, lane)
        return open
      }
      try {
        open = await sessionFor(id, open, controller.signal, active)
      } catch (error) {
        const reason: unknown = controller.signal.aborted ? controller.signal.reason : error
        controllers.delete(id)
        if (!controller.signal.aborted) lines.failed(deliveries.get(id).delivery, reason)
        endWithError(deliveries.get(id).delivery, reason, {}, deps)
        // Where another session of the lane works, the server merely had enough of them.
        if (!controller.signal.aborted && lane.running === 1) failTheRest(lane, id, reason)
        goOn(id, lane)
        return null
      }
      const carrier = open
      const sent = lines.during(async () => await send({ id, attempt }, carrier, lane, controller.signal, active)).finally(() => {
        controllers.delete(id)
        active.delete(id)
        goOn(id, lane)
      })
      active.set(id, sent)
    } catch (error) {
      // The delivery stays as it is written down.
      logger.log('error', 'a delivery could not be run', { delivery: id, problem: asAppError(error).message })
      controllers.delete(id)
      settle(id)
    }
    return open
  }

  /** What the policy says of this one file concerns no other of its lane. */
  const isPermitted = (id: string): boolean => {
    const { delivery } = deliveries.get(id)
    try {
      deps.policy.permitContent({ partner: delivery.partner, connection: delivery.connection, direction: 'outbound', delivery: id }, delivery.wire?.facts ?? {})
      return true
    } catch (error) {
      endWithError(delivery, error, {}, deps)
      return false
    }
  }

  /** The open session if it still serves, else a new one. */
  const sessionFor = async (id: string, open: OpenSession | null, signal: AbortSignal, active: ReadonlyMap<string, Promise<void>>): Promise<OpenSession> => {
    const { delivery } = deliveries.get(id)
    const route = routes.files(delivery.partner, delivery.connection)
    if (open !== null && !open.spent && open.route.version === route.version && (!open.rested || (await isAlive(open.session)))) {
      open.rested = false
      return open
    }
    await Promise.all(active.values())
    await open?.session.close()
    deps.publisher.publish('deliveries.progress', { id, stage: 'connecting', bytes: 0, total: delivery.size, bytesPerSecond: 0, secondsLeft: null })
    const session = await route.connect(signal)
    lines.reached(delivery)
    return { session, route, nextTurn: createTurns(), rested: false, spent: false }
  }

  const send = async (started: { readonly id: string; readonly attempt: string }, open: OpenSession, lane: Lane, signal: AbortSignal, active: ReadonlyMap<string, unknown>): Promise<void> => {
    const { session, route } = open
    const turn = open.nextTurn()
    try {
      await runAttempt(started, session, { protocol: route.connection.protocol, verify: route.connection.verify, signal, turn, more: () => lane.waiting.length > 0 || active.size > 1 }, deps)
      if (deliveries.get(started.id).delivery.state !== 'delivered') open.spent = true
    } catch (error) {
      open.spent = true
      logger.log('error', 'a delivery could not be run', { delivery: started.id, problem: asAppError(error).message })
    } finally {
      turn.passOn()
    }
  }

  const goOn = (id: string, lane: Lane): void => {
    if (!stopping.aborted && mustProbeNow(id)) lane.waiting.unshift(id)
    else settle(id)
  }

  /** The answer to the final name was lost: looking is cheap and due at once, so whoever waits gets a decided outcome. */
  const mustProbeNow = (id: string): boolean => {
    const { state, delivery } = deliveries.get(id)
    return state === 'unknown' && delivery.nextTryAt !== null && Date.parse(delivery.nextTryAt) <= clock.now()
  }

  /**
   * No session, no use in asking again for each file of the lane. What was refused for good is refused for all of them; where the
   * line failed, they wait as long as the first and lose no try.
   */
  const failTheRest = (lane: Lane, first: string, reason: unknown): void => {
    const postpone = asAppError(reason).retry === 'never' ? null : holds.behind(first, reason)
    for (const id of lane.waiting.splice(0)) {
      try {
        if (postpone !== null) {
          postpone(id)
          continue
        }
        ledger.start(id, systemActor)
        endWithError(deliveries.get(id).delivery, reason, {}, deps)
      } finally {
        settle(id)
      }
    }
  }

  return {
    add(id, { key, partner, connection }) {
      const lane = lanes.get(key) ?? { key, partner, connection, waiting: [], running: 0, fullUntil: 0, resting: [], bell: Promise.withResolvers<void>() }
      lanes.set(key, lane)
      lane.waiting.push(id)
      lane.bell.resolve()
      lane.bell = Promise.withResolvers<void>()
      startLanes()
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
