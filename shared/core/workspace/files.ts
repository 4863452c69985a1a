/** Small files of the workspace folder, written so that a crash leaves the old or the new one, never half of one. */
import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { AppError, systemCode } from '../kernel/errors.ts'

/** Temporary file, flush, rename. Owner only. Rejects with `workspace.disk_full` or `workspace.read_only`. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw folderError(error)
  }
}

/** What the file system says, in our words. */
export function folderError(error: unknown): unknown {
  const code = systemCode(error) ?? ''
  const message = error instanceof Error ? error.message : String(error)
  if (code === 'ENOSPC' || code === 'EDQUOT' || code.startsWith('SQLITE_FULL') || code.startsWith('SQLITE_IOERR')) return new AppError('workspace.disk_full', message, { cause: error })
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM' || code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN'))
    return new AppError('workspace.read_only', message, { cause: error })
  if (code === 'ENOTDIR') return new AppError('workspace.bad_folder', message, { cause: error })
  return error
}
