import { describe, expect, it } from 'vitest'
import { isLoopback, meaningOf, pauseAfterTry, retryAfter } from './rules.ts'

const MINUTE = 60_000

describe('an answer without a receipt', () => {
  it.each([
    [200, 'sync', 'no-receipt'],
    [204, 'async', 'taken'],
    [200, 'none', 'taken'],
    [302, 'sync', 'redirected'],
    [307, 'async', 'redirected'],
    [400, 'sync', 'refused'],
    [401, 'sync', 'refused'],
    [403, 'async', 'refused'],
    [404, 'sync', 'refused'],
    [413, 'sync', 'refused'],
    [408, 'sync', 'later'],
    [425, 'sync', 'later'],
    [429, 'async', 'later'],
    [503, 'sync', 'later'],
    [500, 'sync', 'failed'],
    [502, 'async', 'failed'],
    [504, 'sync', 'failed'],
  ] as const)('%i where the receipt is %s means %s', (status, mode, meaning) => {
    expect(meaningOf(status, mode)).toBe(meaning)
  })
})

describe('pauses between tries', () => {
  it('are 5, 10, 20, 40 minutes and so on up to 4 hours', () => {
    const pauses = Array.from({ length: 9 }, (_, index) => (pauseAfterTry(index + 1, { since: 0, now: 0, hours: 168 }, 0.5) ?? 0) / MINUTE)
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 240, 240, 240])
  })
  it('spread by a fifth to both sides', () => {
    expect(pauseAfterTry(1, { since: 0, now: 0, hours: 1 }, 0)).toBe(4 * MINUTE)
    expect(pauseAfterTry(1, { since: 0, now: 0, hours: 1 }, 1)).toBe(6 * MINUTE)
  })
  it('end when the time agreed would be over by then', () => {
    expect(pauseAfterTry(1, { since: 0, now: 23 * 60 * MINUTE, hours: 24 }, 0.5)).toBe(5 * MINUTE)
    expect(pauseAfterTry(1, { since: 0, now: 24 * 60 * MINUTE - 1, hours: 24 }, 0.5)).toBeNull()
  })
  it('are as long as the server asks for, in seconds or as a date, at most a day', () => {
    const now = Date.parse('2026-11-25T12:00:00Z')
    expect(retryAfter('120', now)).toBe(120_000)
    expect(retryAfter('Wed, 25 Nov 2026 12:30:00 GMT', now)).toBe(30 * MINUTE)
    expect(retryAfter('999999999', now)).toBe(86_400_000)
    for (const odd of [undefined, '', 'soon', '-5', 'Wed, 25 Nov 2020 12:30:00 GMT']) expect(retryAfter(odd, now)).toBeUndefined()
  })
})

it('knows this computer by its names only', () => {
  for (const host of ['localhost', '127.0.0.1', '127.8.0.1', '::1', '[::1]', 'LOCALHOST']) expect(isLoopback(host), host).toBe(true)
  for (const host of ['127.0.0.1.example.com', 'localhost.example.com', '10.0.0.1', '0.0.0.0', '128.0.0.1', 'example.com']) expect(isLoopback(host), host).toBe(false)
})
