/** The share is the boundary: no name, no link and no setting leads out of it. */
import { lstat, realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { AppError } from '../../kernel/errors.ts'
import { shareError } from './errors.ts'

/** A folder inside a share, both as they really are. */
export interface Place {
  readonly share: string
  readonly folder: string
}

/** Rejects with `remote.folder_missing`, `remote.permission_denied`, `folder.outside` or `net.connection_lost`. */
export async function findPlace(share: string, wanted: string): Promise<Place> {
  const root = await realFolder(share)
  const asked = resolve(root, wanted)
  if (!isInside(root, asked)) throw outside(share, wanted)
  const folder = await realFolder(asked)
  if (!isInside(root, folder)) throw outside(share, wanted)
  return { share: root, folder }
}

/** The path of a plain name in the folder, as long as the folder is still what it was. Rejects with `remote.name_refused` or `folder.outside`. */
export async function pathIn(place: Place, name: string): Promise<string> {
  if (!isPlainName(name)) throw new AppError('remote.name_refused', `${JSON.stringify(name)} is no plain name`, { details: { folder: place.folder, name } })
  // Somebody else may write there: a folder that became a link since leads elsewhere.
  if ((await realFolder(place.folder)) !== place.folder) throw outside(place.share, place.folder)
  return join(place.folder, name)
}

/** A name in one folder, and nothing that the system reads as more. */
export function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('\0') && !name.includes('/') && !(sep === '\\' && /[\\:]/.test(name))
}

async function realFolder(path: string): Promise<string> {
  try {
    const real = await realpath(path)
    if (!(await lstat(real)).isDirectory()) throw new AppError('remote.folder_missing', `${path} is not a folder`, { details: { folder: path } })
    return real
  } catch (error) {
    const known = shareError(error, { verb: 'open', name: '.', folder: path })
    throw known.code === 'remote.not_found' ? new AppError('remote.folder_missing', `there is no folder ${path}`, { details: { folder: path }, cause: error }) : known
  }
}

function isInside(root: string, path: string): boolean {
  const between = relative(root, path)
  return between === '' || (!isAbsolute(between) && between !== '..' && !between.startsWith(`..${sep}`))
}

function outside(share: string, path: string): AppError {
  return new AppError('folder.outside', `${path} leads out of the share ${share}`, { details: { share, path } })
}
