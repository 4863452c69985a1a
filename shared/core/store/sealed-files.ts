/**
 * Files of the payload store on the disk. Most payloads fit into one chunk: those are read and written by plain calls, for handing
 * a few kilobytes to another thread costs many times as much as reading them. Only flushing, which waits for the disk, never runs here.
 */
import { createHash, randomBytes, type KeyObject } from 'node:crypto'
import { closeSync, existsSync, fstatSync, fsync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync, writevSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { relieveBuffers } from '../kernel/buffer-relief.ts'
import { AppError, systemCode } from '../kernel/errors.ts'
import { flushFolder } from '../kernel/flush-folder.ts'
import { readAhead, writeAhead, type WritingAhead } from '../kernel/large-file.ts'
import { release } from '../kernel/release.ts'
import { CHUNK_BYTES, HEADER_BYTES, layoutOf, MAGIC, openChunk, payloadKey, SALT_BYTES, SEALED_CHUNK_BYTES, sealPieces } from './payload-format.ts'

const flush = promisify(fsync)
/** What is set aside for a content of which nothing is known: most are small. */
const FIRST_BYTES = 16 * 1024
export const SMALL_BYTES = 64 * 1024
/** Of a large file, in one call. */
const READ_CHUNKS = 4

/** A content that was read to its end and sealed; it is safe from a power cut only once it is settled. */
export interface Sealed {
  /** Of the content. */
  readonly sha256: string
  readonly size: number
  /** The content, where it fits into `SMALL_BYTES`. */
  readonly small: Buffer | null
  /** Writes what is not written yet, and flushes it. */
  settle(): Promise<void>
  /** In place of `settle`: nothing of it stays. */
  forget(): void
}

/** How many bytes of small contents may wait in memory for what becomes of them; those beyond wait in their files. */
export interface Room {
  left: number
}

/** Reads a content and seals it, for a new file. `expected`: bytes, about; 0 when nobody knows. The pieces may be used again once the next one is asked for. */
export async function seal(path: string, storeKey: KeyObject, content: AsyncIterable<Uint8Array>, expected: number, room: Room): Promise<Sealed> {
  const salt = randomBytes(SALT_BYTES)
  const key = payloadKey(storeKey, salt)
  const header = Buffer.concat([MAGIC, salt])
  const digest = createHash('sha256')
  let target: FileHandle | null = null
  let writing: WritingAhead | null = null
  // A message is a little larger than what is in it.
  let pending = Buffer.allocUnsafe(expected === 0 ? FIRST_BYTES : Math.min(CHUNK_BYTES, expected + Math.ceil(expected / 8) + 4096))
  let [filled, index, size] = [0, 0, 0]
  try {
    for await (const piece of content) {
      digest.update(piece)
      size += piece.length
      for (let at = 0; at < piece.length; ) {
        // A full chunk is sealed only when more follows: the last one bears its own mark.
        if (filled === CHUNK_BYTES) {
          if (writing === null) {
            target = await open(path, 'wx', 0o600)
            writing = writeAhead(target, release)
            await writing.write([header])
          }
          await writing.write(sealPieces(key, index, false, pending))
          relieveBuffers(CHUNK_BYTES)
          index += 1
          filled = 0
        }
        if (filled === pending.length) pending = Buffer.concat([pending], Math.min(CHUNK_BYTES, pending.length * 4))
        const count = Math.min(piece.length - at, pending.length - filled)
        pending.set(piece.subarray(at, at + count), filled)
        filled += count
        at += count
      }
    }
    const last = sealPieces(key, index, true, pending.subarray(0, filled))
    const sealed = { sha256: digest.digest('hex'), size, small: size <= SMALL_BYTES ? pending.subarray(0, filled) : null }
    if (writing === null) return { ...sealed, ...small(path, [header, ...last], room) }
    await writing.write(last)
    await writing.end()
    return { ...sealed, ...written(path) }
  } finally {
    await writing?.abandon()
    await target?.close()
  }
}

function written(path: string): Pick<Sealed, 'settle' | 'forget'> {
  return {
    async settle() {
      const target = openSync(path, 'r+')
      try {
        await flush(target)
      } finally {
        closeSync(target)
      }
    },
    forget: () => rmSync(path, { force: true }),
  }
}

function small(path: string, pieces: readonly Buffer[], room: Room): Pick<Sealed, 'settle' | 'forget'> {
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0)
  if (room.left < bytes) {
    const target = openSync(path, 'wx', 0o600)
    try {
      writeAll(target, pieces)
    } finally {
      closeSync(target)
    }
    return written(path)
  }
  room.left -= bytes
  return {
    async settle() {
      room.left += bytes
      const target = openSync(path, 'wx', 0o600)
      try {
        writeAll(target, pieces)
        await flush(target)
      } finally {
        closeSync(target)
      }
    },
    forget: () => void (room.left += bytes),
  }
}

