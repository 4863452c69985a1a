/** What S3 servers say, in our words. */
import type { ErrorCode } from '../../../contract/errors/index.ts'
import { AppError } from '../../kernel/errors.ts'
import { networkCode } from '../network.ts'

/** What was being done when the server answered with a failure. */
export interface Doing {
  readonly verb: string
  readonly name: string
  /** `s3://bucket/prefix/`. */
  readonly place: string
}

/** By the server's error code. Compatible stores use the same names, sometimes with another status. */
const BY_NAME: Readonly<Record<string, ErrorCode>> = {
  AccessDenied: 'remote.permission_denied',
  AllAccessDisabled: 'remote.permission_denied',
  AuthorizationHeaderMalformed: 's3.wrong_region',
  PermanentRedirect: 's3.wrong_region',
  IllegalLocationConstraintException: 's3.wrong_region',
  InvalidAccessKeyId: 'remote.auth_refused',
  SignatureDoesNotMatch: 'remote.auth_refused',
  InvalidToken: 'remote.auth_refused',
  ExpiredToken: 'remote.auth_refused',
  TokenRefreshRequired: 'remote.auth_refused',
  CredentialsProviderError: 'remote.auth_refused',
  RequestTimeTooSkewed: 's3.clock_skew',
  RequestExpired: 's3.clock_skew',
  NoSuchBucket: 'remote.folder_missing',
  NoSuchKey: 'remote.not_found',
  NotFound: 'remote.not_found',
  PreconditionFailed: 'remote.name_taken',
  ConditionalRequestConflict: 'remote.name_taken',
  BadDigest: 'remote.verification_failed',
  InvalidDigest: 'remote.verification_failed',
  XAmzContentChecksumMismatch: 'remote.verification_failed',
  KeyTooLongError: 'remote.name_refused',
  EntityTooLarge: 'remote.no_space',
  QuotaExceeded: 'remote.no_space',
  InsufficientCapacity: 'remote.no_space',
  XMinioStorageFull: 'remote.no_space',
  MissingContentLength: 's3.checksum_mode',
}

/** The server's name for an error, or ''. */
export function errorName(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  const code: unknown = Reflect.get(error, 'Code') ?? Reflect.get(error, 'name')
  return typeof code === 'string' ? code : ''
}

/** The HTTP status of an answer, or undefined where there was none. */
export function statusOf(error: unknown): number | undefined {
  const metadata: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, '$metadata') : undefined
  const status: unknown = typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, 'httpStatusCode') : undefined
  return typeof status === 'number' ? status : undefined
}

/** An error of the SDK, of the line or of ours as an AppError. */
export function s3Error(error: unknown, doing: Doing): AppError {
  const ours = ownError(error)
  if (ours !== null) return ours
  const name = errorName(error)
  const status = statusOf(error)
  const message = `${doing.verb} ${doing.name} in ${doing.place}: ${name} ${error instanceof Error ? error.message : String(error)}`.slice(0, 500)
  const options = { details: { place: doing.place, ...(name === '' ? {} : { answer: name }), ...(status === undefined ? {} : { status: String(status) }) }, cause: error }
  return new AppError(BY_NAME[name] ?? byStatus(status) ?? networkCode(error) ?? (status === undefined ? 'net.connection_lost' : 'remote.failed'), message, options)
}

/** Our agents refuse and time out with errors of our own; the SDK may wrap them. */
function ownError(error: unknown): AppError | null {
  for (let inner = error, depth = 0; depth < 4 && inner instanceof Error; inner = inner.cause, depth++) if (inner instanceof AppError) return inner
  return null
}

function byStatus(status: number | undefined): ErrorCode | undefined {
  if (status === 401) return 'remote.auth_refused'
  if (status === 403) return 'remote.permission_denied'
  if (status === 404) return 'remote.not_found'
  if (status === 409 || status === 412) return 'remote.name_taken'
  if (status === 411) return 's3.checksum_mode'
  if (status === 301 || status === 307) return 's3.wrong_region'
  return status === 507 ? 'remote.no_space' : undefined
}
