/** Turns CRLF, lone LF and lone CR into CRLF, everywhere or in the header block only (BouncyCastle turns a lone CR too). */

const CR = 13
const LF = 10
const BLOCK = 65_536
const LINE_FEED = Uint8Array.of(LF)
/**
 * For one block at a time, by whoever is just at it. At worst every octet is a line end and becomes two, and the LF of a CR in the block
 * before comes on top.
 */
const out = Buffer.allocUnsafeSlow(2 * BLOCK + 1)

/** One pass over a content in chunks: first `firstChange` as long as nothing changes, then `push`. */
export interface LineEnds {
  /** Nothing more can change: the header block is over. */
  readonly done: boolean
  /** Index in `chunk` before which the first octet would have to be inserted; its length when it stays as it is. */
  firstChange(chunk: Uint8Array): number
  /** Hands the changed octets to `sink`, which must be done with them when it returns. */
  push(chunk: Uint8Array, sink: (octets: Uint8Array) => void): void
  /** Whether the content so far ends in a CR that still lacks its LF. */
  readonly lacksLineFeed: boolean
}

export function createLineEnds(scope: 'everywhere' | 'header'): LineEnds {
  return scope === 'everywhere' ? everywhere() : headerOnly()
}

/** The loops see every octet of a content that may have gigabytes, so they work on locals and branch once for most octets. */
function everywhere(): LineEnds {
  let afterCarriage = false
  return {
    done: false,
    firstChange(chunk) {
      const at = firstLoneLineEnd(chunk, afterCarriage)
      afterCarriage = at === 0 ? afterCarriage : chunk[at - 1] === CR
      return at
    },
    push(chunk, sink) {
      for (let from = 0; from < chunk.length; from += BLOCK) {
        const block = chunk.subarray(from, from + BLOCK)
        const filled = canonical(block, afterCarriage, out)
        afterCarriage = block.at(-1) === CR
        sink(out.subarray(0, filled))
      }
    },
    get lacksLineFeed() {
      return afterCarriage
    },
  }
}

/** Index before which the missing half of a CRLF belongs; the size when nothing is missing. */
function firstLoneLineEnd(chunk: Uint8Array, afterCarriage: boolean): number {
  const size = chunk.length
  let at = 0
  if (afterCarriage && size > 0) {
    if (chunk[0] !== LF) return 0
    at = 1
  }
  for (; at < size; at++) {
    const octet = chunk[at] as number
    if (octet > CR) continue
    if (octet === LF) return at
    if (octet === CR && ++at < size && chunk[at] !== LF) return at
  }
  return size
}

/** Gives how much of `out` is filled. The LF of a CR that ends the block is left to the next one. */
function canonical(block: Uint8Array, afterCarriage: boolean, out: Uint8Array): number {
  const size = block.length
  let filled = 0
  let at = 0
  if (afterCarriage) {
    out[filled++] = LF
    if (block[0] === LF) at = 1
  }
  for (;;) {
    let octet = 0
    while (at < size && (octet = block[at] as number) > CR) {
      out[filled++] = octet
      at++
    }
    if (at >= size) return filled
    at++
    if (octet === LF) out[filled++] = CR
    out[filled++] = octet
    if (octet === CR && at < size) {
      if (block[at] === LF) at++
      out[filled++] = LF
    }
  }
}

/** Until the first empty line ends; what follows stays as it is. */
function headerOnly(): LineEnds {
  let afterCarriage = false
  let lineIsEmpty = true
  let done = false
  /** Follows the lines up to `end` or the end of the header block; gives where it stopped. */
  const follow = (chunk: Uint8Array, end: number): number => {
    let carriage = afterCarriage
    let empty = lineIsEmpty
    let at = 0
    for (; at < end && !done; at++) {
      const octet = chunk[at] as number
      if (carriage) {
        carriage = false
        if (empty) done = true
        empty = true
        if (octet === LF) continue
        if (done) break
      }
      if (octet === CR) carriage = true
      else if (octet === LF) {
        if (empty) done = true
        empty = true
      } else empty = false
    }
    afterCarriage = carriage
    lineIsEmpty = empty
    return at
  }
  return {
    get done() {
      return done
    },
    firstChange(chunk) {
      const at = firstLoneLineEnd(chunk, afterCarriage)
      follow(chunk, at)
      return done ? chunk.length : at
    },
    push(chunk, sink) {
      for (let from = 0; from < chunk.length; from += BLOCK) {
        if (done) return sink(chunk.subarray(from))
        const block = chunk.subarray(from, from + BLOCK)
        const before = afterCarriage
        const end = follow(block, block.length)
        sink(out.subarray(0, canonical(block.subarray(0, end), before, out)))
        if (!done) continue
        if (end > 0 && block[end - 1] === CR) sink(LINE_FEED)
        sink(block.subarray(end))
      }
    },
    get lacksLineFeed() {
      return afterCarriage && !done
    },
  }
}
