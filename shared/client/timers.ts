/** Timers as a port: browsers and Node both have them, the language library does not declare them. */

/** Runs `action` once after `ms`; the returned function takes it back. */
export interface Timers {
  after(ms: number, action: () => void): () => void
}

declare function setTimeout(action: () => void, ms: number): unknown
declare function clearTimeout(timer: unknown): void

/** The timers of the program we run in. */
export const hostTimers: Timers = {
  after(ms, action) {
    const timer = setTimeout(action, ms)
    return () => clearTimeout(timer)
  },
}
