/** Files that are dropped onto a browser window: their bytes come in by HTTP, into a spool folder that only we read. */
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, mkdir, readdir, rm, statfs } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError, systemCode } from '../../core/kernel/errors.ts'
import type { CapabilityStore } from '../capabilities.ts'

/** What stays free on the disk for the ledger and everything else. */
export const RESERVED_BYTES = 256 * 1024 * 1024
const MOST_AT_ONCE = 8
const IDLE_MS = 60_000
const PREFIX = 'upload-'

export interface Uploads {
  /** Makes the spool folder and removes what a crash left in it. */
  prepare(): Promise<void>
  /** Takes the body in; rejects with an `AppError` and leaves nothing behind. */
  receive(request: IncomingMessage, name: string): Promise<{ readonly capability: string; readonly name: string; readonly size: number }>
  /** Removes every spooled file. */
  clear(): Promise<void>
}

export interface UploadOptions {
  readonly folder: string
  readonly capabilities: CapabilityStore
  /** Bytes that may be written; default: what is free on the disk less a reserve. */
  readonly room?: (folder: string) => Promise<number>
  readonly idleMs?: number
}

export function createUploads(options: UploadOptions): Uploads {
  const { folder, capabilities } = options
  const room = options.room ?? freeBytes
  let running = 0

  async function removeAll(): Promise<void> {
    for (const name of await readdir(folder).catch(() => [])) {
      if (name.startsWith(PREFIX)) await rm(join(folder, name), { force: true })
    }
  }

  return {
    async prepare() {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await chmod(folder, 0o700)
      await removeAll()
    },
    async receive(request, name) {
      checkName(name)
      if (running >= MOST_AT_ONCE) throw new AppError('call.too_many', `More than ${MOST_AT_ONCE} files are being taken in.`)
      running++
      const path = join(folder, `${PREFIX}${randomBytes(16).toString('hex')}`)
      try {
        const size = await spool(request, path, await room(folder), options.idleMs ?? IDLE_MS)
        return { capability: capabilities.grant({ path, name, size, spooled: true }), name, size }
      } catch (error) {
        await rm(path, { force: true })
        throw explain(error, name)
      } finally {
        running--
      }
    },
    clear: removeAll,
  }
}

/** One plain name, as every file system can hold it. */
function checkName(name: string): void {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (name === '' || name === '.' || name === '..' || /[/\\\u0000-\u001f\u007f]/.test(name) || Buffer.byteLength(name) > 255)
    throw new AppError('delivery.bad_name', 'name: must be one plain file name of at most 255 bytes')
}

async function spool(request: IncomingMessage, path: string, most: number, idleMs: number): Promise<number> {
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > most) throw noRoom(declared, most)
  let size = 0
  const idle = new AbortController()
  const stopWaiting = (): void => idle.abort(new AppError('call.timed_out', 'The window stopped sending the file.'))
  let timer = setTimeout(stopWaiting, idleMs)
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      clearTimeout(timer)
      timer = setTimeout(stopWaiting, idleMs)
      size += chunk.length
      done(size > most ? noRoom(size, most) : null, chunk)
    },
  })
  try {
    await pipeline(request, count, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal: idle.signal })
  } catch (error) {
    throw idle.signal.aborted ? idle.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
  if (request.headers['content-length'] !== undefined && size !== declared)
    throw new AppError('call.disconnected', 'The window ended before the whole file had come.')
  return size
}

function noRoom(size: number, most: number): AppError {
  return new AppError('workspace.disk_full', `The file (${size} bytes) is larger than the ${Math.max(0, most)} bytes that may be used on this disk.`)
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize - RESERVED_BYTES
}

function explain(error: unknown, name: string): AppError {
  if (error instanceof AppError) return error
  if (systemCode(error) === 'ENOSPC') return new AppError('workspace.disk_full', `There is no space left for ${name}.`, { cause: error })
  if (systemCode(error) === 'ERR_STREAM_PREMATURE_CLOSE' || systemCode(error) === 'ECONNRESET')
    return new AppError('call.disconnected', 'The window ended before the whole file had come.', { cause: error })
  return new AppError('internal.unexpected', 'The file could not be taken in.', { cause: error })
}
