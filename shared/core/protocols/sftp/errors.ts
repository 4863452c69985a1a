/** What SSH, SFTP and the network say, in our words. */
import { AppError, type ErrorDetails } from '../../kernel/errors.ts'
import { networkCode } from '../network.ts'

/** SFTP status codes (draft-ietf-secsh-filexfer-02 §7). */
export const STATUS = { noSuchFile: 2, permissionDenied: 3, failure: 4, badMessage: 5, noConnection: 6, connectionLost: 7, unsupported: 8 } as const

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function levelOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'level' in error ? String(error.level) : ''
}

/** What an OpenSSH that has too many connections says instead of its version (sshd_config, MaxStartups and PerSourcePenalties). */
const BUSY = /^(?:Exceeded MaxStartups|Not allowed at this time)/

/** Whether what was heard before the line ended cannot come from an SSH server. Silence proves nothing: the line may have been cut. */
function isSomethingElse(heard: string): boolean {
  return heard !== '' && !heard.startsWith('SSH-') && !BUSY.test(heard)
}

/**
 * An error while connecting and signing in. `offers`: both sides' lists, when the handshake came that far. `heard`: how the server began
 * to speak.
 */
export function connectError(error: unknown, host: string, offers: ErrorDetails, heard = ''): AppError {
  if (error instanceof AppError) return error
  const message = messageOf(error)
  const details = { server: host }
  if (/no matching/i.test(message)) return new AppError('sftp.algorithms_refused', message.replace('Handshake failed: ', ''), { details: { ...details, ...offers }, cause: error })
  if (levelOf(error) === 'agent') return new AppError('sftp.agent_unavailable', message, { details, cause: error })
  if (levelOf(error) === 'client-authentication' || /all configured authentication methods failed/i.test(message))
    return new AppError('remote.auth_refused', `${host} did not accept the sign-in`, { details, cause: error })
  const code = networkCode(error)
  if (code !== undefined) return new AppError(code, `${host}: ${message}`, { details, cause: error })
  if (levelOf(error) === 'client-timeout' || /timed out/i.test(message)) return new AppError('net.unreachable', `${host} did not answer in time`, { details, cause: error })
  if (/Connection lost before handshake/i.test(message) && !isSomethingElse(heard)) return new AppError('net.connection_lost', `${host} ended the connection before it had said what it is${heard === '' ? '' : `: ${heard.trim()}`}`, { details, cause: error })
  if (/ident|protocol version|Invalid packet|Unable to start subsystem|Packet length|Connection lost before handshake/i.test(message))
    return new AppError('sftp.not_sftp', `${host}: ${message}`, { details, cause: error })
  if (/signature verification failed/i.test(message))
    return new AppError('sftp.host_key_changed', 'the server could not prove that it holds the key that it presented', { details, cause: error })
  return new AppError('net.connection_lost', `${host}: ${message}`, { details, cause: error })
}

/** What was being done when the server answered with a failure. */
export interface Doing {
  readonly verb: string
  readonly name: string
  readonly folder: string
}

/** An error of one file operation. */
export function operationError(error: unknown, doing: Doing): AppError {
  if (error instanceof AppError) return error
  const message = `${doing.verb} ${doing.name} in ${doing.folder}: ${messageOf(error)}`
  const options = { details: { folder: doing.folder, name: doing.name }, cause: error }
  const status = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  if (status === STATUS.noSuchFile) return new AppError('remote.not_found', message, options)
  if (status === STATUS.permissionDenied) return new AppError('remote.permission_denied', message, options)
  // OpenSSH answers so to a name that is too long for its file system.
  if (status === STATUS.badMessage || /name too long|filename too long|invalid (file )?name/i.test(message)) return new AppError('remote.name_refused', message, options)
  if (/no space|quota|disk full/i.test(message)) return new AppError('remote.no_space', message, options)
  if (status === STATUS.noConnection || status === STATUS.connectionLost || networkCode(error) !== undefined || /no response from server|not connected|channel|closed|ended/i.test(messageOf(error)))
    return new AppError('net.connection_lost', message, options)
  return new AppError('remote.failed', message, options)
}
