/**
 * Staging: S3 itself holds a file back as a multipart upload until it is completed, which never overwrites. An upload that is
 * there proves that it was not completed, and its parts are where a later attempt goes on.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import type { S3Connection } from '../../../contract/connections/s3.ts'
import { AppError } from '../../kernel/errors.ts'
import type { StagedFile, Staging, WriteOptions } from '../file-protocol.ts'
import type { Connected } from './connect.ts'
import { errorName, s3Error, statusOf } from './errors.ts'
import type { KeySpace } from './keys.ts'
import { lookUp } from './look-up.ts'

const PARTS_AT_ONCE = 4
/** S3 permits 10,000; a few are kept for what is appended. */
const MOST_PARTS = 9_000

interface Part {
  readonly number: number
  readonly etag: string
  readonly size: number
}

interface Upload {
  readonly id: string
  readonly parts: Part[]
}

export function multipartStaging(connected: Connected, settings: S3Connection, keys: KeySpace, place: string): Staging {
  const { client, once } = connected
  const { bucket: Bucket } = settings
  const uploads = new Map<string, Upload>()
  /** What was found begun when a key was last looked for. */
  const begun = new Map<string, readonly string[]>()

  const inOurWords = async <T>(verb: string, name: string, action: () => Promise<T>): Promise<T> => {
    try {
      return await action()
    } catch (error) {
      throw s3Error(error, { verb, name, place })
    }
  }

  /** Uploads of exactly this key, newest first. A credential that may not list them cannot go on with one. */
  const uploadsOf = async (Key: string): Promise<string[]> => {
    const found: { id: string; at: number }[] = []
    for (let KeyMarker: string | undefined, UploadIdMarker: string | undefined; ; ) {
      const page = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key, KeyMarker, UploadIdMarker })).catch((error: unknown) => {
        if (statusOf(error) === 403 || statusOf(error) === 501) return null
        throw error
      })
      if (page === null) return []
      for (const upload of page.Uploads ?? []) if (upload.Key === Key && upload.UploadId !== undefined) found.push({ id: upload.UploadId, at: upload.Initiated?.getTime() ?? 0 })
      if (page.IsTruncated !== true || page.NextKeyMarker === undefined) break
      KeyMarker = page.NextKeyMarker
      UploadIdMarker = page.NextUploadIdMarker
    }
    return found.toSorted((left, right) => right.at - left.at).map(({ id }) => id)
  }

  /** The parts from the first on without a gap. */
  const partsOf = async (Key: string, UploadId: string): Promise<Part[]> => {
    const parts: Part[] = []
    for (let PartNumberMarker: string | undefined; ; ) {
      const page = await client.send(new ListPartsCommand({ Bucket, Key, UploadId, PartNumberMarker }))
      for (const { PartNumber, ETag, Size } of page.Parts ?? []) {
        if (PartNumber !== parts.length + 1 || ETag === undefined) return parts
        parts.push({ number: PartNumber, etag: ETag, size: Size ?? 0 })
      }
      if (page.IsTruncated !== true || page.NextPartNumberMarker === undefined) return parts
      PartNumberMarker = page.NextPartNumberMarker
    }
  }

  /** Ends every upload of the key; `listed`: those that are there, when they were listed a moment ago. */
  const abort = async (Key: string, listed?: readonly string[]): Promise<void> => {
    const known = uploads.get(Key)
    uploads.delete(Key)
    begun.delete(Key)
    // The one that we know of too: not every credential may list them.
    for (const UploadId of new Set([...(known === undefined ? [] : [known.id]), ...(listed ?? (await uploadsOf(Key)))]))
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch((error: unknown) => {
        if (statusOf(error) !== 404) throw error
      })
  }

  const begin = async (Key: string): Promise<Upload> => {
    await abort(Key, begun.get(Key))
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...encryptionOf(settings) }))
    if (UploadId === undefined) throw new AppError('remote.failed', `${place} began an upload without naming it`)
    const upload = { id: UploadId, parts: [] }
    uploads.set(Key, upload)
    return upload
  }

  const sendPart = async (Key: string, upload: Upload, number: number, body: Buffer, signal: AbortSignal): Promise<Part> => {
    // The server compares what it has with this; the SDK's own checksums are refused by many stores.
    const ContentMD5 = settings.checksums === 'when-required' ? createHash('md5').update(body).digest('base64') : undefined
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId: upload.id, PartNumber: number, Body: body, ContentLength: body.length, ContentMD5 }), { abortSignal: signal })
    if (ETag === undefined) throw new AppError('remote.failed', `${place} took part ${number} without naming it`)
    return { number, etag: ETag, size: body.length }
  }

  const writeParts = async (Key: string, upload: Upload, content: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void> => {
    const underWay: Promise<void>[] = []
    const stop = new AbortController()
    const signal = AbortSignal.any([options.signal, stop.signal])
    let number = upload.parts.length
    let acknowledged = options.offset
    const send = (body: Buffer): void => {
      number += 1
      const sent = sendPart(Key, upload, number, body, signal)
      const before = underWay.at(-1) ?? Promise.resolve()
      // In order, so that the acknowledged prefix grows without holes.
      const settled = before.then(async () => {
        upload.parts.push(await sent)
        acknowledged += body.length
        options.onAcknowledged(acknowledged)
      })
      sent.catch(() => undefined)
      settled.catch(() => undefined)
      underWay.push(settled)
    }
    try {
      for await (const body of inParts(content, partBytes(settings, options.size))) {
        options.signal.throwIfAborted()
        if (underWay.length >= PARTS_AT_ONCE) await underWay.shift()
        send(body)
      }
      // An upload needs one part, also for an empty file.
      if (number === 0) send(Buffer.alloc(0))
      while (underWay.length > 0) await underWay.shift()
    } catch (error) {
      stop.abort()
      await Promise.allSettled(underWay)
      throw error
    }
  }

  const complete = async (Key: string, upload: Upload): Promise<void> => {
    const input = { Bucket, Key, UploadId: upload.id, MultipartUpload: { Parts: upload.parts.map(({ number, etag }): CompletedPart => ({ PartNumber: number, ETag: etag })) } }
    try {
      await once.send(new CompleteMultipartUploadCommand({ ...input, IfNoneMatch: '*' }))
    } catch (error) {
      // Stores that do not know the condition say so in several ways; we have looked a moment ago.
      const unknown = statusOf(error) === 501 || ['NotImplemented', 'InvalidArgument', 'InvalidRequest'].includes(errorName(error))
      if (!unknown) throw error
      await once.send(new CompleteMultipartUploadCommand(input))
    }
  }

  return {
    find: async ({ finalName, content }) =>
      await inOurWords('look for what was begun of', finalName, async () => {
        const Key = keys.keyOf(finalName)
        const ids = await uploadsOf(Key)
        begun.set(Key, ids)
        for (const id of ids) {
          const parts = await ownParts(await partsOf(Key, id), content(0))
          if (parts.length === 0) continue
          uploads.set(Key, { id, parts })
          return { size: sizeOf(parts) }
        }
        return null
      }),

    async write({ finalName }, content, options) {
      options.signal.throwIfAborted()
      try {
        const Key = keys.keyOf(finalName)
        const known = options.offset === 0 ? undefined : uploads.get(Key)
        await writeParts(Key, known ?? (await begin(Key)), content, options)
      } catch (error) {
        options.signal.throwIfAborted()
        // What the source says passes through as it is.
        throw isOfServer(error) ? s3Error(error, { verb: 'write', name: finalName, place }) : error
      }
    },

    publish: async ({ finalName }: StagedFile) =>
      await inOurWords('complete', finalName, async () => {
        const Key = keys.keyOf(finalName)
        const upload = uploads.get(Key)
        if (upload === undefined) throw new AppError('remote.not_found', `nothing of ${finalName} is staged in ${place}`)
        if ((await lookUp(client, Bucket, Key)) !== null) throw taken(finalName, place)
        try {
          await complete(Key, upload)
        } catch (error) {
          const refused = s3Error(error, { verb: 'complete', name: finalName, place })
          throw refused.code === 'remote.name_taken' ? taken(finalName, place) : error
        }
        uploads.delete(Key)
      }),

    discard: async ({ finalName }) => await inOurWords('discard', finalName, async () => await abort(keys.keyOf(finalName))),

    finish: async ({ finalName }) =>
      await inOurWords('mark', finalName, async () => {
        if (settings.doneMarker !== undefined) await client.send(new PutObjectCommand({ Bucket, Key: keys.keyOf(`${finalName}${settings.doneMarker}`), Body: '', ContentLength: 0, ...encryptionOf(settings) }))
      }),
  }
}

