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

/** What was seen not to be there, a moment ago. */
export interface Looks {
  at(key: string): Promise<Found | null>
  /** Looks, unless it was not there a moment ago. Said once for each look. */
  isAbsent(key: string): Promise<boolean>
}

export function createLooks(connected: Pick<Connected, 'client' | 'direct'>, Bucket: string): Looks {
  const absent = new Map<string, number>()
  const at = async (key: string): Promise<Found | null> => await lookUp(connected, Bucket, key)
  return {
    async at(key) {
      const found = await at(key)
      if (absent.size >= MOST_NOTED) absent.clear()
      if (found === null) absent.set(key, performance.now())
      else absent.delete(key)
      return found
    },
    async isAbsent(key) {
      const since = absent.get(key)
      absent.delete(key)
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
