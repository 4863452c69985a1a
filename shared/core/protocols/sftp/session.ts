/** The verbs of a file session over SFTP. */
import type { SFTPWrapper, Stats } from 'ssh2'
import { AppError } from '../../kernel/errors.ts'
import type { FileSession, RemoteFile, WriteOptions } from '../file-protocol.ts'
import { createChannels } from './channels.ts'
import type { Connected } from './connect.ts'
import { namedStaging } from '../named-staging.ts'
import { operationError, STATUS, type Doing } from './errors.ts'
import { readAll, writeAll, type Handle } from './pipeline.ts'
import { createServerHash } from './server-hash.ts'

const CLOSE_WITHIN_MS = 2_000
/** Requests of many files mix well on one channel; servers permit a hundred open files and more, OpenSSH as many as the system. */
const FILES_AT_ONCE = 16
const FILES_AT_ONCE_AT_OPENSSH = 32

type Callback<T> = (error: Error | null | undefined, value: T) => void

function answered<T>(call: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error) reject(error)
      else resolve(value)
    })
  })
}

/**
 * Opens the connection's folder on an authenticated connection. Rejects with `remote.folder_missing` or `remote.permission_denied`.
 * `checksums`: what is written will be asked for its checksum, which is begun as soon as it can be.
 */
