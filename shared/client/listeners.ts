/** A set of listeners; each knows how to leave. */
export interface Listeners<T> {
  add(listener: (value: T) => void): () => void
  tell(value: T): void
  readonly size: number
}

export function createListeners<T>(): Listeners<T> {
  const entries = new Set<{ readonly listener: (value: T) => void }>()
  return {
    add(listener) {
      const entry = { listener }
      entries.add(entry)
      return () => {
        entries.delete(entry)
      }
    },
    tell(value) {
      // One that leaves while the others are told is not told any more: a set skips what was deleted.
      for (const entry of entries) entry.listener(value)
    },
    get size() {
      return entries.size
    },
  }
}
