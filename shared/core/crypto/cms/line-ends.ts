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
const outView = new DataView(out.buffer, out.byteOffset, out.length)

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

/** The loops see every octet of a content that may have gigabytes, so they work on locals, and on eight octets at once where no line ends. */
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
        const filled = canonical(block, afterCarriage)
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
  const view = new DataView(chunk.buffer, chunk.byteOffset, size)
  for (; at < size; at++) {
    while (at + 8 <= size && (lineEnds(view.getInt32(at, true)) | lineEnds(view.getInt32(at + 4, true))) === 0) at += 8
    while (at < size && !endsLine(chunk[at] as number)) at++
    if (chunk[at] === LF) return at
    if (++at < size && chunk[at] !== LF) return at
  }
  return size
}

function endsLine(octet: number): boolean {
  return octet === LF || octet === CR
}

/** Not 0 when one of these four octets is a CR or a LF: taking 1 carries into the highest bit of an octet that is 0. */
function lineEnds(octets: number): number {
  const lf = octets ^ 0x0a0a0a0a
  const cr = octets ^ 0x0d0d0d0d
  return (((lf - 0x01010101) & ~lf) | ((cr - 0x01010101) & ~cr)) & 0x80808080
}

/** Gives how much of `out` is filled. The LF of a CR that ends the block is left to the next one. */
function canonical(block: Uint8Array, afterCarriage: boolean): number {
  const size = block.length
  let filled = 0
  let at = 0
  if (afterCarriage) {
    out[filled++] = LF
    if (block[0] === LF) at = 1
  }
  const view = new DataView(block.buffer, block.byteOffset, size)
  for (;;) {
    while (at + 8 <= size) {
      const first = view.getInt32(at, true)
      const second = view.getInt32(at + 4, true)
      if ((lineEnds(first) | lineEnds(second)) !== 0) break
      outView.setInt32(filled, first, true)
      outView.setInt32(filled + 4, second, true)
      at += 8
      filled += 8
    }
    let octet = 0
    while (at < size && !endsLine((octet = block[at] as number))) {
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
        sink(out.subarray(0, canonical(block.subarray(0, end), before)))
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
