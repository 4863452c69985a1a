/** How often one address may fail at our receiver: whoever tries out messages to learn from the answers learns slowly. */
import type { Clock } from '../kernel/clock.ts'
import { isLoopback } from './rules.ts'

/** Failures in a minute, then nothing is heard from the address until the minute is over. */
export const FAILURES_A_MINUTE = 120
/** A proxy in front speaks for everybody. */
const PROXY_FACTOR = 5
const MINUTE_MS = 60_000
const MOST_ADDRESSES = 10_000

export interface Throttle {
  /** Milliseconds until the address is heard again; 0 when it is heard now. */
  waitOf(address: string): number
  failed(address: string): void
}

export function createThrottle({ clock }: { readonly clock: Clock }): Throttle {
  const failures = new Map<string, { since: number; count: number }>()
  return {
    waitOf(address) {
      const key = keyOf(address)
      const seen = failures.get(key)
      const left = seen === undefined ? 0 : seen.since + MINUTE_MS - clock.now()
      if (seen === undefined || left <= 0 || left > MINUTE_MS) return 0
      return seen.count >= FAILURES_A_MINUTE * (isLoopback(key) ? PROXY_FACTOR : 1) ? left : 0
    },
    failed(address) {
      const key = keyOf(address)
      const now = clock.now()
      const seen = failures.get(key)
      if (seen !== undefined && Math.abs(now - seen.since) < MINUTE_MS) {
        seen.count++
        return
      }
      failures.delete(key)
      // The oldest goes: an attacker with ten thousand addresses is nothing that counting stops.
      if (failures.size >= MOST_ADDRESSES) for (const oldest of [...failures.keys()].slice(0, MOST_ADDRESSES / 10)) failures.delete(oldest)
      failures.set(key, { since: now, count: 1 })
    },
  }
}

/** IPv4 within IPv6 is IPv4, and a network of IPv6 (/64) is one address: its owner has all of them. */
function keyOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (!plain.includes(':') || plain === '::1') return plain
  const [left = '', right] = plain.split('::')
  const head = left === '' ? [] : left.split(':')
  const tail = right === undefined || right === '' ? [] : right.split(':')
  const zeros = right === undefined ? 0 : Math.max(0, 8 - head.length - tail.length)
  return [...head, ...Array.from({ length: zeros }, () => '0'), ...tail].slice(0, 4).map((part) => part.replace(/^0+(?=.)/, '').toLowerCase()).join(':')
}
