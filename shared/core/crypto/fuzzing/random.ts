/** Repeatable random numbers for fuzzing; useless for anything secret. */

export interface Random {
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number
  /** True once in `count` times. */
  oneIn(count: number): boolean
  pick<T>(list: readonly T[]): T
  bytes(count: number): Buffer
}

/** The same seed gives the same numbers (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return (value ^ (value >>> 14)) >>> 0
  }
  const below = (limit: number): number => (limit <= 1 ? 0 : next() % limit)
  return {
    below,
    oneIn: (count) => below(count) === 0,
    pick<T>(list: readonly T[]): T {
      return list[below(list.length)] as T
    },
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => next() & 255)),
  }
}
