/** The folder that a flow sends from: which files stand there complete, and putting them away once they arrived. */
import { constants } from 'node:fs'
import { copyFile, link, lstat, mkdir, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import type { Selection } from '../../contract/flow-document.ts'
import { numberedName } from '../deliveries/inbound/inbox-name.ts'
import { createMatcher, isUnfinished } from '../deliveries/inbound/selection.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, systemCode } from '../kernel/errors.ts'
import type { StandingFile } from './rules.ts'

export interface FolderLook {
  /** Oldest first. */
  readonly complete: readonly StandingFile[]
  readonly changing: readonly { readonly name: string; readonly readyAt: number }[]
  /** Files that are not meant, and why; the first of them, for a person who asks. Folders are left out. */
  readonly passedOver: readonly { readonly name: string; readonly reason: string }[]
}

const MOST_PASSED_OVER = 200

export interface SourceFolders {
  /** Rejects with `flow.source_unreadable`. */
  look(folder: string, selection: z.infer<typeof Selection>): Promise<FolderLook>
}

const MOST_REMEMBERED = 100_000
const UNFINISHED = 'its name is that of a hidden file or of one that is still being written'

/** Remembers since when files are as they are: clocks of file servers differ from ours. */
export function createSourceFolders(clock: Clock): SourceFolders {
  const seen = new Map<string, { readonly size: number; readonly modified: number; readonly since: number }>()

  const readyAt = (path: string, found: { size: number; mtimeMs: number; ctimeMs: number }, stableMs: number): number => {
    const now = clock.now()
    const before = seen.get(path)
    // Seen before the clock was set back: it is counted from now on, not from when the clock has caught up.
    const same = before !== undefined && before.since <= now && before.size === found.size && before.modified === found.mtimeMs
    if (!same) {
      if (seen.size >= MOST_REMEMBERED) seen.clear()
      seen.set(path, { size: found.size, modified: found.mtimeMs, since: now })
    }
    const since = same ? before.since : now
    // Every write moves the change time, also where a program sets the other one back.
    const changed = Math.max(found.mtimeMs, found.ctimeMs)
    return Math.min(since, changed <= now ? changed : since) + stableMs
  }

  return {
    async look(folder, selection) {
      const wanted = createMatcher(selection.patterns)
      const unwanted = createMatcher(selection.except)
      const complete: StandingFile[] = []
      const changing: { name: string; readyAt: number }[] = []
      const passedOver: { name: string; reason: string }[] = []
      for (const name of await namesIn(folder)) {
        const path = join(folder, name)
        const reason = isUnfinished(name) ? UNFINISHED : !wanted(name) ? `it fits none of ${selection.patterns.join(', ')}` : unwanted(name) ? `it is left out by ${selection.except.join(', ')}` : null
        if (reason !== null && passedOver.length >= MOST_PASSED_OVER) continue
        const found = await lstat(path).catch(() => null)
        if (found === null || found.isDirectory()) continue
        if (reason !== null || !found.isFile()) {
          if (passedOver.length < MOST_PASSED_OVER) passedOver.push({ name, reason: reason ?? 'it is no ordinary file, but a link or a device' })
          continue
        }
        const ready = readyAt(path, found, selection.stableSeconds * 1000)
        if (ready <= clock.now()) complete.push({ path, name, size: found.size, modified: Math.floor(found.mtimeMs) })
        else changing.push({ name, readyAt: ready })
      }
      complete.sort((left, right) => left.modified - right.modified || left.name.localeCompare(right.name))
      return { complete, changing, passedOver }
    },
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    throw new AppError('flow.source_unreadable', `${folder} cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  }
}

const MOST_NUMBERS = 10_000

/**
 * Puts a file that arrived away. Answers what was done: `moved: PATH`, `deleted`, `kept`, `gone` (it is not there any more),
 * `changed` (another content stands there: it stays). Nothing is ever overwritten.
 */
export async function putAway(file: StandingFile, how: 'move' | 'keep' | 'delete', moveTo: string): Promise<string> {
  if (how === 'keep') return 'kept'
  const found = await stat(file.path).catch(() => null)
  if (found === null) return 'gone'
  if (found.size !== file.size || Math.floor(found.mtimeMs) !== file.modified) return 'changed'
  if (how === 'delete') {
    await rm(file.path)
    return 'deleted'
  }
  await mkdir(moveTo, { recursive: true })
  for (let number = 1; number <= MOST_NUMBERS; number++) {
    const target = join(moveTo, numberedName(file.name, number))
    if (await moveExclusively(file.path, target)) return `moved: ${target}`
  }
  throw new AppError('flow.source_unreadable', `${moveTo} holds ${MOST_NUMBERS} files named like ${file.name}`)
}

/** Deletes a moved file whose time is over. Answers what was done: `expired`, `gone`, or `changed` (somebody made it another file: it stays). */
export async function forgetSent(file: StandingFile, path: string): Promise<'expired' | 'gone' | 'changed'> {
  const found = await stat(path).catch(() => null)
  if (found === null) return 'gone'
  if (!found.isFile() || found.size !== file.size || Math.floor(found.mtimeMs) !== file.modified) return 'changed'
  await rm(path)
  return 'expired'
}

/** False when the name is taken. */
async function moveExclusively(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    await unlink(from)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') {
      // Killed between the two steps: it has both names, and loses the first one now.
      const [here, there] = await Promise.all([lstat(from, { bigint: true }), lstat(to, { bigint: true })])
      if (here.ino !== there.ino || here.dev !== there.dev) return false
      await unlink(from)
      return true
    }
    if ((await lstat(to).catch(() => null)) !== null) return false
    // Another disk, or a file system without links.
    if (systemCode(error) === 'EXDEV') {
      await copyFile(from, to, constants.COPYFILE_EXCL)
      await unlink(from)
    } else await rename(from, to)
    return true
  }
}
