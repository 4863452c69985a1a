/** Content-Transfer-Encoding, streaming: base64 both ways, quoted-printable only to read. */
import type { ByteSource } from '../../../crypto/cms/index.ts'

export type TransferEncoding = 'identity' | 'base64' | 'quoted-printable' | 'unknown'

/** Absent, 7bit, 8bit and binary change nothing. */
export function readTransferEncoding(value: string | undefined): TransferEncoding {
  switch (value?.trim().toLowerCase().replaceAll(/["';:\s]/g, '')) {
    case undefined:
    case '':
    case '7bit':
    case '8bit':
    case 'binary':
      return 'identity'
    case 'base64':
      return 'base64'
    case 'quoted-printable':
      return 'quoted-printable'
    default:
      return 'unknown'
  }
}

// 57 bytes are one line of 76 characters.
const LINE_BYTES = 57

/** Lines of 76 characters, each ending in CRLF. */
export async function* encodeBase64(source: ByteSource): AsyncGenerator<Uint8Array, void> {
  let carry: Uint8Array = Buffer.alloc(0)
  for await (const chunk of source) {
    const joined = carry.length === 0 ? chunk : Buffer.concat([carry, chunk])
    const whole = joined.length - (joined.length % LINE_BYTES)
    if (whole > 0) yield base64Lines(joined.subarray(0, whole))
    carry = Uint8Array.from(joined.subarray(whole))
  }
  if (carry.length > 0) yield base64Lines(carry)
}

/** A small buffer as base64 lines. */
export function base64Lines(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
  return Buffer.from(text.replaceAll(/.{1,76}/g, '$&\r\n'), 'latin1')
}

/** `damaged` is called at most once, for characters that base64 does not have or an ending that is cut. */
export async function* decodeBase64(source: ByteSource, damaged: () => void = () => undefined): AsyncGenerator<Uint8Array, void> {
  let carry = ''
  let ended = false
  let told = false
  const tell = (): void => {
    if (!told) damaged()
    told = true
  }
  for await (const chunk of source) {
    const plain = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1').replaceAll(/\s+/g, '')
    if (plain === '') continue
    if (ended) {
      if (/[^=]/.test(plain)) tell()
      continue
    }
    const padding = plain.indexOf('=')
    const data = padding < 0 ? plain : plain.slice(0, padding)
    if (padding >= 0) {
      ended = true
      if (/[^=]/.test(plain.slice(padding))) tell()
    }
    const clean = data.replaceAll(/[^A-Za-z0-9+/]/g, '')
    if (clean.length !== data.length) tell()
    const joined = carry + clean
    const whole = joined.length - (joined.length % 4)
    if (whole > 0) yield Buffer.from(joined.slice(0, whole), 'base64')
    carry = joined.slice(whole)
  }
  if (carry.length === 1) tell()
  if (carry.length > 1) yield Buffer.from(carry, 'base64')
}

const EQUALS = 0x3d
const MAX_PENDING_BLANKS = 1000

/** RFC 2045 6.7. Nobody should send it, some do. Faulty sequences stay as they are. */
export async function* decodeQuotedPrintable(source: ByteSource): AsyncGenerator<Uint8Array, void> {
  let carry: Uint8Array = Buffer.alloc(0)
  for await (const chunk of source) {
    const joined = carry.length === 0 ? chunk : Buffer.concat([carry, chunk])
    const { out, used } = decodeQuoted(joined, false)
    carry = Uint8Array.from(joined.subarray(used))
    if (out.length > 0) yield out
  }
  const { out } = decodeQuoted(carry, true)
  if (out.length > 0) yield out
}

/** Blanks at the end of a line were added in transport; they wait until the line end shows. */
function decodeQuoted(bytes: Uint8Array, final: boolean): { readonly out: Uint8Array; readonly used: number } {
  const out = Buffer.allocUnsafe(bytes.length)
  let filled = 0
  let at = 0
  while (at < bytes.length) {
    const octet = bytes[at] ?? 0
    if (octet === EQUALS) {
      const rest = bytes.length - at
      if (rest < 3 && !final) break
      const hex = /^[0-9A-Fa-f]{2}$/.exec(String.fromCodePoint(bytes[at + 1] ?? 0, bytes[at + 2] ?? 0))
      if (hex !== null) {
        out[filled++] = Number.parseInt(hex[0], 16)
        at += 3
      } else if (bytes[at + 1] === 10) at += 2
      else if (bytes[at + 1] === 13 && bytes[at + 2] === 10) at += 3
      else if (rest === 1 && final) at++
      else {
        out[filled++] = octet
        at++
      }
      continue
    }
    if (octet === 32 || octet === 9) {
      let end = at
      while (end < bytes.length && (bytes[end] === 32 || bytes[end] === 9)) end++
      if (end === bytes.length && !final && end - at < MAX_PENDING_BLANKS) break
      const trailing = end === bytes.length ? final : bytes[end] === 10 || bytes[end] === 13
      if (!trailing) for (let blank = at; blank < end; blank++) out[filled++] = bytes[blank] ?? 32
      at = end
      continue
    }
    out[filled++] = octet
    at++
  }
  return { out: out.subarray(0, filled), used: at }
}
