import { closeSync, fsync, openSync } from 'node:fs'
import { promisify } from 'node:util'

const flush = promisify(fsync)

/** Flushes the names in a folder of this computer, so that a power cut does not forget them. Windows has no such call. */
export async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    await flush(handle)
  } finally {
    closeSync(handle)
  }
}
