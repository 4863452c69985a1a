/** The smallest abort controller: the language library has none. */
import type { CancelSignal } from '../contract/define.ts'

export interface Abort {
  readonly signal: CancelSignal
  readonly abort: () => void
}

export function createAbort(): Abort {
  const listeners = new Set<() => void>()
  let aborted = false
  return {
    signal: {
      get aborted() {
        return aborted
      },
      addEventListener: (_type, listener) => void listeners.add(listener),
      removeEventListener: (_type, listener) => void listeners.delete(listener),
    },
    abort() {
      aborted = true
      for (const listener of listeners) listener()
    },
  }
}
