/** Every file that is sent or received, kept once by its content, encrypted, streamed in and out. */
import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { relieveBuffers } from '../kernel/buffer-relief.ts'
import { AppError, systemCode } from '../kernel/errors.ts'
import { CHUNK_BYTES, HEADER_BYTES, layoutOf, MAGIC, openChunk, payloadKey, SALT_BYTES, SEALED_CHUNK_BYTES, sealChunk } from './payload-format.ts'

export interface StoredPayload {
  /** SHA-256 of the content, hex. */
  readonly sha256: string
  /** Bytes of the content. */
  readonly size: number
}

interface IngestOptions {
  readonly signal: AbortSignal
  /** Bytes read so far. */
  readonly onProgress?: (bytes: number) => void
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
  /** Hashes a file without keeping it; the same errors. */
  digest(path: string, options: IngestOptions): Promise<StoredPayload>
  /** The content from an offset, checked piece by piece. Rejects with `delivery.payload_missing` when it is gone or damaged. */
  read(sha256: string, options: { readonly offset: number; readonly signal: AbortSignal }): AsyncIterable<Uint8Array>
  has(sha256: string): Promise<boolean>
  /** Reads all of it and compares the hash. */
  verify(sha256: string): Promise<boolean>
  /** Some of the stored hashes' file names, for sampling. */
  names(): Promise<string[]>
}

/** Kept free beyond what is copied, so that the database can still write. */
const RESERVE_BYTES = 16 * 1024 * 1024
const READ_BYTES = 1024 * 1024
/** What is set aside for a content at first: most are small. */
const FIRST_BYTES = 32 * 1024

