/** The verbs of a file session on a folder of this computer or of the network. */
import { constants, type Stats } from 'node:fs'
import { link, lstat, open, opendir, rename, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, systemCode } from '../../kernel/errors.ts'
import type { FileSession, RemoteFile } from '../file-protocol.ts'
import { namedStaging } from '../named-staging.ts'
import { findPlace, pathIn, type Place } from './boundary.ts'
import { shareError } from './errors.ts'

const READ_BYTES = 1024 * 1024
/** What was written counts as there once it is on the disk; this often. */
const FLUSH_BYTES = 16 * 1024 * 1024
/** Enough to let the disk flush many at a time. */
const FILES_AT_ONCE = 16
/** A network share whose server is gone answers nothing at all. */
const IDLE_MS = 120_000

/** Links are not followed: they could lead out. Pipes do not block. */
const SAFELY = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** File systems without hard links say so in many ways. */
const NO_LINKS: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EINVAL']

/** Opens a folder below the share. Rejects as `findPlace` does. */
export async function openFolderSession(share: string, wanted: string): Promise<FileSession> {
  const place = await answering(findPlace(share, wanted), { verb: 'open', name: '.', folder: share })
  const { folder } = place
  let exclusive: 'atomic' | 'checked' = 'atomic'
  let closed = false

  const doing = async <T>(verb: string, name: string, action: () => Promise<T>): Promise<T> => {
    if (closed) throw new AppError('net.connection_lost', 'the session was closed')
    return await answering(action(), { verb, name, folder })
  }

  const stat = async (name: string): Promise<RemoteFile | null> => {
    const path = await pathIn(place, name)
    try {
      return remoteFile(name, await lstat(path))
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null
      throw error
    }
  }

  const renameInto = async (from: string, to: string, target: Place): Promise<void> => {
    const [source, wanted] = [await pathIn(place, from), await pathIn(target, to)]
    if (!(await lstat(source)).isFile()) throw new AppError('remote.not_found', `${from} is no file`, { details: { folder, name: from } })
    const taken = (): AppError => new AppError('remote.name_taken', `${target.folder} holds another file named ${to}`, { details: { folder: target.folder, name: to } })
    try {
      // A link fails where the name is taken, whereas a rename would overwrite.
      await link(source, wanted)
    } catch (error) {
      if (systemCode(error) === 'EEXIST') throw taken()
      if (!NO_LINKS.includes(systemCode(error) ?? '')) throw error
      exclusive = 'checked'
      if (await exists(wanted)) throw taken()
      await rename(source, wanted)
      await flushFolder(target.folder)
      return
    }
    // The new name must be there for certain before the old one goes.
    await flushFolder(target.folder)
    await unlink(source)
    await flushFolder(folder)
  }

  const verbs = {
    list: async (signal?: AbortSignal): Promise<readonly RemoteFile[]> =>
      await doing('list', '.', async () => {
        const found: RemoteFile[] = []
        await pathIn(place, 'any')
        for await (const { name } of await opendir(folder)) {
          signal?.throwIfAborted()
          // Gone since it was listed: not there.
          const entry = await lstat(join(folder, name)).catch(() => null)
          if (entry !== null) found.push(remoteFile(name, entry))
        }
        return found
      }),

    stat: async (name: string) => await doing('look up', name, async () => await stat(name)),

    async *read(name: string, options: { readonly offset: number; readonly signal: AbortSignal }): AsyncIterable<Uint8Array> {
      options.signal.throwIfAborted()
      const file = await doing('read', name, async () => await openFile(await pathIn(place, name), constants.O_RDONLY, name))
      try {
        for (let at = options.offset; ; ) {
          options.signal.throwIfAborted()
          const { bytesRead, buffer } = await doing('read', name, async () => await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, at))
          if (bytesRead === 0) return
          at += bytesRead
          yield buffer.subarray(0, bytesRead)
        }
      } finally {
        await file.close()
      }
    },

    async write(name: string, content: AsyncIterable<Uint8Array>, { offset, onAcknowledged, signal }: Parameters<FileSession['write']>[2]): Promise<void> {
      signal.throwIfAborted()
      const flags = offset === 0 ? constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC : constants.O_WRONLY
      const file = await doing('write', name, async () => await openFile(await pathIn(place, name), flags, name))
      let [position, flushed] = [offset, offset]
      const flush = async (): Promise<void> => {
        await doing('write', name, async () => await file.sync())
        flushed = position
        onAcknowledged(position)
      }
      try {
        for await (const chunk of content) {
          signal.throwIfAborted()
          await doing('write', name, async () => await writeAll(file, chunk, position))
          position += chunk.length
          if (position - flushed >= FLUSH_BYTES) await flush()
        }
        signal.throwIfAborted()
        await doing('write', name, async () => await file.truncate(position))
        await flush()
      } finally {
        await file.close()
      }
    },

    rename: async (from: string, to: string, into?: string) => await doing('rename', to, async () => await renameInto(from, to, into === undefined ? place : await findPlace(share, into))),

    remove: async (name: string) =>
      await doing('remove', name, async () => {
        try {
          await unlink(await pathIn(place, name))
        } catch (error) {
          if (systemCode(error) === 'ENOENT') return false
          throw error
        }
        await flushFolder(folder)
        return true
      }),
  }

  return {
    ...verbs,
    observed: { transport: 'file system', share: place.share },
    folder,
    capabilities: {
      staging: 'named',
      // Reading it ourselves would prove no more than reading it back.
      serverHash: false,
      resume: true,
      get exclusiveRename() {
        return exclusive
      },
      filesAtOnce: FILES_AT_ONCE,
    },
    hash: async () => await Promise.resolve(null),
    staging: namedStaging(verbs),
    async close() {
      closed = true
      await Promise.resolve()
    },
  }
}

/** An error in our words, or `net.idle` when nothing comes for long. The call itself cannot be taken back. */
async function answering<T>(action: Promise<T>, context: { readonly verb: string; readonly name: string; readonly folder: string }): Promise<T> {
  let limit: NodeJS.Timeout | undefined
  const silent = new Promise<never>((_, reject) => {
    limit = setTimeout(() => reject(new AppError('net.idle', `${context.folder} did not answer within ${IDLE_MS / 1000} s`, { details: { folder: context.folder } })), IDLE_MS)
  })
  try {
    return await Promise.race([action, silent])
  } catch (error) {
    throw shareError(error, context)
  } finally {
    clearTimeout(limit)
  }
}

async function openFile(path: string, flags: number, name: string): Promise<FileHandle> {
  const file = await open(path, flags | SAFELY, 0o666)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new AppError('remote.name_taken', `${name} is no file`, { details: { name } })
}

async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at, chunk.length - at, position + at)).bytesWritten
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}

/** Names live in the folder; without this a power cut may forget them. Not every system and share can. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY).catch(() => null)
  if (folder === null) return
  try {
    await folder.sync()
  } catch {
    // Windows and some shares refuse it.
  } finally {
    await folder.close()
  }
}

function remoteFile(name: string, found: Stats): RemoteFile {
  return { name, kind: found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other', size: found.size, modifiedAt: new Date(found.mtimeMs).toISOString() }
}
