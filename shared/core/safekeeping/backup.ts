/** Writes a backup: the database as one consistent copy, and every payload, sealed into one file. */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BackupHeader } from '../../contract/safekeeping.ts'
import { AppError, systemCode } from '../kernel/errors.ts'
import { SALT_BYTES } from '../store/payload-format.ts'
import { readEnvelope } from '../workspace/envelope.ts'
import { folderError } from '../workspace/files.ts'
import type { Workspace } from '../workspace/open-workspace.ts'
import { framed, preamble, saltOf, sealed, type Entry } from './format.ts'

export const BACKUP_KEY = 'waybill backup 1'
const DATABASE = 'waybill.db'

export interface WrittenBackup {
  readonly bytes: number
  /** Of the whole file. */
  readonly sha256: string
  readonly payloads: number
}

/**
 * To a new file, under a temporary name first. The database is copied before the payloads are listed: a payload is always stored before
 * its delivery is written down, so each one that the copy knows is there. Rejects with `input.conflict`, `input.unwritable`, `backup.failed`.
 */
export async function writeBackup(workspace: Workspace, options: { readonly file: string; readonly at: string; readonly version: string; readonly signal: AbortSignal }): Promise<WrittenBackup> {
  const { file, at, version, signal } = options
  const envelope = await readEnvelope(workspace.folder)
  if (envelope === null) throw new AppError('backup.failed', 'workspace.json is missing')
  await refuseExisting(file)
  const facts: BackupHeader = { format: 1, workspace: workspace.id, createdAt: at, version }
  // Without the keychain's part: it opens on the computer that holds that keychain only, and is of no use elsewhere.
  const header = Buffer.from(JSON.stringify({ ...facts, envelope: { ...envelope, keychain: null } }))
  const salt = randomBytes(SALT_BYTES)
  const key = workspace.deriveKey(saltOf(header, salt), BACKUP_KEY)
  const copy = join(workspace.folder, `backup-${randomBytes(4).toString('hex')}.tmp`)
  const temporary = `${file}.part`
  let payloads = 0
  async function* entries(): AsyncGenerator<Entry> {
    workspace.database.copyTo(copy)
    yield await fileEntry(DATABASE, copy)
    for (const name of await payloadFiles(workspace.folder)) {
      payloads += 1
      yield await fileEntry(name, join(workspace.folder, name))
    }
  }
  try {
    const written = await writeAll(temporary, preamble(header, salt), sealed(key, framed(entries())), signal)
    await rename(temporary, file)
    return { ...written, payloads }
  } catch (error) {
    await rm(temporary, { force: true })
    throw writingError(error, file)
  } finally {
    await rm(copy, { force: true })
  }
}

async function refuseExisting(file: string): Promise<void> {
  const found = await stat(file).catch(() => null)
  if (found !== null) throw new AppError('input.conflict', `${file} exists already; nothing was written`)
  const folder = await stat(dirname(file)).catch(() => null)
  if (folder?.isDirectory() !== true) throw new AppError('input.unwritable', `${dirname(file)} is no folder`)
}

/** Names relative to the workspace, with `/`. */
async function payloadFiles(folder: string): Promise<string[]> {
  const all = await readdir(join(folder, 'payloads')).catch((): string[] => [])
  const groups = all.filter((name) => name.length === 2).toSorted()
  return (await Promise.all(groups.map(async (group) => (await readdir(join(folder, 'payloads', group))).map((name) => `payloads/${group}/${name}`)))).flat()
}

async function fileEntry(name: string, path: string): Promise<Entry> {
  return { name, size: (await stat(path)).size, content: createReadStream(path, { highWaterMark: 1024 * 1024 }) }
}

async function writeAll(path: string, first: Buffer, pieces: AsyncIterable<Buffer>, signal: AbortSignal): Promise<{ bytes: number; sha256: string }> {
  const digest = createHash('sha256')
  const handle = await open(path, 'wx', 0o600)
  let bytes = 0
  const put = async (piece: Buffer): Promise<void> => {
    signal.throwIfAborted()
    digest.update(piece)
    bytes += piece.length
    await handle.writeFile(piece)
  }
  try {
    await put(first)
    for await (const piece of pieces) await put(piece)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return { bytes, sha256: digest.digest('hex') }
}

function writingError(error: unknown, file: string): unknown {
  if (error instanceof AppError) return error
  const code = systemCode(error) ?? ''
  if (code === 'EEXIST') return new AppError('input.conflict', `${file}.part exists: another backup is being written there`, { cause: error })
  if (code === 'ENOSPC' || code === 'EACCES' || code === 'EROFS' || code === 'EPERM') return new AppError('input.unwritable', `${file} cannot be written (${code})`, { cause: error })
  return folderError(error)
}
