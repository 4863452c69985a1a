/** ASCII armour (RFC 9580 6) while it streams by. */
import { AppError } from '../../kernel/errors.ts'
import { ByteReader, type ByteSource } from '../cms/byte-source.ts'
import { malformed, truncated } from './packet-stream.ts'

const BYTES_PER_LINE = 48
const MAX_HEADER = 16 * 1024
const MAX_TAIL = 64 * 1024

/** Whether the first octets are armour rather than packets, whose first octet has its highest bit set. */
export function looksArmored(firstOctet: number): boolean {
  return (firstOctet & 0x80) === 0
}

/** The packets of a stream that may be armoured; blanks before the armour are skipped. */
export async function packetsOf(source: ByteSource, kinds: readonly string[]): Promise<{ readonly isArmored: boolean; readonly packets: AsyncIterable<Uint8Array>; readonly close: () => Promise<void> }> {
  const reader = new ByteReader(source)
  for (let skipped = 0; (await reader.ensure(1)) && [9, 10, 13, 32].includes(reader.buffer[reader.position] ?? 0); skipped++) {
    if (skipped > MAX_HEADER) throw malformed('no OpenPGP message was found')
    reader.take(1)
  }
  if (reader.available === 0) throw truncated('its beginning: it is empty')
  const isArmored = looksArmored(reader.buffer[reader.position] ?? 0)
  return { isArmored, packets: isArmored ? dearmored(chunksOf(reader), kinds) : chunksOf(reader), close: async () => await reader.close() }
}

async function* chunksOf(reader: ByteReader): AsyncGenerator<Uint8Array, void> {
  do if (reader.available > 0) yield reader.take(reader.available)
  while (await reader.fill())
}

/** Wraps packets of one kind, with the checksum that older programs insist on. */
export async function* armored(kind: 'MESSAGE' | 'SIGNATURE', source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from(`-----BEGIN PGP ${kind}-----\n\n`)
  let rest: Uint8Array = Buffer.alloc(0)
  let sum = CRC_START
  for await (const chunk of source) {
    sum = crc24(sum, chunk)
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const whole = all.length - (all.length % BYTES_PER_LINE)
    if (whole > 0) yield lines(all.subarray(0, whole))
    rest = Buffer.from(all.subarray(whole))
  }
  if (rest.length > 0) yield lines(rest)
  const checksum = Buffer.from([sum >> 16, sum >> 8, sum]).toString('base64')
  yield Buffer.from(`=${checksum}\n-----END PGP ${kind}-----\n`)
}

function lines(bytes: Uint8Array): Uint8Array {
  const flat = Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'), 'latin1')
  const perLine = (BYTES_PER_LINE / 3) * 4
  const count = Math.ceil(flat.length / perLine)
  const out = Buffer.allocUnsafe(flat.length + count)
  let to = 0
  for (let from = 0; from < flat.length; from += perLine) {
    const end = Math.min(from + perLine, flat.length)
    for (let at = from; at < end; at++) out[to++] = flat[at] ?? 0
    out[to++] = 10
  }
  return out
}

/**
 * The packets inside the armour. Rejects with `pgp.malformed` for anything else, `pgp.truncated` when the last line is missing.
 * The checksum is not compared (RFC 9580 6.1 forbids to reject by it); what counts is the integrity inside.
 */
export async function* dearmored(source: ByteSource, kinds: readonly string[]): AsyncGenerator<Uint8Array, void> {
  let text = ''
  let inside = false
  let ended = false
  for await (const chunk of source) {
    if (ended) {
      text += latin1(chunk)
      if (text.length > MAX_TAIL) throw malformed('too much follows the armour')
      continue
    }
    text = inside ? text + compact(latin1(chunk)) : text + latin1(chunk)
    if (!inside) {
      const start = bodyStart(text, kinds)
      if (start === undefined) {
        if (text.length > MAX_HEADER) throw malformed('no armour was found at the start')
        continue
      }
      inside = true
      text = compact(text.slice(start))
    }
    const end = text.search(/[=-]/)
    const usable = end < 0 ? text.length - (text.length % 4) : end - (end % 4)
    if (usable > 0) yield decoded(text.slice(0, usable))
    text = text.slice(usable)
    ended = end >= 0
  }
  if (!inside) throw text.includes('-----BEGIN PGP') ? truncated('the armour\'s header') : malformed('no armour was found at the start')
  // What stands between here and the last line: padded octets, perhaps the checksum. Blanks are gone already, so is the one in "END PGP".
  const tail = /^([A-Za-z0-9+/]*={0,2}?)(?:=[A-Za-z0-9+/]{4})?-----ENDPGP/.exec(compact(text))
  if (tail === null) {
    if (/^[A-Za-z0-9+/]*=*[A-Za-z0-9+/=]*(-[-A-Z]*)?$/.test(compact(text))) throw truncated('the armour')
    throw malformed('the armour holds what is not base64')
  }
  const last = tail[1] ?? ''
  if (last !== '') yield decoded(last)
}

/** Where the base64 begins, or undefined while the header is not whole. */
function bodyStart(text: string, kinds: readonly string[]): number | undefined {
  const begin = /^-----BEGIN PGP ([A-Z ]+)-----[ \t\r]*\n/m.exec(text)
  if (begin === null) return undefined
  const kind = begin[1] ?? ''
  if (kind === 'SIGNED MESSAGE') throw new AppError('pgp.unsupported', 'the message is a cleartext signature')
  if (!kinds.includes(kind)) throw malformed(`the armour holds a PGP ${kind}, expected was ${kinds.join(' or ')}`)
  const blank = /^[ \t\r]*\n/m
  const headers = text.slice(begin.index + begin[0].length)
  const empty = blank.exec(headers)
  if (empty === null) return undefined
  return begin.index + begin[0].length + empty.index + empty[0].length
}

function latin1(chunk: Uint8Array): string {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')
}

function compact(text: string): string {
  return text.replaceAll(/[\s]+/g, '')
}

function decoded(text: string): Uint8Array {
  // the runtime's decoder skips what is not base64, where we must not
  if (/[^A-Za-z0-9+/=]/.test(text)) throw malformed('the armour holds what is not base64')
  return Buffer.from(text, 'base64')
}

const CRC_START = 0xb704ce
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, octet) => {
  let value = octet << 16
  for (let bit = 0; bit < 8; bit++) value = (value & 0x800000) === 0 ? value << 1 : (value << 1) ^ 0x1864cfb
  return value & 0xffffff
})

/** RFC 9580 6.1.1. */
function crc24(start: number, bytes: Uint8Array): number {
  let sum = start
  for (let at = 0; at < bytes.length; at++) sum = ((sum << 8) & 0xffffff) ^ (CRC_TABLE[((sum >> 16) ^ (bytes[at] ?? 0)) & 0xff] ?? 0)
  return sum
}
