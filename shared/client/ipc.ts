/** Calls through the bridge that the desktop's preload gives to the page. */
import { HostFrame, MAX_FRAME_BYTES, type ClientFrame } from '../contract/wire.ts'
import { asCallError, CallError, cancelled, disconnected, tooLarge } from './call-error.ts'
import { utf8Bytes } from './frame-size.ts'
import { createListeners } from './listeners.ts'
import { createPendingCalls } from './pending-calls.ts'
import { createSubscriptions } from './subscriptions.ts'
import type { Transport, TransportState } from './transport.ts'

/** What the preload exposes to the page as `window.waybill`; nothing else crosses. */
export interface WaybillBridge {
  /** Hands a `call` or `cancel` frame over; resolves with the `ok` or `error` frame of a call, with null for a cancel. */
  call(frame: Extract<ClientFrame, { t: 'call' | 'cancel' }>): Promise<unknown>
  /** Messages of a topic (or `CONNECTION_TOPIC`) as `event` frames, until the returned function is called. */
  subscribe(topic: string, listener: (frame: unknown) => void): () => void
}

/** Told by the shell itself: `payload` is the state of its connection to the core. */
export const CONNECTION_TOPIC = 'shell.connection'

/** A transport over the bridge. The shell keeps the connection to the core; its state is passed on. */
export function createIpcTransport(bridge: WaybillBridge): Transport {
  const pending = createPendingCalls()
  const states = createListeners<TransportState>()
  const resyncs = createListeners<undefined>()
  const stops = new Map<string, () => void>()
  let state: TransportState = 'connecting'
  let wasLost = false
  let nextId = 0

  const subscriptions = createSubscriptions({
    onFirst: (topic) => stops.set(topic, bridge.subscribe(topic, receive)),
    onLast(topic) {
      stops.get(topic)?.()
      stops.delete(topic)
    },
    onGap: () => resyncs.tell(undefined),
  })

  function receive(data: unknown): void {
    const frame = HostFrame.safeParse(data)
    if (frame.success && frame.data.t === 'event') subscriptions.receive(frame.data.topic, frame.data.seq, frame.data.payload)
  }

  function connectionChanged(data: unknown): void {
    const frame = HostFrame.safeParse(data)
    if (!frame.success || frame.data.t !== 'event' || state === 'closed') return
    const next = frame.data.payload
    if ((next !== 'connecting' && next !== 'connected' && next !== 'disconnected') || next === state) return
    state = next
    if (next !== 'connected') subscriptions.forgetNumbers()
    if (next === 'disconnected') wasLost = true
    states.tell(next)
    if (next === 'connected' && wasLost) {
      wasLost = false
      resyncs.tell(undefined)
    }
  }

  const stopConnection = bridge.subscribe(CONNECTION_TOPIC, connectionChanged)

  return {
    call(method, input, { signal }) {
      if (state === 'closed') return Promise.reject(disconnected())
      if (signal?.aborted === true) return Promise.reject(cancelled())
      const id = nextId++
      // Through JSON, so that a value that only structured clone carries fails here as it does in a browser window.
      const text = JSON.stringify({ t: 'call', id, method, input } satisfies ClientFrame)
      if (utf8Bytes(text) > MAX_FRAME_BYTES) return Promise.reject(tooLarge())
      const answer = pending.wait(id, signal, () => void bridge.call({ t: 'cancel', id }).catch(() => undefined))
      bridge.call(JSON.parse(text) as Extract<ClientFrame, { t: 'call' }>).then(
        (reply) => settle(id, reply),
        () => pending.reject(id, disconnected()),
      )
      return answer
    },
    subscribe: (topic, listener) => subscriptions.add(topic, listener),
    close() {
      if (state === 'closed') return
      state = 'closed'
      stopConnection()
      for (const stop of stops.values()) stop()
      stops.clear()
      states.tell('closed')
      pending.rejectAll(disconnected())
    },
    onStateChange(listener) {
      const leave = states.add(listener)
      listener(state)
      return leave
    },
    onResync: (listener) => resyncs.add(listener),
  }

  function settle(id: number, reply: unknown): void {
    const frame = HostFrame.safeParse(reply)
    if (frame.success && frame.data.t === 'ok') pending.resolve(id, frame.data.output)
    else if (frame.success && frame.data.t === 'error') pending.reject(id, asCallError(frame.data.error))
    else pending.reject(id, new CallError({ code: 'internal.unexpected', message: 'The shell answered in an unknown form.' }))
  }
}
