/** Errors as values with a stable code; the operator's text stands in the contract's catalogue. */
import { ERRORS, type ErrorCode, type RetryClass, type WireError } from '../../contract/errors/index.ts'

/** Facts to show beside the message. Never secrets. */
export type ErrorDetails = Readonly<Record<string, string>>

/** Every failure that Waybill understands. `message` is technical and specific: it names the field, host or file. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, options: { readonly details?: ErrorDetails; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.details = options.details ?? {}
  }

  get retry(): RetryClass {
    return ERRORS[this.code].retry
  }
}

/** Turns anything thrown into an AppError; what is not understood becomes `internal.unexpected`. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new AppError('internal.unexpected', message, { cause: error })
}

/** The form in which an error leaves the core: without stack and cause. */
export function toWireError(error: unknown): WireError {
  const { code, message, details } = asAppError(error)
  return Object.keys(details).length > 0 ? { code, message, details: { ...details } } : { code, message }
}

/** The system's error code (`ENOENT`), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
