/**
 * Files that are written while the next bytes are made, and read while the last ones are worked on. What was written begins to reach the disk
 * long before the end: a large file waits for its flush most, and one at the end then finds little left to do.
 */
import type { FileHandle } from 'node:fs/promises'

/** Of each call to the disk. */
const BATCH_BYTES = 1024 * 1024
/** Written to the disk in the meantime; nothing relies on it, whoever promises something flushes at the end. */
const FLUSHED_AHEAD_BYTES = 32 * BATCH_BYTES

/** What is written to an open file, which stays its owner's to close. */
export interface WritingAhead {
  /** Takes what is not to be changed until `end`. Rejects with what went wrong before as well. */
  write(pieces: readonly Uint8Array[]): Promise<void>
  /** All is written, not flushed. */
  end(): Promise<void>
  /** In place of `end`: nothing is under way any more. Never rejects. */
  abandon(): Promise<void>
}

/** `written`: what becomes of each piece then. */
export function writeAhead(handle: FileHandle, written: (piece: Uint8Array) => void = () => undefined): WritingAhead {
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  let sinceFlush = 0
  let flushing: Promise<void> | null = null
  let writing: Promise<void> = Promise.resolve()
  let failure: { readonly error: unknown } | null = null
  const failed = (error: unknown): void => void (failure ??= { error })

  const flushAhead = (bytes: number): void => {
    sinceFlush += bytes
    if (flushing !== null || sinceFlush < FLUSHED_AHEAD_BYTES) return
    sinceFlush = 0
    flushing = handle.datasync().then(() => void (flushing = null), failed)
  }

  const writeBatch = async (pieces: readonly Uint8Array[], bytes: number): Promise<void> => {
    await writeWhole(handle, pieces, bytes)
    for (const piece of pieces) written(piece)
    flushAhead(bytes)
  }

  /** One batch is written while the next one is gathered. */
  const handOver = async (): Promise<void> => {
    await writing
    if (failure !== null) throw failure.error
    writing = writeBatch(waiting, waitingBytes).catch(failed)
    waiting = []
    waitingBytes = 0
  }

  const settled = async (): Promise<void> => {
    await writing
    await flushing
  }

  return {
    async write(pieces) {
      for (const piece of pieces) {
        waiting.push(piece)
        waitingBytes += piece.length
      }
      if (waitingBytes >= BATCH_BYTES) await handOver()
    },
    async end() {
      if (waitingBytes > 0) await handOver()
      await settled()
      if (failure !== null) throw failure.error
    },
    abandon: settled,
  }
}

/** One call may write less than all, on a disk that is nearly full. */
async function writeWhole(handle: FileHandle, pieces: readonly Uint8Array[], bytes: number): Promise<void> {
  const { bytesWritten } = await handle.writev(pieces)
  if (bytesWritten === bytes) return
  const rest = Buffer.concat(pieces).subarray(bytesWritten)
  for (let at = 0; at < rest.length; ) at += (await handle.write(rest, at)).bytesWritten
}

/** The octets from one place to another, in pieces of `pieceBytes`, shorter only where the file ends: each holds until the next one is asked for. */
export async function* readAhead(handle: FileHandle, { from, to, pieceBytes }: { readonly from: number; readonly to: number; readonly pieceBytes: number }): AsyncGenerator<Buffer, void> {
  const room = (): Buffer => Buffer.allocUnsafe(Math.min(pieceBytes, to - from))
  let here = room()
  let there = to - from > pieceBytes ? room() : here
  const reading = async (target: Buffer, at: number): Promise<Buffer> => {
    const wanted = Math.min(pieceBytes, to - at)
    let filled = 0
    for (let read = -1; filled < wanted && read !== 0; filled += read) read = (await handle.read(target, filled, wanted - filled, at + filled)).bytesRead
    return target.subarray(0, filled)
  }
  let coming = reading(here, from)
  try {
    for (let at = from; at < to; at += pieceBytes) {
      const piece = await coming
      if (at + pieceBytes < to) {
        coming = reading(there, at + pieceBytes)
        // it is awaited in the next round, which a reader that gives up does not come to
        coming.catch(() => undefined)
      }
      yield piece
      ;[here, there] = [there, here]
    }
  } finally {
    await coming.catch(() => undefined)
  }
}
