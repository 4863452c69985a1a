/** The Inbox of a partner: a file appears there once, whole, under a name of its own, and survives a power cut. */
import { link, lstat, mkdir, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError, systemCode } from '../../kernel/errors.ts'
import { writeAhead } from '../../kernel/large-file.ts'
import { numberedName, safeName } from './inbox-name.ts'

const MOST_NUMBERS = 10_000

/** Writes the whole content under a hidden name beside its place, and flushes it. Rejects with `receive.inbox_failed`. */
export async function writeHidden(folder: string, delivery: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  await inOurWords(folder, async () => {
    const path = hiddenPath(folder, delivery)
    const target = await open(path, 'w', 0o600).catch(async (error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error
      await mkdir(folder, { recursive: true })
      return await open(path, 'w', 0o600)
    })
    const writing = writeAhead(target)
    try {
      for await (const piece of content) await writing.write([piece])
      await writing.end()
      await target.sync()
    } finally {
      await writing.abandon()
      await target.close()
    }
  })
}

/** A free path for a name in the folder; `reserved` are paths that others are about to take. */
export async function choosePath(folder: string, wanted: string, reserved: ReadonlySet<string>): Promise<string> {
  const name = safeName(wanted)
  for (let number = 1; number <= MOST_NUMBERS; number++) {
    const path = join(folder, numberedName(name, number))
    if (!reserved.has(path) && !(await isThere(path))) return path
  }
  throw new AppError('receive.inbox_failed', `${folder} holds ${MOST_NUMBERS} files named like ${name}`)
}

/**
 * Gives the hidden file its name. The hidden file was there before the path was written down, so its absence proves that this
 * was done already. `isFresh`: this process wrote it and gave it no name yet. Answers false when somebody else has the name: choose another.
 */
export async function giveName(path: string, delivery: string, isFresh = false): Promise<boolean> {
  const folder = dirname(path)
  const hidden = hiddenPath(folder, delivery)
  return await inOurWords(folder, async () => {
    const found = isFresh ? null : await lstat(hidden).catch(() => null)
    if (found === null && !isFresh) return true
    // Two names: the link was made, and the process ended before the hidden one was removed.
    if ((found?.nlink ?? 1) < 2 && !(await linkOrRename(hidden, path))) return false
    await unlink(hidden).catch(() => undefined)
    return true
  })
}

/** False when the name is taken. Never overwrites: a link fails on an existing name. */
async function linkOrRename(hidden: string, path: string): Promise<boolean> {
  try {
    await link(hidden, path)
    return true
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') return false
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EOPNOTSUPP' && code !== 'EMLINK') throw error
  }
  // A share without hard links: look first, then rename.
  if (await isThere(path)) return false
  await rename(hidden, path)
  return true
}

function hiddenPath(folder: string, delivery: string): string {
  return join(folder, `.${delivery}.part`)
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch((error: unknown) => (systemCode(error) === 'ENOENT' ? null : 'unreadable'))) !== null
}

async function inOurWords<T>(folder: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('receive.inbox_failed', `${basename(folder)}: ${systemCode(error) ?? (error instanceof Error ? error.message : 'unknown reason')}`, { details: { folder }, cause: error })
  }
}
