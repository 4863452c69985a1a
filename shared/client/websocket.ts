/** Frames over a WebSocket: the browser's, or the one of the `ws` library over TCP or a local socket. */
import { HostFrame, MAX_FRAME_BYTES, type ClientFrame } from '../contract/wire.ts'
import { asCallError, CallError, cancelled, disconnected, tooLarge } from './call-error.ts'
import { utf8Bytes } from './frame-size.ts'
import { createListeners } from './listeners.ts'
import { createPendingCalls } from './pending-calls.ts'
import { createSubscriptions } from './subscriptions.ts'
import { hostTimers, type Timers } from './timers.ts'
import type { Transport, TransportState } from './transport.ts'

/** What browsers' and Node's WebSocket have in common. */
export interface WebSocketLike {
  send(text: string): void
  close(code?: number, reason?: string): void
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
}

export interface WebSocketTransportOptions {
  /** Makes a new, connecting socket; asked again for every reconnect. A rejection counts as a failed attempt. */
  readonly open: () => WebSocketLike | Promise<WebSocketLike>
  /** False: a lost connection is final. Default true. */
  readonly reconnect?: boolean
  /** Silence after which a sign of life is asked for; after twice that the connection counts as lost. Default 15 s. */
  readonly silenceMs?: number
  /** An attempt to connect is given up after this. Default 10 s. */
  readonly connectTimeoutMs?: number
  /** Pause before the first reconnect; doubles up to `maxPauseMs`. Defaults 250 ms and 10 s. */
  readonly firstPauseMs?: number
  readonly maxPauseMs?: number
  readonly timers?: Timers
}

/** A transport that keeps itself connected and re-subscribes after each reconnect. */
export function createWebSocketTransport(options: WebSocketTransportOptions): Transport {
  const timers = options.timers ?? hostTimers
  const silenceMs = options.silenceMs ?? 15_000
  const firstPauseMs = options.firstPauseMs ?? 250
  const maxPauseMs = options.maxPauseMs ?? 10_000
  const pending = createPendingCalls()
  const states = createListeners<TransportState>()
  const resyncs = createListeners<undefined>()
  let state: TransportState = 'connecting'
  let socket: WebSocketLike | null = null
  let held: string[] = []
  let everConnected = false
  let pauseMs = firstPauseMs
  let nextId = 0
  let attempt = 0
  let stopTimer: () => void = () => undefined
  /** Periods without a frame: after the first a sign of life is asked for, after the second we give up. */
  let silentTicks = 0

  const subscriptions = createSubscriptions({
    onFirst: (topic) => tellTopic({ t: 'subscribe', topic }),
    onLast: (topic) => tellTopic({ t: 'unsubscribe', topic }),
    onGap: () => resyncs.tell(undefined),
  })

  function setState(next: TransportState): void {
    if (state === next) return
    state = next
    states.tell(next)
  }

  function send(frame: ClientFrame): void {
    sendText(JSON.stringify(frame))
  }

  /** Never held back: every topic with listeners is subscribed when a connection opens. */
  function tellTopic(frame: ClientFrame): void {
    if (state === 'connected') send(frame)
  }

  function sendText(text: string): void {
    if (state === 'connected') socket?.send(text)
    else if (state === 'connecting') held.push(text)
  }

  async function connect(): Promise<void> {
    const mine = ++attempt
    setState('connecting')
    stopTimer = timers.after(options.connectTimeoutMs ?? 10_000, () => lost(mine, disconnected()))
    try {
      const opening = await options.open()
      if (mine !== attempt) {
        opening.close()
        return
      }
      socket = opening
      opening.addEventListener('open', () => opened(mine))
      opening.addEventListener('message', (event) => receive(mine, event.data))
      opening.addEventListener('close', () => lost(mine, disconnected()))
      opening.addEventListener('error', () => lost(mine, disconnected()))
    } catch {
      lost(mine, disconnected())
    }
  }

  function opened(mine: number): void {
    if (mine !== attempt || state !== 'connecting') return
    stopTimer()
    const waiting = held
    held = []
    setState('connected')
    for (const topic of subscriptions.topics()) send({ t: 'subscribe', topic })
    for (const text of waiting) sendText(text)
    silentTicks = 0
    watchSilence(mine)
    if (everConnected) resyncs.tell(undefined)
    everConnected = true
  }

  function watchSilence(mine: number): void {
    stopTimer = timers.after(silenceMs, () => {
      if (mine !== attempt || state !== 'connected') return
      silentTicks++
      if (silentTicks >= 2) {
        lost(mine, new CallError({ code: 'call.timed_out', message: 'The background process gave no sign of life.' }))
        return
      }
      send({ t: 'ping' })
      watchSilence(mine)
    })
  }

  function lost(mine: number, reason: CallError): void {
    if (mine !== attempt || state === 'closed') return
    attempt++
    stopTimer()
    socket?.close()
    socket = null
    held = []
    subscriptions.forgetNumbers()
    if (options.reconnect === false) {
      setState('closed')
      pending.rejectAll(reason)
      return
    }
    setState('disconnected')
    pending.rejectAll(reason)
    // Half to all of the pause, so that many windows do not come back in the same moment.
    stopTimer = timers.after(pauseMs * (0.5 + Math.random() / 2), () => void connect())
    pauseMs = Math.min(pauseMs * 2, maxPauseMs)
  }

  function receive(mine: number, data: unknown): void {
    if (mine !== attempt || typeof data !== 'string') return
    silentTicks = 0
    // Only a host that speaks counts as back: one that accepts and drops at once must not be asked without a pause.
    pauseMs = firstPauseMs
    const frame = readFrame(data)
    if (frame === null) return
    switch (frame.t) {
      case 'ok':
        pending.resolve(frame.id, frame.output)
        break
      case 'error':
        pending.reject(frame.id, asCallError(frame.error))
        break
      case 'event':
        subscriptions.receive(frame.topic, frame.seq, frame.payload)
        break
      case 'pong':
        break
    }
  }

  function call(method: string, input: unknown, signal: Parameters<Transport['call']>[2]['signal']): Promise<unknown> {
    if (state === 'closed' || state === 'disconnected') return Promise.reject(disconnected())
    if (signal?.aborted === true) return Promise.reject(cancelled())
    const id = nextId++
    const text = JSON.stringify({ t: 'call', id, method, input } satisfies ClientFrame)
    if (utf8Bytes(text) > MAX_FRAME_BYTES) return Promise.reject(tooLarge())
    const answer = pending.wait(id, signal, () => send({ t: 'cancel', id }))
    sendText(text)
    return answer
  }

  void connect()
  return {
    call: (method, input, { signal }) => call(method, input, signal),
    subscribe: (topic, listener) => subscriptions.add(topic, listener),
    close() {
      if (state === 'closed') return
      attempt++
      stopTimer()
      socket?.close()
      socket = null
      setState('closed')
      pending.rejectAll(disconnected())
    },
    onStateChange(listener) {
      const leave = states.add(listener)
      listener(state)
      return leave
    },
    onResync: (listener) => resyncs.add(listener),
  }
}

/** Null for what is no frame: a host of another version may say more than we know. */
function readFrame(text: string): HostFrame | null {
  try {
    const parsed = HostFrame.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
