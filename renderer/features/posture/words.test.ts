import { describe, expect, it } from 'vitest'
import type { Finding } from '../../../shared/contract/posture.ts'
import { countsText, dayAfter, groupsOf, pathOf, sentence } from './words.ts'

const finding = (code: string, severity: Finding['severity']): Finding => ({ code, severity }) as Finding

describe('words of the posture page', () => {
  it('put findings of one rule together and keep their order', () => {
    const groups = groupsOf([finding('a', 'error'), finding('b', 'error'), finding('a', 'error'), finding('a', 'warning')])
    expect(groups.map(({ key, findings }) => `${key} ${findings.length}`)).toEqual(['error a 2', 'error b 1', 'warning a 1'])
  })
  it('lead to the screen that mends', () => {
    expect([pathOf({ kind: 'partner-form', id: 'acme' }), pathOf({ kind: 'trust', id: '' }), pathOf({ kind: 'trust', id: 'a/b' }), pathOf({ kind: 'settings', id: 'station' })]).toEqual(['/partners/acme/edit', '/trust', '/trust/a%2Fb', '/settings#station'])
  })
  it('are sentences and counts', () => {
    expect([sentence('it is'), sentence('Is it?')]).toEqual(['It is.', 'Is it?'])
    expect([countsText({ error: 1, warning: 2, info: 0, suppressed: 4 }), countsText({ error: 0, warning: 0, info: 0, suppressed: 4 })]).toEqual(['1 error, 2 warnings', 'Nothing is open'])
    expect(dayAfter(Date.parse('2026-12-20T10:00:00Z'), 30)).toBe('2027-01-19')
  })
})
