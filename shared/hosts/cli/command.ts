/** What every command is given, and how its outcome becomes an exit code. */
import type { WaybillClient } from '../../contract/index.ts'
import { toWireError } from '../../core/kernel/errors.ts'
import { CallError } from '../../client/call-error.ts'
import type { WireError } from '../../contract/errors/index.ts'
import { exitOfError, type Exit } from './exit-codes.ts'
import { createOutput, type Output } from './output.ts'

export interface GlobalOptions {
  readonly workspace: string
  readonly json: boolean
}

export interface CommandContext {
  readonly options: GlobalOptions
  readonly output: Output
  /** A client of the running owner, or of a core opened for this command. */
  readonly client: WaybillClient
  /** The core lives as long as this command, since nobody else owns the workspace. */
  readonly owner: boolean
}

export type Run = (context: CommandContext) => Promise<Exit | void>

/** Any failure as it is shown and as it decides the exit code. */
export function wireErrorOf(error: unknown): WireError {
  if (error instanceof CallError)
    return error.details === undefined ? { code: error.code, message: error.message } : { code: error.code, message: error.message, details: { ...error.details } }
  return toWireError(error)
}

/** Runs an action and ends with its exit code; failures are printed, never thrown. */
export async function finish(options: GlobalOptions, action: (output: Output) => Promise<Exit | void>): Promise<void> {
  const output = createOutput(options.json, { out: process.stdout, err: process.stderr })
  try {
    process.exitCode = (await action(output)) ?? 0
  } catch (error) {
    const wire = wireErrorOf(error)
    output.failure(wire)
    process.exitCode = exitOfError(wire)
  }
}
