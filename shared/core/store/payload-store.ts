/** Every file that is sent or received, kept once by its content, encrypted, streamed in and out. */
import { createHmac, createSecretKey, hkdfSync } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { mkdir, open, readdir, rm, stat, statfs, type FileHandle } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { digestOf } from '../kernel/content-digest.ts'
import { AppError, systemCode } from '../kernel/errors.ts'
import { readAhead } from '../kernel/large-file.ts'
import { randomHex } from '../kernel/random-names.ts'
import { createRecentContents } from './recent-contents.ts'
import { createPublishing, readSealed, seal, type Room } from './sealed-files.ts'

export interface StoredPayload {
  /** SHA-256 of the content, hex. */
  readonly sha256: string
  /** Bytes of the content. */
  readonly size: number
}

/** A content of which is not decided yet whether it stays. Either function is called once. */
export interface HeldPayload extends StoredPayload {
  /** Rejects with `workspace.disk_full`. */
  keep(): Promise<StoredPayload>
  drop(): void
}

interface IngestOptions {
  readonly signal: AbortSignal
  /** Called with the size before anything is read; what it throws passes through. */
  readonly permit?: (size: number) => void
  /** Bytes read so far. */
  readonly onProgress?: (bytes: number) => void
}

interface ReadingOptions {
  readonly offset: number
  readonly signal: AbortSignal
  /** Each piece is lent until the next one is asked for, which is faster: for whoever copies it or is done with it at once. */
  readonly lend?: boolean
}

export interface PayloadStore {
  /**
   * Copies a file in. Rejects with `delivery.source_unreadable`, `delivery.source_vanished`, `delivery.source_changed` or
   * `workspace.disk_full`; nothing stays behind then.
   */
  ingest(path: string, options: IngestOptions): Promise<StoredPayload>
  /**
   * Copies a stream in. `size`: what is expected, for the check of the free space; errors of the stream pass through. Rejects
   * with `workspace.disk_full`; nothing stays behind then.
   */
  take(content: AsyncIterable<Uint8Array>, options: { readonly size: number }): Promise<StoredPayload>
  /**
   * The first half of `take`: until `keep` nothing is in the store, what is flushed of a large content is the same whether it is found fit, and a small one was not even written. What
   * is found unfit then costs the same as what was damaged on its way: how long that takes tells a stranger nothing.
   */
  hold(content: AsyncIterable<Uint8Array>, options: { readonly size: number }): Promise<HeldPayload>
  /** Hashes a file without keeping it; the same errors. */
  digest(path: string, options: IngestOptions): Promise<StoredPayload>
  /** The content from an offset, checked piece by piece. Rejects with `delivery.payload_missing` when it is gone or damaged. */
  read(sha256: string, options: ReadingOptions): AsyncIterable<Uint8Array>
  has(sha256: string): Promise<boolean>
  /** Removes a content to which nothing refers any more. Answers false, and leaves it, when it was stored again a moment ago. */
  remove(sha256: string): Promise<boolean>
  /** Reads all of it and compares the hash. */
  verify(sha256: string): Promise<boolean>
  /** Some of the stored hashes' file names, for sampling. */
  names(): Promise<string[]>
}

/** Kept free beyond what is copied, so that the database can still write. */
const RESERVE_BYTES = 16 * 1024 * 1024
const READ_BYTES = 1024 * 1024
/** With so much room, and for a copy that is small beside it, one look a second is enough. */
const AMPLE_BYTES = 512 * 1024 * 1024
const LOOK_EVERY_MS = 1000
/** Small contents that wait in memory for what becomes of them. */
const HELD_BYTES = 16 * 1024 * 1024
/** Between storing a content and writing down who relies on it. */
const LATELY_MS = 3_600_000
const MOST_LATELY = 20_000
/** Of small contents that are on their way: some hundred messages. */
const RECENT_BYTES = 8 * 1024 * 1024

