/** Where the local socket of a workspace lies. */
import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../../core/kernel/errors.ts'

/** The kernel's limit for socket paths is 104 bytes on macOS and 108 on Linux, with the closing NUL. */
const LONGEST = 103

/**
 * A place for the socket of the workspace in `folder` (absolute): a named pipe on Windows; else the user's runtime folder,
 * or a folder of our own under the temporary one. Not inside the workspace: that may be a network share, where sockets do
 * not work. Creates the folder, for the owner only.
 */
export function chooseSocketPath(folder: string, env: Readonly<Record<string, string | undefined>> = process.env, platform: string = process.platform): string {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 24)
  if (platform === 'win32') return `\\\\.\\pipe\\waybill-${name}`
  const runtime = env['XDG_RUNTIME_DIR']
  const candidates = [...(runtime?.startsWith('/') === true ? [join(runtime, 'waybill')] : []), join(tmpdir(), `waybill-${process.getuid?.() ?? 0}`)]
  let problem: unknown = new AppError('workspace.bad_folder', 'There is no folder for the local socket.')
  for (const candidate of candidates) {
    const path = join(candidate, `${name}.sock`)
    if (Buffer.byteLength(path) > LONGEST) continue
    try {
      makePrivateFolder(candidate)
      return path
    } catch (error) {
      problem = error
    }
  }
  throw problem
}

/** Owner only, also when somebody else made it before us. */
function makePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (!found.isDirectory() || found.uid !== process.getuid?.())
    throw new AppError('workspace.bad_folder', `The folder for the local socket belongs to somebody else: ${folder}`)
  if ((found.mode & 0o077) !== 0) chmodSync(folder, 0o700)
}
