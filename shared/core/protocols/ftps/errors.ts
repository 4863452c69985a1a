/** What FTP servers say, in our words. Many say everything with 550, so their texts count too. */
import { FTPError } from 'basic-ftp'
import type { ErrorCode } from '../../../contract/errors/index.ts'
import { AppError } from '../../kernel/errors.ts'
import { networkCode } from '../network.ts'

/** What was being done when the server answered with a failure. */
export interface Doing {
  readonly verb: string
  readonly name: string
  readonly folder: string
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).trim().slice(0, 500)

/** The reply code, or undefined for what is no reply. */
export function replyCode(error: unknown): number | undefined {
  return error instanceof FTPError ? error.code : undefined
}

/** An error of the control connection that is no reply: the line is gone. */
function lineError(error: unknown, server: string): AppError {
  const message = `${server}: ${messageOf(error)}`
  const options = { details: { server }, cause: error }
  if (/^timeout|because timeout/i.test(messageOf(error))) return new AppError('net.idle', `${server} did not answer for the whole idle time`, options)
  return new AppError(networkCode(error) ?? 'net.connection_lost', message, options)
}

const TOO_MANY = /too many|maximum (number|allowed)|max(imum)?\.? (clients|users|connections|sessions|logins)|(connection|session|login|user) limit/i

/** An error between the greeting and the end of the sign-in. */
export function signInError(error: unknown, server: string): AppError {
  if (error instanceof AppError) return error
  const code = replyCode(error)
  if (code === undefined) return lineError(error, server)
  const text = `${server}: ${messageOf(error)}`
  const options = { details: { server, reply: messageOf(error) }, cause: error }
  // Servers that count after the sign-in say 530, as for a wrong password (ProFTPD: "the maximum number of clients").
  if (code === 421 || (code === 530 && TOO_MANY.test(text))) return new AppError('ftps.busy', text, options)
  if (code === 430 || code === 530 || code === 332 || code === 532) return new AppError('remote.auth_refused', text, options)
  return new AppError('remote.failed', text, options)
}

/** By reply code (RFC 959 §4.2.2), where the text does not say it better. */
const BY_CODE: Readonly<Record<number, ErrorCode>> = {
  421: 'net.connection_lost',
  425: 'ftps.data_refused',
  452: 'remote.no_space',
  522: 'ftps.data_refused',
  530: 'remote.permission_denied',
  532: 'remote.permission_denied',
  552: 'remote.no_space',
  553: 'remote.permission_denied',
}

const BY_TEXT: readonly (readonly [pattern: RegExp, code: ErrorCode])[] = [
  [/no space|quota|disk (is )?full|insufficient (disk )?(space|storage)|exceeded (storage|disk)/i, 'remote.no_space'],
  [/name too long|filename too long|invalid (file ?)?name|illegal (file ?)?name|not allowed.*name|forbidden (file ?)?name|bad filename/i, 'remote.name_refused'],
  [/no such|not found|does ?n.t exist|cannot find|no existe/i, 'remote.not_found'],
  [/permission|denied|not permitted|read-only|not allowed|forbidden/i, 'remote.permission_denied'],
]

/** An error of one file operation. An ambiguous 550 becomes `remote.failed`; who knows more looks again. */
export function operationError(error: unknown, doing: Doing, server: string): AppError {
  if (error instanceof AppError) return error
  const code = replyCode(error)
  if (code === undefined && /invalid command/i.test(messageOf(error))) return new AppError('remote.name_refused', `FTP cannot carry the name ${JSON.stringify(doing.name)}`, { details: { name: doing.name }, cause: error })
  if (code === undefined) return lineError(error, server)
  const message = `${doing.verb} ${doing.name} in ${doing.folder}: ${messageOf(error)}`
  const options = { details: { folder: doing.folder, name: doing.name, reply: messageOf(error) }, cause: error }
  const told = code >= 450 ? BY_TEXT.find(([pattern]) => pattern.test(messageOf(error)))?.[1] : undefined
  // vsftpd says so when the client did not resume the session of the control connection.
  return new AppError(told ?? BY_CODE[code] ?? 'remote.failed', message, options)
}
