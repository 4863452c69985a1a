import type { Delivery, DeliveryDetail, Receipt } from '../../contract/deliveries.ts'
import type { WireError } from '../../contract/errors/index.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, toWireError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { noticeRaiser } from '../notifications/raise.ts'
import type { Routes } from '../partners/routes.ts'
import type { PolicyGate } from '../policy/gate.ts'
import type { Database } from '../store/database.ts'
import type { PayloadStore } from '../store/payload-store.ts'
import type { ContentRemoval } from './content-removal.ts'
import type { DeliveryEngine } from './engine.ts'
import type { Ledger } from './ledger.ts'
import { finishedNotice } from './notices.ts'
import type { MessageExchange } from './message-attempt.ts'
import type { DeliveryParts } from './parts.ts'
import type { PgpSteps } from './pgp.ts'
import type { DeliveryQuery } from './lists.ts'
import type { DeliveryRepository } from './repository.ts'
import type { InboundReleases } from './inbound/release.ts'
import type { LedgerState } from './rules.ts'
import { createSending, duplicateError, type SendOptions, type SendRequest, type SendResult } from './sending.ts'

export type { FileToSend, SendOptions, SendRequest, SendResult } from './sending.ts'

/** What became of many that were asked to try again. */
export interface RetriedTogether {
  readonly retried: string[]
  readonly refused: { id: string; fileName: string; error: WireError }[]
  readonly remaining: number
}

const PAGE = 1000
const MOST_FOUND = 10_000

export type DeliveryService = ReturnType<typeof createDeliveryService>

