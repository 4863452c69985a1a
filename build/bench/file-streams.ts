/** Reads and writes files as the payload store does: in large pieces, into memory that is used again, while the next piece is worked on. */
import { open, type FileHandle } from 'node:fs/promises'

const PIECE_BYTES = 1024 * 1024

function rooms(): readonly [Buffer, Buffer] {
  return [Buffer.allocUnsafeSlow(PIECE_BYTES), Buffer.allocUnsafeSlow(PIECE_BYTES)]
}

/** Each piece holds until the one after it is asked for. */
export async function* readFrom(path: string): AsyncGenerator<Uint8Array, void> {
  const file = await open(path, 'r')
  const [even, odd] = rooms()
  try {
    let coming = file.read(even, 0, PIECE_BYTES)
    for (let room = even, other = odd; ; [room, other] = [other, room]) {
      const { bytesRead } = await coming
      if (bytesRead === 0) return
      coming = file.read(other, 0, PIECE_BYTES)
      yield room.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/** The chunks may be lent ones. */
export async function writeTo(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'w')
  let [room, other] = rooms()
  let filled = 0
  let written: Promise<unknown> = Promise.resolve()
  const turn = async (): Promise<void> => {
    await written
    written = writeWhole(file, room.subarray(0, filled))
    ;[room, other] = [other, room]
    filled = 0
  }
  try {
    for await (const chunk of chunks)
      for (let at = 0; at < chunk.length; ) {
        const part = chunk.subarray(at, at + PIECE_BYTES - filled)
        room.set(part, filled)
        filled += part.length
        at += part.length
        if (filled === PIECE_BYTES) await turn()
      }
    await turn()
    await written
  } finally {
    await file.close()
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}
