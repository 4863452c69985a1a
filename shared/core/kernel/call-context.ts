import type { FileSource } from '../../contract/common.ts'
import type { Actor } from './actor.ts'

/** What a handler knows of the call besides its input. */
export interface CallContext {
  readonly actor: Actor
  /** Aborted when the caller cancels or goes away. */
  readonly signal: AbortSignal
}

/** A file that a caller handed over: where it lies on this computer, and what its owner calls it. */
export interface ResolvedFile {
  readonly path: string
  readonly name: string
}

/** Turns a path (command line) or a capability (window) into a file; throws `call.refused` or `input.not_found`. The host supplies it. */
export type ResolveFile = (source: FileSource) => ResolvedFile
