import { describe, expect, it } from 'vitest'
import { daysText, readable, validityText } from './words.ts'

describe('the inventory in words', () => {
  it('reads fingerprints out in pairs, and leaves other forms alone', () => {
    expect(readable(`sha256:${'ab'.repeat(32)}`)).toBe(Array.from({ length: 32 }, () => 'AB').join(':'))
    expect(readable('SHA256:abcDEF+/')).toBe('SHA256:abcDEF+/')
    expect(readable('spki:AAAA=')).toBe('spki:AAAA=')
  })
  it('says when something ends', () => {
    const now = Date.parse('2026-06-01T00:00:00.000Z')
    expect([validityText(null, now), validityText('2026-06-02T00:00:00.000Z', now), validityText('2026-06-01T00:00:00.000Z', now)]).toEqual(['', 'until 2026-06-02', 'expired on 2026-06-01'])
    expect([-40, -1, 0, 1, 2].map(daysText)).toEqual(['since 40 days', 'since yesterday', 'today', 'tomorrow', 'in 2 days'])
  })
})
