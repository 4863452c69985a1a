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

  /** Answers whether the delivery can go on to the Inbox. */
  const openOne = async (id: string, signal: AbortSignal): Promise<boolean> => {
    const entry = repository.get(id)
    const { delivery } = entry
    if (delivery.wire !== null || wasUnpacked(entry)) return true
    try {
      const content = await open(delivery, signal)
      const receipt = receiptOf(entry)
      const facts = { ...receipt.facts, ...content?.facts }
      const travelled = { delivery: id, partner: delivery.partner, connection: delivery.connection, direction: 'inbound' } as const
      policy.permitContent(travelled, facts)
      policy.noteUses(travelled, facts)
      if (content !== null) {
        ledger.applyInbound(id, 'opened', {
          actor: systemActor,
          receipt: { ...receipt, facts },
          content: { ...content, wire: { sha256: delivery.sha256, size: delivery.size } },
          data: { sha256: content.sha256, size: content.size, wireSha256: delivery.sha256, ...content.facts },
        })
      }
      return true
    } catch (error) {
      if (signal.aborted) throw error
      const failure = asAppError(error)
      ledger.applyInbound(id, failure.retry === 'never' ? 'held' : 'release-failed', { actor: systemActor, error: toWireError(failure) })
      return false
    }
  }

  /** What is to be released of a delivery: itself, or what it held. Nothing where it has to wait. */
  const unpackOne = async (id: string, signal: AbortSignal): Promise<readonly string[]> => {
    const entry = repository.get(id)
    if (wasUnpacked(entry)) return [id]
    try {
      const inside = await unpack(entry.delivery, signal)
      return inside === null ? [id] : acceptInside(entry, inside)
    } catch (error) {
      if (signal.aborted) throw error
      const failure = asAppError(error)
      ledger.applyInbound(id, failure.retry === 'never' ? 'held' : 'release-failed', { actor: systemActor, error: toWireError(failure) })
      return []
    }
  }

  /** The archive has arrived, and each of its files is a delivery of its own from now on: in one transaction, so that a crash leaves neither half. */
  const acceptInside = (entry: LedgerEntry, inside: readonly UnpackedFile[]): readonly string[] => {
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
      ).map(({ id }) => id)
    })
  }

  const hide = async (id: string, signal: AbortSignal): Promise<boolean> => {
    const { delivery } = repository.get(id)
    try {
      await writeHidden(inboxOf(delivery.partner), id, payloads.read(delivery.sha256, { offset: 0, signal }))
      return true
    } catch (error) {
      if (signal.aborted) throw error
      ledger.applyInbound(id, 'release-failed', { actor: systemActor, error: toWireError(error) })
      return false
    }
  }

  const chooseNames = async (ids: readonly string[]): Promise<void> => {
    const paths = new Map<string, string>()
    const reserved = new Set<string>()
    for (const id of ids) {
      const { delivery } = repository.get(id)
      const path = await choosePath(inboxOf(delivery.partner), delivery.fileName, reserved)
      reserved.add(path)
      paths.set(id, path)
    }
    database.transaction(() => {
      for (const [id, inboxPath] of paths) ledger.applyInbound(id, 'release-started', { actor: systemActor, inboxPath, data: { inboxPath } })
    }, 'grouped')
    await database.flushed()
  }

  /** Somebody may take a chosen name in the last moment: another is chosen then, and written down first. */
  const nameOne = async (id: string): Promise<boolean> => {
    try {
      for (;;) {
        const { inboxPath } = repository.get(id)
        if (inboxPath === null) throw new AppError('internal.unexpected', `${id} has no place in the Inbox`)
        if (await giveName(inboxPath, id)) return true
        await chooseNames([id])
      }
    } catch (error) {
      logger.log('error', 'a received file could not get its name', { delivery: id, problem: asAppError(error).message })
      return false
    }
  }

  const finish = async (ids: readonly string[]): Promise<void> => {
    const named: string[] = []
    await forEachOf(ids, async (id) => void ((await nameOne(id)) && named.push(id)))
    const folders = new Set(named.map((id) => dirname(repository.get(id).inboxPath ?? '')))
    for (const folder of folders) await flushFolder(folder).catch(() => undefined)
    database.transaction(() => {
      for (const id of named) {
        const entry = repository.get(id)
        ledger.applyInbound(id, 'released', { actor: systemActor, receipt: { ...receiptOf(entry), at: now(), releasedTo: entry.inboxPath } })
      }
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
    const begun = ids.filter((id) => repository.get(id).state === 'releasing')
    await finish(begun)
    const waiting = ids.filter((id) => repository.get(id).state === 'received')
    const prepared = new Map<string, readonly string[]>()
    const inside: string[] = []
    await forEachOf(waiting, async (id) => {
      signal.throwIfAborted()
      if (!(await openOne(id, signal))) return
      const files = await unpackOne(id, signal)
      if (files[0] !== id) inside.push(...files)
      const hidden: string[] = []
      for (const file of files) if (await hide(file, signal)) hidden.push(file)
      prepared.set(id, hidden)
    })
    // In the order in which they came, so that numbered names follow it.
    const ready = waiting.flatMap((id) => prepared.get(id) ?? [])
    if (ready.length === 0) return inside
    for (const folder of new Set(ready.map((id) => inboxOf(repository.get(id).delivery.partner)))) await flushFolder(folder)
    await chooseNames(ready)
    await finish(ready)
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
