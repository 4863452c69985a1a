/**
 * Collects a partner's folder once, over any file protocol: list, wait until files are complete, fetch, write down, release,
 * and only then tidy up at the partner. A crash between any two of these steps is repaired by the next run.
 */
import type { ReceiveSettings } from '../../../contract/connections/common.ts'
import type { Delivery, ReceiveReport } from '../../../contract/deliveries.ts'
import type { WireError } from '../../../contract/errors/index.ts'
import { systemActor, type Actor } from '../../kernel/actor.ts'
import { timestamp, type Clock } from '../../kernel/clock.ts'
import { AppError, asAppError, toWireError } from '../../kernel/errors.ts'
import type { Publisher } from '../../kernel/events.ts'
import type { Lines } from '../../background/service.ts'
import { newId } from '../../kernel/ids.ts'
import type { FileRoute, Routes } from '../../partners/routes.ts'
import type { FileSession, RemoteFile } from '../../protocols/file-protocol.ts'
import type { Database } from '../../store/database.ts'
import type { PayloadStore, StoredPayload } from '../../store/payload-store.ts'
import type { Ledger } from '../ledger.ts'
import type { DeliveryRepository } from '../repository.ts'
import { fetchFile, isUnchanged, type FetchedContent } from './fetch.ts'
import { numberedName } from './inbox-name.ts'
import type { InboundReleases, NewInbound } from './release.ts'
import type { PendingTidy, Place, RemoteFileRecord, RemoteFileRepository } from './remote-files.ts'
import { selectFiles, type Selection } from './selection.ts'
import { createSessions, type Sessions } from './sessions.ts'

/** Files that share one transaction and one flush of the Inbox: many small ones, or one large one. */
const BATCH_FILES = 64
const BATCH_BYTES = 64 * 1024 * 1024
/** How often the folder is looked at again for files that have just appeared. */
const MOST_LOOKS = 3

export type Collect = (target: { readonly partner: string; readonly connection: string | undefined }, actor: Actor, signal: AbortSignal) => Promise<ReceiveReport>

export interface CollectDeps {
  readonly database: Database
  readonly repository: DeliveryRepository
  readonly remoteFiles: RemoteFileRepository
  readonly ledger: Ledger
  readonly releases: InboundReleases
  readonly payloads: PayloadStore
  readonly routes: Routes
  readonly lines: Lines
  readonly publisher: Publisher
  readonly clock: Clock
  /** Told of every look, also of one that failed. */
  readonly onLook: (seen: Seen) => void
}

/** What a look saw: every file that stood there and which of them had been taken before, or why it could not be seen. */
export interface Seen {
  readonly partner: string
  readonly connection: string
  readonly folder: string
  readonly listing: readonly { readonly name: string; readonly size: number; readonly taken: boolean }[] | null
  readonly error: string | null
}

interface Run {
  readonly route: FileRoute
  readonly settings: ReceiveSettings
  readonly place: Place
  readonly session: FileSession
  readonly sessions: Sessions
  readonly actor: Actor
  readonly signal: AbortSignal
  readonly trace: string
  readonly taken: Delivery[]
  readonly problems: { name: string; error: WireError }[]
  tidied: number
}

interface Fetched extends FetchedContent {
  readonly file: RemoteFile
  readonly record: RemoteFileRecord
}

