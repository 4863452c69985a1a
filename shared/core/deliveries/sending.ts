/** From files to deliveries: checked against what was agreed, copied in, protected, written down, started. */
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Connection } from '../../contract/connections/index.ts'
import type { Delivery, DeliveryPart, SendPlan } from '../../contract/deliveries.ts'
import type { WireError } from '../../contract/errors/index.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import { digestOf } from '../kernel/content-digest.ts'
import type { Actor } from '../kernel/actor.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, asAppError, systemCode, toWireError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Routes, Target } from '../partners/routes.ts'
import { plannedFacts, type PolicyGate } from '../policy/gate.ts'
import type { PayloadStore } from '../store/payload-store.ts'
import type { DeliveryEngine } from './engine.ts'
import type { Ledger } from './ledger.ts'
import { strengthened, type PgpProtection, type PgpSteps, type PgpTarget } from './pgp.ts'
import type { DeliveryParts, MadeContent } from './parts.ts'
import { describeTarget, protectionOf } from './plan.ts'
import type { DeliveryRepository, NewDelivery } from './repository.ts'
import { extensionPermitted, problemOfName } from './rules.ts'

/** A file to send, by path; `name` is how its owner calls it (an uploaded file has another path). */
export interface FileToSend {
  readonly path: string
  readonly name: string
  readonly as: string | undefined
  /** Whether protection adds its ending to `as`, too. */
  readonly addEnding?: boolean
  /** The least protection with OpenPGP, whatever the connection asks. */
  readonly protect?: PgpProtection | undefined
  /** What travels instead of the file's own bytes; `path` then only tells where it comes from. */
  readonly content?: MadeContent | undefined
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

type Draft = Omit<NewDelivery, 'id' | 'at'> & { readonly parts: readonly DeliveryPart[] }

/** Files of one command that are copied in side by side. */
const PREPARED_AT_ONCE = 16

export type Sending = ReturnType<typeof createSending>

export function createSending(deps: {
  readonly repository: DeliveryRepository
  readonly ledger: Ledger
  readonly engine: DeliveryEngine
  readonly payloads: PayloadStore
  readonly routes: Routes
  readonly pgp: PgpSteps
  readonly parts: DeliveryParts
  readonly policy: Pick<PolicyGate, 'permitContent' | 'permitPlan'>
  readonly clock: Clock
}) {
  const { repository, ledger, engine, payloads, routes, pgp, parts, policy, clock } = deps

  /** Under the connection's settings, or what the flow asks beyond them. */
  const targetFor = (request: SendRequest, { protect }: FileToSend): Target => {
    const target = routes.target(request.partner, request.connection)
    return protect === undefined ? target : { ...target, connection: strengthened(target.connection, protect) }
  }

  const nameThere = (file: FileToSend, connection: Connection): string => (file.as === undefined || file.addEnding === true ? pgp.remoteName(file.as ?? file.name, connection) : file.as)

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

  /** Stores and protects one file; answers what gives its entry in the ledger. */
  const prepare = async (request: SendRequest, file: FileToSend, facts: SendFacts): Promise<() => Draft> => {
    const target = targetFor(request, file)
    const { partner, connection } = target
    const remoteName = nameThere(file, connection)
    const permit = (size: number): void => {
      checkAgreed(partner, remoteName, file.as ?? file.name, size)
      pgp.checkKeys(pgpTarget(target))
    }
    if (file.content !== undefined) permit(0)
    const payload = await (file.content === undefined ? payloads.ingest(file.path, { signal: facts.signal, permit }) : payloads.take(file.content.read(facts.signal), file.content))
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
      return {
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
        parts: file.content?.parts() ?? [],
      }
    }
  }

  const noteDraft = (id: string, draft: Draft, options: SendOptions): void => {
    parts.add(id, draft.parts)
    options.within?.({ id, sha256: draft.sha256 })
  }

  /** Each by itself. */
  const sendOne = (draft: Draft, { actor, options }: SendFacts): Delivery => {
    const delivery = ledger.create(draft, actor, (id) => noteDraft(id, draft, options), 'grouped')
    engine.run(delivery.id, actor.kind !== 'system')
    return delivery
  }

