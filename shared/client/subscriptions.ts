/** Who listens to which topic, and whether messages were missed. */
import { createListeners, type Listeners } from './listeners.ts'

export interface Subscriptions {
  add(topic: string, listener: (payload: unknown) => void): () => void
  /** A message with its number; a number that skips tells `onGap` after the message. */
  receive(topic: string, seq: number, payload: unknown): void
  /** Topics that have listeners now. */
  topics(): readonly string[]
  /** The numbers start anew with each connection. */
  forgetNumbers(): void
}

interface Entry {
  readonly listeners: Listeners<unknown>
  lastSeq: number | null
}

/** `onFirst` when a topic gets its first listener, `onLast` when it has lost its last. */
export function createSubscriptions(hooks: {
  readonly onFirst: (topic: string) => void
  readonly onLast: (topic: string) => void
  readonly onGap: () => void
}): Subscriptions {
  const entries = new Map<string, Entry>()
  return {
    add(topic, listener) {
      const existing = entries.get(topic)
      const entry = existing ?? { listeners: createListeners<unknown>(), lastSeq: null }
      const leave = entry.listeners.add(listener)
      if (existing === undefined) {
        entries.set(topic, entry)
        hooks.onFirst(topic)
      }
      return () => {
        leave()
        if (entry.listeners.size > 0 || entries.get(topic) !== entry) return
        entries.delete(topic)
        hooks.onLast(topic)
      }
    },
    receive(topic, seq, payload) {
      const entry = entries.get(topic)
      if (entry === undefined) return
      const gap = entry.lastSeq !== null && seq !== entry.lastSeq + 1
      entry.lastSeq = seq
      entry.listeners.tell(payload)
      if (gap) hooks.onGap()
    },
    topics: () => [...entries.keys()],
    forgetNumbers() {
      for (const entry of entries.values()) entry.lastSeq = null
    },
  }
}
