/** Reads and writes with many requests under way: one at a time would wait a round trip for each piece. */
import type { SFTPWrapper } from 'ssh2'

/** Enough to fill a fast line with some distance: 4 MiB under way are 40 MiB/s over 100 ms. More would only be memory. */
const BYTES_UNDER_WAY = 4 * 1024 * 1024
const MOST_REQUESTS_UNDER_WAY = 64
/** What every server takes (draft-ietf-secsh-filexfer-02 §3); OpenSSH tells a larger limit. */
const SAFE_PIECE_BYTES = 32 * 1024
const MOST_PIECE_BYTES = 255 * 1024

export type Handle = Buffer

/** How many requests of this size are under way together. */
const requestsOf = (size: number): number => Math.min(MOST_REQUESTS_UNDER_WAY, Math.ceil(BYTES_UNDER_WAY / size))

/** The largest piece that the server takes in one request; the library learns it but does not declare it. */
function pieceBytes(sftp: SFTPWrapper, limit: '_maxReadLen' | '_maxWriteLen'): number {
  const told: unknown = Reflect.get(sftp, limit)
  return typeof told === 'number' && told > 0 ? Math.min(told, MOST_PIECE_BYTES) : SAFE_PIECE_BYTES
}

/**
 * Writes the chunks one after the other from `offset` on, and resolves with the length of the whole. `onAcknowledged` is told the length
 * of the prefix that is there for certain: also a server that works on requests side by side has all of it. `onSent` is called when the
 * last piece was asked for, in the same turn.
 */
export async function writeAll(
  sftp: SFTPWrapper,
  handle: Handle,
  content: AsyncIterable<Uint8Array>,
  options: { readonly offset: number; readonly onAcknowledged: (bytes: number) => void; readonly onSent?: () => void; readonly signal: AbortSignal },
): Promise<number> {
  const size = pieceBytes(sftp, '_maxWriteLen')
  const underWay: Promise<void>[] = []
  let position = options.offset
  const settleFirst = async (): Promise<void> => await underWay.shift()

  const send = (piece: Buffer): void => {
    const at = position
    position += piece.length
    const end = position
    const before = underWay.at(-1) ?? Promise.resolve()
    const written = new Promise<void>((resolve, reject) => {
      sftp.write(handle, piece, 0, piece.length, at, (error) => {
        if (error) reject(error)
        else resolve()
      })
    })
    // In order, so that the prefix grows without holes whatever order the answers come in.
    const acknowledged = Promise.all([before, written]).then(() => options.onAcknowledged(end))
    acknowledged.catch(() => undefined)
    underWay.push(acknowledged)
  }

  for await (const chunk of content) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    for (let at = 0; at < bytes.length; at += size) {
      options.signal.throwIfAborted()
      if (underWay.length >= requestsOf(size)) await settleFirst()
      send(bytes.subarray(at, at + size))
    }
  }
  options.onSent?.()
  while (underWay.length > 0) await settleFirst()
  options.signal.throwIfAborted()
  return position
}

/** The bytes of an open file from `offset` to its end, in order. */
export async function* readAll(sftp: SFTPWrapper, handle: Handle, options: { readonly offset: number; readonly size: number; readonly signal: AbortSignal }): AsyncIterable<Uint8Array> {
  const step = pieceBytes(sftp, '_maxReadLen')
  const underWay: Promise<Buffer>[] = []
  let position = options.offset
  const ask = (): void => {
    const length = Math.min(step, options.size - position)
    const piece = readPiece(sftp, handle, position, length)
    piece.catch(() => undefined)
    underWay.push(piece)
    position += length
  }
  while (position < options.size || underWay.length > 0) {
    options.signal.throwIfAborted()
    while (position < options.size && underWay.length < requestsOf(step)) ask()
    const piece = await underWay.shift()
    if (piece === undefined || piece.length === 0) return
    yield piece
  }
}

/** A server may answer with less than was asked for. */
async function readPiece(sftp: SFTPWrapper, handle: Handle, position: number, length: number): Promise<Buffer> {
  const first = await readOnce(sftp, handle, position, length)
  if (first.length === length || first.length === 0) return first
  const parts = [first]
  let filled = first.length
  while (filled < length) {
    const part = await readOnce(sftp, handle, position + filled, length - filled)
    if (part.length === 0) break
    parts.push(part)
    filled += part.length
  }
  return Buffer.concat(parts, filled)
}

async function readOnce(sftp: SFTPWrapper, handle: Handle, position: number, length: number): Promise<Buffer> {
  // Where answers are handed over as they come, nothing is written here.
  const target = handsOver.has(sftp) ? unused : Buffer.allocUnsafe(length)
  return await new Promise((resolve, reject) => {
    const answered = (error: unknown, data: Buffer): void => {
      // 1 is the end of the file: it became shorter since it was looked at.
      if (!error) resolve(data)
      else if (Reflect.get(Object(error), 'code') === 1) resolve(data.subarray(0, 0))
      else reject(error as Error)
    }
    sftp.read(handle, target, 0, length, position, (error, bytes) => answered(error, target.subarray(0, error ? 0 : bytes)))
    takeOver(sftp, answered)
  })
}

const unused = Buffer.allocUnsafeSlow(MOST_PIECE_BYTES)
const handsOver = new WeakSet<SFTPWrapper>()

/**
 * The library copies each answer into memory that was set aside for it; its own handler hands it over as it came where nothing was.
 * That spares a copy and a quarter of what the collector must clear away. Where the library's inside looks otherwise, it copies.
 */
function takeOver(sftp: SFTPWrapper, answered: (error: unknown, data: Buffer) => void): void {
  const request: unknown = Reflect.get(Object(Reflect.get(sftp, '_requests')), String(Reflect.get(sftp, '_writeReqid')))
  if (typeof request !== 'object' || request === null || !Buffer.isBuffer(Reflect.get(request, 'buffer')) || typeof Reflect.get(request, 'cb') !== 'function') {
    if (handsOver.has(sftp)) throw new Error('the library reads in another way than before')
    return
  }
  Reflect.set(request, 'buffer', undefined)
  Reflect.set(request, 'cb', (error: unknown, data?: Buffer) => answered(error, data ?? unused.subarray(0, 0)))
  handsOver.add(sftp)
}
