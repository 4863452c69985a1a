import type { FileHandle } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readAhead, writeAhead } from './large-file.ts'

const MIB = 1024 * 1024

/** Takes at most `most` octets in one call. */
function fakeFile({ most = Number.POSITIVE_INFINITY, flush = (): Promise<void> => Promise.resolve() } = {}): { handle: FileHandle; content: () => Buffer } {
  const parts: Buffer[] = []
  const take = async (bytes: Buffer): Promise<{ bytesWritten: number }> => {
    await Promise.resolve()
    parts.push(Buffer.from(bytes.subarray(0, most)))
    return { bytesWritten: Math.min(most, bytes.length) }
  }
  const handle = {
    writev: async (pieces: readonly Uint8Array[]) => await take(Buffer.concat(pieces)),
    write: async (bytes: Buffer, at: number) => await take(bytes.subarray(at)),
    datasync: flush,
  }
  return { handle: handle as unknown as FileHandle, content: () => Buffer.concat(parts) }
}

describe('writing ahead', () => {
  it('writes every octet in its order, also where a call takes less than all, and tells when a piece is written', async () => {
    for (const most of [Number.POSITIVE_INFINITY, 700_001]) {
      const { handle, content } = fakeFile({ most })
      const written: Uint8Array[] = []
      const pieces = Array.from({ length: 9 }, (_, index) => Buffer.alloc(300_000 + index, index))
      const writing = writeAhead(handle, (piece) => written.push(piece))
      for (const piece of pieces) await writing.write([piece])
      await writing.end()
      expect(content().equals(Buffer.concat(pieces))).toBe(true)
      expect(written.length === pieces.length && written.every((piece, index) => piece === pieces[index])).toBe(true)
    }
  })

  it('tells of a flush that failed in the meantime, at the end at the latest', async () => {
    let flushes = 0
    const { handle } = fakeFile({ flush: () => Promise.reject(new Error(`flush ${++flushes}`)) })
    const writing = writeAhead({ ...handle, writev: (pieces: readonly Uint8Array[]) => Promise.resolve({ bytesWritten: pieces.reduce((sum, { length }) => sum + length, 0) }) } as unknown as FileHandle)
    const piece = Buffer.alloc(MIB)
    await expect((async () => {
      for (let count = 0; count < 33; count++) await writing.write([piece])
      await writing.end()
    })()).rejects.toThrow('flush 1')
    await writing.abandon()
  })

  it('tells of a write that failed, and gives up without another failure', async () => {
    const writing = writeAhead({ writev: () => Promise.reject(new Error('full')) } as unknown as FileHandle)
    await writing.write([Buffer.alloc(MIB)])
    await expect(writing.write([Buffer.alloc(MIB)])).rejects.toThrow('full')
    await writing.abandon()
  })
})

describe('reading ahead', () => {
  const content = Buffer.from(Array.from({ length: 1000 }, (_, at) => at & 0xff))
  /** Reads at most 70 octets at once, of a file that may be shorter than was thought. */
  const handle = (size = content.length): FileHandle => ({ read: (target: Buffer, offset: number, length: number, at: number) => Promise.resolve({ bytesRead: content.copy(target, offset, at, Math.min(size, at + Math.min(70, length))) }) }) as unknown as FileHandle
  const read = async (file: FileHandle, from: number, to: number): Promise<Buffer[]> => {
    const pieces: Buffer[] = []
    for await (const piece of readAhead(file, { from, to, pieceBytes: 128 })) pieces.push(Buffer.from(piece))
    return pieces
  }

  it('gives whole pieces, from one place to another', async () => {
    expect((await read(handle(), 0, 1000)).map(({ length }) => length)).toEqual([128, 128, 128, 128, 128, 128, 128, 104])
    expect(Buffer.concat(await read(handle(), 3, 999)).equals(content.subarray(3, 999))).toBe(true)
    expect(await read(handle(), 5, 5)).toEqual([])
  })

  it('gives what is there of a file that was cut, and may be given up', async () => {
    expect(Buffer.concat(await read(handle(300), 0, 1000)).equals(content.subarray(0, 300))).toBe(true)
    for await (const piece of readAhead(handle(), { from: 0, to: 1000, pieceBytes: 128 })) if (piece.length > 0) break
  })
})
