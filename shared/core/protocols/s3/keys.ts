/** The boundary: bucket and prefix, which no call of ours can leave. Pure. */
import type { S3Connection } from '../../../contract/connections/s3.ts'
import { AppError } from '../../kernel/errors.ts'

/** S3 counts bytes of UTF-8. */
const MOST_KEY_BYTES = 1024

export interface KeySpace {
  /** Prefix and folder, ending with a slash, or empty for the whole bucket. */
  readonly root: string
  /** The key of a plain name. Rejects with `remote.name_refused` whatever could mean another place. */
  keyOf(name: string): string
  /** The plain name of a key, or null when it is not directly in here. */
  nameOf(key: string): string | null
  /** The same for another folder below the prefix. */
  inFolder(folder: string): KeySpace
}

/** Rejects with `remote.folder_missing` for a folder that would lead out of the prefix. */
export function keySpace({ prefix }: Pick<S3Connection, 'prefix'>, folder: string): KeySpace {
  const root = `${prefix}${folderPath(folder)}`
  return {
    root,
    keyOf(name) {
      const problem = problemOf(name)
      const key = `${root}${name}`
      if (problem !== null || Buffer.byteLength(key) > MOST_KEY_BYTES)
        throw new AppError('remote.name_refused', `${JSON.stringify(name)}: ${problem ?? `the key would have more than ${MOST_KEY_BYTES} bytes`}`, { details: { name } })
      return key
    },
    nameOf(key) {
      if (!key.startsWith(root)) return null
      const name = key.slice(root.length)
      return problemOf(name) === null ? name : null
    },
    inFolder: (other) => keySpace({ prefix }, other),
  }
}

function folderPath(folder: string): string {
  if (folder === '.' || folder === '') return ''
  const parts = folder.replace(/\/$/, '').split('/')
  if (parts.some((part) => problemOf(part) !== null)) throw new AppError('remote.folder_missing', `${JSON.stringify(folder)} is not a folder below the prefix`, { details: { folder } })
  return `${parts.join('/')}/`
}

/** `.` and `..` are ordinary characters to S3, but not to the proxies, gateways and tools on the way. */
function problemOf(part: string): string | null {
  if (part === '' || part === '.' || part === '..') return 'it is empty or stands for a folder'
  if (/[/\\]/.test(part)) return 'it contains a slash'
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
  if (/[\u0000-\u001f\u007f]/.test(part)) return 'it contains a control character'
  // A lone half of a pair has no UTF-8 form: two names would become one key.
  return part.isWellFormed() ? null : 'it is not valid Unicode'
}
