/** Files that are handed out: whole and on the disk under a name that was free, or not there at all. */
import { createHash } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, systemCode } from './errors.ts'

export interface NewFile {
  readonly path: string
  readonly bytes: number
  /** Lower-case hex. */
  readonly sha256: string
}

/** Rejects with `input.conflict` when the name is taken: nothing is overwritten; with `input.unwritable`; or with what the content rejects with. */
export async function writeNewFile(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<NewFile> {
  const digest = createHash('sha256')
  let bytes = 0
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      for await (const piece of content) {
        signal.throwIfAborted()
        digest.update(piece)
        bytes += piece.length
        for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten
      }
      await file.sync()
    } catch (error) {
      await rm(path, { force: true })
      throw error
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = systemCode(error)
    if (error instanceof AppError || code === undefined) throw error
    throw code === 'EEXIST' ? new AppError('input.conflict', `${path} exists already; nothing was written`, { cause: error }) : new AppError('input.unwritable', `${path} cannot be written (${code})`, { cause: error })
  }
  return { path, bytes, sha256: digest.digest('hex') }
}

const MOST_NAMES = 1000

/** Writes below a folder, which is made, under the first name that is free: `name`, `name-2`, … before the ending. */
export async function underFreeName<T>(folder: string, name: string, ending: string, write: (path: string) => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (let number = 1; ; number++) {
    try {
      return await write(join(folder, `${name}${number === 1 ? '' : `-${number}`}${ending}`))
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'input.conflict' || number >= MOST_NAMES) throw error
    }
  }
}
