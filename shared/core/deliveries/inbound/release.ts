/** From "safely here" to "in the Inbox": accepts what a protocol brought, opens it if that was agreed, and releases it once. */
import { dirname } from 'node:path'
import type { InboundReceipt, Delivery } from '../../../contract/deliveries.ts'
import { systemActor, type Actor } from '../../kernel/actor.ts'
import { timestamp, type Clock } from '../../kernel/clock.ts'
import { AppError, asAppError, toWireError } from '../../kernel/errors.ts'
import { flushFolder } from '../../kernel/flush-folder.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { PolicyGate } from '../../policy/gate.ts'
import type { Database } from '../../store/database.ts'
import type { PayloadStore } from '../../store/payload-store.ts'
import type { Ledger } from '../ledger.ts'
import type { DeliveryParts } from '../parts.ts'
import type { DeliveryRepository, LedgerEntry } from '../repository.ts'
import { choosePath, giveName, writeHidden } from './inbox.ts'
import { forEachOf } from './parallel.ts'
import type { Unpack, UnpackedFile } from './unpack.ts'

/** What a protocol brought: its content is in the payload store already. */
export interface NewInbound {
  readonly partner: string
  readonly connection: string
  /** As the partner named it; made safe when it is released. */
  readonly name: string
  /** Full path or key at the partner, or the message id. */
  readonly source: string
  readonly size: number
  readonly sha256: string
  readonly remoteModifiedAt: string | null
  readonly afterwards: InboundReceipt['afterwards']
  /** Signatures, ciphers, keys that were found on the way. */
  readonly facts: Readonly<Record<string, string>>
  readonly trace: string
  /** Why it must wait for a person; it is not released then. */
  readonly held?: AppError
}

/** What is inside a protected payload, once it was found whole and genuine. */
export interface OpenedContent {
  readonly sha256: string
  readonly size: number
  readonly fileName: string
  readonly facts: Readonly<Record<string, string>>
}

/** Opens a protected payload; null: there is nothing to open. Rejects when it must not be released. */
export type OpenPayload = (delivery: Delivery, signal: AbortSignal) => Promise<OpenedContent | null>

export type InboundReleases = ReturnType<typeof createInboundReleases>