/**
 * The parts from the first on that hold just this content: an upload of the same key may have been begun for another file, or by
 * somebody else. Where the ETag of a part is not its MD5 (a store that encrypts with KMS), none is recognised.
 */
async function ownParts(parts: readonly Part[], content: AsyncIterable<Uint8Array>): Promise<Part[]> {
  const own: Part[] = []
  if (parts.length === 0) return own
  let digest = createHash('md5')
  let filled = 0
  const full = (): boolean => filled === parts[own.length]?.size
  const settle = (): boolean => {
    const part = parts[own.length]
    if (part === undefined || part.etag.replaceAll('"', '').toLowerCase() !== digest.digest('hex')) return false
    own.push(part)
    digest = createHash('md5')
    filled = 0
    return true
  }
  for await (const chunk of content)
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(chunk.length - at, (parts[own.length]?.size ?? 0) - filled)
      digest.update(chunk.subarray(at, at + count))
      filled += count
      at += count
      if (full() && (!settle() || own.length === parts.length)) return own
    }
  // The one part of an empty file.
  if (own.length === 0 && parts.length === 1 && full()) settle()
  return own
}

function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0)
}

function taken(name: string, place: string): AppError {
  return new AppError('remote.name_taken', `${place} holds another file named ${name}`, { details: { folder: place, name } })
}

