/** Randomness for names: identifiers, boundaries, temporary files. Keys, salts and nonces are drawn by themselves. */
import { randomFillSync } from 'node:crypto'

/** Drawn one by one they cost more than all the rest of a name. */
const drawn = Buffer.alloc(4096)
let used = drawn.length

/** So many random bytes that nobody can foresee; they hold until more are asked for. */
export function randomForName(bytes: number): Buffer {
  if (used + bytes > drawn.length) {
    randomFillSync(drawn)
    used = 0
  }
  used += bytes
  return drawn.subarray(used - bytes, used)
}

/** Lower-case hexadecimal digits, two a byte. */
export function randomHex(bytes: number): string {
  return randomForName(bytes).toString('hex')
}
