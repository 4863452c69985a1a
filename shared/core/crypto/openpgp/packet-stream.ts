/** OpenPGP packets (RFC 9580 4.2) in both directions while their bodies stream by. */
import { AppError } from '../../kernel/errors.ts'
import { ByteReader, type ByteSource } from '../cms/byte-source.ts'

export const PACKET = {
  publicKeySession: 1, signature: 2, symmetricSession: 3, onePass: 4, compressed: 8, encrypted: 9, marker: 10,
  literal: 11, protectedData: 18, aeadData: 20, padding: 21,
} as const

/** Pieces of a body are joined up to here, because GnuPG cuts its packets into pieces of 8 KiB. */
const GATHER = 128 * 1024
/** 2^16 octets in each part that we write. */
const PART_BITS = 16
const PART = 2 ** PART_BITS

export function truncated(what: string): AppError {
  return new AppError('pgp.truncated', `the message ends inside ${what}`)
}

export function malformed(what: string): AppError {
  return new AppError('pgp.malformed', what)
}

/** One packet; its body must be read to its end before the next one is asked for. */
export interface Packet {
  readonly tag: number
  body(): AsyncGenerator<Uint8Array, void>
  /** Each chunk is lent: it holds until the next one is asked for. */
  lentBody(): AsyncGenerator<Uint8Array, void>
  /** The whole body. Rejects with `pgp.malformed` when it is larger than `maxBytes`. */
  bytes(maxBytes: number): Promise<Uint8Array>
}

interface Length {
  /** Infinity: until the end of the stream. */
  readonly octets: number
  readonly partial: boolean
}

export class PacketReader {
  readonly #reader: ByteReader
  readonly #isOwned: boolean

  /** `isOwned`: nobody else needs the chunks, so that their parts may be joined where they lie. */
  constructor(source: ByteSource, isOwned = false) {
    this.#reader = new ByteReader(source)
    this.#isOwned = isOwned
  }

  /** The next packet, or undefined at the end of the stream. */
  async next(): Promise<Packet | undefined> {
    const reader = this.#reader
    if (!(await reader.ensure(1))) return undefined
    const first = reader.take(1)[0] ?? 0
    if ((first & 0x80) === 0) throw malformed('a packet header was expected')
    const isNew = (first & 0x40) !== 0
    const tag = isNew ? first & 0x3f : (first >> 2) & 0x0f
    const length = isNew ? await newLength(reader) : await oldLength(reader, first & 3)
    const join = this.#isOwned ? joinedInPlace : joined
    return {
      tag,
      body: () => body(reader, length, join),
      lentBody: () => body(reader, length, lending()),
      bytes: async (maxBytes) => {
        const parts: Uint8Array[] = []
        let total = 0
        for await (const part of body(reader, length, joined)) {
          total += part.length
          if (total > maxBytes) throw malformed(`packet ${tag} is larger than ${maxBytes} bytes`)
          parts.push(Buffer.from(part))
        }
        return Buffer.concat(parts, total)
      },
    }
  }

