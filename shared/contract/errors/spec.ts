/** What every error code must bring along: an operator who reads it knows what happened and what to do next. */

/** When may the same action be tried again without a person: never, at once, after a pause. */
export type RetryClass = 'never' | 'now' | 'backoff'

/** Exit codes of the command line (fixed): see the README. */
export type ExitCode = 1 | 2 | 3 | 4 | 5

export interface ErrorSpec {
  readonly retry: RetryClass
  readonly exit: ExitCode
  /** Heading, at most eight words, without the word "error". */
  readonly title: string
  /** What happened and why we think so, for an office worker. */
  readonly happened: string
  /** Steps in order; each says who acts. */
  readonly todo: readonly [string, ...string[]]
}

/** Checks a catalogue at compile time and keeps its literal codes. */
export function catalogue<T extends Readonly<Record<string, ErrorSpec>>>(entries: T): T {
  return entries
}
