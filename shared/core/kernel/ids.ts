import { randomForName } from './random-names.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const TAIL = 12
let last = { time: -1, tail: '' }

/**
 * A unique id that sorts by time, within a millisecond by the order in which this process made them: prefix, 10 characters of milliseconds,
 * 12 random ones (60 bits), in Crockford's base 32. Example: `dlv_01k9zt3m4x8f2q6rj7v1ab`.
 */
export function newId(prefix: string, now: number): string {
  const time = Math.floor(now)
  const tail = time === last.time ? following(last.tail) : randomTail()
  last = { time, tail }
  return `${firstId(prefix, now)}${tail}`
}

function randomTail(): string {
  let tail = ''
  for (const byte of randomForName(TAIL)) tail += ALPHABET[byte % 32]
  return tail
}

/** The next one, as ULIDs are made; after the very last, which one in 10^18 is, any. */
function following(tail: string): string {
  for (let at = tail.length - 1; at >= 0; at--) {
    const value = ALPHABET.indexOf(tail.charAt(at))
    if (value < 31) return `${tail.slice(0, at)}${ALPHABET.charAt(value + 1)}${'0'.repeat(tail.length - 1 - at)}`
  }
  return randomTail()
}

/** What every id made at that time or later sorts behind. */
export function firstId(prefix: string, now: number): string {
  let time = Math.max(0, Math.floor(now))
  let head = ''
  for (let i = 0; i < 10; i++) {
    head = `${ALPHABET[time % 32]}${head}`
    time = Math.floor(time / 32)
  }
  return `${prefix}_${head}`
}
