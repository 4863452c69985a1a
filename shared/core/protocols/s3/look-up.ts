/** What stands under a key. */
import { HeadObjectCommand, ListObjectsV2Command, type HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import type { Connected } from './connect.ts'
import { askDirectly, type Answer } from './direct.ts'
import { statusOf } from './errors.ts'

export type Found = Pick<HeadObjectCommandOutput, 'ContentLength' | 'LastModified' | 'ETag' | 'VersionId' | 'ServerSideEncryption' | 'ChecksumSHA256' | 'ChecksumCRC32' | 'ChecksumCRC64NVME' | 'Metadata'>

/**
 * Null when there is nothing. A credential that is limited to a prefix gets 403 for a key that does not exist, and one that
 * may only write for every key; both may often list, and the listing tells.
 */
export async function lookUp({ client, direct }: Pick<Connected, 'client' | 'direct'>, Bucket: string, Key: string): Promise<Found | null> {
  const answer = await askDirectly(direct, { method: 'HEAD', key: Key })
  if (answer?.status === 200) return foundIn(answer)
  if (answer?.status === 404) return null
  try {
    return await client.send(new HeadObjectCommand({ Bucket, Key }))
  } catch (error) {
    if (statusOf(error) === 404) return null
    if (statusOf(error) !== 403) throw error
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: Key, MaxKeys: 1 }))
    // The exact key sorts before all that only begin with it.
    const [first] = Contents
    return first?.Key === Key ? { ContentLength: first.Size, LastModified: first.LastModified, ETag: first.ETag } : null
  }
}

/** A name that nothing had so lately is not asked about again before it is given: `If-None-Match` holds in between. */
const LATELY_MS = 5_000
const MOST_NOTED = 10_000
/** So many names are asked for one by one before the whole folder is looked at: one request for all that follow. */
const SINGLY = 8

/** What was seen not to be there, a moment ago. */
export interface Looks {
  at(key: string): Promise<Found | null>
  /** True when a look at the whole folder a moment ago showed nothing of that name; false where nobody knows, so that it must be asked about. */
  wasAbsent(key: string): Promise<boolean>
  /** Looks, unless it was not there a moment ago. Said once for each look, by whoever gives the name then. */
  isAbsent(key: string): Promise<boolean>
  /** Something gets this name by ourselves: what was seen of it before does not count any more. */
  gives(key: string): void
}

/** `root`: the folder's part of every key. */
export function createLooks(connected: Pick<Connected, 'client' | 'direct'>, Bucket: string, root: string): Looks {
  const absent = new Map<string, number>()
  const given = new Set<string>()
  let asked = 0
  let overview: { readonly since: number; readonly keys: Promise<ReadonlySet<string> | null> } | null = null
  /** Too much stands there, or the credential may not list it. */
  let singly = false

  const at = async (key: string): Promise<Found | null> => await lookUp(connected, Bucket, key)

  const inFolder = async (): Promise<ReadonlySet<string> | null> => {
    const answer = await connected.client.send(new ListObjectsV2Command({ Bucket, Prefix: root, Delimiter: '/' })).catch(() => null)
    return answer === null || answer.IsTruncated === true ? null : new Set((answer.Contents ?? []).flatMap(({ Key }) => Key ?? []))
  }

  const note = (key: string, since: number): void => {
    if (absent.size >= MOST_NOTED) absent.clear()
    absent.set(key, since)
  }

  const gives = (key: string): void => {
    absent.delete(key)
    given.add(key)
    if (given.size >= MOST_NOTED) singly = true
  }

  return {
    gives,

    async at(key) {
      const asking = performance.now()
      const found = await at(key)
      if (found === null) note(key, asking)
      else absent.delete(key)
      return found
    },

    async wasAbsent(key) {
      asked += 1
      if (asked <= SINGLY || singly || given.has(key)) return false
      if (overview === null || performance.now() - overview.since >= LATELY_MS) overview = { since: performance.now(), keys: inFolder() }
      const { since, keys } = overview
      const there = await keys
      if (there === null) singly = true
      if (there === null || there.has(key) || given.has(key)) return false
      note(key, since)
      return true
    },

    async isAbsent(key) {
      const since = absent.get(key)
      gives(key)
      return (since !== undefined && performance.now() - since < LATELY_MS) || (await at(key)) === null
    },
  }
}

const META = 'x-amz-meta-'

function foundIn({ headers }: Answer): Found {
  const modified = Date.parse(headers['last-modified'] ?? '')
  return {
    ContentLength: Number(headers['content-length'] ?? 0),
    LastModified: Number.isNaN(modified) ? undefined : new Date(modified),
    ETag: headers['etag'],
    VersionId: headers['x-amz-version-id'],
    ServerSideEncryption: headers['x-amz-server-side-encryption'] as Found['ServerSideEncryption'],
    ChecksumSHA256: headers['x-amz-checksum-sha256'],
    ChecksumCRC32: headers['x-amz-checksum-crc32'],
    ChecksumCRC64NVME: headers['x-amz-checksum-crc64nvme'],
    Metadata: Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (name.startsWith(META) ? [[name.slice(META.length), value]] : []))),
  }
}
