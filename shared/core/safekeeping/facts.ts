/** What became of the copies: looked up on the disk, nothing is changed. */
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Backup, SafekeepingSettings } from '../../contract/safekeeping.ts'
import { MAGIC } from './format.ts'

export interface KeepingFacts {
  readonly settings: SafekeepingSettings
  /** The newest backup. `changed`: another length than it was written with, or no longer sealed. `unseen`: its place cannot be looked at now. */
  readonly backup: (Backup & { readonly state: 'there' | 'gone' | 'changed' | 'unseen'; readonly sameDisk: boolean }) | null
  /** Databases that lie about unencrypted, in the workspace folder or where backups go. */
  readonly plainCopies: readonly string[]
  readonly anchor: { readonly at: string; readonly seq: number } | null
}

/** What every unencrypted SQLite file begins with. */
const PLAIN = Buffer.from('SQLite format 3\0')
const MOST_FILES = 500

export async function keepingFacts(options: { readonly folder: string; readonly settings: SafekeepingSettings; readonly backup: Backup | null; readonly anchor: KeepingFacts['anchor'] }): Promise<KeepingFacts> {
  const { folder, settings, backup, anchor } = options
  const places = [folder, join(folder, 'before-update'), ...(settings.folder === null ? [] : [settings.folder])]
  return {
    settings,
    anchor,
    backup: backup === null ? null : { ...backup, ...(await stateOf(backup, folder)) },
    plainCopies: (await Promise.all(places.map(plainIn))).flat(),
  }
}

async function stateOf(backup: Backup, folder: string): Promise<{ state: 'there' | 'gone' | 'changed' | 'unseen'; sameDisk: boolean }> {
  try {
    const [found, home] = await Promise.all([stat(backup.file), stat(folder)])
    const whole = found.size === backup.bytes && (await beginsWith(backup.file, MAGIC))
    return { state: whole ? 'there' : 'changed', sameDisk: found.dev === home.dev }
  } catch (error) {
    return { state: error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'gone' : 'unseen', sameDisk: false }
  }
}

async function plainIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  // The lease is a database too: it holds nothing, and locks everything.
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('lease.')).slice(0, MOST_FILES).map(({ name }) => join(folder, name))
  const plain = await Promise.all(files.map(async (file) => await beginsWith(file, PLAIN)))
  return files.filter((_, index) => plain[index])
}

async function beginsWith(file: string, bytes: Buffer): Promise<boolean> {
  const handle = await open(file, 'r').catch(() => null)
  if (handle === null) return false
  try {
    const start = Buffer.alloc(bytes.length)
    await handle.read(start, 0, bytes.length, 0)
    return start.equals(bytes)
  } catch {
    return false
  } finally {
    await handle.close()
  }
}
