/** Calls through the bridge that the desktop's preload gives to the page. */
import { z } from 'zod'
import { HostFrame, MAX_FRAME_BYTES, type ClientFrame } from '../contract/wire.ts'
import { asCallError, CallError, cancelled, disconnected, tooLarge } from './call-error.ts'
import { utf8Bytes } from './frame-size.ts'
import { createListeners } from './listeners.ts'
import { createPendingCalls } from './pending-calls.ts'
import { createSubscriptions } from './subscriptions.ts'
import type { Transport, TransportState } from './transport.ts'

/** Asks the shell to let a person choose a folder in the system's own dialog. See `chooseFolder`. */
export interface ChooseFolder {
  readonly t: 'choose-folder'
  /** Where the dialog opens. */
  readonly at?: string
}

/** What the preload exposes to the page as `window.waybill`; nothing else crosses. */
export interface WaybillBridge {
  /** Hands a `call` or `cancel` frame over; resolves with the `ok` or `error` frame of a call, with null for a cancel. */
  call(frame: Extract<ClientFrame, { t: 'call' | 'cancel' }> | ChooseFolder): Promise<unknown>
  /** Messages of a topic (also of the shell's own, below) as `event` frames, until the returned function is called. */
  subscribe(topic: string, listener: (frame: unknown) => void): () => void
  /** Exchanges a dropped or chosen `File` for a capability: an `ok` or `error` frame. See `grantFile`. */
  fileCapability(file: unknown): Promise<unknown>
  /** `linux`, `darwin`, `win32`. */
  readonly platform: string
}

/** Told by the shell itself: the state of its connection to the core, or `resync` when messages may have been missed. */
export const CONNECTION_TOPIC = 'shell.connection'

/** Told by the shell itself: a person chose this in the tray or in a notification. Payload: `OpenRequest`. */
export const OPEN_TOPIC = 'shell.open'

/** What the page should show. */
export const OpenRequest = z.object({ kind: z.enum(['delivery', 'partner', 'workspace', 'trust', 'flow', 'expectation']), id: z.string() })
export type OpenRequest = z.infer<typeof OpenRequest>

/** A file that the page may name from now on. */
export const GrantedFile = z.object({ capability: z.string(), name: z.string(), size: z.number() })
export type GrantedFile = z.infer<typeof GrantedFile>

/** The capability of a `File`; rejects with a `CallError` (`input.unreadable` for a folder or a file that is gone). */
export async function grantFile(bridge: Pick<WaybillBridge, 'fileCapability'>, file: unknown): Promise<GrantedFile> {
  const output = outputOf(await bridge.fileCapability(file))
  return GrantedFile.parse(output)
}

/** The full path that a person chose; null when they chose none. */
export async function chooseFolder(bridge: Pick<WaybillBridge, 'call'>, at: string): Promise<string | null> {
  return z.string().nullable().parse(outputOf(await bridge.call({ t: 'choose-folder', ...(at === '' ? {} : { at }) })))
}

/** Calls `listener` when a person chose something outside of the page. */
export function onOpenRequest(bridge: Pick<WaybillBridge, 'subscribe'>, listener: (request: OpenRequest) => void): () => void {
  return bridge.subscribe(OPEN_TOPIC, (data) => {
    const frame = HostFrame.safeParse(data)
    const request = frame.success && frame.data.t === 'event' ? OpenRequest.safeParse(frame.data.payload) : null
    if (request?.success === true) listener(request.data)
  })
}

/** A transport over the bridge. The shell keeps the connection to the core; its state is passed on. */
export function createIpcTransport(bridge: Pick<WaybillBridge, 'call' | 'subscribe'>): Transport {
  const pending = createPendingCalls()
  const states = createListeners<TransportState>()
  const resyncs = createListeners<undefined>()
  const stops = new Map<string, () => void>()
  let state: TransportState = 'connecting'
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
    if (next === 'resync') resyncs.tell(undefined)
    if ((next !== 'connecting' && next !== 'connected' && next !== 'disconnected') || next === state) return
    state = next
    if (next !== 'connected') subscriptions.forgetNumbers()
    states.tell(next)
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
        // Electron rejects with the text of whatever went wrong in the shell: never shown.
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
    try {
      pending.resolve(id, outputOf(reply))
    } catch (error) {
      pending.reject(id, asCallError(error))
    }
  }
}

/** The output of an `ok` frame; throws the error of an `error` frame. */
function outputOf(reply: unknown): unknown {
  const frame = HostFrame.safeParse(reply)
  if (frame.success && frame.data.t === 'ok') return frame.data.output
  if (frame.success && frame.data.t === 'error') throw asCallError(frame.data.error)
  throw new CallError({ code: 'internal.unexpected', message: 'The shell answered in an unknown form.' })
}
