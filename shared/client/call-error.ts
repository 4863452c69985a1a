/** What a caller catches. */
import { textOf, WireError, type ErrorSpec } from '../contract/errors/index.ts'
import { MAX_ANSWER_BYTES, MAX_FRAME_BYTES } from '../contract/wire.ts'

/** A failed call: `code` of the catalogue, a technical message, and facts to show. */
export class CallError extends Error {
  readonly code: string
  readonly details: Readonly<Record<string, string>>

  constructor(error: WireError) {
    super(error.message)
    this.name = 'CallError'
    this.code = error.code
    this.details = error.details ?? {}
  }

  /** The operator's text: what happened and what to do. */
  get text(): ErrorSpec {
    return textOf(this)
  }
}

/** Makes a CallError of whatever came over a wire as an error. */
export function asCallError(error: unknown): CallError {
  if (error instanceof CallError) return error
  const parsed = WireError.safeParse(error)
  if (parsed.success) return new CallError(parsed.data)
  return new CallError({ code: 'internal.unexpected', message: 'The answer was an error of an unknown form.' })
}

export function cancelled(): CallError {
  return new CallError({ code: 'call.cancelled', message: 'The caller cancelled the request.' })
}

export function disconnected(): CallError {
  return new CallError({ code: 'call.disconnected', message: 'The connection to the background process is closed.' })
}

/** A request that no host would take. */
export function tooLarge(): CallError {
  return new CallError({ code: 'call.too_large', message: `The request is larger than ${MAX_FRAME_BYTES} bytes.` })
}

/** An answer that no host would give. */
export function answerTooLarge(): CallError {
  return new CallError({ code: 'call.too_large', message: `The answer is larger than ${MAX_ANSWER_BYTES} bytes.` })
}
