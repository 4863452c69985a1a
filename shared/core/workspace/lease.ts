/**
 * One process owns a workspace. The lock is an open transaction on a small database file, so that the operating system
 * gives it free however the process ends. A note beside it tells others where the owner listens, and other computers that
 * share the folder that somebody is at work.
 */
import { readFile, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3-multiple-ciphers'
import { z } from 'zod'
import { AppError, systemCode } from '../kernel/errors.ts'
import { systemUser } from '../kernel/system-user.ts'
import { folderError, replaceFile } from './files.ts'

const LeaseNote = z.object({
  pid: z.number().int(),
  host: z.string(),
  user: z.string(),
  startedAt: z.string(),
  heartbeatAt: z.string(),
  /** Where the owner listens; missing while it starts. */
  socketPath: z.string().optional(),
  token: z.string().optional(),
})
export type LeaseNote = z.infer<typeof LeaseNote>

export interface Lease {
  /** Writes down where the owner listens. */
  announce(address: { readonly socketPath: string; readonly token: string }): Promise<void>
  release(): Promise<void>
}

const HEARTBEAT_MS = 15_000
/** Another computer is taken for gone when its heartbeat is older. */
const STALE_MS = 120_000

/** What the present or last owner wrote, or null. */
export async function readLease(folder: string): Promise<LeaseNote | null> {
  try {
    return LeaseNote.parse(JSON.parse(await readFile(join(folder, 'lease.json'), 'utf8')))
  } catch {
    return null
  }
}

/** Rejects with `workspace.missing`, `.bad_folder`, `.read_only`, `.disk_full`, `.in_use` or `.elsewhere`. */
export async function acquireLease(folder: string): Promise<Lease> {
  await requireFolder(folder)
  const other = await readLease(folder)
  if (other !== null && other.host !== hostname() && Date.now() - Date.parse(other.heartbeatAt) < STALE_MS)
    throw new AppError('workspace.elsewhere', `${other.host} (${other.user}) uses this workspace since ${other.startedAt}`, { details: { computer: other.host, user: other.user, since: other.startedAt } })
  const unlock = lock(folder, other)
  const startedAt = new Date().toISOString()
  let address: { socketPath: string; token: string } | undefined
  const write = async (): Promise<void> => {
    const note: LeaseNote = { pid: process.pid, host: hostname(), user: systemUser(), startedAt, heartbeatAt: new Date().toISOString(), ...address }
    await replaceFile(join(folder, 'lease.json'), `${JSON.stringify(note)}\n`)
  }
  try {
    await write()
  } catch (error) {
    unlock()
    throw error
  }
  // A heartbeat that cannot be written (a full disk) must not end the work; the lock holds.
  const heartbeat = setInterval(() => void write().catch(() => undefined), HEARTBEAT_MS)
  heartbeat.unref()
  return {
    async announce(given) {
      address = { ...given }
      await write()
    },
    async release() {
      clearInterval(heartbeat)
      await rm(join(folder, 'lease.json'), { force: true }).catch(() => undefined)
      unlock()
    },
  }
}

async function requireFolder(folder: string): Promise<void> {
  try {
    if (!(await stat(folder)).isDirectory()) throw new AppError('workspace.bad_folder', `${folder} is not a folder`)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw new AppError('workspace.missing', `${folder} does not exist`, { cause: error })
    throw folderError(error)
  }
}

function lock(folder: string, other: LeaseNote | null): () => void {
  let database: Sqlite.Database | undefined
  try {
    database = new Sqlite(join(folder, 'lease.db'), { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
    const held = database
    return () => held.close()
  } catch (error) {
    database?.close()
    if (systemCode(error)?.startsWith('SQLITE_BUSY') === true)
      throw new AppError('workspace.in_use', `process ${other?.pid ?? 'unknown'} uses this workspace`, {
        details: other === null ? {} : { process: String(other.pid), user: other.user, since: other.startedAt },
        cause: error,
      })
    throw folderError(error)
  }
}
