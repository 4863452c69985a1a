/** Turns CRLF, lone LF and lone CR into CRLF, everywhere or in the header block only (BouncyCastle turns a lone CR too). */

const CR = 13
const LF = 10

export interface LineEnds {
  push(chunk: Uint8Array): Uint8Array
  /** What was still held back. */
  end(): Uint8Array
}

export function createLineEnds(scope: 'everywhere' | 'header'): LineEnds {
  let carriage = false
  let lineBytes = 0
  let done = false
  return {
    push(chunk) {
      if (done) return chunk
      // At worst every octet is a line end and becomes two, and a held back CR comes on top.
      const out = Buffer.allocUnsafe(chunk.length * 2 + 2)
      let filled = 0
      const endLine = (): void => {
        out[filled++] = CR
        out[filled++] = LF
        if (scope === 'header' && lineBytes === 0) done = true
        lineBytes = 0
      }
      let at = 0
      while (at < chunk.length) {
        const octet = chunk[at] ?? 0
        if (carriage) {
          carriage = false
          endLine()
          if (octet === LF) at++
          if (done) break
          if (octet === LF) continue
        }
        at++
        if (octet === CR) carriage = true
        else if (octet === LF) {
          endLine()
          if (done) break
        } else {
          out[filled++] = octet
          lineBytes++
        }
      }
      return at < chunk.length ? Buffer.concat([out.subarray(0, filled), chunk.subarray(at)]) : out.subarray(0, filled)
    },
    end() {
      if (done || !carriage) return Buffer.alloc(0)
      carriage = false
      return Buffer.from('\r\n')
    },
  }
}
