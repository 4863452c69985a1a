/** What the file system says, in our words. Network shares fail like networks. */
import type { ErrorCode } from '../../../contract/errors/index.ts'
import { AppError, systemCode } from '../../kernel/errors.ts'

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'remote.not_found',
  ENOTDIR: 'remote.folder_missing',
  EACCES: 'remote.permission_denied',
  EPERM: 'remote.permission_denied',
  EROFS: 'remote.permission_denied',
  EEXIST: 'remote.name_taken',
  EISDIR: 'remote.name_taken',
  ENOSPC: 'remote.no_space',
  EDQUOT: 'remote.no_space',
  EFBIG: 'remote.no_space',
  ENAMETOOLONG: 'remote.name_refused',
  EINVAL: 'remote.name_refused',
  EILSEQ: 'remote.name_refused',
  // A link where a file was expected (O_NOFOLLOW), or a pipe or device.
  ELOOP: 'folder.outside',
  ENXIO: 'remote.name_taken',
  ENOTCONN: 'net.connection_lost',
  ESTALE: 'net.connection_lost',
  EIO: 'net.connection_lost',
  EHOSTDOWN: 'net.connection_lost',
  EHOSTUNREACH: 'net.connection_lost',
  ECONNRESET: 'net.connection_lost',
  ECONNABORTED: 'net.connection_lost',
  ETIMEDOUT: 'net.connection_lost',
}

export interface Doing {
  readonly verb: string
  readonly name: string
  readonly folder: string
}

export function shareError(error: unknown, { verb, name, folder }: Doing): AppError {
  if (error instanceof AppError) return error
  const code = systemCode(error)
  return new AppError(CODES[code ?? ''] ?? 'remote.failed', `${verb} ${name} in ${folder}: ${code ?? (error instanceof Error ? error.message : String(error))}`, { details: { folder, name }, cause: error })
}
