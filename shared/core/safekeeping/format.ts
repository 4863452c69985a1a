/**
 * How a backup lies on the disk: `WBB1`, the length of a header in JSON (4 bytes), the header (the workspace's envelope without its
 * keychain part, and what the file is), a 32-byte salt, then pieces of 256 KiB sealed as payloads are (AES-256-GCM in the STREAM
 * construction). The key is derived from the data key, the salt and the header, so that a changed header does not open. Inside: entries of
 * kind, name and size, each followed by its bytes; the last one says how many there were.
 */
import { createHash } from 'node:crypto'
import { CHUNK_BYTES, openChunk, SALT_BYTES, sealChunk, SEALED_CHUNK_BYTES } from '../store/payload-format.ts'
import { AppError } from '../kernel/errors.ts'

export const MAGIC = Buffer.from('WBB1')
export const MOST_HEADER_BYTES = 64 * 1024
const MOST_NAME_BYTES = 1024
const FRAME_BYTES = 10

export interface Entry {
  readonly name: string
  readonly size: number
  readonly content: AsyncIterable<Uint8Array>
}

/** The name of the entry that ends it: its content is the number of entries before. */
export const END = 'end'

/** Salt of the key's derivation: bound to the header. */
export function saltOf(header: Buffer, salt: Buffer): Buffer {
  return createHash('sha256').update(header).update(salt).digest()
}

/** Magic, length, header, salt. */
export function preamble(header: Buffer, salt: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(header.length)
  return Buffer.concat([MAGIC, length, header, salt])
}

export interface Preamble {
  readonly header: Buffer
  readonly salt: Buffer
  /** Where the pieces begin. */
  readonly start: number
}

/** Of the file's first bytes (`MOST_HEADER_BYTES` and a little). Rejects with `backup.not_one`. */
export function readPreamble(bytes: Buffer): Preamble {
  if (bytes.length < 8 || !bytes.subarray(0, 4).equals(MAGIC)) throw new AppError('backup.not_one', 'the file does not begin as a backup does')
  const length = bytes.readUInt32BE(4)
  const start = 8 + length + SALT_BYTES
  if (length > MOST_HEADER_BYTES || bytes.length < start) throw new AppError('backup.damaged', 'its header is cut off')
  return { header: bytes.subarray(8, 8 + length), salt: bytes.subarray(8 + length, start), start }
}

/** Entries as one stream of bytes, the end mark included. */
export async function* framed(entries: AsyncIterable<Entry>): AsyncGenerator<Uint8Array> {
  let count = 0
  for await (const { name, size, content } of entries) {
    yield frame(name, size)
    let left = size
    for await (const piece of content) {
      left -= piece.length
      if (left < 0) break
      yield piece
    }
    if (left !== 0) throw new AppError('backup.failed', `${name} changed while it was copied`)
    count += 1
  }
  const end = Buffer.from(String(count))
  yield frame(END, end.length)
  yield end
}

function frame(name: string, size: number): Buffer {
  const bytes = Buffer.from(name)
  const head = Buffer.alloc(FRAME_BYTES)
  head.writeUInt16BE(bytes.length, 0)
  head.writeBigUInt64BE(BigInt(size), 2)
  return Buffer.concat([head, bytes])
}

/** Seals a stream piece by piece; the last piece is marked, so that a cut shows. */
export async function* sealed(key: Buffer, content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let index = 0
  let held: Buffer[] = []
  let heldBytes = 0
  for await (const piece of content) {
    held.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
    heldBytes += piece.length
    if (heldBytes <= CHUNK_BYTES) continue
    const all = Buffer.concat(held)
    let at = 0
    // One byte at least stays: which piece is the last is known only at the end.
    for (; all.length - at > CHUNK_BYTES; at += CHUNK_BYTES) yield sealChunk(key, index++, false, all.subarray(at, at + CHUNK_BYTES))
    held = [Buffer.from(all.subarray(at))]
    heldBytes = all.length - at
  }
  yield sealChunk(key, index, true, Buffer.concat(held))
}

/** Opens what `sealed` made. `pieces`: the sealed bytes in any cut. Rejects with `backup.damaged` at the first piece that is not the one that was written. */
export async function* opened(key: Buffer, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let index = 0
  let held = Buffer.alloc(0)
  const open = (piece: Buffer, last: boolean): Buffer => {
    try {
      return openChunk(key, index++, last, piece)
    } catch (error) {
      throw new AppError('backup.damaged', `piece ${index} was changed, or the file was cut off`, { cause: error })
    }
  }
  for await (const piece of pieces) {
    held = held.length === 0 ? Buffer.from(piece) : Buffer.concat([held, piece])
    let at = 0
    for (; held.length - at > SEALED_CHUNK_BYTES; at += SEALED_CHUNK_BYTES) yield open(held.subarray(at, at + SEALED_CHUNK_BYTES), false)
    held = held.subarray(at)
  }
  yield open(held, true)
}

/** Splits opened bytes into entries; each content must be read to its end before the next. Rejects with `backup.damaged`. */
export async function* entriesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<Entry> {
  const source = bytes[Symbol.asyncIterator]()
  let held: Buffer = Buffer.alloc(0)
  const more = async (): Promise<boolean> => {
    const { value, done } = await source.next()
    if (done === true) return false
    held = held.length === 0 ? value : Buffer.concat([held, value])
    return true
  }
  const take = async (count: number): Promise<Buffer> => {
    while (held.length < count) if (!(await more())) throw new AppError('backup.damaged', 'it ends in the middle of an entry')
    const taken = held.subarray(0, count)
    held = held.subarray(count)
    return taken
  }
  for (let count = 0; ; count++) {
    const head = await take(FRAME_BYTES)
    const nameBytes = head.readUInt16BE(0)
    const size = Number(head.readBigUInt64BE(2))
    if (nameBytes === 0 || nameBytes > MOST_NAME_BYTES || !Number.isSafeInteger(size)) throw new AppError('backup.damaged', 'an entry has no sensible head')
    const name = (await take(nameBytes)).toString('utf8')
    if (name === END) {
      if ((await take(size)).toString() !== String(count)) throw new AppError('backup.damaged', 'entries are missing')
      if (held.length > 0 || (await more())) throw new AppError('backup.damaged', 'something follows after the end')
      return
    }
    let left = size
    async function* content(): AsyncGenerator<Uint8Array> {
      while (left > 0) {
        if (held.length === 0 && !(await more())) throw new AppError('backup.damaged', `${name} is cut off`)
        const piece = held.subarray(0, left)
        held = held.subarray(piece.length)
        left -= piece.length
        yield piece
      }
    }
    yield { name, size, content: content() }
    // What the reader left is skipped: the next head stands behind it.
    for (; left > 0; left -= Math.min(left, CHUNK_BYTES)) await take(Math.min(left, CHUNK_BYTES))
  }
}
