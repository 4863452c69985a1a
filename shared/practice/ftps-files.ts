/** The practice partner's folder as FTP tells it: names, facts (RFC 3659) and lists. Nothing outside it, and no links. */
import type { Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join, posix } from 'node:path'

/** The absolute name as the client sees it; `..` cannot leave the folder. */
export function absoluteName(current: string, given: string): string {
  return posix.resolve('/', current, given.replaceAll('\0', ''))
}

/** Where it is in truth. */
export function placeOf(folder: string, absolute: string): string {
  return join(folder, absolute)
}

export interface Entry {
  readonly name: string
  readonly stats: Stats
}

/** What is in a folder, sorted; only files and folders. */
export async function entriesOf(folder: string): Promise<Entry[]> {
  const names = await readdir(folder)
  const all = await Promise.all(names.map(async (name) => ({ name, stats: await lstat(join(folder, name)).catch(() => null) })))
  return all.flatMap(({ name, stats }) => (stats !== null && (stats.isFile() || stats.isDirectory()) ? [{ name, stats }] : [])).toSorted((left, right) => (left.name < right.name ? -1 : 1))
}

/** `20260131235959.123`, in UTC. */
export function timeOf({ mtime }: Stats): string {
  return mtime.toISOString().replaceAll(/[-:TZ]/g, '')
}

/** One entry of MLSD and MLST. */
export function factsOf({ name, stats }: Entry): string {
  const facts = stats.isDirectory() ? `type=dir;modify=${timeOf(stats)};` : `type=file;size=${stats.size};modify=${timeOf(stats)};`
  return `${facts} ${name}`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** One line of LIST, as `ls -l` writes it. */
export function lineOf({ name, stats }: Entry): string {
  const { mtime } = stats
  const day = `${MONTHS[mtime.getUTCMonth()] ?? ''} ${String(mtime.getUTCDate()).padStart(2)}`
  const time = mtime.getUTCFullYear() === new Date().getUTCFullYear() ? mtime.toISOString().slice(11, 16) : String(mtime.getUTCFullYear()).padStart(5)
  return `${stats.isDirectory() ? 'drwx------' : '-rw-------'} 1 practice practice ${String(stats.size).padStart(12)} ${day} ${time} ${name}`
}
