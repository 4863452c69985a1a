/** The body of a request into a file, while every promise that its headers make is held against it. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import { notImplemented, S3Refusal } from './s3-error.ts'

const LARGEST_BYTES = 5 * 1024 ** 3

export interface StoredBody {
  readonly size: number
  /** MD5 in hexadecimal: what S3 calls ETag. */
  readonly md5: string
}

const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

function refuseWhatCannotBeChecked(request: IncomingMessage): void {
  const promised = headerOf(request, 'x-amz-content-sha256') ?? ''
  if (promised.startsWith('STREAMING-') || /aws-chunked/.test(headerOf(request, 'content-encoding') ?? '')) throw notImplemented('bodies signed in chunks')
  if (promised !== 'UNSIGNED-PAYLOAD' && !/^[0-9a-f]{64}$/.test(promised)) throw new S3Refusal(400, 'InvalidArgument', 'x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a SHA-256.')
  const checksum = Object.keys(request.headers).find((name) => name.startsWith('x-amz-checksum-') && !['x-amz-checksum-crc32', 'x-amz-checksum-sha256', 'x-amz-checksum-algorithm'].includes(name))
  if (checksum !== undefined) throw notImplemented(checksum)
  const length = headerOf(request, 'content-length')
  if (length === undefined) throw new S3Refusal(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.')
  if (Number(length) > LARGEST_BYTES) throw new S3Refusal(400, 'EntityTooLarge', 'One request carries at most 5 GiB.')
}

/** Writes the body to a new file at `path`, which is gone again when it is not what was promised. Throws the refusal. */
export async function storeBody(request: IncomingMessage, path: string): Promise<StoredBody> {
  refuseWhatCannotBeChecked(request)
  const [md5, sha] = [createHash('md5'), createHash('sha256')]
  let size = 0
  let crc = 0
  const withSha = headerOf(request, 'x-amz-content-sha256') !== 'UNSIGNED-PAYLOAD' || headerOf(request, 'x-amz-checksum-sha256') !== undefined
  const withCrc = headerOf(request, 'x-amz-checksum-crc32') !== undefined
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 })
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      md5.update(chunk)
      if (withSha) sha.update(chunk)
      if (withCrc) crc = crc32(chunk, crc)
      size += chunk.length
      if (!file.write(chunk)) await once(file, 'drain')
    }
    file.end()
    await finished(file)
    const sum = md5.digest()
    check(request, { size, sum, sha: withSha ? sha.digest() : null, crc })
    return { size, md5: sum.toString('hex') }
  } catch (error) {
    file.destroy()
    await rm(path, { force: true })
    throw error
  }
}

function check(request: IncomingMessage, got: { readonly size: number; readonly sum: Buffer; readonly sha: Buffer | null; readonly crc: number }): void {
  const promised = (name: string): string | undefined => headerOf(request, name)
  if (got.size !== Number(promised('content-length'))) throw new S3Refusal(400, 'IncompleteBody', 'The body is not as long as Content-Length says.')
  const content = promised('x-amz-content-sha256')
  if (content !== 'UNSIGNED-PAYLOAD' && content !== got.sha?.toString('hex')) throw new S3Refusal(400, 'XAmzContentSHA256Mismatch', 'The SHA-256 that was signed is not that of the body.')
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(got.crc)
  for (const [name, value] of [['content-md5', got.sum], ['x-amz-checksum-sha256', got.sha], ['x-amz-checksum-crc32', crc]] as const) {
    const said = promised(name)
    if (said !== undefined && said !== value?.toString('base64')) throw new S3Refusal(400, 'BadDigest', `The body is not what ${name} says.`)
  }
}

/** A small body as text. */
export async function textBody(request: IncomingMessage, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostBytes) throw new S3Refusal(400, 'MalformedXML', 'The body is too long.')
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  const promised = headerOf(request, 'x-amz-content-sha256')
  if (promised !== 'UNSIGNED-PAYLOAD' && promised !== createHash('sha256').update(body).digest('hex')) throw new S3Refusal(400, 'XAmzContentSHA256Mismatch', 'The SHA-256 that was signed is not that of the body.')
  return body.toString('utf8')
}
