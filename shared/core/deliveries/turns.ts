/** Files that are sent side by side ask for their names at the partner in the order in which they stood in the lane. */

export interface Turn {
  /** Resolves when all that stood before have asked for their names or have ended; rejects with the signal's reason. */
  comes(signal: AbortSignal): Promise<void>
  /** Lets the next one go on; safe to call twice. */
  passOn(): void
}

/** Answers what gives the next turn. */
export function createTurns(): () => Turn {
  let last: Promise<void> = Promise.resolve()
  return () => {
    const before = last
    const mine = Promise.withResolvers<void>()
    last = before.then(async () => await mine.promise)
    return {
      async comes(signal) {
        const aborted = Promise.withResolvers<never>()
        const onAbort = (): void => aborted.reject(signal.reason)
        signal.throwIfAborted()
        signal.addEventListener('abort', onAbort, { once: true })
        try {
          await Promise.race([before, aborted.promise])
        } finally {
          signal.removeEventListener('abort', onAbort)
        }
      },
      passOn: mine.resolve,
    }
  }
}
