/** Serves one connection of frames for one actor, over anything that carries texts both ways. */
import { WireError } from '../contract/errors/index.ts'
import { ClientFrame, MAX_ANSWER_BYTES, MAX_FRAME_BYTES, NO_ID, type HostFrame } from '../contract/wire.ts'
import { actorText, type Actor } from '../core/kernel/actor.ts'
import { AppError, toWireError } from '../core/kernel/errors.ts'
import type { Logger } from '../core/kernel/logger.ts'
import type { Dispatcher } from './dispatcher.ts'

/** Calls under way at once that one connection may have. */
export const MAX_CALLS = 128
/** Unsent bytes above which live messages are dropped (the numbers tell), and above which the connection is ended. */
export const SLOW_BYTES = 4 * 1024 * 1024
export const STUCK_BYTES = 64 * 1024 * 1024

/** The way back to the client. */
export interface FrameSink {
  send(text: string): void
  /** Bytes handed to `send` and not yet on their way. */
  bufferedBytes(): number
  /** Ends the connection; `code` is a WebSocket close code. */
  end(code: number, reason: string): void
}

export interface ServedConnection {
  receive(text: string): void
  /** The other side is gone: running calls are aborted, subscriptions end. */
  close(): void
}

/** Answers frames until `close`. Each call gets exactly one answer under its own id, also a malformed one. */
export function serveConnection(options: {
  readonly dispatcher: Dispatcher
  readonly actor: Actor
  readonly sink: FrameSink
  readonly logger: Logger
}): ServedConnection {
  const { dispatcher, actor, sink, logger } = options
  const running = new Map<number, AbortController>()
  const topics = new Map<string, () => void>()
  let closed = false

  function send(frame: HostFrame): void {
    if (closed) return
    sink.send(JSON.stringify(frame))
    if (sink.bufferedBytes() > STUCK_BYTES) sink.end(1013, 'the client does not read its answers')
  }

  function fail(id: number, error: unknown): void {
    send({ t: 'error', id, error: toWireError(error) })
  }

  async function call(frame: Extract<ClientFrame, { t: 'call' }>): Promise<void> {
    const { id, method } = frame
    if (running.has(id)) return fail(id, new AppError('input.invalid', 'id: a call with this number is under way'))
    if (running.size >= MAX_CALLS) return fail(id, new AppError('call.too_many', `More than ${MAX_CALLS} calls are under way.`))
    const abort = new AbortController()
    running.set(id, abort)
    try {
      const text = okText(id, await dispatcher.dispatch(method, frame.input, actor, abort.signal))
      if (!closed) sink.send(text)
    } catch (error) {
      fail(id, error)
    } finally {
      running.delete(id)
    }
  }

  function subscribe(topic: string): void {
    if (topics.has(topic)) return
    let seq = 0
    try {
      topics.set(
        topic,
        dispatcher.subscribe(topic, actor, (payload) => {
          seq++
          // A slow reader loses live messages, not answers; the gap in the numbers makes it read the state again.
          if (sink.bufferedBytes() <= SLOW_BYTES) send({ t: 'event', topic, seq, payload })
        }),
      )
    } catch {
      logger.log('warn', 'subscription to an unknown topic', { actor: actorText(actor) })
    }
  }

  function handle(frame: ClientFrame): void {
    switch (frame.t) {
      case 'call':
        void call(frame)
        break
      case 'cancel':
        running.get(frame.id)?.abort()
        break
      case 'subscribe':
        subscribe(frame.topic)
        break
      case 'unsubscribe':
        topics.get(frame.topic)?.()
        topics.delete(frame.topic)
        break
      case 'ping':
        send({ t: 'pong' })
        break
    }
  }

  return {
    receive(text) {
      if (closed) return
      if (Buffer.byteLength(text) > MAX_FRAME_BYTES) {
        sink.end(1009, 'frame too large')
        return
      }
      const read = readFrame(text)
      if ('frame' in read) handle(read.frame)
      else fail(read.id, new AppError('call.unknown_method', 'The request is not a frame of this protocol.'))
    },
    close() {
      if (closed) return
      closed = true
      for (const stop of topics.values()) stop()
      topics.clear()
      for (const abort of running.values()) abort.abort()
    },
  }
}

function okText(id: number, output: unknown): string {
  const text = JSON.stringify({ t: 'ok', id, output } satisfies HostFrame)
  if (Buffer.byteLength(text) > MAX_ANSWER_BYTES) throw new AppError('call.too_large', `The answer is larger than ${MAX_ANSWER_BYTES} bytes.`)
  return text
}

function readFrame(text: string): { readonly frame: ClientFrame } | { readonly id: number } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { id: NO_ID }
  }
  const parsed = ClientFrame.safeParse(value)
  if (parsed.success) return { frame: parsed.data }
  const id: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'id') : undefined
  return { id: typeof id === 'number' && Number.isInteger(id) ? id : NO_ID }
}

/** The error part of an answer, for hosts that answer outside of a connection (plain HTTP). */
export function errorBody(error: unknown): { readonly error: WireError } {
  return { error: toWireError(error) }
}