export function createInboundReleases(deps: {
  readonly database: Database
  readonly repository: DeliveryRepository
  readonly ledger: Ledger
  readonly payloads: PayloadStore
  readonly clock: Clock
  readonly logger: Logger
  readonly inboxOf: (partner: string) => string
  readonly open: OpenPayload
  readonly unpack: Unpack
  readonly parts: Pick<DeliveryParts, 'add'>
  readonly policy: Pick<PolicyGate, 'permitContent' | 'noteUses'>
}) {
  const { database, repository, ledger, payloads, clock, logger, inboxOf, open, unpack, policy } = deps
  const now = (): string => timestamp(clock.now())

  const receiptOf = (entry: LedgerEntry): InboundReceipt => {
    const { receipt, size } = entry.delivery
    if (receipt?.kind === 'received') return receipt
    return { kind: 'received', at: now(), source: entry.source, size, remoteModifiedAt: null, releasedTo: null, afterwards: 'not-applicable', facts: {} }
  }

  /** Answers the delivery as it is then, if it can go on to the Inbox. */
  const openOne = async (entry: LedgerEntry, signal: AbortSignal): Promise<LedgerEntry | null> => {
    const { delivery } = entry
    const { id } = delivery
    if (delivery.wire !== null || wasUnpacked(entry)) return entry
    try {
      const content = await open(delivery, signal)
      const receipt = receiptOf(entry)
      const facts = { ...receipt.facts, ...content?.facts }
      const travelled = { delivery: id, partner: delivery.partner, connection: delivery.connection, direction: 'inbound' } as const
      policy.permitContent(travelled, facts)
      policy.noteUses(travelled, facts)
      if (content === null) return entry
      return ledger.applyInbound(id, 'opened', {
        actor: systemActor,
        receipt: { ...receipt, facts },
        content: { ...content, wire: { sha256: delivery.sha256, size: delivery.size } },
        data: { sha256: content.sha256, size: content.size, wireSha256: delivery.sha256, ...content.facts },
      })
    } catch (error) {
      if (signal.aborted) throw error
      const failure = asAppError(error)
      ledger.applyInbound(id, failure.retry === 'never' ? 'held' : 'release-failed', { actor: systemActor, error: toWireError(failure) })
      return null
    }
  }

  /** What is to be released of a delivery: itself, or what it held. Nothing where it has to wait. */
  const unpackOne = async (entry: LedgerEntry, signal: AbortSignal): Promise<readonly Delivery[]> => {
    const { id } = entry.delivery
    if (wasUnpacked(entry)) return [entry.delivery]
    try {
      const inside = await unpack(entry.delivery, signal)
      return inside === null ? [entry.delivery] : acceptInside(entry, inside)
    } catch (error) {
      if (signal.aborted) throw error
      const failure = asAppError(error)
      ledger.applyInbound(id, failure.retry === 'never' ? 'held' : 'release-failed', { actor: systemActor, error: toWireError(failure) })
      return []
    }
  }

  /** The archive has arrived, and each of its files is a delivery of its own from now on: in one transaction, so that a crash leaves neither half. */
  const acceptInside = (entry: LedgerEntry, inside: readonly UnpackedFile[]): readonly Delivery[] => {
    const { delivery, source } = entry
    const receipt = receiptOf(entry)
    const parts = inside.map(({ path, stored }) => ({ name: path, size: stored.size, sha256: stored.sha256 }))
    return database.transaction(() => {
      ledger.applyInbound(delivery.id, 'unpacked', { actor: systemActor, receipt: { ...receipt, at: now(), facts: { ...receipt.facts, [UNPACKED]: String(inside.length) } }, data: { files: parts } })
      deps.parts.add(delivery.id, parts)
      return accept(
        inside.map(({ path, stored, modifiedAt }) => ({
          partner: delivery.partner,
          connection: delivery.connection,
          name: path.split('/').at(-1) ?? path,
          source: `${source}: ${path}`,
          size: stored.size,
          sha256: stored.sha256,
          remoteModifiedAt: modifiedAt,
          afterwards: 'not-applicable' as const,
          facts: { ...receipt.facts, [UNPACKED_FROM]: delivery.id },
          trace: delivery.trace,
        })),
        systemActor,
      )
    })
  }

  const hide = async (delivery: Delivery, signal: AbortSignal): Promise<boolean> => {
    const { id } = delivery
    try {
      await writeHidden(inboxOf(delivery.partner), id, payloads.read(delivery.sha256, { offset: 0, signal }))
      return true
    } catch (error) {
      if (signal.aborted) throw error
      ledger.applyInbound(id, 'release-failed', { actor: systemActor, error: toWireError(error) })
      return false
    }
  }

  /** Answers the deliveries with their places. */
  const chooseNames = async (deliveries: readonly Delivery[]): Promise<readonly LedgerEntry[]> => {
    const paths = new Map<string, string>()
    const reserved = new Set<string>()
    for (const { id, partner, fileName } of deliveries) {
      const path = await choosePath(inboxOf(partner), fileName, reserved)
      reserved.add(path)
      paths.set(id, path)
    }
    const chosen = database.transaction(() => [...paths].map(([id, inboxPath]) => ledger.applyInbound(id, 'release-started', { actor: systemActor, inboxPath, data: { inboxPath } })), 'grouped')
    await database.flushed()
    return chosen
  }

  /** Somebody may take a chosen name in the last moment: another is chosen then, and written down first. Null where it got none. */
  const nameOne = async (begun: LedgerEntry, isFresh: boolean): Promise<LedgerEntry | null> => {
    const { delivery } = begun
    try {
      for (let entry = begun; ; ) {
        if (entry.inboxPath === null) throw new AppError('internal.unexpected', `${delivery.id} has no place in the Inbox`)
        if (await giveName(entry.inboxPath, delivery.id, isFresh)) return entry
        const [again] = await chooseNames([delivery])
        if (again !== undefined) entry = again
      }
    } catch (error) {
      logger.log('error', 'a received file could not get its name', { delivery: delivery.id, problem: asAppError(error).message })
      return null
    }
  }

  /** `isFresh`: their hidden files were written a moment ago by this process. */
  const finish = async (begun: readonly LedgerEntry[], isFresh: boolean): Promise<void> => {
    const named: LedgerEntry[] = []
    await forEachOf(begun, async (one) => {
      const entry = await nameOne(one, isFresh)
      if (entry !== null) named.push(entry)
    })
    if (named.length === 0) return
    for (const folder of new Set(named.map(({ inboxPath }) => dirname(inboxPath ?? '')))) await flushFolder(folder).catch(() => undefined)
    database.transaction(() => {
      for (const entry of named) ledger.applyInbound(entry.delivery.id, 'released', { actor: systemActor, receipt: { ...receiptOf(entry), at: now(), releasedTo: entry.inboxPath } })
    }, 'grouped')
    await database.flushed()
  }

  const inHand = new Map<string, Promise<unknown>>()

  /**
   * Releases what is `received`, and ends what a crash left in the middle. What cannot be released keeps its reason. Answers what came out
   * of archives. A delivery is in one hand at a time: a second one would write its hidden file anew while the first gives it its name.
   */
  const release = async (ids: readonly string[], signal: AbortSignal): Promise<readonly string[]> => {
    while (ids.some((id) => inHand.has(id))) await Promise.allSettled(ids.flatMap((id) => inHand.get(id) ?? []))
    const job = releaseNow(ids, signal)
    for (const id of ids) inHand.set(id, job)
    try {
      return await job
    } finally {
      for (const id of ids) inHand.delete(id)
    }
  }

  const releaseNow = async (ids: readonly string[], signal: AbortSignal): Promise<readonly string[]> => {
    const entries = ids.map((id) => repository.get(id))
    await finish(entries.filter(({ state }) => state === 'releasing'), false)
    const waiting = entries.filter(({ state }) => state === 'received')
    const prepared = new Map<LedgerEntry, readonly Delivery[]>()
    const inside: string[] = []
    await forEachOf(waiting, async (entry) => {
      signal.throwIfAborted()
      const opened = await openOne(entry, signal)
      if (opened === null) return
      const files = await unpackOne(opened, signal)
      if (files[0]?.id !== entry.delivery.id) inside.push(...files.map(({ id }) => id))
      const hidden: Delivery[] = []
      for (const file of files) if (await hide(file, signal)) hidden.push(file)
      prepared.set(entry, hidden)
    })
    // In the order in which they came, so that numbered names follow it.
    const ready = waiting.flatMap((entry) => prepared.get(entry) ?? [])
    if (ready.length === 0) return inside
    for (const folder of new Set(ready.map(({ partner }) => inboxOf(partner)))) await flushFolder(folder)
    await finish(await chooseNames(ready), true)
    return inside
  }

  /** Writes inbound deliveries down. Call it inside the transaction in which the protocol notes that it has them. */
  const accept = (files: readonly NewInbound[], actor: Actor): Delivery[] =>
    files.map((file) =>
      ledger.create(
        {
          partner: file.partner,
          connection: file.connection,
          direction: 'inbound',
          fileName: file.name,
          remoteName: file.name,
          source: file.source,
          size: file.size,
          sha256: file.sha256,
          duplicateReason: null,
          trace: file.trace,
          state: file.held === undefined ? 'received' : 'held',
          ...(file.held === undefined ? {} : { error: toWireError(file.held) }),
          receipt: {
            kind: 'received',
            at: now(),
            source: file.source,
            size: file.size,
            remoteModifiedAt: file.remoteModifiedAt,
            releasedTo: null,
            afterwards: file.afterwards,
            facts: { ...file.facts },
          },
        },
        actor,
      ),
    )

  return {
    accept,

    release,

    /** Everything that waits for its release, of one connection or of all. */
    async releaseWaiting(of: { readonly partner: string; readonly connection: string } | null, signal: AbortSignal): Promise<void> {
      const entries = repository.inStates(['received', 'releasing']).filter(({ delivery }) => of === null || (delivery.partner === of.partner && delivery.connection === of.connection))
      await release(entries.map(({ delivery }) => delivery.id), signal)
    },

    /** A person decides that a held file is released after all. */
    async releaseHeld(id: string, actor: Actor, signal: AbortSignal): Promise<Delivery> {
      ledger.applyInbound(id, 'release-ordered', { actor })
      await release([id], signal)
      return repository.get(id).delivery
    },
  }
}

/** How many files came out of an archive. */
const UNPACKED = 'unpackedFiles'
/** The archive that a file came out of: it is neither opened nor unpacked once more. */
const UNPACKED_FROM = 'unpackedFrom'

function wasUnpacked({ delivery: { receipt } }: LedgerEntry): boolean {
  return receipt?.kind === 'received' && receipt.facts[UNPACKED_FROM] !== undefined
}
