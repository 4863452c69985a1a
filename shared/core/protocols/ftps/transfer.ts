/** Moving bytes over a data connection: in order, with back-pressure, and with a watch on the line rather than on the total time. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { AppError } from '../../kernel/errors.ts'
import type { WriteOptions } from '../file-protocol.ts'
import { BrokenData } from './data-connection.ts'

const WATCH_EVERY_MS = 500

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
      if (!data.write(chunk, (error) => (error ? undefined : tell(upTo)))) await line.until('drain')
      else if (data.destroyed) await line.until('drain')
    }
    data.end()
    if (!data.writableFinished) await line.until('finish')
    tell(handed)
  } finally {
    line.end()
  }
}

/** Everything that the server sends, in order. Rejects with the watch's reason or `BrokenData`. */
export async function* receiveAll(data: Socket, watch: Watch): AsyncIterable<Uint8Array> {
  const line = lineOf(data, watch)
  try {
    for (;;) {
      const chunk = data.read() as Uint8Array | null
      if (chunk !== null) yield chunk
      else if (data.readableEnded) return
      else await line.until('readable', 'end')
    }
  } finally {
    line.end()
  }
}

function lineOf(data: Socket, watch: Watch) {
  const broken = new AbortController()
  const onError = (error: Error): void => broken.abort(new BrokenData(error.message, { cause: error }))
  const onClose = (): void => broken.abort(new BrokenData('the data connection was closed'))
  data.on('error', onError)
  data.on('close', onClose)
  const signal = AbortSignal.any([watch.signal, broken.signal])
  return {
    async until(...events: readonly string[]): Promise<void> {
      watch.signal.throwIfAborted()
      broken.signal.throwIfAborted()
      watch.waiting()
      const first = new AbortController()
      try {
        await Promise.race(events.map(async (event) => await once(data, event, { signal: AbortSignal.any([signal, first.signal]) })))
      } catch {
        signal.throwIfAborted()
        throw new BrokenData('the data connection broke')
      } finally {
        first.abort()
        watch.arrived()
      }
    },
    end(): void {
      data.off('error', onError)
      data.off('close', onClose)
      data.on('error', () => undefined)
    },
  }
}
