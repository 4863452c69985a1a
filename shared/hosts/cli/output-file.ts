/** Files that a command writes for the operator. */
import { open, rename, rm } from 'node:fs/promises'
import { AppError, systemCode } from '../../core/kernel/errors.ts'

/**
 * Writes a new file: under a temporary name first, so that a full disk never leaves half of it under the real one. Rejects with
 * `input.conflict` when it exists already, with `input.unwritable` when the folder does not take it.
 */
export async function writeWhole(file: string, content: string | Uint8Array, mode = 0o666): Promise<void> {
  await claim(file, mode)
  const temporary = `${file}.part`
  try {
    const handle = await open(temporary, 'w', mode)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    await rm(file, { force: true })
    throw unwritable(file, error)
  }
}

async function claim(file: string, mode: number): Promise<void> {
  try {
    const target = await open(file, 'wx', mode)
    await target.close()
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw new AppError('input.conflict', `${file} exists already; nothing was written`, { cause: error })
    throw unwritable(file, error)
  }
}

function unwritable(file: string, error: unknown): AppError {
  return new AppError('input.unwritable', `${file} cannot be written (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
}
