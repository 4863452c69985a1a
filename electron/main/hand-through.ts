/** Hands the frames of one page through to the core, and live messages back. Knows nothing of Electron. */
import { asCallError, type CallError } from '../../shared/client/call-error.ts'
import { CONNECTION_TOPIC, OPEN_TOPIC, type GrantedFile, type OpenRequest } from '../../shared/client/ipc.ts'
import type { Transport } from '../../shared/client/transport.ts'
import { MAX_FRAME_BYTES, type HostFrame } from '../../shared/contract/wire.ts'
import { PageMessage } from './channels.ts'

export interface PageSession {
  /** Takes one message; answers a call or a grant with its frame, everything else with null. Never rejects. */
  receive(message: unknown): Promise<HostFrame | null>
  /** Tells the page what a person chose outside of it. */
  open(request: OpenRequest): void
  /** The page is gone: its calls are cancelled, its subscriptions end. */
  close(): void
}

const MOST_CALLS = 256
const MOST_TOPICS = 64

export function createPageSession(options: {
  readonly transport: Transport
  readonly send: (frame: HostFrame) => void
  readonly grant: (path: string) => Promise<GrantedFile>
  /** Lets a person choose a folder in the system's own dialog; null when they chose none. */
  readonly chooseFolder: (at: string | undefined) => Promise<string | null>
  /** Why there is no core, where that is known. */
  readonly problem?: () => CallError | null
}): PageSession {
  const { transport, send } = options
  const running = new Map<number, AbortController>()
  const topics = new Map<string, () => void>()
  let closed = false

  function error(id: number, code: string, message: string): HostFrame {
    return { t: 'error', id, error: { code, message } }
  }

  async function answer(id: number, work: () => Promise<unknown>): Promise<HostFrame> {
    try {
      return { t: 'ok', id, output: await work() }
    } catch (caught) {
      const failed = asCallError(caught)
      // "Disconnected" alone helps nobody when we know that, say, another computer holds the workspace.
      const { code, message, details } = failed.code === 'call.disconnected' ? (options.problem?.() ?? failed) : failed
      return { t: 'error', id, error: { code, message, details: { ...details } } }
    }
  }

  async function call({ id, method, input }: Extract<PageMessage, { t: 'call' }>): Promise<HostFrame> {
    if (running.has(id)) return error(id, 'input.invalid', 'id: a call with this number is under way')
    if (running.size >= MOST_CALLS) return error(id, 'call.too_many', `More than ${MOST_CALLS} calls are under way.`)
    const abort = new AbortController()
    running.set(id, abort)
    try {
      return await answer(id, () => transport.call(method, input, { signal: abort.signal }))
    } finally {
      running.delete(id)
    }
  }

  function subscribe(topic: string): void {
    if (topics.has(topic) || topics.size >= MOST_TOPICS) return
    let seq = 0
    const tell = (payload: unknown): void => {
      if (!closed) send({ t: 'event', topic, seq: ++seq, payload })
    }
    if (topic === CONNECTION_TOPIC) topics.set(topic, watchConnection(transport, tell))
    else if (topic === OPEN_TOPIC) topics.set(topic, watchOpening(tell))
    else topics.set(topic, transport.subscribe(topic, tell))
  }

  const opening = { waiting: null as OpenRequest | null, tell: null as ((request: OpenRequest) => void) | null }

  /** A choice made before the page listens is told as soon as it does. */
  function watchOpening(tell: (payload: unknown) => void): () => void {
    opening.tell = tell
    if (opening.waiting !== null) tell(opening.waiting)
    opening.waiting = null
    return () => {
      opening.tell = null
    }
  }

  async function handle(message: PageMessage): Promise<HostFrame | null> {
    switch (message.t) {
      case 'call':
        return await call(message)
      case 'grant':
        return await answer(0, () => options.grant(message.path))
      case 'choose-folder':
        return await answer(0, () => options.chooseFolder(message.at))
      case 'cancel':
        running.get(message.id)?.abort()
        return null
      case 'subscribe':
        subscribe(message.topic)
        return null
      case 'unsubscribe':
        topics.get(message.topic)?.()
        topics.delete(message.topic)
        return null
      case 'ping':
        return { t: 'pong' }
    }
  }

  return {
    async receive(message) {
      const id = idOf(message)
      if (closed) return error(id, 'call.disconnected', 'The page was closed.')
      if (sizeOf(message) > MAX_FRAME_BYTES) return error(id, 'call.too_large', `The request is larger than ${MAX_FRAME_BYTES} bytes.`)
      const parsed = PageMessage.safeParse(message)
      return parsed.success ? await handle(parsed.data) : error(id, 'call.unknown_method', 'The request is not a frame of this protocol.')
    },
    open(request) {
      if (opening.tell === null) opening.waiting = request
      else opening.tell(request)
    },
    close() {
      closed = true
      for (const abort of running.values()) abort.abort()
      for (const stop of topics.values()) stop()
      topics.clear()
    },
  }
}

function watchConnection(transport: Transport, tell: (payload: unknown) => void): () => void {
  const stopState = transport.onStateChange?.((state) => tell(state === 'closed' ? 'disconnected' : state))
  const stopResync = transport.onResync?.(() => tell('resync'))
  return () => {
    stopState?.()
    stopResync?.()
  }
}

function idOf(message: unknown): number {
  const id: unknown = typeof message === 'object' && message !== null ? Reflect.get(message, 'id') : undefined
  return typeof id === 'number' && Number.isInteger(id) ? id : -1
}

/** What structured clone carries and JSON does not (maps, circles, bigints) counts as too large: it is never needed. */
function sizeOf(message: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(message) ?? '')
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
