/**
 * What surrounds the work. Decides whether a connection may be used by itself now; what a person asks for is always tried. Nothing
 * here loses a try: whoever is held waits, and is told when it goes on.
 */
import type { BackgroundStatus, LeftAlone, NetworkState } from '../../contract/background.ts'
import type { AuditTrail } from '../audit/service.ts'
import { systemActor, type Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, asAppError, toWireError } from '../kernel/errors.ts'
import type { EventBus } from '../kernel/events.ts'
import type { Logger } from '../kernel/logger.ts'
import { noticeRaiser } from '../notifications/raise.ts'
import { createDiskGuard, type DiskGuard } from './disk-guard.ts'
import { createNetwork } from './network.ts'
import type { Database } from '../store/database.ts'
import type { TroubleRepository } from './repository.ts'
import { isAnswer, isLineTrouble, isLocalHost, LEFT_ALONE_AFTER } from './rules.ts'

const TICK_MS = 10_000

export interface Line {
  readonly partner: string
  readonly connection: string
}

export interface Hold {
  /** `network` or `connection`: what it waits for. */
  readonly by: 'network' | 'connection'
  readonly error: AppError
  /** When it is tried next; null: as soon as the network is back. Milliseconds. */
  readonly until: number | null
}

/** What may go on: everything that waited for the network, one of it to try, or what waited for a connection. */
export type Release = { readonly by: 'network'; readonly most: number } | ({ readonly by: 'connection' } & Line)

export interface Lines {
  /** Null where the line may be used by itself now. */
  hold(line: Line): Hold | null
  /** The server answered. */
  reached(line: Line): void
  /** What ended a try: line trouble counts, an answer of the other side clears, what is our own says nothing. */
  failed(line: Line, error: unknown): void
  /** Counts as a transfer while it lasts. */
  during<T>(work: () => Promise<T>): Promise<T>
  onRelease(listener: (release: Release) => void): void
}

export type BackgroundService = ReturnType<typeof createBackground>

