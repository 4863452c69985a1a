/** A stream whose bytes are pushed by one side and pulled by the other, one chunk at a time. */

export interface Pushed {
  readonly chunks: AsyncIterable<Uint8Array>
  /** Resolves when the chunk was taken; rejects when the reader gave up. */
  push(chunk: Uint8Array): Promise<void>
  end(): void
  /** The reader failed: whoever pushes hears of it. */
  fail(error: unknown): void
  /** The pusher gave up: whoever reads hears of it. */
  abandon(error: Error): void
}

interface Waiting {
  readonly chunk: Uint8Array
  readonly taken: () => void
  readonly failed: (error: unknown) => void
}

export function pushed(): Pushed {
  let waiting: Waiting | null = null
  let current: Waiting | null = null
  let abandoned: Error | null = null
  let wake: (() => void) | null = null
  let ended = false
  let failure: { readonly error: unknown } | null = null

  async function* chunks(): AsyncIterable<Uint8Array> {
    for (;;) {
      if (abandoned !== null) throw abandoned
      if (waiting !== null) {
        const mine: Waiting = waiting
        current = mine
        waiting = null
        yield mine.chunk
        // The reader is done with the bytes, which the pusher may now use again.
        current = null
        mine.taken()
        continue
      }
      if (ended) return
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }

  const poke = (): void => {
    wake?.()
    wake = null
  }

  return {
    chunks: chunks(),
    push: (chunk) =>
      new Promise((resolve, reject) => {
        if (failure !== null) {
          reject(failure.error)
          return
        }
        waiting = { chunk, taken: resolve, failed: reject }
        poke()
      }),
    end() {
      ended = true
      poke()
    },
    fail(error) {
      failure = { error }
      ;(waiting ?? current)?.failed(error)
    },
    abandon(error) {
      if (ended) return
      abandoned = error
      poke()
    },
  }
}
