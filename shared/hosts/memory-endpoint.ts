/** Joins a dispatcher to the in-memory transport: for tests, and for programs that hold the core themselves. */
import type { MemoryEndpoint } from '../client/memory.ts'
import type { Actor } from '../core/kernel/actor.ts'
import { toWireError } from '../core/kernel/errors.ts'
import type { Dispatcher } from './dispatcher.ts'

/** The dispatcher as one actor sees it. */
export function memoryEndpoint(dispatcher: Dispatcher, actor: Actor): MemoryEndpoint {
  return {
    async call(method, input, signal) {
      const abort = new AbortController()
      const onAbort = (): void => abort.abort()
      signal.addEventListener('abort', onAbort)
      try {
        return await dispatcher.dispatch(method, input, actor, abort.signal)
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
    subscribe(topic, listener) {
      try {
        return dispatcher.subscribe(topic, actor, listener)
      } catch {
        // As on a wire: nobody answers a subscription to a topic that does not exist.
        return () => undefined
      }
    },
    toWireError,
  }
}
