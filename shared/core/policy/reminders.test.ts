import { describe, expect, it } from 'vitest'
import { PartnerDocument } from '../../contract/partner-document.ts'
import { createReminders, reminderStep } from './reminders.ts'

const partner = PartnerDocument.parse({ id: 'acme', name: 'Acme', connections: [{ protocol: 'folder', path: '/srv' }], exceptions: [{ allow: 'cms-sha1', reason: 'they update', owner: 'Ms Ito', until: '2026-06-30' }] })

function reminders(due: string | null) {
  let now = 0
  const said: string[] = []
  const noted = new Set<string>()
  const remind = createReminders({
    repository: { lastReviews: () => (due === null ? [] : [{ partner: 'acme', due }]), noteReminder: (about: string, step: string) => !noted.has(`${about} ${step}`) && noted.add(`${about} ${step}`) !== undefined } as never,
    partners: () => [partner], raise: ({ title }) => void said.push(title), clock: { now: () => now, sleep: async () => await Promise.resolve() },
  })
  return { said, at: (iso: string) => ((now = Date.parse(iso)), remind()) }
}

describe('reminders', () => {
  it('come 14, 7, 3 and 1 days before an exception ends, once each, and once after it', () => {
    const { said, at } = reminders(null)
    expect(at('2026-06-01T12:00:00Z')).toBe(0)
    // The computer was off on the day itself.
    expect(at('2026-06-18T12:00:00Z')).toBe(1)
    expect(at('2026-06-18T18:00:00Z')).toBe(0)
    for (const day of ['24', '25', '28', '29', '30']) at(`2026-06-${day}T12:00:00Z`)
    expect(at('2026-06-30T23:59:00Z')).toBe(0)
    at('2026-07-01T00:00:01Z')
    expect(at('2026-08-01T00:00:01Z')).toBe(0)
    expect(said).toEqual(['An exception for Acme ends in 13 days', 'An exception for Acme ends in 7 days', 'An exception for Acme ends in 3 days', 'An exception for Acme ends today', 'An exception for Acme has ended'])
  })

  it('come for reviews that were begun, weekly once overdue', () => {
    const { said, at } = reminders('2027-03-31')
    for (const day of ['2027-02-01', '2027-03-05', '2027-03-26', '2027-03-31', '2027-04-01', '2027-04-02', '2027-04-08', '2027-04-15']) at(`${day}T12:00:00Z`)
    expect(said.filter((title) => title.includes('review'))).toEqual(['The review of Acme is due on 2027-03-31', 'The review of Acme is due on 2027-03-31', 'The review of Acme is due on 2027-03-31', 'The review of Acme is overdue', 'The review of Acme is overdue', 'The review of Acme is overdue'])
  })

  it('take the newest step only', () => {
    expect([15, 14, 8, 7, 2, 1, 0, -1].map((days) => reminderStep(days, [14, 7, 3, 1], 'once'))).toEqual([null, '14', '14', '7', '3', '1', 'ended', 'ended'])
  })
})
