import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Delivery, DeliveryDetail, SendPlan } from '../../contract/deliveries.ts'
import type { WireError } from '../../contract/errors/index.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, systemCode, toWireError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'
import { noticeRaiser } from '../notifications/raise.ts'
import type { Routes, Target } from '../partners/routes.ts'
import type { Database } from '../store/database.ts'
import { plannedFacts, type PolicyGate } from '../policy/gate.ts'
import type { PayloadStore } from '../store/payload-store.ts'
import type { DeliveryEngine } from './engine.ts'
import type { Ledger } from './ledger.ts'
import { finishedNotice } from './notices.ts'
import type { MessageExchange } from './message-attempt.ts'
import type { DeliveryQuery, DeliveryRepository } from './repository.ts'
import type { PgpSteps, PgpTarget } from './pgp.ts'
import { describeTarget, protectionOf } from './plan.ts'
import type { InboundReleases } from './inbound/release.ts'
import { extensionPermitted, problemOfName, type LedgerState } from './rules.ts'

/** A file to send, by path; `name` is how its owner calls it (an uploaded file has another path). */
export interface FileToSend {
  readonly path: string
  readonly name: string
  readonly as: string | undefined
}

export interface SendRequest {
  readonly partner: string
  readonly connection: string | undefined
  readonly files: readonly FileToSend[]
}

/** What a flow adds to what it sends. */
export interface SendOptions {
  /** Groups what belongs together; a new one by default. */
  readonly trace?: string
  /** Until when it is tried again; null means the usual number of tries. */
  readonly retryUntil?: string | null
  /** Further writes in the transaction that writes the delivery down. */
  readonly within?: (delivery: { readonly id: string; readonly sha256: string }) => void
}

export interface SendResult {
  readonly fileName: string
  readonly delivery: Delivery | null
  readonly error: WireError | null
}

interface SendFacts {
  readonly trace: string
  readonly allowDuplicate: string | undefined
  readonly actor: Actor
  readonly signal: AbortSignal
  readonly options: SendOptions
}

