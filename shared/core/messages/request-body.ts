/** Bodies of requests as they come: bounded, and looked into before they are read. */

/** More came than may. */
export class TooLarge extends Error {}

/** Passes chunks on; throws `TooLarge` beyond the limit. */
export async function* limited(body: AsyncIterable<Uint8Array>, limit: number): AsyncIterable<Uint8Array> {
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) throw new TooLarge()
    yield chunk
  }
}

/** All of it in memory, or null when it is more than the limit. */
export async function collectUpTo(body: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** A stream that can be looked into before it is read. */
export function peeking(source: AsyncIterable<Uint8Array>): { first(count: number): Promise<Uint8Array>; all(): AsyncIterable<Uint8Array> } {
  const iterator = source[Symbol.asyncIterator]()
  const seen: Uint8Array[] = []
  let ended = false
  /** Answers how many bytes came; 0 at the end. */
  const pull = async (): Promise<number> => {
    const next = await iterator.next()
    if (next.done === true) {
      ended = true
      return 0
    }
    seen.push(next.value)
    return next.value.length
  }
  return {
    async first(count) {
      for (let have = 0; have < count; ) {
        const came = await pull()
        if (came === 0) break
        have += came
      }
      return Buffer.concat(seen).subarray(0, count)
    },
    async *all() {
      yield* seen.splice(0)
      while (!ended) {
        const next = await iterator.next()
        if (next.done === true) ended = true
        else yield next.value
      }
    },
  }
}
