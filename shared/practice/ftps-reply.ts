import { systemCode } from '../core/kernel/errors.ts'

/** A reply that refuses. */
export class Refusal extends Error {
  readonly code: number

  constructor(code: number, text: string) {
    super(text)
    this.code = code
  }
}

/** What a failure of the folder is called in FTP. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const code = systemCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return new Refusal(550, 'No such file or folder.')
  if (code === 'EEXIST') return new Refusal(550, 'File exists.')
  if (code === 'ENOTEMPTY') return new Refusal(550, 'The folder is not empty.')
  if (code === 'EISDIR') return new Refusal(550, 'It is a folder.')
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ELOOP') return new Refusal(550, 'Permission denied.')
  if (code === 'ENOSPC' || code === 'EDQUOT') return new Refusal(452, 'No space left.')
  if (code === 'ENAMETOOLONG' || code === 'EINVAL') return new Refusal(553, 'File name not allowed.')
  return new Refusal(451, 'The transfer or action failed.')
}
