/** Creates and opens workspaces. Nothing is damaged by any failure: what exists is read before anything is written. */
import { hkdfSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { openDatabase, openDatabaseInSteps, type Database } from '../store/database.ts'
import type { Moving } from '../store/moving.ts'
import { openPayloadStore, type PayloadStore } from '../store/payload-store.ts'
import { createSealedSecrets, type SealedSecrets } from '../store/sealed-secrets.ts'
import { newEnvelope, openWithPassphrase, openWithWrappingKey, readEnvelope, wrapForKeychain, writeEnvelope, type Cost, type Envelope } from './envelope.ts'
import type { Keychain } from './keychain.ts'

/** An open workspace. */
export interface Workspace {
  readonly id: string
  readonly folder: string
  readonly createdAt: string
  readonly keyInKeychain: boolean
  /** Whether the keychain gave the key at this opening; null where it is not used, or was not asked. */
  readonly keychainAnswered: boolean | null
  readonly database: Database
  readonly secrets: SealedSecrets
  readonly payloads: PayloadStore
  /** A key for one purpose, derived from the data key. */
  deriveKey(salt: Buffer, purpose: string): Buffer
  /** A copy of the database, as `copyTo` wrote it. */
  openCopy(file: string): Database
  close(): Promise<void>
}

export const LEAST_PASSPHRASE = 10

/** What may lie in a folder that is to become a workspace: the lease comes first, and a creation may have been cut off. */
const OURS = /^(lease\.(db|db-journal|json|json\..*\.tmp)|workspace\.json(\..*\.tmp)?|spool|payloads|core\.sock|\.DS_Store)$/

export interface CreateOptions {
  readonly folder: string
  readonly keychain: Keychain
  readonly clock: Clock
  readonly passphrase: string
  readonly useKeychain: boolean
  /** For tests alone, which make a hundred workspaces: a passphrase that guards something keeps the default. */
  readonly cost?: Cost
}

/** Rejects with `workspace.exists`, `.passphrase_needed`, `.bad_folder` or what writing can meet. The caller holds the lease. */
export async function createWorkspace(options: CreateOptions): Promise<Workspace> {
  const { folder, keychain, clock, passphrase } = options
  if (existsSync(join(folder, 'waybill.db'))) throw new AppError('workspace.exists', `${folder} holds a workspace`)
  if (passphrase.length < LEAST_PASSPHRASE) throw new AppError('workspace.passphrase_needed', `the passphrase has fewer than ${LEAST_PASSPHRASE} characters`)
  await mayBecomeWorkspace(folder)
  // An envelope without a database is what a creation leaves that was cut off: nothing was ever stored under it.
  const made = await newEnvelope(newId('ws', clock.now()), timestamp(clock.now()), passphrase, options.cost)
  const remembered = options.useKeychain ? await tryRemember(folder, made.envelope, made.dataKey, keychain) : null
  const envelope = remembered ?? made.envelope
  if (remembered === null) await writeEnvelope(folder, envelope)
  try {
    return await openStores(options, envelope, made.dataKey)
  } catch (error) {
    // Half a database of a moment ago holds nothing, and would keep the next try from starting over.
    for (const rest of ['', '-wal', '-shm', '-journal']) await rm(join(folder, `waybill.db${rest}`), { force: true })
    throw error
  }
}

/** Rejects with `workspace.bad_folder` or `workspace.corrupt` when the folder holds something else. */
export async function mayBecomeWorkspace(folder: string): Promise<void> {
  const foreign = (await readdir(folder)).find((name) => !OURS.test(name))
  if (foreign !== undefined) throw new AppError('workspace.bad_folder', `${folder} holds other files (${foreign}); choose an empty folder`)
  if ((await storedPayloads(folder)) > 0) throw new AppError('workspace.corrupt', 'the folder holds stored files, but their database is gone')
}

async function storedPayloads(folder: string): Promise<number> {
  const names = await readdir(join(folder, 'payloads')).catch((): string[] => [])
  return names.filter((name) => name !== 'incoming').length
}

export interface OpenOptions {
  readonly folder: string
  readonly keychain: Keychain
  readonly clock: Clock
  readonly passphrase?: string
  /** `if-lost`: only where the key was in the keychain before. */
  readonly remember: 'yes' | 'no' | 'if-lost'
  /** Told while an older database is moved to the present structure. */
  readonly onMoving?: (progress: Moving) => Promise<void> | void
}

/** Rejects with a `workspace.*` error of its own for each cause. The caller holds the lease. */
export async function openWorkspace(options: OpenOptions): Promise<Workspace> {
  const { folder, keychain, passphrase } = options
  const envelope = await requireEnvelope(folder)
  if (passphrase === undefined) return await openStores(options, envelope, await keyFromKeychain(envelope, keychain), true)
  const dataKey = await openWithPassphrase(envelope, passphrase)
  if (options.remember === 'no' || (options.remember === 'if-lost' && envelope.keychain === null)) return await openStores(options, envelope, dataKey)
  const fits = await keyFromKeychain(envelope, keychain).then(
    () => true,
    () => false,
  )
  const remembered = fits ? envelope : await tryRemember(folder, envelope, dataKey, keychain)
  return await openStores(options, remembered ?? envelope, dataKey, remembered !== null)
}

async function requireEnvelope(folder: string): Promise<Envelope> {
  const envelope = await readEnvelope(folder)
  const database = existsSync(join(folder, 'waybill.db'))
  if (envelope !== null && database) return envelope
  if (envelope === null && database)
    throw new AppError('workspace.bad_folder', 'the database is here, but workspace.json, which holds its wrapped key, is missing')
  if ((await storedPayloads(folder)) > 0) throw new AppError('workspace.corrupt', 'the folder holds stored files, but their database is gone')
  throw new AppError('workspace.missing', `${folder} holds no workspace`)
}

async function keyFromKeychain(envelope: Envelope, keychain: Keychain): Promise<Buffer> {
  if (envelope.keychain === null) throw new AppError('workspace.locked', 'this workspace opens with its passphrase only')
  let value: string | null
  try {
    value = await keychain.read(envelope.keychain.account)
  } catch (error) {
    throw new AppError('workspace.keychain_unavailable', error instanceof Error ? error.message : 'the keychain does not answer', { cause: error })
  }
  if (value === null) throw new AppError('workspace.keychain_lost_key', `the keychain holds nothing for ${envelope.keychain.account}`)
  const key = openWithWrappingKey(envelope, value)
  if (key === null) throw new AppError('workspace.wrong_key', 'the key of the keychain does not open workspace.json')
  return key
}

/** Stores a new wrapping key in the keychain and the envelope that it opens; null when there is no keychain to store it in. */
async function tryRemember(folder: string, envelope: Envelope, dataKey: Buffer, keychain: Keychain): Promise<Envelope | null> {
  const wrapped = wrapForKeychain(envelope, dataKey)
  try {
    await keychain.write(wrapped.account, wrapped.wrappingKey)
    if ((await keychain.read(wrapped.account)) !== wrapped.wrappingKey) return null
  } catch {
    return null
  }
  await writeEnvelope(folder, wrapped.envelope)
  if (envelope.keychain !== null) await keychain.remove(envelope.keychain.account).catch(() => undefined)
  return wrapped.envelope
}

async function openStores({ folder, clock, onMoving = () => undefined }: Pick<OpenOptions, 'folder' | 'clock' | 'onMoving'>, envelope: Envelope, dataKey: Buffer, keychainAnswered: boolean | null = null): Promise<Workspace> {
  const database = await openDatabaseInSteps({ file: join(folder, 'waybill.db'), key: dataKey }, onMoving)
  try {
    database.prepare('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING').run('workspace', envelope.id)
    return {
      id: envelope.id,
      folder,
      createdAt: envelope.createdAt,
      keyInKeychain: envelope.keychain !== null,
      keychainAnswered: envelope.keychain === null ? null : keychainAnswered,
      database,
      secrets: createSealedSecrets(database, dataKey, clock),
      payloads: await openPayloadStore(join(folder, 'payloads'), dataKey),
      openCopy: (file) => openDatabase({ file, key: dataKey }),
      deriveKey: (salt, purpose) => derivedKey(dataKey, salt, purpose),
      close: async () => {
        database.close()
        await Promise.resolve()
      },
    }
  } catch (error) {
    database.close()
    throw error
  }
}

export function derivedKey(dataKey: Buffer, salt: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', dataKey, salt, purpose, 32))
}
