/** A buffered view on a stream of chunks, which may be lent ones. Memory grows with bytes that arrived, never with lengths that were declared. */

/** Input of every streaming function: chunks of any size, empty ones included. */
export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

const EMPTY = new Uint8Array()

export class ByteReader {
  /** Unread bytes are `buffer[position … limit)`. Slices handed out stay valid: read parts are never written again. */
  buffer: Uint8Array = EMPTY
  position = 0
  limit = 0
  /** Offset of `buffer[0]` in the whole stream. */
  private base = 0
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

  /** Adds one chunk; false at the end of the stream. */
  async fill(): Promise<boolean> {
    // What is unread must not lie in a chunk that was lent until this one.
    if (this.available > 0 && !this.owned) this.grow(0)
    while (!this.ended) {
      const next = await this.iterator.next()
      if (next.done === true) {
        this.ended = true
        return false
      }
      if (next.value.length === 0) continue
      this.append(next.value)
      return true
    }
    return false
  }

  /** Fills until `count` bytes are unread; false when the stream ends before. */
  async ensure(count: number): Promise<boolean> {
    while (this.available < count) if (!(await this.fill())) return false
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

  private append(chunk: Uint8Array): void {
    const rest = this.available
    if (rest === 0) {
      this.base += this.position
      this.buffer = chunk
      this.position = 0
      this.limit = chunk.length
      this.owned = false
      return
    }
    if (!this.owned || this.limit + chunk.length > this.buffer.length) this.grow(chunk.length)
    this.buffer.set(chunk, this.limit)
    this.limit += chunk.length
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
