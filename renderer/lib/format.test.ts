import { describe, expect, it } from 'vitest'
import { bytesText, durationText, relativeText } from './format.ts'

describe('formatting', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [15 * 1024, '15 KiB'],
    [1024 ** 3, '1.0 GiB'],
  ])('%i bytes are %s', (bytes, text) => expect(bytesText(bytes)).toBe(text))

  it.each([
    [0, 'just now'],
    [60, '1 min ago'],
    [7200, '2 h ago'],
    [90_000, 'yesterday'],
    [-300, 'in 5 min'],
  ])('%i seconds ago reads %s', (seconds, text) => {
    const now = Date.parse('2026-11-24T12:00:00.000Z')
    expect(relativeText(new Date(now - seconds * 1000).toISOString(), now)).toBe(text)
  })

  it('keeps durations short', () => expect([durationText(0.2), durationText(59), durationText(120), durationText(5400)]).toEqual(['a moment', '59 s', '2 min', '1.5 h']))
})
