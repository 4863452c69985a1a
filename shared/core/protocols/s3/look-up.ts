/** What stands under a key. */
import { HeadObjectCommand, ListObjectsV2Command, type HeadObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3'
import { statusOf } from './errors.ts'

export type Found = Pick<HeadObjectCommandOutput, 'ContentLength' | 'LastModified' | 'ETag' | 'VersionId' | 'ServerSideEncryption' | 'ChecksumSHA256' | 'ChecksumCRC32' | 'ChecksumCRC64NVME'>

/**
 * Null when there is nothing. A credential that is limited to a prefix gets 403 for a key that does not exist, and one that
 * may only write for every key; both may often list, and the listing tells.
 */
export async function lookUp(client: S3Client, Bucket: string, Key: string): Promise<Found | null> {
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
