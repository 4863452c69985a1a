import { describe, expect, it } from 'vitest'
import { trendOf } from './trend.ts'

const at = (day: number, error: number, warning: number) => ({ at: `2026-06-${String(day).padStart(2, '0')}T00:00:00.000Z`, counts: { error, warning, info: 0, suppressed: 0 } })
const NOW = Date.parse('2026-06-11T00:00:00.000Z')

describe('the trend', () => {
  it('goes in steps from the first snapshot to now, the worst value at the top', () => {
    const trend = trendOf([at(6, 0, 4), at(1, 2, 1)], NOW, { width: 100, height: 40 })
    expect(trend?.errors).toBe('0,20 50,20 50,40 100,40')
    expect(trend?.warnings).toBe('0,30 50,30 50,0 100,0')
    expect(trend?.words).toBe('From 2 errors and 1 warning on 2026-06-01 to 0 errors and 4 warnings now; at most 4 of one kind in between.')
  })

  it('says nothing of one snapshot, and does not divide by nothing', () => {
    expect(trendOf([], NOW, { width: 100, height: 40 })).toBeNull()
    expect(trendOf([at(1, 1, 1)], NOW, { width: 100, height: 40 })).toBeNull()
    expect(trendOf([at(2, 0, 0), at(1, 0, 0)], NOW, { width: 100, height: 40 })?.errors).toBe('0,40 10,40 10,40 100,40')
  })
})
