/** Moving bytes over a data connection: in order, with back-pressure, and with a watch on the line rather than on the total time. */
import type { Socket } from 'node:net'
import { AppError } from '../../kernel/errors.ts'
import type { WriteOptions } from '../file-protocol.ts'
import { BrokenData } from './data-connection.ts'

const WATCH_EVERY_MS = 500
/** While a chunk is being stored, the next ones arrive. */
const MOST_WAITING_BYTES = 1024 * 1024

export interface Watch {
  /** Aborts with `net.idle` when something was waited for longer than the idle time, or with the caller's reason. */
  readonly signal: AbortSignal
  waiting(): void
  arrived(): void
  end(): void
}

/** Only waiting for the server counts: a slow disk or consumer on our side is no idle line. */
export function watchLine(idleMs: number, server: string, outer: AbortSignal): Watch {
  const idle = new AbortController()
  let since: number | null = null
  const timer = setInterval(() => {
    if (since !== null && performance.now() - since > idleMs) idle.abort(new AppError('net.idle', `${server} moved no data for the whole idle time`, { details: { server } }))
  }, Math.min(WATCH_EVERY_MS, idleMs))
  timer.unref()
  return {
    signal: AbortSignal.any([idle.signal, outer]),
    waiting: () => (since = performance.now()),
    arrived: () => (since = null),
    end: () => clearInterval(timer),
  }
}

/** Sends everything and ends our side. Rejects with the source's own error, the watch's reason, or `BrokenData`. */
export async function sendAll(data: Socket, content: AsyncIterable<Uint8Array>, options: Pick<WriteOptions, 'offset' | 'onAcknowledged'>, watch: Watch): Promise<void> {
  let handed = options.offset
  let told = options.offset
  const line = lineOf(data, watch)
  const tell = (upTo: number): void => {
    if (upTo <= told) return
    told = upTo
    options.onAcknowledged(upTo)
  }
  try {
    for await (const chunk of content) {
      watch.signal.throwIfAborted()
      handed += chunk.length
      const upTo = handed
      // FTP confirms only the whole: what the system has taken over is the best that can be told on the way.
      data.write(chunk, (error) => (error ? undefined : tell(upTo)))
      await line.until(() => !data.writableNeedDrain)
    }
    data.end()
    await line.until(() => data.writableFinished)
    tell(handed)
  } finally {
    line.end()
  }
}

/** Everything that the server sends, in order. Rejects with the watch's reason or `BrokenData`. */
export async function* receiveAll(data: Socket, watch: Watch): AsyncIterable<Uint8Array> {
  // As the chunks come: what the stream gathers for a reader is copied together first.
  const come: Uint8Array[] = []
  let waiting = 0
  let line: ReturnType<typeof lineOf> | null = null
  const onData = (chunk: Uint8Array): void => {
    come.push(chunk)
    waiting += chunk.length
    if (waiting >= MOST_WAITING_BYTES) data.pause()
    line?.wake()
  }
  line = lineOf(data, watch)
  data.on('data', onData)
  try {
    for (;;) {
      const chunks = come.splice(0)
      if (waiting >= MOST_WAITING_BYTES) data.resume()
      waiting = 0
      yield* chunks
      if (come.length > 0) continue
      if (data.readableEnded) return
      await line.until(() => come.length > 0 || data.readableEnded)
    }
  } finally {
    data.off('data', onData)
    line.end()
  }
}

const CHANGES = ['drain', 'finish', 'end'] as const

/** One set of listeners for the whole transfer: setting them up for each chunk costs as much as moving it. */
function lineOf(data: Socket, watch: Watch) {
  let broken: BrokenData | null = data.destroyed ? new BrokenData('the data connection is closed') : null
  let wake = (): void => undefined
  const onChange = (): void => wake()
  const onError = (error: Error): void => {
    broken ??= new BrokenData(error.message, { cause: error })
    wake()
  }
  const onClose = (): void => {
    broken ??= new BrokenData('the data connection was closed')
    wake()
  }
  for (const event of CHANGES) data.on(event, onChange)
  data.on('error', onError)
  data.on('close', onClose)
  watch.signal.addEventListener('abort', onChange)
  return {
    /** Waits until it holds. Rejects with the watch's reason or `BrokenData`. */
    async until(holds: () => boolean): Promise<void> {
      for (;;) {
        watch.signal.throwIfAborted()
        if (holds()) return
        if (broken !== null) throw broken
        watch.waiting()
        await new Promise<void>((resolve) => (wake = resolve))
        watch.arrived()
      }
    },
    wake: () => wake(),
    end(): void {
      for (const event of CHANGES) data.off(event, onChange)
      watch.signal.removeEventListener('abort', onChange)
      data.off('error', onError)
      data.off('close', onClose)
      data.on('error', () => undefined)
    },
  }
}
