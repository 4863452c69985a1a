/**
 * Staging where the partner leaves objects where they are: a small file goes in one request that bears the mark of its delivery.
 * After a break the object tells whether it arrived, and one that is not there did not: nobody removes it. Larger files go in parts.
 */
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import type { S3Connection } from '../../../contract/connections/s3.ts'
import type { StagedFile, Staging } from '../file-protocol.ts'
import type { Connected } from './connect.ts'
import { failureOf } from './direct.ts'
import { encryptionHeaders, encryptionOf } from './encryption.ts'
import { s3Error } from './errors.ts'
import type { KeySpace } from './keys.ts'
import type { Looks } from './look-up.ts'
import { knowsNoCondition, taken } from './multipart.ts'

/** Held in memory until it is published; several at once. */
const SMALL_BYTES = 1024 * 1024
const MARK = 'waybill-delivery'

export function singleStaging({ once, direct }: Connected, settings: S3Connection, keys: KeySpace, place: string, looks: Looks, inParts: Staging): Staging {
  const { bucket: Bucket } = settings
  /** Content that waits for its name, by key. */
  const waiting = new Map<string, Buffer>()

  /** Whether what stands there was put by this very delivery. */
  const isOurs = async ({ temporaryName }: StagedFile, Key: string): Promise<boolean> => (await looks.at(Key))?.Metadata?.[MARK] === temporaryName

  /** Never asked twice: whoever gets no answer must look. */
  const putOnce = async ({ temporaryName }: StagedFile, Key: string, body: Buffer, onlyNew: boolean): Promise<void> => {
    const ContentMD5 = createHash('md5').update(body).digest('base64')
    if (settings.checksums !== 'when-required' || !direct.isReady()) {
      await once.send(new PutObjectCommand({ Bucket, Key, Body: body, ContentLength: body.length, ...(settings.checksums === 'when-required' ? { ContentMD5 } : {}), Metadata: { [MARK]: temporaryName }, ...(onlyNew ? { IfNoneMatch: '*' } : {}), ...encryptionOf(settings) }))
      return
    }
    const headers = { 'content-md5': ContentMD5, 'content-type': 'application/octet-stream', [`x-amz-meta-${MARK}`]: temporaryName, ...(onlyNew ? { 'if-none-match': '*' } : {}), ...encryptionHeaders(settings) }
    const answer = await direct.ask({ method: 'PUT', key: Key, headers, body })
    if (answer.status < 200 || answer.status >= 300) throw failureOf(answer)
  }

  const put = async (file: StagedFile, Key: string, body: Buffer): Promise<void> => {
    try {
      await putOnce(file, Key, body, true)
    } catch (error) {
      // We have looked a moment ago.
      if (!knowsNoCondition(error)) throw error
      await putOnce(file, Key, body, false)
    }
  }

  return {
    ...inParts,

    async find(file) {
      const begun = await inParts.find(file)
      if (begun !== null || file.untouched === true) return begun
      // What is not there, or another's, proves that ours never arrived: as good as an unfinished copy without a byte.
      return (await isOurs(file, keys.keyOf(file.finalName))) ? null : { size: 0 }
    },

    async write(file, content, options) {
      const { offset, size } = options
      if (offset > 0 || size === undefined || size > SMALL_BYTES) return await inParts.write(file, content, options)
      options.signal.throwIfAborted()
      const pieces: Uint8Array[] = []
      // A copy: whoever gives the piece may use its memory again.
      for await (const piece of content) pieces.push(Uint8Array.prototype.slice.call(piece))
      options.signal.throwIfAborted()
      waiting.set(keys.keyOf(file.finalName), Buffer.concat(pieces))
    },

    async publish(file) {
      const { finalName } = file
      const Key = keys.keyOf(finalName)
      const body = waiting.get(Key)
      if (body === undefined) return await inParts.publish(file)
      waiting.delete(Key)
      try {
        if (!(await looks.isAbsent(Key))) throw taken(finalName, place)
        await put(file, Key, body)
      } catch (error) {
        const refused = s3Error(error, { verb: 'put', name: finalName, place })
        // An earlier request of ours may have arrived late.
        if (refused.code !== 'remote.name_taken' || !(await isOurs(file, Key))) throw refused.code === 'remote.name_taken' ? taken(finalName, place) : refused
      }
    },

    async discard(file) {
      waiting.delete(keys.keyOf(file.finalName))
      await inParts.discard(file)
    },
  }
}
