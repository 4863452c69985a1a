/** The verbs of a file session over S3: names are keys directly below prefix and folder. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  UploadPartCopyCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3'
import { AppError } from '../../kernel/errors.ts'
import type { FileSession, RemoteFile, StagedFile } from '../file-protocol.ts'
import type { Connected, S3Endpoint } from './connect.ts'
import { s3Error } from './errors.ts'
import { keySpace, type KeySpace } from './keys.ts'
import { createLooks, type Found } from './look-up.ts'
import { encryptionOf } from './encryption.ts'
import { multipartStaging } from './multipart.ts'
import { readObject } from './read-object.ts'
import { singleStaging } from './single.ts'

/** One request copies at most 5 GiB; beyond, and well before, it goes in parts. */
const COPY_AT_ONCE_BYTES = 4 * 1024 ** 3
const COPY_PART_BYTES = 512 * 1024 ** 2

/** Looks at the folder once, so that credentials, bucket, region and clock are known to be right. Rejects with an AppError. */
export async function openSession(connected: Connected, endpoint: S3Endpoint, signal: AbortSignal): Promise<FileSession> {
  const { client, once, observed } = connected
  const { settings } = endpoint
  const { bucket: Bucket } = settings
  const keys = keySpace(settings, endpoint.folder)
  const place = placeOf(Bucket, keys)
  let closed = false

  const doing = async <T>(verb: string, name: string, action: () => Promise<T>): Promise<T> => {
    if (closed) throw new AppError('net.connection_lost', 'the session is closed')
    try {
      return await action()
    } catch (error) {
      throw s3Error(error, { verb, name, place })
    }
  }

  const looks = createLooks(connected, Bucket, keys.root)

  const copyWhole = async (from: string, Key: string): Promise<void> => {
    await client.send(new CopyObjectCommand({ Bucket, Key, CopySource: copySource(Bucket, from), ...encryptionOf(settings) }))
  }

  const copyInParts = async (from: string, Key: string, size: number): Promise<void> => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...encryptionOf(settings) }))
    try {
      const Parts: CompletedPart[] = []
      for (let at = 0; at < size; at += COPY_PART_BYTES) {
        const range = `bytes=${at}-${Math.min(size, at + COPY_PART_BYTES) - 1}`
        const part = await client.send(new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber: Parts.length + 1, CopySource: copySource(Bucket, from), CopySourceRange: range }))
        Parts.push({ PartNumber: Parts.length + 1, ETag: part.CopyPartResult?.ETag })
      }
      await once.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))
    } catch (error) {
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => undefined)
      throw error
    }
  }

  const inParts = multipartStaging(connected, settings, keys, place, looks)
  const staging = settings.objectsStay ? singleStaging(connected, settings, keys, place, looks, inParts) : inParts

  const session: FileSession = {
    observed,
    folder: place,
    capabilities: { staging: 'held', serverHash: false, resume: true, exclusiveRename: 'checked', filesAtOnce: settings.maxConnections },
    staging,

    list: async (abortSignal = signal) =>
      await doing('list', '', async () => {
        const files: RemoteFile[] = []
        for (let ContinuationToken: string | undefined; ; ) {
          const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: keys.root, Delimiter: '/', ContinuationToken }), { abortSignal })
          for (const { Key, Size, LastModified, ETag } of page.Contents ?? []) {
            const name = keys.nameOf(Key ?? '')
            if (name !== null) files.push({ name, kind: 'file', size: Size ?? 0, modifiedAt: LastModified?.toISOString() ?? null, ...(ETag === undefined ? {} : { version: ETag }) })
          }
          for (const { Prefix } of page.CommonPrefixes ?? []) {
            const name = keys.nameOf((Prefix ?? '').replace(/\/$/, ''))
            if (name !== null) files.push({ name, kind: 'folder', size: 0, modifiedAt: null })
          }
          if (page.IsTruncated !== true || page.NextContinuationToken === undefined) return files
          ContinuationToken = page.NextContinuationToken
        }
      }),

    stat: async (name) =>
      await doing('look up', name, async () => {
        const found = await looks.at(keys.keyOf(name))
        if (found === null) return null
        return { name, kind: 'file', size: found.ContentLength ?? 0, modifiedAt: found.LastModified?.toISOString() ?? null, ...(found.ETag === undefined ? {} : { version: found.ETag }), facts: factsOf(found) }
      }),

    wasAbsent: async (name) => await doing('look up', name, async () => await looks.wasAbsent(keys.keyOf(name))),

    async *read(name, options) {
      const Key = keys.keyOf(name)
      try {
        options.signal.throwIfAborted()
        if (closed) throw new AppError('net.connection_lost', 'the session is closed')
        yield* readObject(connected, { bucket: Bucket, key: Key, place }, options)
      } catch (error) {
        options.signal.throwIfAborted()
        throw s3Error(error, { verb: 'read', name, place })
      }
    },

    async write(name, content, options) {
      if (closed) throw new AppError('net.connection_lost', 'the session is closed')
      const file: StagedFile = { temporaryName: name, finalName: name, content: () => content }
      await staging.write(file, content, options)
      // Unlike publishing, writing means that the name gets this content whatever was there.
      await session.remove(name)
      await staging.publish(file)
    },

    rename: async (from, to, folder) =>
      await doing('rename', to, async () => {
        const target = folder === undefined ? keys : keys.inFolder(folder)
        const source = await looks.at(keys.keyOf(from))
        if (source === null) throw new AppError('remote.not_found', `${place} has no ${from}`, { details: { name: from } })
        if ((await looks.at(target.keyOf(to))) !== null) throw new AppError('remote.name_taken', `${placeOf(Bucket, target)} holds another file named ${to}`, { details: { folder: placeOf(Bucket, target), name: to } })
        looks.gives(target.keyOf(to))
        const size = source.ContentLength ?? 0
        await (size > COPY_AT_ONCE_BYTES ? copyInParts(keys.keyOf(from), target.keyOf(to), size) : copyWhole(keys.keyOf(from), target.keyOf(to)))
        await client.send(new DeleteObjectCommand({ Bucket, Key: keys.keyOf(from) }))
      }),

    remove: async (name) =>
      await doing('remove', name, async () => {
        const Key = keys.keyOf(name)
        if ((await looks.at(Key)) === null) return false
        await client.send(new DeleteObjectCommand({ Bucket, Key }))
        return true
      }),

    // What stores call a checksum is one of parts, or what we told them ourselves.
    hash: async () => await Promise.resolve(null),

    async close() {
      closed = true
      connected.close()
      await Promise.resolve()
    },
  }
  await doing('list', '', async () => await once.send(new ListObjectsV2Command({ Bucket, Prefix: keys.root, MaxKeys: 1 }), { abortSignal: signal }))
  return session
}

function factsOf({ ETag, VersionId, ServerSideEncryption, ChecksumSHA256, ChecksumCRC32, ChecksumCRC64NVME }: Found): Record<string, string> {
  const checksum = ChecksumSHA256 ?? ChecksumCRC64NVME ?? ChecksumCRC32
  return {
    ...(ETag === undefined ? {} : { etag: ETag }),
    ...(VersionId === undefined ? {} : { versionId: VersionId }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(ServerSideEncryption === undefined ? {} : { encryption: ServerSideEncryption }),
  }
}

/** `s3://bucket/prefix/`. */
export function placeOf(bucket: string, keys: KeySpace): string {
  return `s3://${bucket}/${keys.root}`
}

function copySource(bucket: string, key: string): string {
  return `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
}
