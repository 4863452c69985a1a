/** A buffered view on a stream of chunks, which may be lent ones. Memory grows with bytes that arrived, never with lengths that were declared. */

/** Input of every streaming function: chunks of any size, empty ones included. */
export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

const EMPTY = new Uint8Array()
/** What is joined to unread bytes at least: they begin something small mostly, and what follows it need not be copied. */
const JOINED_BYTES = 4096

export class ByteReader {
  /** Unread bytes are `buffer[position … limit)`. Slices handed out stay valid: read parts are never written again. */
  buffer: Uint8Array = EMPTY
  position = 0
  limit = 0
  /** Offset of `buffer[0]` in the whole stream. */
  private base = 0
  /** The part of the last chunk that was not joined. */
  private waiting: Uint8Array = EMPTY
  private owned = false
  private ended = false
  private readonly iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>

  constructor(source: ByteSource) {
    this.iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  }

  /** Offset of the next unread byte in the stream. */
  get offset(): number {
    return this.base + this.position
  }

  get available(): number {
    return this.limit - this.position
  }

  /** Adds one chunk, or as much of it as is wanted and some more; false at the end of the stream. */
  async fill(wanted = 0): Promise<boolean> {
    if (this.waiting.length > 0) {
      this.append(this.waiting, wanted)
      return true
    }
    // Nothing may lie in a chunk that was lent until now.
    if (this.available > 0 && !this.owned) this.grow(0)
    else if (!this.owned) this.adopt(EMPTY)
    while (!this.ended) {
      const next = await this.iterator.next()
      if (next.done === true) {
        this.ended = true
        return false
      }
      if (next.value.length === 0) continue
      this.append(next.value, wanted)
      return true
    }
    return false
  }

  /** Fills until `count` bytes are unread; false when the stream ends before. */
  async ensure(count: number): Promise<boolean> {
    while (this.available < count) if (!(await this.fill(count - this.available))) return false
    return true
  }

  /** Hands out `count` available bytes. */
  take(count: number): Uint8Array {
    const slice = this.buffer.subarray(this.position, this.position + count)
    this.position += count
    return slice
  }

  /** Tells the source that no more will be read. */
  async close(): Promise<void> {
    if (this.ended) return
    this.ended = true
    await this.iterator.return?.()
  }

  private append(chunk: Uint8Array, wanted: number): void {
    const rest = this.available
    if (rest === 0) {
      this.adopt(chunk)
      this.waiting = EMPTY
      return
    }
    const joined = chunk.subarray(0, Math.max(JOINED_BYTES, wanted))
    this.waiting = chunk.subarray(joined.length)
    if (!this.owned || this.limit + joined.length > this.buffer.length) this.grow(joined.length)
    this.buffer.set(joined, this.limit)
    this.limit += joined.length
  }

  /** In place of what was read to its end. */
  private adopt(chunk: Uint8Array): void {
    this.base += this.position
    this.buffer = chunk
    this.position = 0
    this.limit = chunk.length
    this.owned = false
  }

  /** Moves what is unread to memory of its own, with room for as much again and `more`. */
  private grow(more: number): void {
    const rest = this.available
    const grown = new Uint8Array(Math.max(1024, 2 * (rest + more)))
    grown.set(this.buffer.subarray(this.position, this.limit))
    this.base += this.position
    this.buffer = grown
    this.position = 0
    this.limit = rest
    this.owned = true
  }
}