  /** What follows the last packet: at most `maxBytes` of it. */
  async rest(maxBytes: number): Promise<number> {
    let octets = 0
    do {
      octets += this.#reader.take(this.#reader.available).length
      if (octets > maxBytes) return octets
    } while (await this.#reader.fill())
    return octets
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }

  /** Looks at the first octet of what comes next. */
  async peek(): Promise<number | undefined> {
    return (await this.#reader.ensure(1)) ? this.#reader.buffer[this.#reader.position] : undefined
  }
}

async function octets(reader: ByteReader, count: number): Promise<number> {
  if (!(await reader.ensure(count))) throw truncated('a packet header')
  return Buffer.from(reader.take(count)).readUIntBE(0, count)
}

async function newLength(reader: ByteReader): Promise<Length> {
  const first = await octets(reader, 1)
  if (first < 192) return { octets: first, partial: false }
  if (first < 224) return { octets: ((first - 192) << 8) + (await octets(reader, 1)) + 192, partial: false }
  if (first < 255) return { octets: 2 ** (first & 0x1f), partial: true }
  return { octets: await octets(reader, 4), partial: false }
}

async function oldLength(reader: ByteReader, kind: number): Promise<Length> {
  // Indeterminate lengths are how GnuPG frames compressed data.
  return { octets: kind === 3 ? Number.POSITIVE_INFINITY : await octets(reader, 2 ** kind), partial: false }
}

async function* body(reader: ByteReader, start: Length, join: Join): AsyncGenerator<Uint8Array, void> {
  let { octets: left, partial } = start
  for (;;) {
    const pieces: Uint8Array[] = []
    let gathered = 0
    while (gathered < GATHER) {
      if (left === 0) {
        if (!partial) break
        if (pieces.length > 0 && reader.available < 5) break
        ;({ octets: left, partial } = await newLength(reader))
        continue
      }
      if (reader.available === 0) {
        if (pieces.length > 0) break
        if (!(await reader.fill())) {
          if (left === Number.POSITIVE_INFINITY) return
          throw truncated('a packet')
        }
      }
      const piece = reader.take(Math.min(left, reader.available, GATHER - gathered))
      left -= piece.length
      gathered += piece.length
      pieces.push(piece)
    }
    const [first] = pieces
    if (first === undefined) return
    yield pieces.length === 1 ? first : join(pieces, gathered)
  }
}

/** Joins neighbouring pieces of one chunk, given in their order. */
type Join = (pieces: readonly Uint8Array[], octets: number) => Uint8Array

function joined(pieces: readonly Uint8Array[], octets: number): Uint8Array {
  return filled(pieces, Buffer.allocUnsafeSlow(octets))
}

/** Always into the same memory. */
function lending(): Join {
  const room = Buffer.allocUnsafeSlow(GATHER)
  return (pieces, octets) => filled(pieces, room.subarray(0, octets))
}

/** Only length octets lie between the pieces: each moves down over them. */
function joinedInPlace(pieces: readonly Uint8Array[], octets: number): Uint8Array {
  const first = pieces[0] ?? new Uint8Array()
  return filled(pieces, new Uint8Array(first.buffer, first.byteOffset, octets))
}

function filled(pieces: readonly Uint8Array[], room: Uint8Array): Uint8Array {
  let at = 0
  for (const piece of pieces) {
    room.set(piece, at)
    at += piece.length
  }
  return room
}

/** A whole packet with a definite length. */
export function packetOf(tag: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([0xc0 | tag]), definiteLength(content.length), content])
}

function definiteLength(count: number): Uint8Array {
  if (count < 192) return Buffer.from([count])
  if (count < 8384) return Buffer.from([((count - 192) >> 8) + 192, (count - 192) & 0xff])
  const header = Buffer.alloc(5, 0xff)
  header.writeUInt32BE(count, 1)
  return header
}

/**
 * A packet whose length is not known before, in parts (RFC 9580 4.2.1.4). A short body gets a definite length. With `lend`, each chunk holds
 * until the next one is asked for only.
 */
export async function* packetStream(tag: number, source: AsyncIterable<Uint8Array>, lend = false): AsyncGenerator<Uint8Array, void> {
  // Room for the tag and the length before the part, so that header and part are one chunk.
  let part = Buffer.allocUnsafeSlow(PART + 2)
  let filled = 0
  let started = false
  for await (const chunk of source) {
    let at = 0
    while (at < chunk.length) {
      if (filled === PART) {
        part[0] = 0xc0 | tag
        part[1] = 0xe0 | PART_BITS
        yield started ? part.subarray(1) : part
        started = true
        if (!lend) part = Buffer.allocUnsafeSlow(PART + 2)
        filled = 0
      }
      const count = Math.min(PART - filled, chunk.length - at)
      part.set(at === 0 && count === chunk.length ? chunk : chunk.subarray(at, at + count), 2 + filled)
      filled += count
      at += count
    }
  }
  yield Buffer.concat([Buffer.from(started ? [] : [0xc0 | tag]), definiteLength(filled), part.subarray(2, 2 + filled)])
}
