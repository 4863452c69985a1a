/** Reads backups: checks all of one, and brings one back into an empty folder. */
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { BackupHeader, type BackupVerdict } from '../../contract/safekeeping.ts'
import { AppError, asAppError, systemCode } from '../kernel/errors.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { SALT_BYTES } from '../store/payload-format.ts'
import { Envelope, openWithPassphrase, writeEnvelope } from '../workspace/envelope.ts'
import { derivedKey, mayBecomeWorkspace, type Workspace } from '../workspace/open-workspace.ts'
import { BACKUP_KEY } from './backup.ts'
import { entriesOf, MOST_HEADER_BYTES, opened, readPreamble, saltOf, type Preamble } from './format.ts'

const Header = BackupHeader.extend({ envelope: Envelope })
type Header = z.infer<typeof Header>

/** What the domains say of a database that came out of a backup. */
export interface Inspection {
  /** Walks its audit chain. */
  chain(database: Database): { readonly ok: boolean; readonly checked: number; readonly head: string; readonly problem: string | null }
  /** Stops everything until a person has looked; answers how many partners that suspended. */
  stopAll(database: Database, backupOf: string): number
}

/** What opens a backup: its passphrase, or the workspace that made it. */
export type BackupKey = { readonly passphrase: string } | { readonly workspace: Workspace }

interface OpenBackup {
  readonly facts: Header
  readonly place: Preamble
  readonly key: Buffer
  /** Null: the open workspace's; the database inside is then not opened. */
  readonly dataKey: Buffer | null
}

/** What may stand in a backup: nothing else is ever written, whatever a changed one says. */
const NAMES = /^(waybill\.db|payloads\/[0-9a-f]{2}\/[0-9a-f]{64})$/

/** Reads all of it. A backup that does not hold is an answer, not an error; one that is none, or a wrong passphrase, rejects. */
export async function verifyBackup(file: string, by: BackupKey, inspection: Inspection): Promise<BackupVerdict> {
  const backup = await openBackup(file, by)
  const folder = await mkdtemp(join(tmpdir(), 'waybill-verify-'))
  try {
    return await unpack(file, backup, folder, { keepPayloads: false, inspection, workspace: 'workspace' in by ? by.workspace : null })
  } catch (error) {
    const problem = asAppError(error)
    if (problem.code !== 'backup.damaged' && problem.code !== 'workspace.corrupt') throw error
    return { ok: false, header: headerOf(backup), payloads: 0, bytes: 0, records: 0, head: '', problem: problem.message }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Into a folder that holds no workspace. Its `workspace.json` comes last: until then there is no workspace. Every partner is suspended,
 * because what was sent since the backup is not in it, and must not be sent again unseen. Rejects with `workspace.exists`,
 * `workspace.bad_folder`, `workspace.wrong_passphrase`, `backup.*`.
 */
export async function restoreBackup(file: string, passphrase: string, { folder, inspection }: { readonly folder: string; readonly inspection: Inspection }): Promise<{ verdict: BackupVerdict; suspended: number }> {
  if (existsSync(join(folder, 'waybill.db')) || existsSync(join(folder, 'workspace.json'))) throw new AppError('workspace.exists', `${folder} holds a workspace`)
  await mayBecomeWorkspace(folder)
  const backup = await openBackup(file, { passphrase })
  const arriving = join(folder, 'spool', 'restoring')
  await rm(arriving, { recursive: true, force: true })
  await mkdir(arriving, { recursive: true, mode: 0o700 })
  try {
    const verdict = await unpack(file, backup, arriving, { keepPayloads: true, inspection, workspace: null })
    if (!verdict.ok) throw new AppError('backup.damaged', verdict.problem ?? 'its content does not hold')
    const suspended = stopAll(join(arriving, 'waybill.db'), backup, inspection)
    await rm(join(folder, 'payloads'), { recursive: true, force: true })
    if (existsSync(join(arriving, 'payloads'))) await rename(join(arriving, 'payloads'), join(folder, 'payloads'))
    await rename(join(arriving, 'waybill.db'), join(folder, 'waybill.db'))
    await writeEnvelope(folder, backup.facts.envelope)
    return { verdict, suspended }
  } finally {
    await rm(arriving, { recursive: true, force: true })
  }
}

const headerOf = ({ facts }: Pick<OpenBackup, 'facts'>): BackupHeader => BackupHeader.parse(facts)

async function openBackup(file: string, by: BackupKey): Promise<OpenBackup> {
  const place = readPreamble(await firstBytes(file))
  const facts = parsed(place.header)
  const salt = saltOf(place.header, place.salt)
  if ('passphrase' in by) {
    const dataKey = await openWithPassphrase(facts.envelope, by.passphrase)
    return { facts, place, dataKey, key: derivedKey(dataKey, salt, BACKUP_KEY) }
  }
  if (by.workspace.id !== facts.workspace) throw new AppError('workspace.passphrase_needed', 'the backup is of another workspace: give its passphrase')
  return { facts, place, dataKey: null, key: by.workspace.deriveKey(salt, BACKUP_KEY) }
}

function parsed(header: Buffer): Header {
  try {
    return Header.parse(JSON.parse(header.toString('utf8')))
  } catch (error) {
    throw new AppError('backup.damaged', 'its header cannot be understood', { cause: error })
  }
}

async function firstBytes(file: string): Promise<Buffer> {
  try {
    const handle = await open(file, 'r')
    try {
      const bytes = Buffer.alloc(8 + MOST_HEADER_BYTES + SALT_BYTES)
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0)
      return bytes.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw new AppError('input.unreadable', `the file cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  }
}

/** Entries into a folder; then the database is opened there, and its chain walked. */
async function unpack(file: string, { facts, place, key, dataKey }: OpenBackup, folder: string, options: { readonly keepPayloads: boolean; readonly inspection: Inspection; readonly workspace: Workspace | null }): Promise<BackupVerdict> {
  const stream = createReadStream(file, { start: place.start, highWaterMark: 1024 * 1024 })
  let payloads = 0
  let bytes = 0
  try {
    for await (const { name, size, content } of entriesOf(opened(key, stream))) {
      if (!NAMES.test(name)) throw new AppError('backup.damaged', 'it holds something that no backup holds')
      bytes += size
      if (name.startsWith('payloads/')) payloads += 1
      if (name === 'waybill.db' || options.keepPayloads) await writeEntry(join(folder, name), content)
      else for await (const _ of content) void _
    }
  } finally {
    stream.destroy()
  }
  const database = dataKey === null ? options.workspace?.openCopy(join(folder, 'waybill.db')) : openDatabase({ file: join(folder, 'waybill.db'), key: dataKey })
  if (database === undefined) throw new AppError('backup.damaged', 'it holds no database')
  try {
    const [broken] = database.check()
    const chain = options.inspection.chain(database)
    return { ok: broken === undefined && chain.ok, header: headerOf({ facts }), payloads, bytes, records: chain.checked, head: chain.head, problem: broken ?? chain.problem }
  } finally {
    database.close()
  }
}

async function writeEntry(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const handle = await open(path, 'wx', 0o600)
  try {
    for await (const piece of content) await handle.writeFile(piece)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function stopAll(file: string, { facts, dataKey }: OpenBackup, inspection: Inspection): number {
  if (dataKey === null) return 0
  const database = openDatabase({ file, key: dataKey })
  try {
    return inspection.stopAll(database, facts.createdAt)
  } finally {
    database.close()
  }
}
