/** The transfers of one FTP session. */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { TLSSocket } from 'node:tls'
import type { DataConnections } from './ftps-data.ts'
import { Refusal } from './ftps-reply.ts'

const CHUNK_BYTES = 256 * 1024
/** Links are not followed: they could lead out of the folder. */
const NO_LINKS = constants.O_NOFOLLOW ?? 0

/** A transfer that broke off is not a failure of ours. */
const broken = (): Refusal => new Refusal(426, 'The data connection was closed: the transfer was broken off.')

/** Sends what a source gives over the next data connection. */
async function sendAll(source: AsyncIterable<Uint8Array>, line: TLSSocket): Promise<void> {
  await pipeline(Readable.from(source, { objectMode: false, highWaterMark: CHUNK_BYTES }), line).catch(() => Promise.reject(broken()))
}

async function* contentOf(file: FileHandle, offset: number): AsyncIterable<Uint8Array> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let at = offset; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield Uint8Array.prototype.slice.call(buffer, 0, bytesRead)
  }
}

/** RETR, from an offset on. */
export async function retrieve(data: DataConnections, path: string, offset: number, begin: () => void): Promise<void> {
  const file = await open(path, constants.O_RDONLY | NO_LINKS)
  try {
    if (!(await file.stat()).isFile()) throw new Refusal(550, 'It is not a file.')
    await sendAll(contentOf(file, offset), await data.open(begin))
  } finally {
    await file.close()
  }
}

/** STOR (from an offset on, which cuts off what was behind) and APPE (`offset` is `end`). */
export async function store(data: DataConnections, path: string, offset: number | 'end', begin: () => void): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | NO_LINKS, 0o600)
  try {
    const line = await data.open(begin)
    let at = offset === 'end' ? (await file.stat()).size : offset
    await file.truncate(at)
    try {
      for await (const chunk of line as AsyncIterable<Buffer>) {
        for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten
        at += chunk.length
      }
    } catch (error) {
      line.destroy()
      throw line.errored === error || (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE' ? broken() : error
    }
  } finally {
    await file.close()
  }
}

/** LIST, NLST and MLSD: lines. */
export async function list(data: DataConnections, lines: readonly string[], begin: () => void): Promise<void> {
  const line = await data.open(begin)
  await sendAll(single(Buffer.from(lines.map((text) => `${text}\r\n`).join(''))), line)
}

async function* single(content: Uint8Array): AsyncIterable<Uint8Array> {
  if (content.length > 0) yield await Promise.resolve(content)
}
