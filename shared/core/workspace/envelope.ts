/** `workspace.json`: who the workspace is, and its data key wrapped twice. The data key itself never touches the disk. */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { AppError, systemCode } from '../kernel/errors.ts'
import { folderError, replaceFile } from './files.ts'

const Wrapped = z.object({ nonce: z.string(), tag: z.string(), key: z.string() })

export const Envelope = z.object({
  format: z.literal(1),
  id: z.string().min(1),
  createdAt: z.string(),
  passphrase: Wrapped.extend({ kdf: z.literal('scrypt'), n: z.number().int().max(2 ** 20), r: z.number().int().max(32), p: z.number().int().max(16), salt: z.string() }),
  /** Wrapped by a key that the keychain holds under `account`; null when the workspace opens with the passphrase only. */
  keychain: Wrapped.extend({ account: z.string() }).nullable(),
})
export type Envelope = z.infer<typeof Envelope>

const KEY_BYTES = 32
/** One of the settings that OWASP's password storage advice lists as equal in strength; this one needs 32 MiB. */
const SCRYPT = { n: 2 ** 15, r: 8, p: 3 } as const
/** Of deriving a key from a passphrase. */
export type Cost = Readonly<Record<'n' | 'r' | 'p', number>>

const fileOf = (folder: string): string => join(folder, 'workspace.json')

/** Null when there is none. Rejects with `workspace.corrupt` when it cannot be understood. */
export async function readEnvelope(folder: string): Promise<Envelope | null> {
  let text: string
  try {
    text = await readFile(fileOf(folder), 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw folderError(error)
  }
  try {
    return Envelope.parse(JSON.parse(text))
  } catch (error) {
    throw new AppError('workspace.corrupt', 'workspace.json cannot be understood', { cause: error })
  }
}

export async function writeEnvelope(folder: string, envelope: Envelope): Promise<void> {
  await replaceFile(fileOf(folder), `${JSON.stringify(envelope, null, 2)}\n`)
}

/** A new data key and its envelope, wrapped by the passphrase alone. */
export async function newEnvelope(id: string, createdAt: string, passphrase: string, cost?: Cost): Promise<{ envelope: Envelope; dataKey: Buffer }> {
  const dataKey = randomBytes(KEY_BYTES)
  return { dataKey, envelope: { format: 1, id, createdAt, passphrase: await wrapByPassphrase(id, dataKey, passphrase, cost), keychain: null } }
}

/** The data key of workspace `id` wrapped by a passphrase, with a salt of its own. Only tests, which open a workspace a thousand times, ask for a lower cost. */
export async function wrapByPassphrase(id: string, dataKey: Buffer, passphrase: string, cost: Cost = SCRYPT): Promise<Envelope['passphrase']> {
  const salt = randomBytes(16)
  return { kdf: 'scrypt', ...cost, salt: salt.toString('base64'), ...wrap(dataKey, await derive(passphrase, salt, cost), `${id}/passphrase`) }
}

/** Rejects with `workspace.wrong_passphrase`. */
export async function openWithPassphrase(envelope: Envelope, passphrase: string): Promise<Buffer> {
  const { salt, n, r, p } = envelope.passphrase
  const key = unwrap(envelope.passphrase, await derive(passphrase, Buffer.from(salt, 'base64'), { n, r, p }), `${envelope.id}/passphrase`)
  if (key === null) throw new AppError('workspace.wrong_passphrase', 'the passphrase does not open workspace.json')
  return key
}

/** The envelope with the data key also wrapped by a new wrapping key, which belongs into the keychain (base64). */
export function wrapForKeychain(envelope: Envelope, dataKey: Buffer): { envelope: Envelope; account: string; wrappingKey: string } {
  const wrappingKey = randomBytes(KEY_BYTES)
  // A new account each time: until the envelope is replaced, the old one must go on opening it.
  const account = `workspace-${envelope.id}-${randomBytes(4).toString('hex')}`
  return { account, wrappingKey: wrappingKey.toString('base64'), envelope: { ...envelope, keychain: { account, ...wrap(dataKey, wrappingKey, `${envelope.id}/keychain`) } } }
}

/** Null when the value does not open the envelope. */
export function openWithWrappingKey(envelope: Envelope, wrappingKey: string): Buffer | null {
  if (envelope.keychain === null) return null
  return unwrap(envelope.keychain, Buffer.from(wrappingKey, 'base64'), `${envelope.id}/keychain`)
}

function wrap(dataKey: Buffer, wrappingKey: Buffer, label: string): z.infer<typeof Wrapped> {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', wrappingKey, nonce).setAAD(Buffer.from(label))
  const key = Buffer.concat([cipher.update(dataKey), cipher.final()])
  return { nonce: nonce.toString('base64'), tag: cipher.getAuthTag().toString('base64'), key: key.toString('base64') }
}

function unwrap(wrapped: z.infer<typeof Wrapped>, wrappingKey: Buffer, label: string): Buffer | null {
  try {
    const decipher = createDecipheriv('aes-256-gcm', wrappingKey, Buffer.from(wrapped.nonce, 'base64'))
      .setAAD(Buffer.from(label))
      .setAuthTag(Buffer.from(wrapped.tag, 'base64'))
    const key = Buffer.concat([decipher.update(Buffer.from(wrapped.key, 'base64')), decipher.final()])
    return key.length === KEY_BYTES ? key : null
  } catch {
    return null
  }
}

async function derive(passphrase: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  const run = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt)
  // Normalised, so that the same characters typed on another system are the same passphrase.
  return await run(passphrase.normalize('NFC'), salt, KEY_BYTES, { N: cost.n, r: cost.r, p: cost.p, maxmem: 256 * cost.n * cost.r })
}
