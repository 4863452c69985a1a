/** What domains ask of the machine: contents, digests, addresses. */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import type { ResolvedFile } from '../kernel/call-context.ts'
import { digestOf } from '../kernel/content-digest.ts'
import { AppError, systemCode } from '../kernel/errors.ts'

const MOST_KEY_BYTES = 1024 * 1024

/** The content of a file with keys or certificates. Rejects with `key.malformed` where it is larger than any is, else `input.unreadable`. */
export async function readContent(file: ResolvedFile): Promise<Buffer> {
  try {
    const content = await readFile(file.path)
    if (content.length > MOST_KEY_BYTES) throw new AppError('key.malformed', `${file.name} has ${content.length} bytes; no key or certificate file is that large`)
    return content
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('input.unreadable', `${file.name} cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  }
}

/** SHA-256 of a file as lower-case hex. Rejects with `input.unreadable`. */
export async function sha256OfFile(path: string, signal: AbortSignal): Promise<string> {
  try {
    return (await digestOf(createReadStream(path, { signal, highWaterMark: 1024 * 1024 }))).sha256
  } catch (error) {
    throw new AppError('input.unreadable', `the file cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  }
}

/** Whether this computer has an address besides its own loopback. */
export const hasAddress = (): boolean => Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ internal }) => !internal))
