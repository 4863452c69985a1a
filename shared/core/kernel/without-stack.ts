/** Runs something that makes errors which nobody reads: writing down where each comes from takes longer than what it is about. */
export function withoutStack<T>(action: () => T): T {
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return action()
  } finally {
    Error.stackTraceLimit = before
  }
}