/** One write may take less than all, on a disk that is nearly full. */
function writeAll(target: number, pieces: readonly Buffer[]): void {
  const written = writevSync(target, pieces)
  if (written === pieces.reduce((sum, { length }) => sum + length, 0)) return
  const all = Buffer.concat(pieces)
  for (let at = written; at < all.length; ) at += writeSync(target, all, at)
}

/** Gives a written file its place; where the same content stands already, nothing but that remains. */
export function createPublishing(): (temporary: string, target: string) => Promise<void> {
  const folders = new Set<string>()
  return async (temporary, target) => {
    if (existsSync(target)) {
      rmSync(temporary)
      return
    }
    const folder = dirname(target)
    if (!folders.has(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 })
    folders.add(folder)
    renameSync(temporary, target)
    // The new name must survive a power cut before a delivery relies on it.
    await flushFolder(folder)
  }
}

interface ReadOptions {
  readonly storeKey: KeyObject
  readonly sha256: string
  readonly offset: number
  readonly signal: AbortSignal
  /** Each piece is lent until the next one is asked for, which is faster. */
  readonly lend?: boolean
}

/** The content from an offset. Rejects with `delivery.payload_missing`. */
export async function* readSealed(path: string, options: ReadOptions): AsyncGenerator<Uint8Array, void> {
  const small = readSmall(path, options.sha256)
  if (small === null) return yield* readLarge(path, options)
  options.signal.throwIfAborted()
  const plain = opened(keyOf(small, options), options.sha256, { index: 0, last: true, sealed: small.subarray(HEADER_BYTES) })
  if (options.offset < plain.length) yield plain.subarray(options.offset)
}

/** The whole file, or null when it has more than one chunk. */
function readSmall(path: string, sha256: string): Buffer | null {
  const handle = openForReading(path, sha256)
  try {
    const { size } = fstatSync(handle)
    if (size > HEADER_BYTES + SEALED_CHUNK_BYTES) return null
    if (layoutOf(size) === null) throw damaged(sha256)
    const bytes = Buffer.allocUnsafe(size)
    return bytes.subarray(0, readSync(handle, bytes, 0, size, 0))
  } finally {
    closeSync(handle)
  }
}

async function* readLarge(path: string, { storeKey, sha256, offset, signal, lend }: ReadOptions): AsyncGenerator<Uint8Array, void> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw missing(sha256, error)
  })
  try {
    const header = Buffer.alloc(HEADER_BYTES)
    await handle.read(header, 0, HEADER_BYTES, 0)
    const { size: stored } = await handle.stat()
    const layout = layoutOf(stored)
    if (layout === null) throw damaged(sha256)
    const key = keyOf(header, { storeKey, sha256 })
    let index = Math.floor(offset / CHUNK_BYTES)
    for await (const piece of readAhead(handle, { from: HEADER_BYTES + index * SEALED_CHUNK_BYTES, to: stored, pieceBytes: READ_CHUNKS * SEALED_CHUNK_BYTES }))
      // one chunk at least, so that a file that was cut since is found out
      for (let at = 0; at === 0 || at < piece.length; at += SEALED_CHUNK_BYTES, index++) {
        signal.throwIfAborted()
        const sealed = piece.subarray(at, at + SEALED_CHUNK_BYTES)
        const plain = opened(key, sha256, { index, last: index === layout.chunks - 1, sealed })
        const skip = Math.max(0, offset - index * CHUNK_BYTES)
        if (lend !== true) relieveBuffers(sealed.length)
        if (skip < plain.length) yield skip === 0 ? plain : plain.subarray(skip)
        if (lend === true) release(plain)
      }
  } finally {
    await handle.close()
  }
}

function keyOf(start: Buffer, { storeKey, sha256 }: Pick<ReadOptions, 'storeKey' | 'sha256'>): KeyObject {
  if (!start.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged(sha256)
  return payloadKey(storeKey, start.subarray(MAGIC.length, HEADER_BYTES))
}

function opened(key: KeyObject, sha256: string, chunk: { readonly index: number; readonly last: boolean; readonly sealed: Buffer }): Buffer {
  try {
    return openChunk(key, chunk.index, chunk.last, chunk.sealed)
  } catch (error) {
    throw damaged(sha256, error)
  }
}

function openForReading(path: string, sha256: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw missing(sha256, error)
  }
}

function missing(sha256: string, cause: unknown): AppError {
  return new AppError('delivery.payload_missing', `the stored copy of ${sha256} is not there (${systemCode(cause) ?? 'unknown reason'})`, { cause })
}

function damaged(sha256: string, cause?: unknown): AppError {
  return new AppError('delivery.payload_missing', `the stored copy of ${sha256} is damaged`, { cause })
}
