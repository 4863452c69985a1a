/**
 * Staging: S3 itself holds a file back as a multipart upload until it is completed, which never overwrites. An upload that is
 * there proves that it was not completed, and its parts are where a later attempt goes on.
 */
import { CompleteMultipartUploadCommand, PutObjectCommand, UploadPartCommand, type CompletedPart } from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import type { S3Connection } from '../../../contract/connections/s3.ts'
import { AppError } from '../../kernel/errors.ts'
import type { StagedFile, Staging, WriteOptions } from '../file-protocol.ts'
import type { Connected } from './connect.ts'
import { askDirectly, failureOf, type Answer } from './direct.ts'
import { encryptionOf } from './encryption.ts'
import { errorName, s3Error, statusOf } from './errors.ts'
import type { KeySpace } from './keys.ts'
import type { Looks } from './look-up.ts'
import { inParts, ownParts, partBytes, sizeOf, type Part } from './parts.ts'
import { createUploads, type Upload } from './uploads.ts'

const PARTS_AT_ONCE = 3

export function multipartStaging(connected: Connected, settings: S3Connection, keys: KeySpace, place: string, looks: Looks): Staging {
  const { client, once, direct } = connected
  const { bucket: Bucket } = settings
  const uploads = createUploads(connected, settings, keys, place)

  const inOurWords = async <T>(verb: string, name: string, action: () => Promise<T>): Promise<T> => {
    try {
      return await action()
    } catch (error) {
      throw s3Error(error, { verb, name, place })
    }
  }

  const sendPart = async (Key: string, upload: Upload, number: number, body: Buffer, signal: AbortSignal): Promise<Part> => {
    // The request is signed with the body's digest, which the store compares with what it has.
    const answer = settings.checksums === 'when-required' ? await askDirectly(direct, { method: 'PUT', key: Key, query: { partNumber: String(number), uploadId: upload.id }, body, signal }) : null
    const etag = answer?.status === 200 ? answer.headers['etag'] : await sendPartBySdk(Key, upload, number, body, signal)
    if (etag === undefined) throw new AppError('remote.failed', `${place} took part ${number} without naming it`)
    return { number, etag, size: body.length }
  }

  const sendPartBySdk = async (Key: string, upload: Upload, number: number, body: Buffer, signal: AbortSignal): Promise<string | undefined> => {
    // Some buckets (object lock) want a checksum besides; the SDK's own ones are refused by many stores.
    const ContentMD5 = settings.checksums === 'when-required' ? createHash('md5').update(body).digest('base64') : undefined
    return (await client.send(new UploadPartCommand({ Bucket, Key, UploadId: upload.id, PartNumber: number, Body: body, ContentLength: body.length, ContentMD5 }), { abortSignal: signal })).ETag
  }

  const writeParts = async (Key: string, upload: Upload, content: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void> => {
    const underWay: Promise<void>[] = []
    const stop = new AbortController()
    const signal = AbortSignal.any([options.signal, stop.signal])
    const bytes = partBytes(settings, options.size)
    // A part outlives the collections of young objects, so that dead ones would pile up: its memory serves the next part.
    const spare: Buffer<ArrayBuffer>[] = []
    let number = upload.parts.length
    let acknowledged = options.offset
    const send = (body: Buffer<ArrayBuffer>): void => {
      number += 1
      const sent = sendPart(Key, upload, number, body, signal)
      const before = underWay.at(-1) ?? Promise.resolve()
      // In order, so that the acknowledged prefix grows without holes.
      const settled = before.then(async () => {
        upload.parts.push(await sent)
        acknowledged += body.length
        options.onAcknowledged(acknowledged)
      })
      sent.then(
        () => (body.length === bytes ? spare.push(body) : 0),
        () => 0,
      )
      settled.catch(() => undefined)
      underWay.push(settled)
    }
    try {
      for await (const body of inParts(content, bytes, () => spare.pop() ?? Buffer.allocUnsafe(bytes))) {
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

  /** Never asked twice: whoever gets no answer must look. */
  const completeOnce = async (Key: string, { id, parts }: Upload, onlyNew: boolean): Promise<void> => {
    if (settings.checksums !== 'when-required' || !direct.isReady()) {
      const Parts = parts.map(({ number, etag }): CompletedPart => ({ PartNumber: number, ETag: etag }))
      await once.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId: id, MultipartUpload: { Parts }, ...(onlyNew ? { IfNoneMatch: '*' } : {}) }))
      return
    }
    const answer = await direct.ask({ method: 'POST', key: Key, query: { uploadId: id }, headers: { 'content-type': 'application/xml', ...(onlyNew ? { 'if-none-match': '*' } : {}) }, body: completion(parts) })
    if (!isCompleted(answer)) throw failureOf(answer)
  }

  const complete = async (Key: string, upload: Upload): Promise<void> => {
    try {
      await completeOnce(Key, upload, true)
    } catch (error) {
      // We have looked a moment ago.
      if (!knowsNoCondition(error)) throw error
      await completeOnce(Key, upload, false)
    }
  }

  return {
    find: async ({ finalName, content, untouched = false }) =>
      await inOurWords('look for what was begun of', finalName, async () => {
        const Key = keys.keyOf(finalName)
        for (const id of await uploads.of(Key, untouched)) {
          const parts = await ownParts(await uploads.parts(Key, id), content(0))
          if (parts.length === 0) continue
          uploads.known.set(Key, { id, parts })
          return { size: sizeOf(parts) }
        }
        return null
      }),

    async write({ finalName }, content, options) {
      options.signal.throwIfAborted()
      try {
        const Key = keys.keyOf(finalName)
        const known = options.offset === 0 ? undefined : uploads.known.get(Key)
        await writeParts(Key, known ?? (await uploads.begin(Key)), content, options)
      } catch (error) {
        options.signal.throwIfAborted()
        // What the source says passes through as it is.
        throw isOfServer(error) ? s3Error(error, { verb: 'write', name: finalName, place }) : error
      }
    },

    publish: async ({ finalName }: StagedFile) =>
      await inOurWords('complete', finalName, async () => {
        const Key = keys.keyOf(finalName)
        const upload = uploads.known.get(Key)
        if (upload === undefined) throw new AppError('remote.not_found', `nothing of ${finalName} is staged in ${place}`)
        await uploads.endOthers(Key, upload.id)
        if (!(await looks.isAbsent(Key))) throw taken(finalName, place)
        try {
          await complete(Key, upload)
        } catch (error) {
          const refused = s3Error(error, { verb: 'complete', name: finalName, place })
          throw refused.code === 'remote.name_taken' ? taken(finalName, place) : error
        }
        uploads.known.delete(Key)
      }),

    discard: async ({ finalName }) => await inOurWords('discard', finalName, async () => await uploads.abort(keys.keyOf(finalName))),

    finish: async ({ finalName }) =>
      await inOurWords('mark', finalName, async () => {
        if (settings.doneMarker === undefined) return
        const Key = keys.keyOf(`${finalName}${settings.doneMarker}`)
        looks.gives(Key)
        await client.send(new PutObjectCommand({ Bucket, Key, Body: '', ContentLength: 0, ...encryptionOf(settings) }))
      }),
  }
}

function completion(parts: readonly Part[]): Buffer {
  const listed = parts.map(({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</ETag></Part>`)
  return Buffer.from(`<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join('')}</CompleteMultipartUpload>`)
}

/** A store may begin its answer before it is done, and tell of a failure under status 200. */
function isCompleted({ status, body }: Answer): boolean {
  return status >= 200 && status < 300 && body.includes('CompleteMultipartUploadResult') && !body.includes('<Error>')
}

/** Stores that do not know the condition say so in several ways. */
export function knowsNoCondition(error: unknown): boolean {
  return statusOf(error) === 501 || ['NotImplemented', 'InvalidArgument', 'InvalidRequest'].includes(errorName(error))
}

export function taken(name: string, place: string): AppError {
  return new AppError('remote.name_taken', `${place} holds another file named ${name}`, { details: { folder: place, name } })
}

function isOfServer(error: unknown): boolean {
  if (error instanceof AppError) return true
  return typeof error === 'object' && error !== null && ('$metadata' in error || '$response' in error || 'code' in error || errorName(error) === 'TimeoutError')
}
