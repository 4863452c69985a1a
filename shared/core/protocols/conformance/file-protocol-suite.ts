/**
 * What every file protocol must do at a real server. An adapter runs it with one call: `prepare` starts the server once and
 * answers endpoints for it. Capabilities are asserted as declared, so that none is claimed that does not hold.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FileSession } from '../file-protocol.ts'

/** The partner's side: its files, not seen through our own code. */
export interface Behind {
  names(): Promise<string[]>
  read(name: string): Promise<Buffer>
  put(name: string, content: Uint8Array): Promise<void>
  /** Removes everything. */
  clear(): Promise<void>
}

/** Servers whose files lie in a folder of this computer. */
export function behindFolder(folder: string): Behind {
  return {
    names: async () => await readdir(folder),
    read: async (name) => await readFile(join(folder, name)),
    put: async (name, content) => await writeFile(join(folder, name), content),
    clear: async () => {
      for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true })
    },
  }
}

export interface ServerUnderTest {
  readonly behind: Behind
  connect(signal: AbortSignal): Promise<FileSession>
  /** Facts that `observed` must hold. */
  readonly observed: Readonly<Record<string, unknown>>
  /** Ends the present connections as a cut line would. Absent where there is no line. */
  readonly cut?: () => void
  /** Each request stands for itself: what is asked after a cut is simply asked on another line. */
  readonly stateless?: true
  /** Stops and continues the present connections, as a server that hangs. Absent where the server cannot be halted. */
  readonly hang?: { stop(): void; resume(): void }
  stop(): Promise<void>
}

const MIB = 1024 * 1024
const never = (): AbortSignal => new AbortController().signal

async function* chunksOf(content: Uint8Array, size = 100_000): AsyncIterable<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield await Promise.resolve(content.subarray(at, at + size))
}

async function contentOf(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part)
  return Buffer.concat(all)
}

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

