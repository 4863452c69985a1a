import { describe, expect, it } from 'vitest'
import { ExpectationDocument } from '../../contract/expectations.ts'
import { caseTimes, judgeCase, newsOf, type Arrival } from './rules.ts'

const HOUR = 3_600_000
const MINUTE = 60_000
const DUE = Date.parse('2026-11-25T08:00:00Z')
const document = (more: object = {}): ExpectationDocument =>
  ExpectationDocument.parse({ id: 'orders', name: 'Orders', direction: 'inbound', partner: 'acme', files: ['*.edi'], by: { kind: 'at', times: ['08:00'], zone: 'UTC' }, ...more })
const times = caseTimes({ earlyMinutes: 720, graceMinutes: 15 }, DUE, DUE - 24 * HOUR, DUE + 24 * HOUR)
const file = (name: string, minutes: number, more: Partial<Arrival> = {}): Arrival => ({ delivery: `dlv_${name}`, name, size: 100, at: DUE + minutes * MINUTE, held: false, ...more })
const judge = (arrivals: Arrival[], minutes: number, more: object = {}): string => {
  const { state, reason } = judgeCase(document(more), times, arrivals, DUE + minutes * MINUTE)
  return `${state}: ${reason}`
}

describe('the times of a case', () => {
  it('begins some hours before the due time, ends with the grace period, and takes late files until the next one begins', () =>
    expect(times).toEqual({ due: DUE, from: DUE - 12 * HOUR, deadline: DUE + 15 * MINUTE, until: DUE + 12 * HOUR }))
  it('never shares a file between two cases, however often something is due', () => {
    const dues = [0, 5, 10].map((minutes) => DUE + minutes * MINUTE)
    const [first, second] = [caseTimes({ earlyMinutes: 720, graceMinutes: 15 }, dues[0]!, null, dues[1]!), caseTimes({ earlyMinutes: 720, graceMinutes: 15 }, dues[1]!, dues[0]!, dues[2]!)]
    expect([first.deadline, first.until, second.from]).toEqual([dues[1], dues[1], dues[1]])
  })
})

describe('a case', () => {
  it.each<[string, Arrival[], number, object?]>([
    ['waiting: nothing came yet', [], 0],
    ['missing: nothing came', [], 16],
    ['missing: nothing came', [file('a.txt', 0)], 16],
    ['met: 1 file came in time', [file('A.EDI', -30)], 16],
    ['met: 1 file came in time', [file('a.edi', 15)], 16],
    ['late: complete 30 min after the agreed time', [file('a.edi', 30)], 40],
    ['missing: nothing came', [file('a.edi', -13 * 60)], 16],
    ['missing: 1 of 2 files came', [file('a.edi', 0)], 16, { count: { atLeast: 2 } }],
    ['wrong: 2 files came; at most 1 were agreed', [file('a.edi', 0), file('b.edi', 1)], 2, { count: { atMost: 1 } }],
    ['wrong: a.edi: it has 100 bytes; at least 101 were agreed', [file('a.edi', 0)], 1, { size: { atLeast: 101 } }],
    ['wrong: a.edi: it has 100 bytes; at most 9 were agreed', [file('a.edi', 0)], 1, { size: { atMost: 9 } }],
    ['wrong: a.edi: its name should be like orders_20261125_*.edi', [file('a.edi', 0)], 1, { names: ['orders_{date}_*.edi'] }],
    ['met: 1 file came in time', [file('orders_2026-11-25.edi', 0)], 1, { names: ['orders_{day}.edi'] }],
    ['wrong: a.edi: it is held and waits for a decision', [file('a.edi', 0, { held: true })], 1],
    ['met: 1 file came in time', [file('a.edi', 0, { size: 1 }), file('b.edi', 1)], 2, { size: { atLeast: 2 } }],
    ['missing: nothing left', [], 16, { direction: 'outbound' }],
  ])('is %s', (expected, arrivals, minutes, more) => expect(judge(arrivals, minutes, more)).toBe(expected))

  it('is told when trouble begins and when it is made up for', () =>
    expect([newsOf('waiting', 'missing'), newsOf('missing', 'late'), newsOf('wrong', 'met'), newsOf('waiting', 'met'), newsOf('missing', 'wrong'), newsOf('missing', 'waiting')]).toEqual(['trouble', 'recovery', 'recovery', null, 'trouble', null]))
})
