/** Live messages inside the core. They announce state; they never drive control flow. */
import type { WaybillTopics } from '../../contract/index.ts'

export type TopicName = keyof WaybillTopics

export interface Publisher {
  publish<T extends TopicName>(topic: T, payload: WaybillTopics[T]): void
}

export interface EventBus extends Publisher {
  /** Returns its own unsubscribe. A listener that throws does not stop the others. */
  subscribe<T extends TopicName>(topic: T, listener: (payload: WaybillTopics[T]) => void): () => void
}

export function createEventBus(): EventBus {
  const listeners = new Map<TopicName, Set<(payload: never) => void>>()
  return {
    publish(topic, payload) {
      for (const listener of listeners.get(topic) ?? []) {
        try {
          ;(listener as (payload: unknown) => void)(payload)
        } catch {
          // A broken subscriber must not fail the action that is being announced.
        }
      }
    },
    subscribe(topic, listener) {
      const set = listeners.get(topic) ?? new Set()
      listeners.set(topic, set)
      set.add(listener as (payload: never) => void)
      return () => set.delete(listener as (payload: never) => void)
    },
  }
}
