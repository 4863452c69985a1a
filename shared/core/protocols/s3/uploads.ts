/** Uploads that were begun: finding them, going on with one, beginning one, ending them. */
import { AbortMultipartUploadCommand, CreateMultipartUploadCommand, ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3'
import type { S3Connection } from '../../../contract/connections/s3.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Connected } from './connect.ts'
import { askDirectly, elementOf } from './direct.ts'
import { encryptionHeaders, encryptionOf } from './encryption.ts'
import { statusOf } from './errors.ts'
import type { KeySpace } from './keys.ts'
import type { Part } from './parts.ts'

const MOST_IN_SNAPSHOT = 1_000

export interface Upload {
  readonly id: string
  readonly parts: Part[]
}

export interface Uploads {
  /** Begun in this session, or found in it. */
  readonly known: Map<string, Upload>
  /**
   * Uploads of exactly this key, newest first. `untouched`: nothing of ours was ever begun for it as far as the ledger knows, so that
   * what the session saw when it first looked at the whole folder is good enough.
   */
  of(key: string, untouched: boolean): Promise<readonly string[]>
  /** The parts from the first on without a gap. */
  parts(key: string, id: string): Promise<Part[]>
  /** Ends what was begun of the key, and begins anew. */
  begin(key: string): Promise<Upload>
  /** Ends what else was begun of the key, where an answer was lost and the store may have begun one that nobody goes on with. */
  endOthers(key: string, id: string): Promise<void>
  /** Ends every upload of the key. */
  abort(key: string): Promise<void>
}

export function createUploads(connected: Connected, settings: S3Connection, keys: KeySpace, place: string): Uploads {
  const { client, direct } = connected
  const { bucket: Bucket } = settings
  const known = new Map<string, Upload>()
  /** What was found begun when a key was last looked for. */
  const begun = new Map<string, readonly string[]>()
  /** Keys for which more than one may have been begun. */
  const doubtful = new Set<string>()
  let snapshot: Promise<ReadonlySet<string> | null> | undefined

  /** Null for a credential that may not list them: it cannot go on with one. */
  const page = async (Prefix: string, more: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined; MaxUploads?: number } = {}) =>
    await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix, ...more })).catch((error: unknown) => {
      if (statusOf(error) === 403 || statusOf(error) === 501) return null
      throw error
    })

  const listed = async (Key: string): Promise<string[]> => {
    const found: { id: string; at: number }[] = []
    for (let KeyMarker: string | undefined, UploadIdMarker: string | undefined; ; ) {
      const answer = await page(Key, { KeyMarker, UploadIdMarker })
      if (answer === null) return []
      for (const upload of answer.Uploads ?? []) if (upload.Key === Key && upload.UploadId !== undefined) found.push({ id: upload.UploadId, at: upload.Initiated?.getTime() ?? 0 })
      if (answer.IsTruncated !== true || answer.NextKeyMarker === undefined) break
      KeyMarker = answer.NextKeyMarker
      UploadIdMarker = answer.NextUploadIdMarker
    }
    return found.toSorted((left, right) => right.at - left.at).map(({ id }) => id)
  }

  /** The keys of everything begun in the folder, once a session: one request for many files. Null where there is too much of it. */
  const inFolder = async (): Promise<ReadonlySet<string> | null> => {
    const answer = await page(keys.root, { MaxUploads: MOST_IN_SNAPSHOT })
    if (answer?.IsTruncated === true) return null
    return new Set((answer?.Uploads ?? []).flatMap(({ Key }) => Key ?? []))
  }

  const seenAtFirst = async (Key: string): Promise<boolean> => {
    snapshot ??= inFolder()
    snapshot.catch(() => (snapshot = undefined))
    const seen = await snapshot
    return seen === null || seen.has(Key)
  }

  const abortOne = async (Key: string, UploadId: string): Promise<void> => {
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch((error: unknown) => {
      if (statusOf(error) !== 404) throw error
    })
  }

  const end = async (Key: string, ids: readonly string[]): Promise<void> => {
    const own = known.get(Key)
    known.delete(Key)
    begun.delete(Key)
    // The one that we know of too: not every credential may list them.
    for (const UploadId of new Set([...(own === undefined ? [] : [own.id]), ...ids]))
      await abortOne(Key, UploadId)
  }

  const create = async (Key: string): Promise<string | undefined> => {
    const answer = settings.checksums === 'when-required' ? await askDirectly(direct, { method: 'POST', key: Key, query: { uploads: '' }, headers: encryptionHeaders(settings) }) : null
    const id = answer?.status === 200 ? elementOf(answer.body, 'UploadId') : undefined
    if (id !== undefined) return id
    const { UploadId, $metadata } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...encryptionOf(settings) }))
    if ((answer === null && direct.isReady()) || ($metadata.attempts ?? 1) > 1) doubtful.add(Key)
    return UploadId
  }

  return {
    known,

    async of(Key, untouched) {
      const ids = untouched && !known.has(Key) && !(await seenAtFirst(Key)) ? [] : await listed(Key)
      begun.set(Key, ids)
      if (ids.length > 1) doubtful.add(Key)
      return ids
    },

    async parts(Key, UploadId) {
      const parts: Part[] = []
      for (let PartNumberMarker: string | undefined; ; ) {
        const answer = await client.send(new ListPartsCommand({ Bucket, Key, UploadId, PartNumberMarker }))
        for (const { PartNumber, ETag, Size } of answer.Parts ?? []) {
          if (PartNumber !== parts.length + 1 || ETag === undefined) return parts
          parts.push({ number: PartNumber, etag: ETag, size: Size ?? 0 })
        }
        if (answer.IsTruncated !== true || answer.NextPartNumberMarker === undefined) return parts
        PartNumberMarker = answer.NextPartNumberMarker
      }
    },

    async begin(Key) {
      await end(Key, begun.get(Key) ?? (await listed(Key)))
      const id = await create(Key)
      if (id === undefined) throw new AppError('remote.failed', `${place} began an upload without naming it`)
      const upload = { id, parts: [] }
      known.set(Key, upload)
      return upload
    },

    async endOthers(Key, id) {
      if (!doubtful.has(Key)) return
      for (const UploadId of await listed(Key)) if (UploadId !== id) await abortOne(Key, UploadId)
      doubtful.delete(Key)
    },

    abort: async (Key) => await end(Key, await listed(Key)),
  }
}
