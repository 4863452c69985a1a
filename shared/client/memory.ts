/** Calls a dispatcher in the same process. What passes goes through JSON, so that nothing works here that fails on a wire. */
import type { CancelSignal } from '../contract/define.ts'
import { MAX_ANSWER_BYTES, MAX_FRAME_BYTES } from '../contract/wire.ts'
import { createAbort } from './abort.ts'
import { asCallError, answerTooLarge, cancelled, disconnected, tooLarge } from './call-error.ts'
import { utf8Bytes } from './frame-size.ts'
import { createPendingCalls } from './pending-calls.ts'
import { createSubscriptions } from './subscriptions.ts'
import type { Transport } from './transport.ts'

/** The other end: a dispatcher bound to one actor. `signal` aborts when the caller gives up. */
export interface MemoryEndpoint {
  call(method: string, input: unknown, signal: CancelSignal): Promise<unknown>
  subscribe(topic: string, listener: (payload: unknown) => void): () => void
  /** Makes the wire form of whatever `call` rejected with. */
  toWireError(error: unknown): unknown
}

/** A transport without a wire. */
export function createMemoryTransport(endpoint: MemoryEndpoint): Transport {
  const pending = createPendingCalls()
  const stops = new Map<string, () => void>()
  let nextId = 0
  let closed = false
  const subscriptions = createSubscriptions({
    onFirst(topic) {
      let seq = 0
      stops.set(topic, endpoint.subscribe(topic, (payload) => subscriptions.receive(topic, ++seq, copy(JSON.stringify(payload)))))
    },
    onLast(topic) {
      stops.get(topic)?.()
      stops.delete(topic)
    },
    onGap: () => undefined,
  })

  function settle(id: number, answer: string | undefined): void {
    if (answer !== undefined && utf8Bytes(answer) > MAX_ANSWER_BYTES) pending.reject(id, answerTooLarge())
    else pending.resolve(id, copy(answer))
  }

  return {
    call(method, input, { signal }) {
      if (closed) return Promise.reject(disconnected())
      if (signal?.aborted === true) return Promise.reject(cancelled())
      const id = nextId++
      const text = JSON.stringify(input)
      if (text !== undefined && utf8Bytes(text) > MAX_FRAME_BYTES) return Promise.reject(tooLarge())
      const abort = createAbort()
      const answer = pending.wait(id, signal, abort.abort)
      endpoint.call(method, copy(text), abort.signal).then(
        (output) => settle(id, JSON.stringify(output)),
        (error: unknown) => pending.reject(id, asCallError(endpoint.toWireError(error))),
      )
      return answer
    },
    subscribe: (topic, listener) => (closed ? () => undefined : subscriptions.add(topic, listener)),
    close() {
      closed = true
      for (const stop of stops.values()) stop()
      stops.clear()
      pending.rejectAll(disconnected())
    },
    onStateChange(listener) {
      listener(closed ? 'closed' : 'connected')
      return () => undefined
    },
  }
}

function copy(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text)
}
