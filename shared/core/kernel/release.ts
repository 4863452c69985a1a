/**
 * Frees the memory of a buffer at once. The bytes of a buffer lie outside V8's heap, and left to the collector they cost more than what is done
 * with them: V8 goes through its whole heap for about every thirty megabytes, and what was in the processor's cache is memory never touched before.
 *
 * Only for whoever made the buffer, has no other view on it, and knows that nobody reads it any more, in no other thread either: it is empty
 * from then on. Streams say of their chunks that they are *lent* where this happens to each once the next one is asked for.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  // Small ones are parts of one that the runtime shares out, and no part is as large as it.
  if (byteLength > 0 && buffer instanceof ArrayBuffer && (byteLength === buffer.byteLength || buffer.byteLength > Buffer.poolSize)) buffer.transfer(0)
}

/** For chunks that are to be kept, out of those that are lent. */
export async function* copied(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of source) yield Buffer.from(chunk)
}
