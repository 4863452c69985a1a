/** What stands in a folder, for a person who chooses one: folders by name, files by number only. */
import { opendir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import type { z } from 'zod'
import type { Selection } from '../../contract/flow-document.ts'
import type { FolderLook } from '../../contract/flows.ts'
import { createMatcher, isUnfinished } from '../deliveries/inbound/selection.ts'
import { systemCode } from '../kernel/errors.ts'

/** More than this is not counted: the answer should come at once. */
const MOST_ENTRIES = 20_000
const MOST_FOLDERS = 500

const PROBLEMS: Readonly<Record<string, string>> = { ENOENT: 'There is no such folder.', ENOTDIR: 'This is a file and no folder.', EACCES: 'You may not read this folder.', EPERM: 'You may not read this folder.' }

/** Without a path, the home folder. Never rejects: what is wrong stands in `problem`. */
export async function lookIntoFolder(path: string | undefined, selection: Pick<z.infer<typeof Selection>, 'patterns' | 'except'>): Promise<FolderLook> {
  const wanted = path?.trim()
  const folder = wanted === undefined || wanted === '' ? homedir() : normalize(wanted)
  const nothing = { path: folder, parent: null, folders: [], files: 0, matching: 0, more: false }
  if (!isAbsolute(folder)) return { ...nothing, problem: 'Write the full path.' }
  const above = { ...nothing, parent: dirname(folder) === folder ? null : dirname(folder) }
  try {
    return { ...above, ...(await countIn(folder, selection)), problem: null }
  } catch (error) {
    return { ...above, problem: PROBLEMS[systemCode(error) ?? ''] ?? `It cannot be read (${systemCode(error) ?? 'unknown reason'}).` }
  }
}

async function countIn(folder: string, { patterns, except }: Pick<z.infer<typeof Selection>, 'patterns' | 'except'>): Promise<Pick<FolderLook, 'folders' | 'files' | 'matching' | 'more'>> {
  const wanted = createMatcher(patterns)
  const unwanted = createMatcher(except)
  const folders: string[] = []
  let [files, matching, seen] = [0, 0, 0]
  for await (const entry of await opendir(folder)) {
    if (++seen > MOST_ENTRIES) break
    if (entry.name.startsWith('.')) continue
    if (entry.isDirectory()) folders.push(entry.name)
    else if (entry.isFile()) {
      files += 1
      if (!isUnfinished(entry.name) && wanted(entry.name) && !unwanted(entry.name)) matching += 1
    }
  }
  return { folders: folders.toSorted((left, right) => left.localeCompare(right)).slice(0, MOST_FOLDERS).map((name) => join(folder, name)), files, matching, more: seen > MOST_ENTRIES || folders.length > MOST_FOLDERS }
}