export function createCollect(deps: CollectDeps): Collect {
  const { clock, routes, releases, repository, lines } = deps
  const running = new Map<string, Promise<unknown>>()

  const collectNow = async (route: FileRoute, settings: ReceiveSettings, actor: Actor, signal: AbortSignal): Promise<ReceiveReport> => {
    const place: Place = { partner: route.partner.id, connection: route.connection.id, folder: settings.folder }
    await releases.releaseWaiting(place, signal)
    const failed = (error: unknown): never => {
      if (!signal.aborted) deps.onLook({ ...place, listing: null, error: asAppError(error).code })
      throw error
    }
    const session = await connect(route, settings, signal).catch(failed)
    const sessions = createSessions(session, {
      another: async () => await route.connectAnother(signal, settings.folder),
      most: (files) => routes.sessionsAtOnce(place.partner, place.connection, files),
      onWanted: (listener) => route.onWanted(listener),
    })
    try {
      const run: Run = { route, settings, place, session, sessions, actor, signal, trace: newId('trc', clock.now()), taken: [], problems: [], tidied: 0 }
      const { listing, selection, records } = await chooseFiles(run, deps).catch(failed)
      deps.onLook({ ...place, folder: session.folder, error: null, listing: listing.filter(({ kind }) => kind === 'file').map(({ name, size }) => ({ name, size, taken: records.get(name)?.taken === true })) })
      for (const batch of batchesOf(selection.take)) {
        await takeBatch(batch, records, run, deps)
        if (run.problems.some(({ error }) => error.code.startsWith('net.'))) break
      }
      await tidyUp(run, deps)
      return {
        ...place,
        folder: session.folder,
        listed: listing.length,
        taken: run.taken.map(({ id }) => repository.get(id).delivery),
        waiting: selection.waiting.map(({ name, reason }) => ({ name, reason })),
        ignored: selection.ignored.length,
        tidied: run.tidied,
        problems: run.problems,
      }
    } finally {
      await sessions.close()
    }
  }

  const connect = async (route: FileRoute, settings: ReceiveSettings, signal: AbortSignal): Promise<FileSession> => {
    const line = { partner: route.partner.id, connection: route.connection.id }
    try {
      const session = await route.connect(signal, settings.folder)
      lines.reached(line)
      return session
    } catch (error) {
      if (!signal.aborted) lines.failed(line, error)
      throw error
    }
  }

  return async ({ partner, connection }, actor, signal) => {
    const route = routes.files(partner, routes.target(partner, connection).connection.id)
    const { receive } = route.connection
    if (receive === undefined) throw new AppError('receive.not_offered', `${partner}/${route.connection.id} has no "receive" section`)
    // A look loses nothing, so that it also tries a connection that deliveries leave alone; without a network it has no use.
    const hold = actor.kind === 'system' ? lines.hold({ partner, connection: route.connection.id }) : null
    if (hold?.by === 'network') throw hold.error
    // One look at a time: two would take the same files.
    const key = `${partner}/${route.connection.id}`
    const before = running.get(key) ?? Promise.resolve()
    const mine = before.catch(() => undefined).then(async () => await lines.during(async () => await collectNow(route, receive, actor, signal)))
    running.set(key, mine)
    try {
      return await mine
    } finally {
      if (running.get(key) === mine) running.delete(key)
    }
  }
}

/** Lists and selects; stays and looks again while files that have just appeared may become complete in the agreed time. */
async function chooseFiles(run: Run, { remoteFiles, clock }: CollectDeps): Promise<{ listing: readonly RemoteFile[]; selection: Selection; records: ReadonlyMap<string, RemoteFileRecord> }> {
  for (let look = 1; ; look++) {
    const listing = await run.session.list(run.signal)
    const now = clock.now()
    const records = remoteFiles.observe(run.place, listing, now, timestamp(now))
    const selection = selectFiles(listing, records, run.settings, now)
    const ready = Math.min(...selection.waiting.map((file) => file.ready))
    if (look === MOST_LOOKS || ready === Infinity) return { listing, selection, records }
    await clock.sleep(Math.max(0, ready - now), run.signal)
  }
}

function batchesOf(files: readonly RemoteFile[]): RemoteFile[][] {
  const batches: RemoteFile[][] = []
  let bytes = 0
  for (const file of files) {
    const last = batches.at(-1)
    if (last === undefined || last.length >= BATCH_FILES || bytes + file.size > BATCH_BYTES) {
      batches.push([file])
      bytes = file.size
    } else {
      last.push(file)
      bytes += file.size
    }
  }
  return batches
}

async function takeBatch(files: readonly RemoteFile[], records: ReadonlyMap<string, RemoteFileRecord>, run: Run, deps: CollectDeps): Promise<void> {
  const fetched = new Map<string, Fetched>()
  const fetch = async (file: RemoteFile, session: FileSession): Promise<void> => {
    const record = records.get(file.name)
    if (record !== undefined) fetched.set(file.name, { file, record, ...(await fetchFile(file, session, run, deps)) })
  }
  await run.sessions.forEachOf(files, fetch, (file, error) => noteProblem(run, file.name, error))
  const inOrder = files.flatMap(({ name }) => fetched.get(name) ?? [])
  const accepted = deps.database.transaction(() => inOrder.flatMap((entry) => acceptFile(entry, run, deps)))
  run.taken.push(...accepted)
  const inside = await deps.releases.release(accepted.flatMap(({ id, state }) => (state === 'received' ? [id] : [])), run.signal)
  run.taken.push(...inside.map((id) => deps.repository.get(id).delivery))
}

