import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CHUNK_BYTES } from './payload-format.ts'
import { openPayloadStore, type PayloadStore } from './payload-store.ts'

const signal = new AbortController().signal
const key = randomBytes(32)
let folder: string
let store: PayloadStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-payloads-'))
  store = await openPayloadStore(join(folder, 'payloads'), key)
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

async function source(content: Buffer, name = 'orders.edi'): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

async function contentOf(sha256: string, offset = 0): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of store.read(sha256, { offset, signal })) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function* pieces(content: Buffer): AsyncIterable<Uint8Array> {
  for (let at = 0; at < content.length; at += 50_000) yield await Promise.resolve(content.subarray(at, at + 50_000))
}

/** The one stored file. */
async function storedFile(): Promise<string> {
  const [name = ''] = await store.names()
  return join(folder, 'payloads', name.slice(0, 2), name)
}

const sha = (content: Buffer): string => createHash('sha256').update(content).digest('hex')

describe('the payload store', () => {
  it.each([0, 1, 1000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 77])('gives back %i bytes as they were', async (size) => {
    const content = randomBytes(size)
    const stored = await store.ingest(await source(content), { signal })
    expect(stored).toEqual({ sha256: sha(content), size })
    expect((await contentOf(stored.sha256)).equals(content)).toBe(true)
    expect(await store.verify(stored.sha256)).toBe(true)
  })

  it.each([1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 5, 2 * CHUNK_BYTES + 99])('goes on at byte %i', async (offset) => {
    const content = randomBytes(2 * CHUNK_BYTES + 100)
    const { sha256 } = await store.ingest(await source(content), { signal })
    expect((await contentOf(sha256, offset)).equals(content.subarray(offset))).toBe(true)
  })

  it('keeps nothing readable on the disk, and not the hash as a name either', async () => {
    const content = Buffer.from('ORDER 4711 '.repeat(5000))
    const { sha256 } = await store.ingest(await source(content), { signal })
    const path = await storedFile()
    expect((await readFile(path)).includes('ORDER 4711')).toBe(false)
    expect(path.includes(sha256)).toBe(false)
  })

  it('stores the same content once', async () => {
    await store.ingest(await source(Buffer.from('same')), { signal })
    await store.ingest(await source(Buffer.from('same'), 'other-name.edi'), { signal })
    expect(await store.names()).toHaveLength(1)
  })

  it('removes nothing that was stored a moment ago', async () => {
    const stored = await store.ingest(await source(Buffer.from('same')), { signal })
    expect(await store.remove(stored.sha256)).toBe(false)
    const later = await openPayloadStore(join(folder, 'payloads'), key)
    expect([await later.remove(stored.sha256), await later.has(stored.sha256)]).toEqual([true, false])
  })

  it('holds what may turn out to be unfit: nothing is there until it is kept, nothing stays of what is dropped', async () => {
    const incoming = async (): Promise<number> => (await readdir(join(folder, 'payloads', 'incoming'))).length
    const holding = async (content: Buffer): ReturnType<PayloadStore['hold']> => await store.hold(pieces(content), { size: 0 })
    const [small, large] = [randomBytes(5000), randomBytes(3 * CHUNK_BYTES + 7)]
    for (const content of [small, large]) {
      const dropped = await holding(content)
      expect(await incoming()).toBe(content === small ? 0 : 1)
      dropped.drop()
      const held = await holding(content)
      expect([await store.has(held.sha256), await incoming()]).toEqual([false, content === small ? 0 : 1])
      const kept = await held.keep()
      expect([await store.has(kept.sha256), await store.verify(kept.sha256), await incoming()]).toEqual([true, true, 0])
    }
    // More small ones than there is room for in memory wait in their files.
    const many = await Promise.all(Array.from({ length: 70 }, async () => await holding(randomBytes(CHUNK_BYTES))))
    expect(await incoming()).toBeGreaterThan(0)
    for (const one of many.slice(1)) one.drop()
    const last = await many[0]!.keep()
    expect([await store.verify(last.sha256), await incoming()]).toEqual([true, 0])
  })

  it('notices a changed byte, a cut and an exchange of chunks', async () => {
    const content = randomBytes(3 * CHUNK_BYTES)
    const { sha256 } = await store.ingest(await source(content), { signal })
    const path = await storedFile()
    const original = await readFile(path)
    const sealed = (original.length - 36) / 3
    const flipped = Buffer.from(original)
    flipped.writeUInt8(flipped.readUInt8(1000) ^ 1, 1000)
    const swapped = Buffer.concat([original.subarray(0, 36), original.subarray(36 + sealed, 36 + 2 * sealed), original.subarray(36, 36 + sealed), original.subarray(36 + 2 * sealed)])
    const cut = original.subarray(0, 36 + 2 * sealed)
    for (const damaged of [flipped, swapped, cut, original.subarray(0, 40), Buffer.alloc(0)]) {
      await writeFile(path, damaged)
      await expect(contentOf(sha256)).rejects.toMatchObject({ code: 'delivery.payload_missing' })
      expect(await store.verify(sha256)).toBe(false)
    }
    await rm(path)
    await expect(contentOf(sha256)).rejects.toMatchObject({ code: 'delivery.payload_missing' })
  })

  it('does not open under another key', async () => {
    const { sha256 } = await store.ingest(await source(Buffer.from('secret')), { signal })
    store = await openPayloadStore(join(folder, 'payloads'), randomBytes(32))
    await expect(contentOf(sha256)).rejects.toMatchObject({ code: 'delivery.payload_missing' })
  })

  it('refuses what is no readable ordinary file', async () => {
    await expect(store.ingest(join(folder, 'nothing'), { signal })).rejects.toMatchObject({ code: 'delivery.source_unreadable' })
    await expect(store.ingest(folder, { signal })).rejects.toMatchObject({ code: 'delivery.source_unreadable' })
    const refused = new Error('too large')
    await expect(store.ingest(await source(Buffer.from('12345')), { signal, permit: (size) => { expect(size).toBe(5); throw refused } })).rejects.toBe(refused)
  })

  if (process.platform !== 'win32')
    it('refuses a pipe without waiting for whoever would write to it', async () => {
      execFileSync('mkfifo', [join(folder, 'pipe')])
      await expect(store.ingest(join(folder, 'pipe'), { signal })).rejects.toMatchObject({ code: 'delivery.source_unreadable' })
    })

  it('follows a link to a file', async () => {
    const path = await source(Buffer.from('linked'))
    await symlink(path, join(folder, 'link'))
    expect((await store.ingest(join(folder, 'link'), { signal })).size).toBe(6)
  })

  it.each([
    ['grew', async (path: string) => await appendFile(path, 'more'), 'delivery.source_changed'],
    ['shrank', async (path: string) => await truncate(path, 10), 'delivery.source_changed'],
    ['vanished', async (path: string) => await rm(path), 'delivery.source_vanished'],
    ['was replaced', async (path: string) => {
      await rm(path)
      await writeFile(path, randomBytes(4 * 1024 * 1024))
    }, 'delivery.source_changed'],
  ])('notices a file that %s meanwhile, and keeps nothing of it', async (_, meddle, code) => {
    const path = await source(randomBytes(4 * 1024 * 1024))
    let meddled: Promise<void> | undefined
    const copy = store.ingest(path, {
      signal,
      onProgress: () => {
        meddled ??= meddle(path)
      },
    })
    await expect(copy).rejects.toMatchObject({ code })
    await meddled
    expect(await readdir(join(folder, 'payloads', 'incoming'))).toEqual([])
  })

  it('stops when it is told to, and leaves nothing behind', async () => {
    const path = await source(randomBytes(4 * 1024 * 1024))
    const controller = new AbortController()
    const copy = store.ingest(path, { signal: controller.signal, onProgress: () => controller.abort(new Error('stop')) })
    await expect(copy).rejects.toThrow('stop')
    expect(await readdir(join(folder, 'payloads', 'incoming'))).toEqual([])
    expect(await store.names()).toEqual([])
  })

  it('removes what a killed process was copying', async () => {
    await writeFile(join(folder, 'payloads', 'incoming', 'half'), 'x')
    await openPayloadStore(join(folder, 'payloads'), key)
    expect(await readdir(join(folder, 'payloads', 'incoming'))).toEqual([])
  })
})
