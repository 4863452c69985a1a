/** CompressedData (RFC 3274, RFC 5402) while the content streams by; reading is bounded absolutely and by ratio. */
import { Readable, type Transform } from 'node:stream'
import { copied } from '../../kernel/release.ts'
import { concatBytes } from '../asn1/bytes.ts'
import { derOid, derSequence, derSmallInteger, TAG } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { zlibCompressor, zlibDecompressor } from '../primitives/index.ts'
import { readAlgorithm } from './algorithms.ts'
import { BerStream } from './ber-stream.ts'
import type { ByteSource } from './byte-source.ts'
import { enterContentInfo, leaveContentInfo } from './content-info.ts'
import { END_OF_CONTENTS, INDEFINITE, octetStringContent, openElement } from './encoding.ts'
import { CmsError } from './errors.ts'
import { limitsWith, type CmsLimits } from './limits.ts'
import { openedFrom, type Opened } from './opened.ts'

/** What was decompressed. */
export interface CompressionReport {
  readonly contentType: string
  readonly compressedBytes: number
  readonly contentBytes: number
  readonly trailingBytes: number
}

export interface DecompressOptions {
  /** Beyond it the content is a bomb. */
  readonly maxOutputBytes: number
  /** Largest content per compressed byte; default 1000, what zlib reaches on zeros. Counts from 1 MiB of content on. */
  readonly maxRatio?: number
  readonly limits?: Partial<CmsLimits>
}

const RATIO_COUNTS_FROM = 1024 * 1024

/** zlib; BER with indefinite lengths, as its length is not known before. */
export async function* compress(source: ByteSource, options: { readonly level?: number; readonly contentType?: string } = {}): AsyncGenerator<Uint8Array, void> {
  yield concatBytes([
    openElement(TAG.sequence, null),
    derOid(OID.compressedData),
    openElement(0xa0, null),
    openElement(TAG.sequence, null),
    derSmallInteger(0),
    derSequence(derOid(OID.zlibCompress)),
    openElement(TAG.sequence, null),
    derOid(options.contentType ?? OID.data),
    openElement(0xa0, null),
    openElement(TAG.octetString | 0x20, null),
  ])
  yield* octetStringContent(through(copied(source), zlibCompressor(options.level)), INDEFINITE)
  yield concatBytes(Array.from({ length: 6 }, () => END_OF_CONTENTS))
}

/** Ends in `cms.decompression_failed` for a damaged stream, `cms.bomb` beyond the bounds. */
export function decompress(source: ByteSource, options: DecompressOptions): Opened<CompressionReport> {
  return openedFrom(runDecompress(source, options))
}

async function* runDecompress(source: ByteSource, options: DecompressOptions): AsyncGenerator<Uint8Array, CompressionReport> {
  const stream = new BerStream(source, limitsWith(options.limits))
  const { maxRatio = 1000 } = options
  try {
    await enterContentInfo(stream, ['compressed-data'])
    if ((await stream.version('the version')) > 0) throw new CmsError('cms.unsupported', 'an unknown version of compressed data')
    const algorithm = readAlgorithm(await stream.capture(TAG.sequence, 'the compression algorithm'), 'the compression algorithm')
    if (algorithm.oid !== OID.zlibCompress) throw new CmsError('cms.unsupported', `the compression ${algorithm.oid} is not supported`)
    await stream.enter(TAG.sequence, 'the compressed content')
    const contentType = await stream.oid('the content type')
    if ((await stream.peekTag()) === undefined) throw new CmsError('cms.unexpected_type', 'the message carries no compressed content')
    await stream.enter(0xa0, 'the compressed content')
    let compressedBytes = 0
    let contentBytes = 0
    async function* counted(): AsyncGenerator<Uint8Array, void> {
      for await (const chunk of stream.octets(TAG.octetString, 'the compressed content', true)) {
        compressedBytes += chunk.length
        yield chunk
      }
    }
    for await (const chunk of inflated(copied(counted()))) {
      contentBytes += chunk.length
      if (contentBytes > options.maxOutputBytes) throw new CmsError('cms.bomb', `the content is larger than ${options.maxOutputBytes} bytes`)
      if (contentBytes > RATIO_COUNTS_FROM && contentBytes > compressedBytes * maxRatio) throw new CmsError('cms.bomb', `the content is more than ${maxRatio} times its compressed size`)
      yield chunk
    }
    await stream.leave('the compressed content')
    await stream.leave('the compressed content')
    return { contentType, compressedBytes, contentBytes, trailingBytes: await leaveContentInfo(stream) }
  } finally {
    await stream.close()
  }
}

async function* inflated(source: ByteSource): AsyncGenerator<Uint8Array, void> {
  try {
    yield* through(source, zlibDecompressor())
  } catch (error) {
    const code: unknown = Reflect.get(Object(error), 'code')
    if (typeof code === 'string' && code.startsWith('Z_')) throw new CmsError('cms.decompression_failed', 'the compressed content is damaged', error)
    throw error
  }
}

/**
 * Pushes a source through a transform stream; errors of either side come out as they are. The next chunk is asked for while the last one is
 * worked on by another thread, so a lent one must hold until the one after it.
 */
export async function* through(source: ByteSource, transform: Transform): AsyncGenerator<Uint8Array, void> {
  let broken: { readonly error: unknown } | undefined
  let complete = false
  let stopped = false
  const feed = (async () => {
    try {
      let taken: Promise<void> | undefined
      for await (const chunk of source) {
        await taken
        if (stopped) return
        // what follows the end of a zlib stream is read and dropped, as the message around it goes on
        taken = transform.destroyed ? undefined : written(transform, chunk)
      }
      transform.end()
    } catch (error) {
      broken = { error }
      transform.destroy()
    }
  })()
  try {
    for await (const chunk of Readable.prototype[Symbol.asyncIterator].call(transform)) yield chunk as Uint8Array
    complete = true
  } catch (error) {
    throw broken === undefined ? error : broken.error
  } finally {
    stopped = !complete
    transform.destroy()
    await feed.catch(() => undefined)
  }
  if (broken !== undefined) throw broken.error
}

/** Until it is done with the chunk, or is gone. */
async function written(transform: Transform, chunk: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      transform.off('close', done)
      resolve()
    }
    transform.on('close', done)
    transform.write(chunk, done)
  })
}
