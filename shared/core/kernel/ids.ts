import { randomFillSync } from 'node:crypto'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const TAIL = 12
/** Random bytes for the next ids: drawn one by one they cost more than all the rest. */
const drawn = Buffer.alloc(TAIL * 128)
let used = drawn.length

/**
 * A unique id that sorts by time: prefix, 10 characters of milliseconds, 12 random ones (60 bits), in Crockford's base 32.
 * Example: `dlv_01k9zt3m4x8f2q6rj7v1ab`.
 */
export function newId(prefix: string, now: number): string {
  let tail = ''
  if (used === drawn.length) {
    randomFillSync(drawn)
    used = 0
  }
  for (const end = used + TAIL; used < end; used++) tail += ALPHABET[(drawn[used] ?? 0) % 32]
  return `${firstId(prefix, now)}${tail}`
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