  /** All that could be prepared as one message; the same file twice is refused the second time. */
  const sendTogether = (files: readonly FileToSend[], prepared: readonly (() => Draft | AppError)[], { actor, options }: SendFacts): SendResult[] => {
    const names = new Set<string>()
    const drafts = prepared.map((give): Draft | AppError => {
      try {
        const draft = give()
        if (draft instanceof AppError) return draft
        const key = JSON.stringify([draft.remoteName, draft.sha256])
        if (names.has(key)) return duplicateError(draft.remoteName, null)
        names.add(key)
        return draft
      } catch (error) {
        return asAppError(error)
      }
    })
    const good = drafts.filter((draft): draft is Draft => !(draft instanceof AppError))
    const written = good.length === 0 ? [] : ledger.createTogether(good, actor, (id, index) => good[index] === undefined ? undefined : noteDraft(id, good[index], options))
    if (written[0] !== undefined) engine.run(written[0].id, actor.kind !== 'system')
    return drafts.map((draft, index): SendResult => {
      const fileName = files[index]?.name ?? ''
      return draft instanceof AppError ? { fileName, delivery: null, error: toWireError(draft) } : { fileName, delivery: written[good.indexOf(draft)] ?? null, error: null }
    })
  }

  const planOne = async (request: SendRequest, file: FileToSend, signal: AbortSignal): Promise<SendPlan> => {
    const target = targetFor(request, file)
    const { partner, connection, pinned } = target
    const remoteName = nameThere(file, connection)
    const base = { fileName: file.name, remoteName, target: `${partner.name}: ${describeTarget(connection)}`, protection: protectionOf(connection, pinned) }
    try {
      const made = file.content === undefined ? null : await digestOf(file.content.read(signal))
      const size = made?.size ?? (await sizeOf(file.path))
      checkAgreed(partner, remoteName, file.as ?? file.name, size)
      pgp.checkKeys(pgpTarget(target))
      policy.permitPlan({ partner: partner.id, connection: connection.id, direction: 'outbound' }, plannedFacts(connection))
      const { sha256 } = made ?? (await payloads.digest(file.path, { signal }))
      const duplicateOf = repository.findSame(partner.id, remoteName, sha256)
      const refusal = connection.protocol === 'sftp' && pinned.length === 0 ? new AppError('sftp.host_key_unknown', `no host key is pinned for ${partner.id}/${connection.id}`) : null
      return { ...base, size, duplicateOf, refusal: refusal === null ? null : toWireError(refusal) }
    } catch (error) {
      return { ...base, size: 0, duplicateOf: null, refusal: toWireError(error) }
    }
  }

  return {
    async preview(request: SendRequest, signal: AbortSignal): Promise<SendPlan[]> {
      const plans: SendPlan[] = []
      for (const file of request.files) plans.push(await planOne(request, file, signal))
      return plans
    },

    /** One result a file; a file that is refused does not stop the others. */
    async send(request: SendRequest, allowDuplicate: string | undefined, actor: Actor, signal: AbortSignal, options: SendOptions = {}): Promise<SendResult[]> {
      const { connection } = routes.target(request.partner, request.connection)
      const together = connection.protocol === 'as2' && connection.message.together && request.files.length > 1
      const trace = options.trace ?? newId('trc', clock.now())
      const results: SendResult[] = []
      const facts = { trace, allowDuplicate, actor, signal, options }
      const waiting: (() => Draft | AppError)[] = []
      const safe: Promise<void>[] = []
      const keep = (): void => {
        const kept = ledger.flushed()
        kept.catch(() => undefined)
        safe.push(kept)
      }
      // Several at a time, so that the disk flushes their copies together; written down in the order in which they were named.
      for (let from = 0; from < request.files.length; from += PREPARED_AT_ONCE) {
        const files = request.files.slice(from, from + PREPARED_AT_ONCE)
        const prepared = files.map(async (file) => await prepare(request, file, facts))
        for (const promise of prepared) promise.catch(() => undefined)
        for (const [index, file] of files.entries()) {
          try {
            const draft = await prepared[index]
            if (draft === undefined) continue
            if (together) waiting.push(draft)
            else {
              results.push({ fileName: file.name, delivery: sendOne(draft(), facts), error: null })
              keep()
            }
          } catch (error) {
            if (together) waiting.push(() => asAppError(error))
            else results.push({ fileName: file.name, delivery: null, error: toWireError(error) })
          }
        }
      }
      if (together) results.push(...sendTogether(request.files, waiting, facts))
      keep()
      // Whoever is told that a file was taken may rely on it.
      await Promise.all(safe)
      return results
    },
  }
}

/** The same content under the same name went or is going to this partner. */
export function duplicateError(remoteName: string, earlier: Delivery | null): AppError {
  return new AppError('delivery.duplicate', `${remoteName} with the same content ${earlier?.state === 'delivered' ? 'was delivered' : 'is under way'} as ${earlier?.id ?? 'an earlier delivery'}`, {
    details: earlier === null ? {} : { delivery: earlier.id, state: earlier.state, created: earlier.createdAt },
  })
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