export function createBackground(deps: {
  readonly database: Database
  readonly repository: TroubleRepository
  readonly audit: AuditTrail
  readonly bus: EventBus
  readonly clock: Clock
  readonly logger: Logger
  /** The partner's server; null for what needs no network. */
  readonly hostOf: (line: Line) => string | null
  /** Pause after so many failures in a row, in milliseconds. */
  readonly pauseAfter: (failures: number) => number
  readonly hasAddress: () => boolean
  readonly freeBytes: () => Promise<number>
  readonly settings: () => { readonly metered: 'wait' | 'send'; readonly diskReserveMiB: number }
  readonly postponed: () => number
  /** There is space again: what was received waits to be released. */
  readonly onSpace: () => void
}) {
  const { database, repository, audit, bus, clock } = deps
  const raise = noticeRaiser({ database, publisher: bus, clock })
  const ending = new AbortController()
  const trouble = new Map<string, LeftAlone>(repository.all().map((entry) => [keyOf(entry), entry]))
  const listeners: ((release: Release) => void)[] = []
  let transfers = 0
  let working: Promise<void> = Promise.resolve()

  const status = (): BackgroundStatus => ({
    network: network.state(),
    disk: disk.state(),
    leftAlone: [...trouble.values()].filter(isLeftAlone),
    postponed: deps.postponed(),
    transfers,
  })
  const announce = (): void => bus.publish('background.changed', status())
  const release = (what: Release): void => {
    for (const listener of listeners) listener(what)
  }

  const networkChanged = (now: NetworkState, before: NetworkState): void => {
    audit.record({ actor: systemActor, type: 'network.changed', subject: { kind: 'workspace', id: 'network' }, data: { from: before.state, to: now.state, source: now.source } })
    if (now.state === 'online') release({ by: 'network', most: Number.MAX_SAFE_INTEGER })
    announce()
  }
  const network = createNetwork({ clock, hasAddress: deps.hasAddress, waitsOnMetered: () => deps.settings().metered === 'wait', onChange: networkChanged })

  const disk: DiskGuard = createDiskGuard({
    freeBytes: deps.freeBytes,
    reserveMiB: () => deps.settings().diskReserveMiB,
    tell({ low, freeBytes, reserveBytes }) {
      try {
        database.transaction(() => {
          audit.record({ actor: systemActor, type: low ? 'disk.low' : 'disk.enough', subject: { kind: 'workspace', id: 'disk' }, data: { freeBytes, reserveBytes } })
          raise(
            low
              ? { severity: 'attention', title: 'Too little space on this computer', body: 'Nothing is received or opened until some space is free. It goes on by itself then.', subject: DISK }
              : { severity: 'info', title: 'There is space again', body: 'Receiving goes on.', subject: DISK },
          )
        })
      } catch (error) {
        deps.logger.log('error', 'the disk is too full to write that down', { problem: asAppError(error).message })
        return false
      }
      if (!low) deps.onSpace()
      announce()
      return true
    },
  })

  const forget = (line: Line): void => {
    const known = trouble.get(keyOf(line))
    if (known === undefined) return
    database.transaction(() => {
      repository.remove(line.partner, line.connection)
      if (!isLeftAlone(known)) return
      audit.record({ actor: systemActor, type: 'connection.reached_again', subject: { kind: 'partner', id: line.partner }, partner: line.partner, data: { connection: line.connection, failures: known.failures, since: known.since } })
      raise({ severity: 'info', title: 'A connection works again', body: `${line.partner} can be reached again.`, subject: { kind: 'partner', id: line.partner } })
    })
    trouble.delete(keyOf(line))
    if (!isLeftAlone(known)) return
    release({ by: 'connection', ...line })
    announce()
  }

  const count = (line: Line, error: AppError): void => {
    const before = trouble.get(keyOf(line))
    const failures = (before?.failures ?? 0) + 1
    const now = clock.now()
    const entry: LeftAlone = { partner: line.partner, connection: line.connection, failures, since: before?.since ?? timestamp(now), nextTryAt: timestamp(now + deps.pauseAfter(failures)), error: toWireError(error) }
    trouble.set(keyOf(line), entry)
    database.transaction(() => {
      repository.save(entry)
      if (failures !== LEFT_ALONE_AFTER) return
      audit.record({ actor: systemActor, type: 'connection.left_alone', subject: { kind: 'partner', id: line.partner }, partner: line.partner, data: { connection: line.connection, failures, nextTryAt: entry.nextTryAt, error: entry.error } })
      raise({ severity: 'attention', title: 'A partner cannot be reached', body: `${line.partner} could not be reached ${failures} times in a row. What waits loses no try.`, subject: { kind: 'partner', id: line.partner } })
    })
    announce()
  }

  const needsNetwork = (line: Line): boolean => {
    const host = deps.hostOf(line)
    return host !== null && !isLocalHost(host)
  }

  const holdOf = (line: Line): Hold | null => {
    const { state, since } = network.state()
    if (state !== 'online' && needsNetwork(line) && !network.mayProbe())
      return { by: 'network', until: null, error: new AppError(state === 'offline' ? 'net.offline' : 'net.metered', `${state} since ${since}`, { details: { since } }) }
    const known = trouble.get(keyOf(line))
    if (known === undefined || !isLeftAlone(known) || Date.parse(known.nextTryAt) <= clock.now()) return null
    return {
      by: 'connection',
      until: Date.parse(known.nextTryAt),
      error: new AppError('net.left_alone', `${known.failures} times in a row: ${known.error.message}; next try ${known.nextTryAt}`, { details: { 'failures in a row': String(known.failures), 'last problem': known.error.code, 'next try': known.nextTryAt } }),
    }
  }

  const lines: Lines = {
    hold: holdOf,
    reached(line) {
      if (network.isDoubtful() && needsNetwork(line)) network.answered()
      forget(line)
    },
    failed(line, reason) {
      const error = asAppError(reason)
      const host = deps.hostOf(line)
      if (isAnswer(error.code)) return lines.reached(line)
      if (!isLineTrouble(error.code)) return
      if (host !== null && !isLocalHost(host)) network.failed(host, error.code)
      count(line, error)
    },
    async during(work) {
      transfers += 1
      if (transfers === 1) announce()
      try {
        return await work()
      } finally {
        transfers -= 1
        if (transfers === 0) announce()
      }
    },
    onRelease: (listener) => void listeners.push(listener),
  }

  const tick = async (): Promise<void> => {
    network.look()
    const { state, source } = network.state()
    if (state === 'offline' && source === 'observed') release({ by: 'network', most: 1 })
    await disk.look()
  }

  const tryAgain = (partner: string, connection: string | undefined): void => {
    for (const line of [...trouble.values()].filter((entry) => entry.partner === partner && (connection === undefined || entry.connection === connection))) {
      trouble.delete(keyOf(line))
      repository.remove(line.partner, line.connection)
      release({ by: 'connection', partner: line.partner, connection: line.connection })
    }
  }

  // Whoever changed the settings of a partner wants to see whether they are right now.
  const unsubscribe = bus.subscribe('partners.changed', ({ id }) => tryAgain(id, undefined))

  return {
    lines,
    disk,
    status,
    tick,
    start() {
      working = (async () => {
        while (!ending.signal.aborted) {
          await tick().catch((error: unknown) => deps.logger.log('error', 'the look at network and disk failed', { problem: asAppError(error).message }))
          await clock.sleep(TICK_MS, ending.signal).catch(() => undefined)
        }
      })()
    },
    async stop() {
      unsubscribe()
      ending.abort()
      await working
    },

    tellNetwork(told: { readonly online: boolean | null; readonly metered: boolean | null }): BackgroundStatus {
      network.tell(told)
      return status()
    },

    tryAgain(partner: string, connection: string | undefined, actor: Actor): BackgroundStatus {
      audit.record({ actor, type: 'connection.tried_again', subject: { kind: 'partner', id: partner }, partner, data: { connection: connection ?? null } })
      tryAgain(partner, connection)
      announce()
      return status()
    },
  }
}

const DISK = { kind: 'workspace', id: 'disk' } as const

function keyOf({ partner, connection }: Line): string {
  return `${partner}/${connection}`
}

function isLeftAlone({ failures }: LeftAlone): boolean {
  return failures >= LEFT_ALONE_AFTER
}
