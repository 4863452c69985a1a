/** Reads a JSON document and the secrets that it names. Files and environment variables are the operator's: only this side reads them. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { AppError, systemCode } from '../../core/kernel/errors.ts'

/** The parsed document; `-` reads standard input. */
export async function readDocument(file: string): Promise<unknown> {
  const text = file === '-' ? await readAll(process.stdin) : await readTextFile(file)
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new AppError('input.invalid', `${file}: not valid JSON (${error instanceof Error ? error.message : 'unreadable'})`)
  }
}

/**
 * Replaces `{ "file": … }` and `{ "env": … }` under the connections' `auth` by what they name.
 * Relative paths start at the document's folder.
 */
export async function resolveSecrets(document: unknown, file: string): Promise<unknown> {
  if (!isObject(document) || !Array.isArray(document['connections'])) return document
  const folder = file === '-' ? process.cwd() : dirname(resolve(file))
  const connections = await Promise.all(
    document['connections'].map(async (connection: unknown) => {
      if (!isObject(connection) || !isObject(connection['auth'])) return connection
      const fields = await Promise.all(Object.entries(connection['auth']).map(async ([name, value]) => [name, await secretValue(value, folder)] as const))
      return { ...connection, auth: Object.fromEntries(fields) as Record<string, unknown> }
    }),
  )
  return { ...document, connections }
}

/** A secret as it was written, or what `{ "file": … }` or `{ "env": … }` name. */
export async function secretValue(value: unknown, folder: string): Promise<unknown> {
  if (!isObject(value) || Object.keys(value).length !== 1) return value
  if (typeof value['file'] === 'string') return (await readTextFile(resolve(folder, value['file']))).replace(/\r?\n$/, '')
  if (typeof value['env'] === 'string') {
    const found = process.env[value['env']]
    if (found === undefined || found === '') throw new AppError('input.invalid', `the environment variable ${value['env']} is not set`)
    return found
  }
  return value
}

export async function readTextFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new AppError('input.unreadable', `${file} cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  }
}

async function readAll(stream: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks).toString('utf8')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
