/** Turns CRLF, lone LF and lone CR into CRLF, everywhere or in the header block only (BouncyCastle turns a lone CR too). */

const CR = 13
const LF = 10
const BLOCK = 65_536

/** One pass over a content in chunks: first `firstChange` as long as nothing changes, then `push`. */
export interface LineEnds {
  /** Nothing more can change: the header block is over. */
  readonly done: boolean
  /** Index in `chunk` before which the first octet would have to be inserted; its length when it stays as it is. */
  firstChange(chunk: Uint8Array): number
  /** Hands the changed octets to `sink`, which must be done with them when it returns. */
  push(chunk: Uint8Array, sink: (octets: Uint8Array) => void): void
  /** Whether the content ends in a CR that still lacks its LF. */
  readonly lacksLineFeed: boolean
}

export function createLineEnds(scope: 'everywhere' | 'header'): LineEnds {
  const header = scope === 'header'
  let afterCarriage = false
  let lineIsEmpty = true
  let done = false
  let scratch: Uint8Array | undefined
  const endLine = (): void => {
    if (header && lineIsEmpty) done = true
    lineIsEmpty = true
  }
  const scan = (chunk: Uint8Array): number => {
    for (let at = 0; at < chunk.length; at++) {
      if (done) return chunk.length
      const octet = chunk[at]
      if (afterCarriage) {
        if (octet !== LF) return at
        afterCarriage = false
        endLine()
      } else if (octet === CR) afterCarriage = true
      else if (octet === LF) return at
      else lineIsEmpty = false
    }
    return chunk.length
  }
  const pushBlock = (block: Uint8Array, out: Uint8Array): number => {
    let filled = 0
    for (let at = 0; at < block.length; at++) {
      const octet = block[at] ?? 0
      if (octet !== CR && octet !== LF && !afterCarriage) {
        out[filled++] = octet
        lineIsEmpty = false
        continue
      }
      if (octet === LF) {
        if (!afterCarriage) out[filled++] = CR
        out[filled++] = LF
        afterCarriage = false
        endLine()
      } else {
        if (afterCarriage) {
          out[filled++] = LF
          endLine()
          if (done) {
            // the header block ended in a lone CR: this octet is the first of the body
            afterCarriage = false
            out.set(block.subarray(at), filled)
            return filled + block.length - at
          }
        }
        out[filled++] = octet
        afterCarriage = octet === CR
        if (!afterCarriage) lineIsEmpty = false
      }
      if (done) {
        out.set(block.subarray(at + 1), filled)
        return filled + block.length - at - 1
      }
    }
    return filled
  }
  return {
    get done() {
      return done
    },
    firstChange: scan,
    push(chunk, sink) {
      for (let at = 0; at < chunk.length; at += BLOCK) {
        if (done) return sink(chunk.subarray(at))
        // At worst every octet is a line end and becomes two, and the LF of a CR in the block before comes on top.
        scratch ??= Buffer.allocUnsafe(2 * BLOCK + 1)
        sink(scratch.subarray(0, pushBlock(chunk.subarray(at, at + BLOCK), scratch)))
      }
    },
    get lacksLineFeed() {
      return afterCarriage && !done
    },
  }
}