export function createDeliveryService(deps: {
  readonly repository: DeliveryRepository
  readonly ledger: Ledger
  readonly engine: DeliveryEngine
  readonly exchange: Pick<MessageExchange, 'discard'>
  readonly payloads: PayloadStore
  readonly routes: Routes
  readonly releases: InboundReleases
  readonly pgp: PgpSteps
  readonly parts: DeliveryParts
  readonly contents: Pick<ContentRemoval, 'removedAt'>
  readonly database: Database
  readonly policy: Pick<PolicyGate, 'permitContent' | 'permitPlan' | 'usesOf'>
  readonly publisher: Publisher
  readonly clock: Clock
}) {
  const { repository, ledger, engine, releases, policy, clock } = deps
  const sending = createSending(deps)
  const raise = noticeRaiser(deps)

  /** Of an inbound delivery, trying again is releasing it: a held one by the person's decision. */
  const releaseAgain = async (id: string, state: LedgerState, actor: Actor, signal: AbortSignal): Promise<Delivery> => {
    if (state === 'held') return await releases.releaseHeld(id, actor, signal)
    if (state === 'delivered') throw new AppError('input.conflict', `delivery ${id} is in the Inbox already`)
    await releases.release([id], signal)
    return current(id)
  }

  /** Reads the result of something that the engine may be doing at this moment. */
  const current = (id: string): Delivery => repository.get(id).delivery

  /** Rejects when the workspace was closed meanwhile: nobody is there to be told. */
  const tellWhenFinished = async (ids: readonly string[]): Promise<void> => {
    for (const id of ids) await engine.settled(id)
    const finished = ids.map(current)
    // What needed another try was told by itself.
    const notice = finished.every(({ attempts }) => attempts === 1) ? finishedNotice(finished) : null
    if (notice !== null) raise(notice)
  }

  /** Oldest first, so that files go again in the order in which they were meant to go. */
  const everything = (filter: Omit<DeliveryQuery, 'limit' | 'before'>): Delivery[] => {
    const newestFirst: Delivery[] = []
    for (let page = repository.list({ ...filter, limit: PAGE }).deliveries; page.length > 0 && newestFirst.length < MOST_FOUND; ) {
      newestFirst.push(...page)
      page = repository.list({ ...filter, limit: PAGE, before: page.at(-1)?.id }).deliveries
    }
    return newestFirst.toReversed()
  }

  /** Of a file that travels with others, all of them: they are one message. The same holds for `resolve` and `cancel`. */
  const retry = async (named: string, actor: Actor, signal: AbortSignal): Promise<Delivery> => {
    const id = ledger.leadOf(named)
    const { state, delivery: asked } = repository.get(id)
    if (asked.direction === 'inbound') return await releaseAgain(id, state, actor, signal)
    if (state === 'sending' || state === 'committing') return current(id)
    if (state !== 'queued') {
      try {
        ledger.apply(id, 'requeued', { actor })
      } catch (error) {
        throw error instanceof AppError && error.code === 'delivery.duplicate' ? duplicateOf([id, ...ledger.companionsOf(id)]) : error
      }
    }
    engine.run(id, actor.kind !== 'system')
    return current(id)
  }

  /** Which of the files that travel together is under way or delivered by itself. */
  const duplicateOf = (ids: readonly string[]): AppError => {
    const files = ids.map((id) => repository.get(id).delivery)
    const found = files.flatMap(({ partner, remoteName, sha256 }) => {
      const earlier = repository.findSame(partner, remoteName, sha256)
      return earlier === null ? [] : [duplicateError(remoteName, earlier)]
    })
    return found[0] ?? duplicateError(files[0]?.remoteName ?? '', null)
  }

  return {
    list: (query: DeliveryQuery) => repository.list(query),

    show(id: string): DeliveryDetail {
      const { delivery, source } = repository.get(id)
      const exceptions = policy.usesOf(id)
      return { delivery, attempts: repository.attempts(id).map((attempt) => ({ ...attempt, exceptions: exceptions.filter((use) => use.attempt === attempt.id) })), source, exceptions, parts: deps.parts.of(id), contentRemovedAt: deps.contents.removedAt(id) }
    },

    preview: sending.preview,
    async send(request: SendRequest, allowDuplicate: string | undefined, actor: Actor, signal: AbortSignal, options: SendOptions = {}): Promise<SendResult[]> {
      const results = await sending.send(request, allowDuplicate, actor, signal, options)
      // Who sent from the window may have turned to something else; a command line waits for its own answer.
      if (actor.kind === 'window' && options.trace === undefined) void tellWhenFinished(results.flatMap(({ delivery }) => (delivery === null ? [] : [delivery.id]))).catch(() => undefined)
      return results
    },

    async wait(ids: readonly string[], signal: AbortSignal): Promise<Delivery[]> {
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
      aborted.catch(() => undefined)
      for (const id of ids) await Promise.race([engine.settled(id), aborted])
      return ids.map(current)
    },

    retry,
    /** Whatever the filter finds, the oldest first. What cannot be tried again stays as it is and is named. */
    async retryAll(filter: Omit<DeliveryQuery, 'limit' | 'before'>, limit: number, actor: Actor, signal: AbortSignal): Promise<RetriedTogether> {
      const found = everything(filter)
      const retried: string[] = []
      const refused: RetriedTogether['refused'] = []
      for (const { id, fileName } of found.slice(0, limit)) {
        try {
          await retry(id, actor, signal)
          retried.push(id)
        } catch (error) {
          refused.push({ id, fileName, error: toWireError(error) })
        }
      }
      return { retried, refused, remaining: Math.max(0, found.length - limit) }
    },

    resolve(named: string, outcome: 'delivered' | 'not-delivered', reason: string, actor: Actor): Delivery {
      const id = ledger.leadOf(named)
      if (outcome === 'not-delivered') return ledger.apply(id, 'resolved-not-delivered', { actor, data: { reason }, within: () => deps.exchange.discard(id) }).delivery
      const at = timestamp(clock.now())
      const receipt = (delivery: Delivery): Receipt => ({
        kind: 'operator',
        at,
        remotePath: delivery.remoteName,
        size: delivery.size,
        verifiedBy: 'operator',
        remoteSha256: null,
        remoteModifiedAt: null,
      })
      return ledger.apply(id, 'resolved-delivered', { actor, receipt, data: { reason } }).delivery
    },

    /** A running attempt ends at its next safe point; past the commit it can no longer be cancelled. */
    async cancel(named: string, actor: Actor): Promise<Delivery> {
      const id = ledger.leadOf(named)
      const { state, maybeArrived } = repository.get(id)
      if (maybeArrived) throw new AppError('input.conflict', `delivery ${id} may have arrived already; look it up with "Retry", or record the answer with "Resolve"`)
      if (state === 'sending' && engine.abort(id)) {
        await engine.settled(id)
        return current(id)
      }
      return ledger.apply(id, 'cancelled', { actor, error: toWireError(new AppError('call.cancelled', 'cancelled by the operator before it was sent')) }).delivery
    },

    counts() {
      const midnight = new Date(clock.now())
      midnight.setHours(0, 0, 0, 0)
      return repository.counts(timestamp(midnight.getTime()))
    },

    /** After a crash: what was under way is written down as interrupted, so that it is looked up before anything is sent again. */
    recover(actor: Actor): number {
      const interrupted = repository.inStates(['sending', 'committing'])
      for (const { delivery } of interrupted.filter(({ delivery: { id } }) => ledger.leadOf(id) === id))
        ledger.apply(delivery.id, 'interrupted', {
          actor,
          attempt: 'interrupted',
          nextTryAt: timestamp(clock.now()),
          error: toWireError(new AppError('delivery.interrupted', 'the process ended during the transfer')),
        })
      return interrupted.length
    },
  }
}

