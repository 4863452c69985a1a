/** Fetching one file of a partner's folder into the payload store. */
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Publisher } from '../../kernel/events.ts'
import type { FileRoute } from '../../partners/routes.ts'
import type { FileSession, ObservedCrypto, RemoteFile } from '../../protocols/file-protocol.ts'
import type { PayloadStore, StoredPayload } from '../../store/payload-store.ts'
import type { Place } from './remote-files.ts'

export interface FetchRun {
  readonly route: FileRoute
  readonly place: Place
  readonly signal: AbortSignal
}

export interface FetchDeps {
  readonly payloads: PayloadStore
  readonly publisher: Publisher
  readonly clock: Clock
}

export interface FetchedContent {
  readonly payload: StoredPayload
  /** As a look-up told it where the listing tells none. */
  readonly modifiedAt: string | null
  /** Of the session that carried it. */
  readonly observed: ObservedCrypto
}

/** Fetches one file into the payload store and makes sure that it was the same file from beginning to end. */
export async function fetchFile(file: RemoteFile, session: FileSession, { route, place, signal }: FetchRun, { payloads, publisher, clock }: FetchDeps): Promise<FetchedContent> {
  const limit = route.partner.limits.maxFileBytes
  if (limit !== undefined && file.size > limit)
    throw new AppError('delivery.too_large', `${file.name} has ${file.size} bytes; ${limit} were agreed`, { details: { size: String(file.size), limit: String(limit) } })
  const changed = (): AppError => new AppError('receive.changed', `${file.name} had ${file.size} bytes when it was listed`, { details: { name: file.name } })
  // Some servers list no times, but tell them when asked for one file.
  const before = file.modifiedAt === null ? await session.stat(file.name) : file
  if (before === null || before.size !== file.size) throw changed()
  let shownAt = 0
  async function* counted(): AsyncIterable<Uint8Array> {
    let bytes = 0
    for await (const piece of session.read(file.name, { offset: 0, signal })) {
      bytes += piece.length
      if (bytes > file.size) throw changed()
      if (clock.now() - shownAt > 200) {
        shownAt = clock.now()
        publisher.publish('deliveries.receiving', { partner: place.partner, connection: place.connection, name: file.name, bytes, total: file.size })
      }
      yield piece
    }
  }
  const payload = await payloads.take(counted(), { size: file.size })
  const after = await session.stat(file.name)
  if (payload.size !== file.size || after === null || !isUnchanged(before, after)) throw changed()
  if (route.connection.verify === 'hash') {
    const hash = await session.hash(file.name, file.size)
    if (hash !== null && hash !== payload.sha256) throw new AppError('remote.verification_failed', `${file.name}: the server's checksum is another one`, { details: { name: file.name, theirs: hash, ours: payload.sha256 } })
  }
  return { payload, modifiedAt: before.modifiedAt, observed: { ...session.observed } }
}

/** Listings of old FTP servers tell minutes, look-ups seconds: times are compared in the coarser one. */
export function isUnchanged(listed: Pick<RemoteFile, 'size' | 'modifiedAt'> & { readonly version?: string | null | undefined }, now: RemoteFile): boolean {
  if (listed.size !== now.size) return false
  if (listed.version && now.version !== undefined) return listed.version === now.version
  if (listed.modifiedAt === null || now.modifiedAt === null) return true
  const [before, after] = [Date.parse(listed.modifiedAt), Date.parse(now.modifiedAt)]
  const unit = before % 60_000 === 0 ? 60_000 : 1_000
  return Math.floor(before / unit) === Math.floor(after / unit)
}