export async function openPayloadStore(folder: string, dataKey: Buffer): Promise<PayloadStore> {
  const storeKey = createSecretKey(Buffer.from(hkdfSync('sha256', dataKey, Buffer.alloc(0), 'waybill payloads 1', 32)))
  const nameKey = createSecretKey(Buffer.from(hkdfSync('sha256', dataKey, Buffer.alloc(0), 'waybill payload names 1', 32)))
  const publish = createPublishing()
  const refuseWithoutSpace = createSpaceCheck(folder)
  const incoming = join(folder, 'incoming')
  // What a killed process was still copying belongs to nothing: no delivery is written down before its copy is whole.
  await rm(incoming, { recursive: true, force: true })
  await mkdir(incoming, { recursive: true, mode: 0o700 })

  /** Keyed, so that the disk does not tell which known file we exchange. */
  const pathOf = (sha256: string): string => {
    const name = createHmac('sha256', nameKey).update(sha256).digest('hex')
    return join(folder, name.slice(0, 2), name)
  }

  const recent = createRecentContents(RECENT_BYTES)

  /** What was stored lately, by hash: whoever stored it may not have written down yet that he relies on it. */
  const lately = new Map<string, { readonly stored: StoredPayload; readonly at: number }>()
  const noteTaken = (stored: StoredPayload): void => {
    const now = performance.now()
    lately.delete(stored.sha256)
    lately.set(stored.sha256, { stored, at: now })
    for (const [sha256, { at }] of lately) {
      if (now - at < LATELY_MS && lately.size < MOST_LATELY) break
      lately.delete(sha256)
    }
  }

  const room: Room = { left: HELD_BYTES }
  const orDiskFull = (error: unknown): unknown => (systemCode(error) === 'ENOSPC' ? new AppError('workspace.disk_full', 'there was no space for the copy of the file', { cause: error }) : error)

  const hold = async (content: AsyncIterable<Uint8Array>, size: number): Promise<HeldPayload> => {
    await refuseWithoutSpace(size)
    const temporary = join(incoming, randomHex(12))
    const undone = async (error: unknown): Promise<never> => {
      await rm(temporary, { force: true })
      throw orDiskFull(error)
    }
    const sealed = await seal(temporary, storeKey, content, size, room).catch(undone)
    const stored: StoredPayload = { sha256: sealed.sha256, size: sealed.size }
    const keep = async (): Promise<StoredPayload> => {
      await sealed.settle()
      // Noted before it stands, so that nobody removes it in between.
      noteTaken(stored)
      await publish(temporary, pathOf(stored.sha256))
      if (sealed.small !== null) recent.put(stored.sha256, sealed.small)
      return stored
    }
    return { ...stored, keep: async () => await keep().catch(undone), drop: () => sealed.forget() }
  }

  const copyIn = async (content: AsyncIterable<Uint8Array>, size: number): Promise<StoredPayload> => await (await hold(content, size)).keep()

  const readStored = (sha256: string, options: ReadingOptions): AsyncIterable<Uint8Array> => readSealed(pathOf(sha256), { storeKey, sha256, ...options })

  return {
    ingest: async (path, options) =>
      await withStableSource(path, async (source, size) => {
        options.permit?.(size)
        return await copyIn(readAll(source, size, options), size)
      }),
    take: async (content, { size }) => await copyIn(content, size),
    hold: async (content, { size }) => await hold(content, size),
    digest: async (path, options) => await withStableSource(path, async (source, size) => await digestOf(readAll(source, size, options))),

    read(sha256, options) {
      const small = recent.get(sha256)
      return small === undefined ? readStored(sha256, options) : fromMemory(small, options)
    },

    async remove(sha256) {
      const last = lately.get(sha256)
      if (last !== undefined && performance.now() - last.at < LATELY_MS) return false
      recent.forget(sha256)
      await rm(pathOf(sha256), { force: true })
      return true
    },

    has: (sha256) => Promise.resolve(existsSync(pathOf(sha256))),

    async verify(sha256) {
      try {
        return (await digestOf(readStored(sha256, { offset: 0, signal: new AbortController().signal, lend: true }))).sha256 === sha256
      } catch (error) {
        if (error instanceof AppError && error.code === 'delivery.payload_missing') return false
        throw error
      }
    },

    async names() {
      const folders = (await readdir(folder)).filter((name) => name.length === 2)
      return (await Promise.all(folders.map(async (name) => await readdir(join(folder, name))))).flat()
    },
  }
}

async function* fromMemory(content: Buffer, { offset, signal }: ReadingOptions): AsyncGenerator<Uint8Array, void> {
  signal.throwIfAborted()
  if (offset < content.length) yield content.subarray(offset)
}

/** Opens an ordinary file and makes sure that it was the same, whole file from beginning to end. */
async function withStableSource(path: string, action: (source: FileHandle, size: number) => Promise<StoredPayload>): Promise<StoredPayload> {
  const name = basename(path)
  const source = await openSource(path, name)
  try {
    const before = await source.stat()
    if (!before.isFile()) throw new AppError('delivery.source_unreadable', `${name} is not an ordinary file`)
    const result = await action(source, before.size)
    const after = await stat(path).catch(() => null)
    if (after === null) throw new AppError('delivery.source_vanished', `${name} was removed while it was being read`)
    if (after.ino !== before.ino || result.size !== before.size || after.size !== before.size || after.mtimeMs !== before.mtimeMs)
      throw new AppError('delivery.source_changed', `${name} had ${before.size} bytes at first and ${after.size} in the end`)
    return result
  } finally {
    await source.close()
  }
}

async function openSource(path: string, name: string): Promise<FileHandle> {
  try {
    // Opening a pipe would wait for somebody who writes to it (Windows knows no such flag).
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    throw new AppError('delivery.source_unreadable', `${name} cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  }
}

async function* readAll(source: FileHandle, size: number, { signal, onProgress }: IngestOptions): AsyncIterable<Buffer> {
  let position = 0
  for await (const piece of readAhead(source, { from: 0, to: size, pieceBytes: READ_BYTES })) {
    signal.throwIfAborted()
    position += piece.length
    onProgress?.(position)
    yield piece
  }
}

function createSpaceCheck(folder: string): (size: number) => Promise<void> {
  let seen = { at: -Infinity, free: 0 }
  return async (size) => {
    const now = performance.now()
    if (now - seen.at < LOOK_EVERY_MS && seen.free > AMPLE_BYTES && size < READ_BYTES) return
    const { bavail, bsize } = await statfs(folder)
    seen = { at: now, free: bavail * bsize }
    if (seen.free < size + RESERVE_BYTES)
      throw new AppError('workspace.disk_full', `${size} bytes are needed for the copy of the file; ${seen.free} are free`, { details: { needed: String(size), free: String(seen.free) } })
  }
}
