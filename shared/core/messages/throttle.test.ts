import { describe, expect, it } from 'vitest'
import { createThrottle, FAILURES_A_MINUTE } from './throttle.ts'

function setUp() {
  let now = Date.parse('2026-11-25T10:00:00Z')
  const clock = { now: () => now, sleep: () => Promise.resolve() }
  const throttle = createThrottle({ clock })
  const fail = (address: string, times: number): void => {
    for (let count = 0; count < times; count++) throttle.failed(address)
  }
  return { throttle, fail, pass: (ms: number) => void (now += ms) }
}

describe('failures of one address', () => {
  it('silence it for the rest of the minute, and nobody else', () => {
    const { throttle, fail, pass } = setUp()
    fail('192.0.2.7', FAILURES_A_MINUTE - 1)
    expect(throttle.waitOf('192.0.2.7')).toBe(0)
    pass(20_000)
    fail('::ffff:192.0.2.7', 1)
    expect([throttle.waitOf('192.0.2.7'), throttle.waitOf('192.0.2.8')]).toEqual([40_000, 0])
    pass(40_000)
    expect(throttle.waitOf('192.0.2.7')).toBe(0)
    fail('192.0.2.7', 1)
    expect(throttle.waitOf('192.0.2.7')).toBe(0)
  })

  it('count for a whole network of IPv6, however it is written', () => {
    const { throttle, fail } = setUp()
    fail('2001:db8::1', FAILURES_A_MINUTE / 2)
    fail('2001:0DB8:0:0:ffff::2', FAILURES_A_MINUTE / 2)
    expect(throttle.waitOf('2001:db8:0:0:1:2:3:4')).toBeGreaterThan(0)
    expect(throttle.waitOf('2001:db8:0:1::1')).toBe(0)
  })

  it('may be more behind a proxy on this computer, which speaks for everybody', () => {
    const { throttle, fail } = setUp()
    fail('127.0.0.1', FAILURES_A_MINUTE)
    expect(throttle.waitOf('127.0.0.1')).toBe(0)
    fail('127.0.0.1', 4 * FAILURES_A_MINUTE)
    expect(throttle.waitOf('127.0.0.1')).toBeGreaterThan(0)
  })
})