/** Files of one command that are copied in side by side. */
const PREPARED_AT_ONCE = 16

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
  readonly database: Database
  readonly policy: Pick<PolicyGate, 'permitContent' | 'permitPlan' | 'usesOf'>
  readonly publisher: Publisher
  readonly clock: Clock
}) {
  const { repository, ledger, engine, payloads, routes, releases, pgp, policy, clock } = deps
  const raise = noticeRaiser(deps)

  /** Everything that can be refused without reading the file. */
  const checkAgreed = (document: PartnerDocument, remoteName: string, contentName: string, size: number): void => {
    const problem = problemOfName(remoteName)
    if (problem !== null) throw new AppError('delivery.bad_name', `"${remoteName}": ${problem}`)
    // The ending of the file itself: the one that protection adds was not what the partner meant.
    if (!extensionPermitted(contentName, document.limits.extensions))
      throw new AppError('delivery.extension_refused', `${contentName} has none of the permitted endings ${document.limits.extensions?.join(', ') ?? ''}`)
    const { maxFileBytes } = document.limits
    if (maxFileBytes !== undefined && size > maxFileBytes)
      throw new AppError('delivery.too_large', `${remoteName} has ${size} bytes; ${maxFileBytes} were agreed`, { details: { size: String(size), limit: String(maxFileBytes) } })
  }

  const duplicateError = (remoteName: string, earlier: Delivery | null): AppError =>
    new AppError('delivery.duplicate', `${remoteName} with the same content ${earlier?.state === 'delivered' ? 'was delivered' : 'is under way'} as ${earlier?.id ?? 'an earlier delivery'}`, {
      details: earlier === null ? {} : { delivery: earlier.id, state: earlier.state, created: earlier.createdAt },
    })

  /** Stores and protects one file; answers what writes it down and starts it. */
  const prepare = async (request: SendRequest, file: FileToSend, facts: SendFacts): Promise<() => Delivery> => {
    const target = routes.target(request.partner, request.connection)
    const { partner, connection } = target
    const remoteName = file.as ?? pgp.remoteName(file.name, connection)
    checkAgreed(partner, remoteName, file.as ?? file.name, await sizeOf(file.path))
    pgp.checkKeys(pgpTarget(target))
    const payload = await payloads.ingest(file.path, { signal: facts.signal })
    checkAgreed(partner, remoteName, file.as ?? file.name, payload.size)
    const refuseDuplicate = (): Delivery | null => {
      const earlier = repository.findSame(partner.id, remoteName, payload.sha256)
      if (earlier !== null && facts.allowDuplicate === undefined) throw duplicateError(remoteName, earlier)
      return earlier
    }
    refuseDuplicate()
    const wire = await pgp.protect(payload, file.name, pgpTarget(target), facts.signal)
    if (connection.protocol !== 'as2') policy.permitContent({ partner: partner.id, connection: connection.id, direction: 'outbound' }, wire?.facts ?? {})
    return () => {
      // Looked for once more: another file of the same command may have been written down meanwhile.
      const earlier = refuseDuplicate()
      const delivery = ledger.create(
        {
          partner: partner.id,
          connection: connection.id,
          direction: 'outbound',
          fileName: file.name,
          remoteName,
          source: file.path,
          size: payload.size,
          sha256: payload.sha256,
          wire,
          // A reason is kept only where it was needed: everything else stays under the rule that it goes once.
          duplicateReason: earlier === null ? null : (facts.allowDuplicate ?? null),
          trace: facts.trace,
          retryUntil: facts.options.retryUntil ?? null,
        },
        facts.actor,
        (id) => facts.options.within?.({ id, sha256: payload.sha256 }),
        'grouped',
      )
      engine.run(delivery.id)
      return delivery
    }
  }

  const planOne = async (request: SendRequest, file: FileToSend, signal: AbortSignal): Promise<SendPlan> => {
    const target = routes.target(request.partner, request.connection)
    const { partner, connection, pinned } = target
    const remoteName = file.as ?? pgp.remoteName(file.name, connection)
    const base = { fileName: file.name, remoteName, target: `${partner.name}: ${describeTarget(connection)}`, protection: protectionOf(connection, pinned) }
    try {
      const size = await sizeOf(file.path)
      checkAgreed(partner, remoteName, file.as ?? file.name, size)
      pgp.checkKeys(pgpTarget(target))
      policy.permitPlan({ partner: partner.id, connection: connection.id, direction: 'outbound' }, plannedFacts(connection))
      const { sha256 } = await payloads.digest(file.path, { signal })
      const duplicateOf = repository.findSame(partner.id, remoteName, sha256)
      const refusal = connection.protocol === 'sftp' && pinned.length === 0 ? new AppError('sftp.host_key_unknown', `no host key is pinned for ${partner.id}/${connection.id}`) : null
      return { ...base, size, duplicateOf, refusal: refusal === null ? null : toWireError(refusal) }
    } catch (error) {
      return { ...base, size: 0, duplicateOf: null, refusal: toWireError(error) }
    }
  }

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

  return {
    list: (query: DeliveryQuery) => repository.list(query),

    show(id: string): DeliveryDetail {
      const { delivery, source } = repository.get(id)
      const exceptions = policy.usesOf(id)
      return { delivery, attempts: repository.attempts(id).map((attempt) => ({ ...attempt, exceptions: exceptions.filter((use) => use.attempt === attempt.id) })), source, exceptions }
    },

    async preview(request: SendRequest, signal: AbortSignal): Promise<SendPlan[]> {
      const plans: SendPlan[] = []
      for (const file of request.files) plans.push(await planOne(request, file, signal))
      return plans
    },

    /** One result a file; a file that is refused does not stop the others. */
    async send(request: SendRequest, allowDuplicate: string | undefined, actor: Actor, signal: AbortSignal, options: SendOptions = {}): Promise<SendResult[]> {
      routes.target(request.partner, request.connection)
      const trace = options.trace ?? newId('trc', clock.now())
      const results: SendResult[] = []
      const facts = { trace, allowDuplicate, actor, signal, options }
      // Several at a time, so that the disk flushes their copies together; written down in the order in which they were named.
      for (let from = 0; from < request.files.length; from += PREPARED_AT_ONCE) {
        const files = request.files.slice(from, from + PREPARED_AT_ONCE)
        const prepared = files.map(async (file) => await prepare(request, file, facts))
        for (const promise of prepared) promise.catch(() => undefined)
        for (const [index, file] of files.entries()) {
          try {
            results.push({ fileName: file.name, delivery: (await prepared[index])?.() ?? null, error: null })
          } catch (error) {
            results.push({ fileName: file.name, delivery: null, error: toWireError(error) })
          }
        }
      }
      // Whoever is told that a file was taken may rely on it.
      ledger.flush()
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

    async retry(id: string, actor: Actor, signal: AbortSignal): Promise<Delivery> {
      const { state, delivery: asked } = repository.get(id)
      if (asked.direction === 'inbound') return await releaseAgain(id, state, actor, signal)
      if (state === 'sending' || state === 'committing') return current(id)
      if (state !== 'queued') {
        try {
          ledger.apply(id, 'requeued', { actor })
        } catch (error) {
          const { delivery } = repository.get(id)
          throw error instanceof AppError && error.code === 'delivery.duplicate'
            ? duplicateError(delivery.remoteName, repository.findSame(delivery.partner, delivery.remoteName, delivery.sha256))
            : error
        }
      }
      engine.run(id)
      return current(id)
    },

    resolve(id: string, outcome: 'delivered' | 'not-delivered', reason: string, actor: Actor): Delivery {
      const { delivery } = repository.get(id)
      if (outcome === 'not-delivered') return ledger.apply(id, 'resolved-not-delivered', { actor, data: { reason }, within: () => deps.exchange.discard(id) }).delivery
      const receipt = {
        kind: 'operator' as const,
        at: timestamp(clock.now()),
        remotePath: delivery.remoteName,
        size: delivery.size,
        verifiedBy: 'operator' as const,
        remoteSha256: null,
        remoteModifiedAt: null,
      }
      return ledger.apply(id, 'resolved-delivered', { actor, receipt, data: { reason } }).delivery
    },

    /** A running attempt ends at its next safe point; past the commit it can no longer be cancelled. */
    async cancel(id: string, actor: Actor): Promise<Delivery> {
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
      for (const { delivery } of interrupted)
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

function pgpTarget({ partner, connection, tolerated }: Target): PgpTarget {
  return { partner: partner.id, connection, tolerated }
}

async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw new AppError('delivery.source_unreadable', `${basename(path)} is not an ordinary file`)
    return found.size
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('delivery.source_unreadable', `${basename(path)} cannot be read (${systemCode(error) ?? 'unknown'})`, { cause: error })
  }
}