/** Registers the suite. `names`: further file names that this kind of server must carry. */
export function fileProtocolSuite(title: string, skip: boolean, prepare: () => Promise<ServerUnderTest>, names: readonly string[] = []): void {
  describe.skipIf(skip)(title, () => {
    let server: ServerUnderTest
    let session: FileSession
    const there = async (name: string): Promise<Buffer> => await server.behind.read(name)
    const write = async (name: string, content: Uint8Array, offset = 0): Promise<number[]> => {
      const acknowledged: number[] = []
      await session.write(name, chunksOf(content.subarray(offset)), { offset, signal: never(), onAcknowledged: (bytes) => void acknowledged.push(bytes) })
      return acknowledged
    }

    beforeAll(async () => {
      server = await prepare()
    })
    afterAll(async () => await server?.stop())
    beforeEach(async () => {
      await server.behind.clear()
      session = await server.connect(never())
    })
    afterEach(async () => await session.close())

    it('tells what was negotiated', () => {
      expect(session.observed).toMatchObject(server.observed)
    })

    it('writes and reads 64 MiB unchanged, and tells the acknowledged prefix in order up to the end', async () => {
      const content = randomBytes(64 * MIB)
      const acknowledged = await write('large.bin', content)
      expect(acknowledged).toEqual(acknowledged.toSorted((left, right) => left - right))
      expect(acknowledged.at(-1)).toBe(content.length)
      expect(sha256(await there('large.bin'))).toBe(sha256(content))
      expect(sha256(await contentOf(session.read('large.bin', { offset: 0, signal: never() })))).toBe(sha256(content))
      expect(await contentOf(session.read('large.bin', { offset: content.length - 10, signal: never() }))).toEqual(content.subarray(-10))
    })

    it('writes an empty file', async () => {
      await write('empty.edi', Buffer.alloc(0))
      expect(await session.stat('empty.edi')).toMatchObject({ name: 'empty.edi', kind: 'file', size: 0 })
    })

    it.each(['plain.edi', 'with space.txt', `quote'd "name" $(x);z.txt`, 'Überweisung März.xml', '-leading.txt', ...names])('carries the name %j through write, list, look-up, rename and removal', async (name) => {
      await write(name, Buffer.from(name))
      expect(await server.behind.names()).toEqual([name])
      expect((await session.list()).map((entry) => entry.name)).toEqual([name])
      expect(await session.stat(name)).toMatchObject({ kind: 'file', size: Buffer.byteLength(name) })
      await session.rename(name, `${name.slice(0, 100)}.moved`)
      expect((await there(`${name.slice(0, 100)}.moved`)).toString()).toBe(name)
      expect(await session.remove(`${name.slice(0, 100)}.moved`)).toBe(true)
      expect(await server.behind.names()).toEqual([])
    })

    it('says that a file is not there: null, false, or remote.not_found', async () => {
      expect(await session.stat('absent.edi')).toBeNull()
      expect(await session.remove('absent.edi')).toBe(false)
      await expect(contentOf(session.read('absent.edi', { offset: 0, signal: never() }))).rejects.toMatchObject({ code: 'remote.not_found' })
    })

    it('goes on after each of these answers', async () => {
      await contentOf(session.read('absent.edi', { offset: 0, signal: never() })).catch(() => undefined)
      await write('after.edi', Buffer.from('still here'))
      expect((await there('after.edi')).toString()).toBe('still here')
    })

    it('never renames onto a file that is there', async () => {
      if (session.capabilities.exclusiveRename === 'none') return
      await server.behind.put('theirs.edi', Buffer.from('theirs'))
      await write('ours.tmp', Buffer.from('ours'))
      await expect(session.rename('ours.tmp', 'theirs.edi')).rejects.toMatchObject({ code: 'remote.name_taken' })
      expect([(await there('theirs.edi')).toString(), (await there('ours.tmp')).toString()]).toEqual(['theirs', 'ours'])
    })

    it('computes the checksum that it declares', async () => {
      const content = randomBytes(MIB)
      await write('hashed.bin', content)
      const hash = await session.hash('hashed.bin')
      expect(hash).toBe(session.capabilities.serverHash ? sha256(content) : null)
    })

    it('computes the checksums of files that are asked for together, each its own', async () => {
      const names = ['plain.edi', "it's.edi", 'two  spaces.edi', 'waybill-done', 'Grüße ‰.edi', '$(id) `id`.edi', ...Array.from({ length: 40 }, (_, number) => `many-${number}.edi`)]
      await write('plain.edi', Buffer.from('plain.edi'))
      if ((await session.hash('plain.edi')) === null) return
      for (const name of names) await write(name, Buffer.from(name))
      const hashes = await Promise.all(names.map(async (name) => await session.hash(name)))
      expect(hashes).toEqual(names.map((name) => sha256(Buffer.from(name))))
    })

    it('shows a staged file to nobody before it is published, goes on with it on another connection, and never publishes onto another', async () => {
      const content = randomBytes(12 * MIB)
      const file = { temporaryName: '.dlv_1.part', finalName: 'staged.bin', content: (from: number) => chunksOf(content.subarray(from)) }
      const broken = new Error('the source broke')
      async function* breaking(): AsyncIterable<Uint8Array> {
        yield* chunksOf(content.subarray(0, 7 * MIB))
        throw broken
      }
      let acknowledged = 0
      const stage = async (parts: AsyncIterable<Uint8Array>, offset: number): Promise<void> =>
        await session.staging.write(file, parts, { offset, size: content.length, signal: never(), onAcknowledged: (bytes) => (acknowledged = bytes) })
      expect(await session.staging.find(file)).toBeNull()
      await expect(stage(breaking(), 0)).rejects.toSatisfy((error: unknown) => error === broken || (error as Error).cause === broken)
      expect(await server.behind.names()).not.toContain('staged.bin')
      await session.close()
      session = await server.connect(never())
      const found = await session.staging.find(file)
      const offset = !session.capabilities.resume ? 0 : session.capabilities.staging === 'held' ? (found?.size ?? 0) : Math.min(acknowledged, found?.size ?? 0)
      await stage(chunksOf(content.subarray(offset)), offset)
      expect(acknowledged).toBe(content.length)
      expect(await server.behind.names()).not.toContain('staged.bin')
      await server.behind.put('staged.bin', Buffer.from('theirs'))
      await expect(session.staging.publish(file)).rejects.toMatchObject({ code: 'remote.name_taken' })
      expect((await there('staged.bin')).toString()).toBe('theirs')
      await session.remove('staged.bin')
      await session.staging.publish(file)
      expect(sha256(await there('staged.bin'))).toBe(sha256(content))
      expect(await session.staging.find(file)).toBeNull()
      await session.staging.write(file, chunksOf(content), { offset: 0, signal: never(), onAcknowledged: () => undefined })
      await session.staging.discard(file)
      expect([await session.staging.find(file), await server.behind.names()]).toEqual([null, ['staged.bin']])
    })

    it('carries as many files side by side as it declares, each whole', async () => {
      const names = Array.from({ length: session.capabilities.filesAtOnce * 2 }, (_, number) => `side by side ${number}.edi`)
      await Promise.all(
        names.map(async (name) => {
          const file = { temporaryName: `.${name}.part`, finalName: name, content: () => chunksOf(Buffer.from(name)) }
          await session.staging.write(file, file.content(), { offset: 0, size: name.length, signal: never(), onAcknowledged: () => undefined })
          await session.staging.publish(file)
        }),
      )
      expect((await server.behind.names()).toSorted()).toEqual(names.toSorted())
      for (const name of names) expect((await there(name)).toString()).toBe(name)
    })

    it('starting anew leaves nothing of what was there', async () => {
      await write('again.bin', randomBytes(MIB))
      await write('again.bin', Buffer.from('short'))
      expect((await there('again.bin')).toString()).toBe('short')
    })

    it('ends a write within moments when it is cancelled, with the reason', async () => {
      const stop = new AbortController()
      const reason = new Error('cancelled by the operator')
      async function* endless(): AsyncIterable<Uint8Array> {
        for (let count = 0; count < 10_000; count++) {
          if (count === 20) stop.abort(reason)
          yield await Promise.resolve(Buffer.alloc(64 * 1024))
        }
      }
      await expect(session.write('cancelled.tmp', endless(), { offset: 0, signal: stop.signal, onAcknowledged: () => undefined })).rejects.toBe(reason)
    })

    it('passes an error of the source through as it is', async () => {
      const broken = new Error('the source broke')
      async function* breaking(): AsyncIterable<Uint8Array> {
        yield await Promise.resolve(Buffer.alloc(1000))
        throw broken
      }
      await expect(session.write('broken.tmp', breaking(), { offset: 0, signal: never(), onAcknowledged: () => undefined })).rejects.toSatisfy((error: unknown) => error === broken || (error as Error).cause === broken)
    })

    it('calls a cut line a lost connection, while writing and afterwards', async () => {
      const { cut } = server
      if (cut === undefined) return
      async function* cutting(): AsyncIterable<Uint8Array> {
        for (let count = 0; count < 2_000; count++) {
          if (count === 30) cut?.()
          yield await Promise.resolve(Buffer.alloc(64 * 1024))
        }
      }
      const written = session.write('cut.tmp', cutting(), { offset: 0, signal: never(), onAcknowledged: () => undefined })
      if (server.stateless === true) {
        // What was cut off is asked again by itself: it arrives whole, or says why not.
        const problem = await written.then(() => null, (error: unknown) => error)
        if (problem === null) expect((await there('cut.tmp')).length).toBe(2_000 * 64 * 1024)
        else expect(problem).toMatchObject({ code: 'net.connection_lost' })
        await session.list()
      } else {
        await expect(written).rejects.toMatchObject({ code: 'net.connection_lost' })
        await expect(session.list()).rejects.toMatchObject({ code: 'net.connection_lost' })
      }
      await session.close()
    })

    it('gives up on a server that hangs, after the idle time and not for ever', async () => {
      if (server.hang === undefined) return
      await write('before.tmp', Buffer.from('x'))
      server.hang.stop()
      try {
        await expect(write('hanging.tmp', randomBytes(8 * MIB))).rejects.toMatchObject({ code: 'net.idle' })
      } finally {
        server.hang.resume()
      }
    })

    it('refuses to start on a signal that is aborted, and closes twice without harm', async () => {
      const reason = new Error('stopped')
      await expect(server.connect(AbortSignal.abort(reason))).rejects.toBe(reason)
      await session.close()
      await session.close()
    })
  })
}
