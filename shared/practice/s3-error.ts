import { systemCode } from '../core/kernel/errors.ts'

/** A refusal as S3 words it. */
export class S3Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, text: string) {
    super(text)
    this.status = status
    this.code = code
  }
}

export const accessDenied = (text: string): S3Refusal => new S3Refusal(403, 'AccessDenied', text)
export const invalidArgument = (text: string): S3Refusal => new S3Refusal(400, 'InvalidArgument', text)
export const noSuchKey = (): S3Refusal => new S3Refusal(404, 'NoSuchKey', 'There is no object of this key.')
export const noSuchUpload = (): S3Refusal => new S3Refusal(404, 'NoSuchUpload', 'There is no such upload.')
export const notImplemented = (what: string): S3Refusal => new S3Refusal(501, 'NotImplemented', `The practice partner does not do ${what}.`)

/** What a failure of the folder is called in S3. */
export function s3RefusalOf(error: unknown): S3Refusal {
  if (error instanceof S3Refusal) return error
  const code = systemCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ELOOP') return noSuchKey()
  if (code === 'ENAMETOOLONG') return new S3Refusal(400, 'KeyTooLongError', 'The key is too long.')
  if (code === 'ENOSPC' || code === 'EDQUOT') return new S3Refusal(507, 'InsufficientStorage', 'No space left.')
  return new S3Refusal(500, 'InternalError', 'The request failed.')
}