/** How the store is asked to keep an object at rest. */
export function encryptionOf({ encryption, kmsKey }: S3Connection): { ServerSideEncryption?: 'AES256' | 'aws:kms'; SSEKMSKeyId?: string } {
  if (encryption === 'none') return {}
  return { ServerSideEncryption: encryption, ...(encryption === 'aws:kms' && kmsKey !== undefined ? { SSEKMSKeyId: kmsKey } : {}) }
}

/** As configured, or larger where the file would have too many parts. */
export function partBytes({ partMiB }: Pick<S3Connection, 'partMiB'>, size: number | undefined): number {
  const configured = partMiB * 1024 * 1024
  return Math.max(configured, Math.ceil((size ?? 0) / MOST_PARTS / 65_536) * 65_536)
}

/** The content in pieces of exactly `bytes`, the last one shorter; nothing for an empty one. */
async function* inParts(content: AsyncIterable<Uint8Array>, bytes: number): AsyncIterable<Buffer> {
  let pieces: Uint8Array[] = []
  let filled = 0
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(chunk.length - at, bytes - filled)
      // A copy: whoever gives the chunk may use its memory again.
      pieces.push(Uint8Array.prototype.slice.call(chunk, at, at + count))
      filled += count
      at += count
      if (filled === bytes) {
        yield Buffer.concat(pieces, filled)
        pieces = []
        filled = 0
      }
    }
  }
  if (filled > 0) yield Buffer.concat(pieces, filled)
}

function isOfServer(error: unknown): boolean {
  if (error instanceof AppError) return true
  return typeof error === 'object' && error !== null && ('$metadata' in error || '$response' in error || 'code' in error || errorName(error) === 'TimeoutError')
}
