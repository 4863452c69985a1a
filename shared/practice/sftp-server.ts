/** The practice partner's SFTP: a real server for one account, confined to one folder. */
import { constants as fsConstants } from 'node:fs'
import { link, lstat, mkdir, open, readdir, rm, rmdir, unlink, type FileHandle } from 'node:fs/promises'
import { join, posix } from 'node:path'
import ssh2, { type Attributes, type Connection, type FileEntryWithStats, type SFTPWrapper } from 'ssh2'
import { systemCode } from '../core/kernel/errors.ts'
import { isAccount, type PracticeAccount } from './account.ts'

// The library has it on both sides; its types name it on the client's only.
declare module 'ssh2' {
  interface Connection {
    setNoDelay(noDelay?: boolean): this
  }
}

const { STATUS_CODE, OPEN_MODE } = ssh2.utils.sftp

export interface SftpServer {
  readonly port: number
  close(): Promise<void>
}

type OpenHandle = { readonly kind: 'file'; readonly file: FileHandle } | { readonly kind: 'folder'; entries: FileEntryWithStats[] }

/** Listens on a free port of this computer only. `hostKey`: private key text. `folder` must exist. `software`: what it says that it is. */
export async function startSftpServer(options: { readonly hostKey: string; readonly folder: string; readonly account: PracticeAccount; readonly software?: string }): Promise<SftpServer> {
  const connections = new Set<Connection>()
  const server = new ssh2.Server({ hostKeys: [options.hostKey], ident: options.software ?? 'WaybillPractice_1' }, (connection) => {
    connections.add(connection)
    // Otherwise each answer waits for the client's delayed acknowledgement: 40 ms a step.
    connection.setNoDelay(true)
    connection.on('close', () => connections.delete(connection))
    // A client that goes away in the middle is everyday business.
    connection.on('error', () => undefined)
    connection.on('authentication', (context) => {
      if (context.method === 'password' && isAccount(options.account, context.username, context.password)) context.accept()
      else context.reject(['password'])
    })
    connection.on('session', (accept) => {
      accept().on('sftp', (acceptSftp) => serveSftp(acceptSftp(), options.folder))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      for (const connection of connections) connection.end()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** The absolute name as the client sees it; `..` cannot leave the folder. */
function virtualPath(given: string): string {
  return posix.resolve('/', given.replaceAll('\0', ''))
}

/** Serves one SFTP channel from a folder, and nothing outside it. */
export function serveSftp(sftp: SFTPWrapper, folder: string): void {
  const handles = new Map<number, OpenHandle>()
  let nextHandle = 0
  const real = (given: string): string => join(folder, virtualPath(given))

  /** Answers with the action's status; a failure becomes the protocol's status. */
  const answer = (id: number, action: () => Promise<void>): void => {
    action().catch((error: unknown) => sftp.status(id, statusOf(error)))
  }
  const done = (id: number): void => sftp.status(id, STATUS_CODE.OK)
  const give = (id: number, entry: OpenHandle): void => {
    const handle = Buffer.alloc(4)
    handle.writeUInt32BE(nextHandle)
    handles.set(nextHandle++, entry)
    sftp.handle(id, handle)
  }
  const taken = (handle: Buffer): OpenHandle => {
    const entry = handle.length === 4 ? handles.get(handle.readUInt32BE()) : undefined
    if (entry === undefined) throw new Error('unknown handle')
    return entry
  }
  const fileOf = (handle: Buffer): FileHandle => {
    const entry = taken(handle)
    if (entry.kind !== 'file') throw new Error('not a file')
    return entry.file
  }

  sftp.on('REALPATH', (id, path) => sftp.name(id, [{ filename: virtualPath(path), longname: virtualPath(path), attrs: emptyAttributes }]))
  sftp.on('OPEN', (id, path, flags) => answer(id, async () => give(id, { kind: 'file', file: await open(real(path), nodeFlags(flags), 0o600) })))
  sftp.on('READ', (id, handle, offset, length) =>
    answer(id, async () => {
      const buffer = Buffer.alloc(Math.min(length, 256 * 1024))
      const { bytesRead } = await fileOf(handle).read(buffer, 0, buffer.length, offset)
      if (bytesRead === 0) sftp.status(id, STATUS_CODE.EOF)
      else sftp.data(id, buffer.subarray(0, bytesRead))
    }),
  )
  sftp.on('WRITE', (id, handle, offset, data) =>
    answer(id, async () => {
      const file = fileOf(handle)
      for (let at = 0; at < data.length; ) at += (await file.write(data, at, data.length - at, offset + at)).bytesWritten
      done(id)
    }),
  )
  sftp.on('FSTAT', (id, handle) => answer(id, async () => sftp.attrs(id, attributesOf(await fileOf(handle).stat()))))
  sftp.on('FSETSTAT', (id) => done(id))
  sftp.on('SETSTAT', (id) => done(id))
  for (const verb of ['STAT', 'LSTAT'] as const) sftp.on(verb, (id: number, path: string) => answer(id, async () => sftp.attrs(id, attributesOf(await lstat(real(path))))))
  sftp.on('CLOSE', (id, handle) =>
    answer(id, async () => {
      const entry = taken(handle)
      handles.delete(handle.readUInt32BE())
      if (entry.kind === 'file') await entry.file.close()
      done(id)
    }),
  )
  sftp.on('OPENDIR', (id, path) => answer(id, async () => give(id, { kind: 'folder', entries: await entriesOf(real(path)) })))
  sftp.on('READDIR', (id, handle) =>
    answer(id, async () => {
      const entry = await Promise.resolve(taken(handle))
      const entries = entry.kind === 'folder' ? entry.entries.splice(0, 100) : []
      if (entries.length === 0) sftp.status(id, STATUS_CODE.EOF)
      else sftp.name(id, entries)
    }),
  )
  sftp.on('REMOVE', (id, path) =>
    answer(id, async () => {
      await unlink(real(path))
      done(id)
    }),
  )
  sftp.on('MKDIR', (id, path) =>
    answer(id, async () => {
      await mkdir(real(path))
      done(id)
    }),
  )
  sftp.on('RMDIR', (id, path) =>
    answer(id, async () => {
      await rmdir(real(path))
      done(id)
    }),
  )
  sftp.on('RENAME', (id, from, to) =>
    answer(id, async () => {
      // As OpenSSH does it: a link fails where the name is taken, whereas a rename would overwrite.
      await link(real(from), real(to))
      await rm(real(from))
      done(id)
    }),
  )
  // OpenSSH's client waits for our end of the channel before it quits.
  sftp.on('end', () => sftp.end())
  sftp.on('close', () => {
    for (const entry of handles.values()) if (entry.kind === 'file') void entry.file.close().catch(() => undefined)
    handles.clear()
  })
}

function statusOf(error: unknown): number {
  const code = systemCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return STATUS_CODE.NO_SUCH_FILE
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return STATUS_CODE.PERMISSION_DENIED
  if (code === 'ENAMETOOLONG' || code === 'EINVAL') return STATUS_CODE.BAD_MESSAGE
  return STATUS_CODE.FAILURE
}

const emptyAttributes = { mode: 0o40700, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 } as FileEntryWithStats['attrs']

function attributesOf(found: { mode: number; size: number; atimeMs: number; mtimeMs: number }): Attributes {
  return { mode: found.mode, uid: 0, gid: 0, size: found.size, atime: Math.floor(found.atimeMs / 1000), mtime: Math.floor(found.mtimeMs / 1000) }
}

async function entriesOf(folder: string): Promise<FileEntryWithStats[]> {
  const names = await readdir(folder)
  return await Promise.all(
    names.map(async (filename) => {
      const found = await lstat(join(folder, filename))
      const attrs = attributesOf(found) as FileEntryWithStats['attrs']
      return { filename, longname: `${found.isDirectory() ? 'd' : '-'}rw------- 1 practice practice ${found.size} ${found.mtime.toISOString()} ${filename}`, attrs }
    }),
  )
}

/** The protocol's open flags as the operating system's. Links are not followed: they could lead out of the folder. */
function nodeFlags(flags: number): number {
  const reads = (flags & OPEN_MODE.READ) !== 0
  const writes = (flags & (OPEN_MODE.WRITE | OPEN_MODE.APPEND)) !== 0
  let result = writes ? (reads ? fsConstants.O_RDWR : fsConstants.O_WRONLY) : fsConstants.O_RDONLY
  if (flags & OPEN_MODE.CREAT) result |= fsConstants.O_CREAT
  if (flags & OPEN_MODE.TRUNC) result |= fsConstants.O_TRUNC
  if (flags & OPEN_MODE.EXCL) result |= fsConstants.O_EXCL
  if (flags & OPEN_MODE.APPEND) result |= fsConstants.O_APPEND
  return result | (fsConstants.O_NOFOLLOW ?? 0)
}
