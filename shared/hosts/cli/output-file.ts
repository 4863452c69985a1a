/** Files that a command writes for the operator. */
import { open, rename, rm } from 'node:fs/promises'
import { AppError, systemCode } from '../../core/kernel/errors.ts'

/**
 * Writes a new file: under a temporary name first, so that a full disk never leaves half of it under the real one. Rejects with
 * `input.conflict` when it exists already.
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
    throw error
  }
}

async function claim(file: string, mode: number): Promise<void> {
  try {
    const target = await open(file, 'wx', mode)
    await target.close()
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') throw new AppError('input.conflict', `${file} exists already; nothing was written`, { cause: error })
    throw new AppError('input.unreadable', `${file} cannot be written (${code ?? 'unknown reason'})`, { cause: error })
  }
}