function noteProblem(run: Run, name: string, error: unknown): void {
  run.signal.throwIfAborted()
  run.problems.push({ name, error: toWireError(asAppError(error)) })
}

/** Writes a fetched file down, inside the batch's transaction. Nothing for one that only looks new. */
function acceptFile({ file, record, payload, modifiedAt, observed }: Fetched, run: Run, deps: CollectDeps): Delivery[] {
  const { repository, releases, remoteFiles } = deps
  const { place, settings, session } = run
  const afterwards = settings.after === 'leave' ? 'left' : 'pending'
  const replaced = record.replacedDelivery === null ? null : (repository.find(record.replacedDelivery)?.delivery ?? null)
  // Touched where it stands, with the same content: it is the file that we have.
  if (replaced !== null && [replaced.sha256, replaced.wire?.sha256].includes(payload.sha256)) {
    remoteFiles.markTaken(record.id, replaced.id, afterwards)
    return []
  }
  const held = payload.size > 0 && settings.sameContent === 'hold' ? renamedCopyOf(file, payload, run, deps) : null
  const found: NewInbound = {
    partner: place.partner,
    connection: place.connection,
    name: file.name,
    source: `${session.folder.endsWith('/') ? session.folder : `${session.folder}/`}${file.name}`,
    size: payload.size,
    sha256: payload.sha256,
    remoteModifiedAt: modifiedAt,
    afterwards,
    facts: observed,
    trace: run.trace,
    ...(held === null ? {} : { held }),
  }
  const accepted = releases.accept([found], run.actor)
  for (const { id } of accepted) remoteFiles.markTaken(record.id, id, afterwards)
  return accepted
}

/** The same name may come again with the same content (an empty order file each day); another name may be a renamed copy. */
function renamedCopyOf(file: RemoteFile, payload: StoredPayload, { place }: Run, { repository }: CollectDeps): AppError | null {
  const earlier = repository.findReceived(place.partner, place.connection, file.name, payload.sha256)
  if (earlier === null || earlier.remoteName === file.name) return null
  return new AppError('receive.same_content', `${file.name} has the content of ${earlier.remoteName}, which came on ${earlier.createdAt}`, {
    details: { delivery: earlier.id, name: earlier.remoteName, received: earlier.createdAt },
  })
}

/** Removes or moves what is safely in the Inbox, if it is still the same file. What fails here is tried again by the next run. */
async function tidyUp(run: Run, deps: CollectDeps): Promise<void> {
  const { remoteFiles, ledger, repository, clock } = deps
  const { settings, place, sessions } = run
  const tidy = async (pending: PendingTidy, session: FileSession): Promise<void> => {
    const there = await session.stat(pending.name)
    const taken = repository.get(pending.delivery).delivery.receipt
    const modifiedAt = pending.modifiedAt ?? (taken?.kind === 'received' ? taken.remoteModifiedAt : null)
    const isOurs = there !== null && isUnchanged({ ...pending, modifiedAt }, there)
    if (isOurs) await (settings.after === 'move' ? moveAway(session, pending.name, settings.moveTo ?? '.') : session.remove(pending.name))
    if (isOurs && settings.marker !== undefined) await session.remove(`${pending.name}${settings.marker}`)
    const afterwards = there !== null && !isOurs ? 'left' : settings.after === 'move' ? 'moved' : 'deleted'
    deps.database.transaction(() => {
      remoteFiles.markTidied(pending.id, afterwards, timestamp(clock.now()))
      const { receipt } = repository.get(pending.delivery).delivery
      if (receipt?.kind === 'received') ledger.applyInbound(pending.delivery, 'tidied', { actor: systemActor, receipt: { ...receipt, afterwards }, data: { afterwards } })
    })
    run.tidied += 1
  }
  // Names that are free are looked for: two sessions would find the same one.
  await sessions.forEachOf(remoteFiles.pendingTidy(place), tidy, ({ name }, error) => noteProblem(run, name, error), { alone: settings.after === 'move' })
}

async function moveAway(session: FileSession, name: string, folder: string): Promise<void> {
  for (let number = 1; ; number++) {
    try {
      await session.rename(name, numberedName(name, number), folder)
      return
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'remote.name_taken' || number >= 100) throw error
    }
  }
}
