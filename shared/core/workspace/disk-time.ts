/** What time the disk of the workspace thinks it is. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The time that the file system gives to what is written now, in milliseconds since 1970: on a network share that is another computer's
 * clock. Always in the same file, so that a killed process leaves nothing behind.
 */
export async function diskTime(folder: string): Promise<number> {
  const file = await open(join(folder, '.clock'), 'w', 0o600)
  try {
    await file.write('\n')
    return (await file.stat()).mtimeMs
  } finally {
    await file.close()
  }
}
