/** Streams that can be looked into, and streams that go on although their reader gave up. */
import type { ByteSource } from '../../../crypto/cms/index.ts'

const EMPTY: Uint8Array = new Uint8Array()

export interface PeekableStream {
  /** The next bytes without taking them: `count`, or fewer at the end of the stream. */
  peek(count: number): Promise<Uint8Array>
  /** Takes bytes that were peeked. */
  take(count: number): Uint8Array
  /** All that was not taken. Iterate once, and take nothing afterwards. */
  rest(): AsyncGenerator<Uint8Array, void>
}

export function peekable(source: ByteSource): PeekableStream {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  let buffer = EMPTY
  let ended = false
  const fill = async (): Promise<boolean> => {
    // a chunk may be lent until the next one is asked for
    buffer = buffer.length > 0 ? Buffer.from(buffer) : EMPTY
    while (!ended) {
      const next = await iterator.next()
      if (next.done === true) {
        ended = true
        return false
      }
      if (next.value.length === 0) continue
      buffer = buffer.length === 0 ? next.value : Buffer.concat([buffer, next.value])
      return true
    }
    return false
  }
  return {
    async peek(count) {
      while (buffer.length < count && (await fill()));
      return buffer.subarray(0, count)
    },
    take(count) {
      const taken = buffer.subarray(0, count)
      buffer = buffer.subarray(count)
      return taken
    },
    async *rest() {
      try {
        if (buffer.length > 0) {
          const first = buffer
          buffer = EMPTY
          yield first
        }
        while (!ended) {
          const next = await iterator.next()
          if (next.done === true) ended = true
          else if (next.value.length > 0) yield next.value
        }
      } finally {
        if (!ended) await iterator.return?.()
        ended = true
      }
    },
  }
}

/** A stream whose reader may stop early; `drain` then reads what is left, `close` gives it up. */
export interface Persistent {
  readonly stream: AsyncIterable<Uint8Array>
  drain(): Promise<void>
  close(): Promise<void>
}

export function persistent(source: AsyncIterable<Uint8Array>): Persistent {
  const iterator = source[Symbol.asyncIterator]()
  return {
    stream: {
      [Symbol.asyncIterator]: () => ({
        next: () => iterator.next(),
        return: () => Promise.resolve({ done: true as const, value: undefined }),
      }),
    },
    async drain() {
      for (;;) if ((await iterator.next()).done === true) return
    },
    async close() {
      await iterator.return?.()
    },
  }
}