export async function openSession(connected: Connected, wanted: string, { checksums = false } = {}): Promise<FileSession> {
  const { ssh, sftp, observed } = connected
  let ended: AppError | null = null
  ssh.on('error', (error) => {
    ended = /keepalive timeout/i.test(error.message)
      ? new AppError('net.idle', 'the server did not answer for the whole idle time', { cause: error })
      : new AppError('net.connection_lost', error.message, { cause: error })
  })
  // The library answers what is under way when the line goes, but nothing that is asked afterwards.
  const gone = new AbortController()
  const lost = new Promise<never>((_, reject) => {
    gone.signal.addEventListener('abort', () => reject(gone.signal.reason as AppError), { once: true })
  })
  const whenGone = lost.catch(() => false)
  ssh.once('close', () => gone.abort(ended ?? new AppError('net.connection_lost', 'the server or the line ended the connection')))

  const folder = await Promise.race([openFolder(sftp, wanted), lost])
  const pathOf = (name: string): string => pathIn(folder, name)
  const serverHashes = createServerHash(ssh)
  const isOpenSsh = isServedByOpenSsh(sftp, observed['serverSoftware'] ?? '')
  const channels = createChannels(ssh, sftp, isOpenSsh)
  let serverHash = true
  // Checksums of what was just written, begun while the server still flushes it.
  const begun = new Map<string, Promise<string | null>>()

  const doing = async <T>(verb: string, name: string, action: () => Promise<T>): Promise<T> => {
    try {
      gone.signal.throwIfAborted()
      return await Promise.race([action(), lost])
    } catch (error) {
      throw await explained(error, { verb, name, folder })
    }
  }
  const full = async (): Promise<boolean> => !gone.signal.aborted && (await Promise.race([isFull(sftp, folder), whenGone]))
  const explained = async (error: unknown, context: Doing): Promise<unknown> => {
    const known = operationError(error, context)
    // Whatever the request reported, it failed because the connection is gone.
    if (ended !== null && known !== error) return ended
    return known.code === 'remote.failed' && (await full()) ? new AppError('remote.no_space', known.message, { details: known.details, cause: error }) : known
  }

  const stat = async (name: string): Promise<RemoteFile | null> => await statOf(sftp, pathOf(name), name)

  /** Opens, writes, flushes and closes. OpenSSH works on requests in order, so that what follows the content need not wait for its answers. */
  const put = async (channel: SFTPWrapper, name: string, content: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void> => {
    const handle = await answered<Handle>((done) => channel.open(pathOf(name), options.offset === 0 ? 'w' : 'r+', done))
    let [flushing, closing]: [Promise<void> | undefined, Promise<unknown> | undefined] = [undefined, undefined]
    const finish = (): void => {
      flushing ??= flush(channel, handle)
      closing ??= answered((done) => channel.close(handle, (error) => done(error, undefined)))
      // The first failure is the one that matters.
      for (const end of [flushing, closing]) end.catch(() => undefined)
    }
    try {
      const bytes = await writeAll(channel, handle, content, isOpenSsh ? { ...options, onSent: finish } : options)
      if (checksums && serverHash) begun.set(name, serverHashes.of(pathOf(name), bytes))
      flushing ??= flush(channel, handle)
      await flushing
      finish()
      await closing
    } catch (error) {
      // The server forgets the handle with the connection anyway.
      if (closing === undefined) channel.close(handle, () => undefined)
      throw error
    }
  }

  const session: Omit<FileSession, 'staging'> = {
    observed,
    folder,
    capabilities: {
      staging: 'named',
      get serverHash() {
        return serverHash
      },
      resume: true,
      exclusiveRename: isOpenSsh ? 'atomic' : 'checked',
      filesAtOnce: isOpenSsh ? FILES_AT_ONCE_AT_OPENSSH : FILES_AT_ONCE,
    },

    list: async () =>
      await doing('list', '.', async () => {
        const entries = await answered<{ filename: string; attrs: Stats }[]>((done) => sftp.readdir(folder, done as never))
        return entries.filter(({ filename }) => filename !== '.' && filename !== '..').map(({ filename, attrs }) => remoteFile(filename, attrs))
      }),

    stat: async (name) => await doing('look up', name, async () => await stat(name)),

    async *read(name, options) {
      const { offset } = options
      const signal = AbortSignal.any([options.signal, gone.signal])
      try {
        signal.throwIfAborted()
        const handle = await answered<Handle>((done) => sftp.open(pathOf(name), 'r', done))
        try {
          const { size } = await answered<Stats>((done) => sftp.fstat(handle, done))
          yield* readAll(sftp, handle, { offset, size, signal })
        } finally {
          sftp.close(handle, () => undefined)
        }
      } catch (error) {
        options.signal.throwIfAborted()
        throw await explained(error, { verb: 'read', name, folder })
      }
    },

    async write(name: string, content: AsyncIterable<Uint8Array>, options: WriteOptions) {
      const signal = AbortSignal.any([options.signal, gone.signal])
      try {
        signal.throwIfAborted()
        begun.delete(name)
        if (checksums && serverHash) serverHashes.prepare()
        const written = channels.use(async (channel) => await put(channel, name, content, { ...options, signal }))
        await Promise.race([written, lost])
      } catch (error) {
        options.signal.throwIfAborted()
        throw await explained(error, { verb: 'write', name, folder })
      }
    },

    rename: async (from, to, into) =>
      await doing('rename', to, async () => {
        const target = into === undefined ? folder : await openFolder(sftp, into)
        const targetPath = pathIn(target, to)
        const isTaken = async (): Promise<boolean> => (await statOf(sftp, targetPath, to)) !== null
        const taken = (): AppError => new AppError('remote.name_taken', `${target} holds another file named ${to}`, { details: { folder: target, name: to } })
        // SFTP 3 says that a rename onto an existing name fails, and OpenSSH keeps to it; others overwrite, so we look first.
        if (!isOpenSsh && (await isTaken())) throw taken()
        begun.delete(from)
        try {
          await answered((done) => sftp.rename(pathOf(from), targetPath, (error) => done(error, undefined)))
        } catch (error) {
          if (Reflect.get(Object(error), 'code') === STATUS.failure && (await stat(from)) !== null && (await isTaken())) throw taken()
          throw error
        }
      }),

    remove: async (name) =>
      await doing('remove', name, async () => {
        begun.delete(name)
        try {
          await answered((done) => sftp.unlink(pathOf(name), (error) => done(error, undefined)))
          return true
        } catch (error) {
          if (Reflect.get(Object(error), 'code') === STATUS.noSuchFile) return false
          throw error
        }
      }),

    async hash(name, bytes) {
      const asked = begun.get(name) ?? (serverHash ? serverHashes.of(pathOf(name), bytes) : Promise.resolve(null))
      begun.delete(name)
      const found = await Promise.race([asked, lost])
      // An account without a shell has none for the next file either.
      serverHash = found !== null
      return found
    },

    async close() {
      if (gone.signal.aborted) return
      await new Promise<void>((resolve) => {
        const limit = setTimeout(() => {
          ssh.destroy()
          resolve()
        }, CLOSE_WITHIN_MS)
        ssh.once('close', () => {
          clearTimeout(limit)
          resolve()
        })
        ssh.end()
      })
    },
  }
  return { ...session, capabilities: session.capabilities, staging: namedStaging(session) }
}

/**
 * OpenSSH's greeting may stand before another program's files (a subsystem of the administrator's choice); what it offers tells: these
 * three are of OpenSSH 6.5 and later, and of nobody else who greets like it.
 */
function isServedByOpenSsh(sftp: SFTPWrapper, greeting: string): boolean {
  const offered = Object(Reflect.get(sftp, '_extensions')) as Record<string, unknown>
  return /OpenSSH/.test(greeting) && ['posix-rename@openssh.com', 'hardlink@openssh.com', 'fsync@openssh.com'].every((name) => offered[name] === '1')
}

function pathIn(folder: string, name: string): string {
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`
}

async function openFolder(sftp: SFTPWrapper, wanted: string): Promise<string> {
  try {
    const folder = await answered<string>((done) => sftp.realpath(wanted, done))
    const found = await answered<Stats>((done) => sftp.stat(folder, done))
    if (!found.isDirectory()) throw new AppError('remote.folder_missing', `${wanted} is not a folder there`, { details: { folder: wanted } })
    return folder
  } catch (error) {
    const known = operationError(error, { verb: 'open', name: wanted, folder: wanted })
    throw known.code === 'remote.not_found' ? new AppError('remote.folder_missing', `the server has no folder ${wanted}`, { details: { folder: wanted }, cause: error }) : known
  }
}

async function statOf(sftp: SFTPWrapper, path: string, name: string): Promise<RemoteFile | null> {
  try {
    // Not through links: a dangling one takes the name as well.
    return remoteFile(name, await answered<Stats>((done) => sftp.lstat(path, done)))
  } catch (error) {
    if (Reflect.get(Object(error), 'code') === STATUS.noSuchFile) return null
    throw error
  }
}

function remoteFile(name: string, attributes: Stats): RemoteFile {
  return {
    name,
    kind: attributes.isFile() ? 'file' : attributes.isDirectory() ? 'folder' : 'other',
    size: attributes.size,
    modifiedAt: typeof attributes.mtime === 'number' ? new Date(attributes.mtime * 1000).toISOString() : null,
  }
}

/** To the server's disk where it can (OpenSSH can): what is called delivered should survive its power cut. */
async function flush(sftp: SFTPWrapper, handle: Handle): Promise<void> {
  try {
    await answered((done) => sftp.ext_openssh_fsync(handle, (error) => done(error, undefined)))
  } catch (error) {
    const status: unknown = Reflect.get(Object(error), 'code')
    const unsupported = status === undefined || status === STATUS.unsupported
    if (!unsupported) throw error
  }
}

/** OpenSSH reports a full disk as a bare failure; the free space tells. */
async function isFull(sftp: SFTPWrapper, folder: string): Promise<boolean> {
  try {
    const space = await answered<{ f_bavail?: number; f_blocks?: number }>((done) => sftp.ext_openssh_statvfs(folder, done))
    return space.f_blocks !== undefined && space.f_blocks > 0 && (space.f_bavail ?? 1) === 0
  } catch {
    return false
  }
}