export async function openPayloadStore(folder: string, dataKey: Buffer): Promise<PayloadStore> {
  const storeKey = Buffer.from(hkdfSync('sha256', dataKey, Buffer.alloc(0), 'waybill payloads 1', 32))
  const nameKey = Buffer.from(hkdfSync('sha256', dataKey, Buffer.alloc(0), 'waybill payload names 1', 32))
  const incoming = join(folder, 'incoming')
  // What a killed process was still copying belongs to nothing: no delivery is written down before its copy is whole.
  await rm(incoming, { recursive: true, force: true })
  await mkdir(incoming, { recursive: true, mode: 0o700 })

  /** Keyed, so that the disk does not tell which known file we exchange. */
  const pathOf = (sha256: string): string => {
    const name = createHmac('sha256', nameKey).update(sha256).digest('hex')
    return join(folder, name.slice(0, 2), name)
  }

  const copyIn = async (content: AsyncIterable<Uint8Array>, size: number): Promise<StoredPayload> => {
    await refuseWithoutSpace(folder, size)
    const temporary = join(incoming, randomBytes(12).toString('hex'))
    try {
      const stored = await writeSealed(temporary, storeKey, content)
      const target = pathOf(stored.sha256)
      if (await exists(target)) await rm(temporary)
      else await publish(temporary, target)
      return stored
    } catch (error) {
      await rm(temporary, { force: true })
      throw systemCode(error) === 'ENOSPC' ? new AppError('workspace.disk_full', 'there was no space for the copy of the file', { cause: error }) : error
    }
  }

  const store: PayloadStore = {
    ingest: async (path, options) => await withStableSource(path, async (source, size) => await copyIn(readAll(source, size, options), size)),
    take: async (content, { size }) => await copyIn(content, size),
    digest: async (path, options) => await withStableSource(path, async (source, size) => await hashAll(readAll(source, size, options))),

    async *read(sha256, { offset, signal }) {
      const handle = await openStored(pathOf(sha256), sha256)
      try {
        const header = Buffer.alloc(HEADER_BYTES)
        await handle.read(header, 0, HEADER_BYTES, 0)
        const { size: stored } = await handle.stat()
        const layout = layoutOf(stored)
        if (layout === null || !header.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged(sha256)
        const key = payloadKey(storeKey, header.subarray(MAGIC.length))
        for (let index = Math.floor(offset / CHUNK_BYTES); index < layout.chunks; index++) {
          signal.throwIfAborted()
          const bytes = Math.min(SEALED_CHUNK_BYTES, stored - HEADER_BYTES - index * SEALED_CHUNK_BYTES)
          const plain = await readChunk(handle, key, { index, last: index === layout.chunks - 1, bytes }, sha256)
          const skip = Math.max(0, offset - index * CHUNK_BYTES)
          relieveBuffers(bytes)
          if (skip < plain.length) yield skip === 0 ? plain : plain.subarray(skip)
        }
      } finally {
        await handle.close()
      }
    },

    has: async (sha256) => await exists(pathOf(sha256)),

    async verify(sha256) {
      try {
        return (await hashAll(store.read(sha256, { offset: 0, signal: new AbortController().signal }))).sha256 === sha256
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
  return store
}

async function readChunk(handle: FileHandle, key: Buffer, { index, last, bytes }: { readonly index: number; readonly last: boolean; readonly bytes: number }, sha256: string): Promise<Buffer> {
  const sealed = Buffer.allocUnsafe(bytes)
  const { bytesRead } = await handle.read(sealed, 0, bytes, HEADER_BYTES + index * SEALED_CHUNK_BYTES)
  try {
    return openChunk(key, index, last, sealed.subarray(0, bytesRead))
  } catch (error) {
    throw damaged(sha256, error)
  }
}

function damaged(sha256: string, cause?: unknown): AppError {
  return new AppError('delivery.payload_missing', `the stored copy of ${sha256} is damaged`, { cause })
}

async function openStored(path: string, sha256: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw new AppError('delivery.payload_missing', `the stored copy of ${sha256} is not there`, { cause: error })
  }
}

/** Opens an ordinary file and makes sure that it was the same, whole file from beginning to end. */
async function withStableSource(path: string, action: (source: FileHandle, size: number) => Promise<StoredPayload>): Promise<StoredPayload> {
  const name = basename(path)
  const source = await openSource(path, name)
  try {
    const before = await source.stat()
    if (!before.isFile()) throw new AppError('delivery.source_unreadable', `${name} is not an ordinary file`)
    const result = await action(source, before.size)
    const after = await source.stat()
    const there = await stat(path).catch(() => null)
    if (there === null) throw new AppError('delivery.source_vanished', `${name} was removed while it was being read`)
    if (result.size !== before.size || after.size !== before.size || after.mtimeMs !== before.mtimeMs || there.ino !== before.ino)
      throw new AppError('delivery.source_changed', `${name} had ${before.size} bytes at first and ${after.size} in the end`)
    return result
  } finally {
    await source.close()
  }
}

async function openSource(path: string, name: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw new AppError('delivery.source_unreadable', `${name} cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  }
}

async function* readAll(source: FileHandle, size: number, { signal, onProgress }: IngestOptions): AsyncIterable<Buffer> {
  // Thousands of small files would otherwise cost a megabyte each.
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, size + 1))
  for (let position = 0; ; ) {
    signal.throwIfAborted()
    const { bytesRead } = await source.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) return
    position += bytesRead
    onProgress?.(position)
    // The consumer is done with it before the next piece is read.
    yield buffer.subarray(0, bytesRead)
  }
}

async function hashAll(content: AsyncIterable<Uint8Array>): Promise<StoredPayload> {
  const digest = createHash('sha256')
  let size = 0
  for await (const piece of content) {
    digest.update(piece)
    size += piece.length
  }
  return { sha256: digest.digest('hex'), size }
}

async function writeSealed(path: string, storeKey: Buffer, content: AsyncIterable<Uint8Array>): Promise<StoredPayload> {
  const salt = randomBytes(SALT_BYTES)
  const key = payloadKey(storeKey, salt)
  const digest = createHash('sha256')
  const target = await open(path, 'wx', 0o600)
  try {
    await writeWhole(target, Buffer.concat([MAGIC, salt]))
    let pending = Buffer.allocUnsafe(FIRST_BYTES)
    let filled = 0
    let index = 0
    let size = 0
    for await (const piece of content) {
      digest.update(piece)
      size += piece.length
      for (let at = 0; at < piece.length; ) {
        // A full chunk is sealed only when more follows: the last one bears its own mark.
        if (filled === CHUNK_BYTES) {
          await writeWhole(target, sealChunk(key, index, false, pending))
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
    await writeWhole(target, sealChunk(key, index, true, pending.subarray(0, filled)))
    await target.sync()
    return { sha256: digest.digest('hex'), size }
  } finally {
    await target.close()
  }
}

/** One write may take less than all, on a disk that is nearly full. */
async function writeWhole(target: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await target.write(bytes, at)).bytesWritten
}

async function publish(temporary: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  await rename(temporary, target)
  await syncFolder(dirname(target))
}

/** The new name must survive a power cut before a delivery relies on it. Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function refuseWithoutSpace(folder: string, size: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free < size + RESERVE_BYTES)
    throw new AppError('workspace.disk_full', `${size} bytes are needed for the copy of the file; ${free} are free`, { details: { needed: String(size), free: String(free) } })
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
