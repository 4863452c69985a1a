/** The binary notation of SSH (RFC 4251 §5): strings, numbers and mpints, each read within bounds. */
import { AppError } from '../../kernel/errors.ts'

/** Takes values from the front; every call rejects with `key.malformed` when they are not there. */
export interface WireReader {
  string(): Buffer
  text(): string
  uint32(): number
  uint64(): bigint
  /** Unsigned digits without leading zeros; negative numbers are refused. */
  mpint(): Buffer
  /** How many bytes were taken so far. */
  readonly position: number
  readonly rest: number
}

export function wireReader(bytes: Buffer): WireReader {
  let at = 0
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new AppError('key.malformed', 'the key is cut off')
    at += length
    return bytes.subarray(at - length, at)
  }
  const string = (): Buffer => take(take(4).readUInt32BE())
  return {
    string,
    text: () => string().toString('utf8'),
    uint32: () => take(4).readUInt32BE(),
    uint64: () => take(8).readBigUInt64BE(),
    mpint() {
      const digits = string()
      if (((digits[0] ?? 0) & 0x80) !== 0) throw new AppError('key.malformed', 'the key holds a negative number')
      return withoutLeadingZeros(digits)
    },
    get position() {
      return at
    },
    get rest() {
      return bytes.length - at
    },
  }
}

export function wireUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A length and that many bytes. */
export function wireString(content: Buffer | string): Buffer {
  const body = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
  return Buffer.concat([wireUint32(body.length), body])
}

/** Of unsigned big-endian digits: a zero goes in front where the first bit would read as a sign. */
export function wireMpint(digits: Buffer): Buffer {
  const shortest = withoutLeadingZeros(digits)
  return wireString(((shortest[0] ?? 0) & 0x80) === 0 ? shortest : Buffer.concat([Buffer.of(0), shortest]))
}

function withoutLeadingZeros(digits: Buffer): Buffer {
  const first = digits.findIndex((byte) => byte !== 0)
  return first === -1 ? Buffer.alloc(0) : digits.subarray(first)
}
