import { assert, constantFrom, integer, property, tuple } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Schedule } from '../../contract/schedules.ts'
import { parseHolidays } from './calendar.ts'
import { checkSchedule, dueTimes, nextDue } from './rules.ts'
import { dateText, instantOf, offsetAt, wallOf } from './zones.ts'

type Input = Record<string, unknown>
const parse = (input: Input): Schedule => Schedule.parse(input)
/** `2026-03-29 03:00 +02:00` of each: instant and wall clock at once. */
const shown = (schedule: Schedule, instants: readonly number[]): string[] =>
  instants.map((instant) => {
    const minutes = offsetAt(schedule.zone, instant) / 60_000
    const offset = `${minutes < 0 ? '-' : '+'}${String(Math.floor(Math.abs(minutes) / 60)).padStart(2, '0')}:${String(Math.abs(minutes) % 60).padStart(2, '0')}`
    return `${new Date(wallOf(schedule.zone, instant)).toISOString().slice(0, 16).replace('T', ' ')} ${offset}`
  })
const due = (input: Input, after: string, count: number, holidays: readonly string[] = []): string[] => {
  const schedule = parse(input)
  checkSchedule(schedule)
  return shown(schedule, nextDue(schedule, Date.parse(after), count, new Set(holidays)))
}

describe('a time that daylight saving skips is due right after, a repeated one once', () => {
  const at = (zone: string, ...times: string[]): Input => ({ kind: 'at', times, zone })
  it.each([
    ['Europe/Berlin forward', at('Europe/Berlin', '02:30'), '2026-03-28T12:00:00Z', ['2026-03-29 03:00 +02:00', '2026-03-30 02:30 +02:00']],
    ['Europe/Berlin back', at('Europe/Berlin', '02:30'), '2026-10-24T12:00:00Z', ['2026-10-25 02:30 +02:00', '2026-10-26 02:30 +01:00']],
    ['America/New_York forward', at('America/New_York', '02:15'), '2026-03-07T12:00:00Z', ['2026-03-08 03:00 -04:00', '2026-03-09 02:15 -04:00']],
    ['America/New_York back', at('America/New_York', '01:30'), '2026-10-31T12:00:00Z', ['2026-11-01 01:30 -04:00', '2026-11-02 01:30 -05:00']],
    ['half an hour at Lord Howe forward', at('Australia/Lord_Howe', '02:10'), '2026-10-03T03:00:00Z', ['2026-10-04 02:30 +11:00', '2026-10-05 02:10 +11:00']],
    ['half an hour at Lord Howe back', at('Australia/Lord_Howe', '01:45'), '2026-04-04T03:00:00Z', ['2026-04-05 01:45 +11:00', '2026-04-06 01:45 +10:30']],
    ['midnight that is skipped (Cairo)', at('Africa/Cairo', '00:00'), '2026-04-23T12:00:00Z', ['2026-04-24 01:00 +03:00', '2026-04-25 00:00 +03:00']],
    ['a day that never was (Samoa)', at('Pacific/Apia', '09:00'), '2011-12-29T19:30:00Z', ['2011-12-31 00:00 +14:00', '2011-12-31 09:00 +14:00']],
    ['two skipped times are one', at('Europe/Berlin', '02:10', '02:50'), '2026-03-28T12:00:00Z', ['2026-03-29 03:00 +02:00', '2026-03-30 02:10 +02:00']],
    ['cron with a fixed time', { kind: 'cron', expression: '30 2 * * *', zone: 'Europe/Berlin' }, '2026-03-28T12:00:00Z', ['2026-03-29 03:00 +02:00', '2026-03-30 02:30 +02:00']],
    ['a fixed time of cron that is repeated', { kind: 'cron', expression: '0,30 2 * * *', zone: 'Europe/Berlin' }, '2026-10-24T12:00:00Z', ['2026-10-25 02:00 +02:00', '2026-10-25 02:30 +02:00', '2026-10-26 02:00 +01:00']],
  ])('%s', (_, schedule, after, expected) => {
    expect(due(schedule, after, expected.length)).toEqual(expected)
  })
})

describe('what runs every few minutes counts time that passes', () => {
  it.each([
    ['forward', { kind: 'every', minutes: 30, from: '01:00', until: '04:00', zone: 'Europe/Berlin' }, '2026-03-28T23:30:00Z', ['2026-03-29 01:00 +01:00', '2026-03-29 01:30 +01:00', '2026-03-29 03:00 +02:00', '2026-03-29 03:30 +02:00', '2026-03-29 04:00 +02:00', '2026-03-30 01:00 +02:00']],
    ['back', { kind: 'every', minutes: 60, from: '01:00', until: '03:00', zone: 'Europe/Berlin' }, '2026-10-24T22:30:00Z', ['2026-10-25 01:00 +02:00', '2026-10-25 02:00 +02:00', '2026-10-25 02:00 +01:00', '2026-10-25 03:00 +01:00', '2026-10-26 01:00 +01:00']],
    ['cron forward', { kind: 'cron', expression: '*/30 * * * *', zone: 'Europe/Berlin' }, '2026-03-29T00:20:00Z', ['2026-03-29 01:30 +01:00', '2026-03-29 03:00 +02:00', '2026-03-29 03:30 +02:00']],
    ['cron back', { kind: 'cron', expression: '*/30 * * * *', zone: 'Europe/Berlin' }, '2026-10-25T00:10:00Z', ['2026-10-25 02:30 +02:00', '2026-10-25 02:00 +01:00', '2026-10-25 02:30 +01:00', '2026-10-25 03:00 +01:00']],
    ['over midnight', { kind: 'every', minutes: 60, from: '22:30', until: '00:45', days: ['fri'], zone: 'UTC' }, '2026-11-26T00:00:00Z', ['2026-11-27 22:30 +00:00', '2026-11-27 23:30 +00:00', '2026-11-28 00:30 +00:00', '2026-12-04 22:30 +00:00']],
    ['the whole day, once at its end', { kind: 'every', minutes: 720, zone: 'UTC' }, '2026-11-26T00:00:00Z', ['2026-11-26 12:00 +00:00', '2026-11-27 00:00 +00:00', '2026-11-27 12:00 +00:00']],
  ])('%s', (_, schedule, after, expected) => {
    expect(due(schedule, after, expected.length)).toEqual(expected)
  })

  it('knows seconds in six fields', () => {
    const schedule = parse({ kind: 'cron', expression: '*/20 0 8 * * 1-5', zone: 'UTC' })
    expect(nextDue(schedule, Date.parse('2026-11-27T08:00:20.500Z'), 3).map((at) => new Date(at).toISOString())).toEqual(['2026-11-27T08:00:40.000Z', '2026-11-30T08:00:00.000Z', '2026-11-30T08:00:20.000Z'])
  })
})

describe('days and months', () => {
  const monthly = (on: number | string, more: Input = {}): Input => ({ kind: 'monthly', on, times: ['09:00'], zone: 'UTC', ...more })
  const days = (...args: Parameters<typeof due>): string[] => due(...args).map((text) => text.slice(0, 10))
  it.each([
    ['a day that short months lack', monthly(31), ['2027-01-31', '2027-02-28', '2027-03-31', '2027-04-30']],
    ['leap day', monthly(29), ['2027-01-29', '2027-02-28', '2027-03-29']],
    ['the last working day', monthly('last-workday'), ['2027-01-29', '2027-02-26', '2027-03-31']],
    ['the first working day', monthly('first-workday'), ['2027-01-01', '2027-02-01', '2027-03-01']],
  ])('%s', (_, schedule, expected) => {
    expect(days(schedule, '2026-12-31T12:00:00Z', expected.length)).toEqual(expected)
  })

  it('waits four years for a leap day of cron, and refuses a day that never comes', () => {
    expect(days({ kind: 'cron', expression: '0 9 29 2 *', zone: 'UTC' }, '2026-11-25T00:00:00Z', 2)).toEqual(['2028-02-29', '2032-02-29'])
    expect(() => due({ kind: 'cron', expression: '0 9 30 2 *', zone: 'UTC' }, '2026-11-25T00:00:00Z', 1)).toThrow(/never due/)
  })

  it.each([['61 * * * *'], ['* * * *'], ['0 9 * * mon-xyz'], ['0 0 9 * * 1 2030'], ['@daily']])('refuses the expression %s by name', (expression) => {
    expect(() => checkSchedule(parse({ kind: 'cron', expression, zone: 'UTC' }))).toThrow(/expression: /)
  })

  it('refuses a zone that nobody knows', () => {
    expect(() => checkSchedule(parse({ kind: 'at', times: ['09:00'], zone: 'Mars/Olympus' }))).toThrow(/Mars\/Olympus/)
  })

  const calendar = (onHoliday: string): Input => ({ calendar: { file: '/holidays.txt', onHoliday } })
  const christmas = ['2026-12-24', '2026-12-25']
  it.each([
    ['skip', ['2026-12-23', '2026-12-28']],
    ['before', ['2026-12-23', '2026-12-28']],
    ['after', ['2026-12-23', '2026-12-28']],
  ])('keeps daily times off holidays (%s)', (onHoliday, expected) => {
    expect(days({ kind: 'at', times: ['09:00'], zone: 'UTC', ...calendar(onHoliday) }, '2026-12-22T12:00:00Z', 2, christmas)).toEqual(expected)
  })
  it.each([
    ['skip', ['2027-12-24']],
    ['before', ['2026-12-23', '2027-12-24']],
    ['after', ['2026-12-28', '2027-12-24']],
  ])('moves a yearly time off a holiday (%s)', (onHoliday, expected) => {
    expect(days({ kind: 'cron', expression: '0 9 24 12 *', zone: 'UTC', ...calendar(onHoliday) }, '2026-11-22T12:00:00Z', expected.length, christmas)).toEqual(expected)
  })
  it('counts holidays among the last working days', () => {
    expect(days({ kind: 'monthly', on: 'last-workday', times: ['09:00'], zone: 'UTC', ...calendar('skip') }, '2026-12-01T00:00:00Z', 1, ['2026-12-31', '2026-12-30'])).toEqual(['2026-12-29'])
  })
  it('keeps intervals off holidays and weekends', () => {
    expect(days({ kind: 'every', minutes: 720, from: '09:00', until: '17:00', zone: 'UTC', ...calendar('after') }, '2026-12-22T12:00:00Z', 3, christmas)).toEqual(['2026-12-23', '2026-12-28', '2026-12-29'])
  })
})

describe('files of holidays', () => {
  it('reads dates, remarks and names, and says what it does not understand', () => {
    expect(parseHolidays('\uFEFF# ours\r\n2026-12-25 Christmas\r\n2026-12-26;Boxing Day\n2026-02-30\nEaster\n2026-12-25\n')).toEqual({ dates: ['2026-12-25', '2026-12-26'], bad: ['2026-02-30', 'Easter'] })
  })
  it('reads the all-day events of iCalendar, an end being exclusive', () => {
    const event = (...lines: string[]): string => ['BEGIN:VEVENT', ...lines, 'END:VEVENT'].join('\r\n')
    const text = ['BEGIN:VCALENDAR', event('DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261227'), event('DTSTART;VALUE=DATE:20270101'), event('DTSTART:20270105T090000Z'), 'END:VCALENDAR'].join('\r\n')
    expect(parseHolidays(text).dates).toEqual(['2026-12-24', '2026-12-25', '2026-12-26', '2027-01-01'])
  })
})

describe('whatever the schedule and zone', () => {
  const zone = constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo', 'Asia/Kolkata', 'Pacific/Apia', 'America/Santiago', 'UTC')
  const time = tuple(integer({ min: 0, max: 23 }), integer({ min: 0, max: 59 })).map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`)
  const start = integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2028, 0, 1) })

  it('has each day its time exactly once, in order', () => {
    assert(
      property(zone, time, start, (name, clock, after) => {
        const schedule = parse({ kind: 'at', times: [clock], zone: name })
        const instants = nextDue(schedule, after, 400)
        expect(new Set(instants.map((instant) => dateText(wallOf(name, instant)))).size).toBe(400)
        for (const [index, instant] of instants.entries()) expect(instant).toBeGreaterThan(instants[index - 1] ?? after)
        const shifted = instants.filter((instant) => new Date(wallOf(name, instant)).toISOString().slice(11, 16) !== clock)
        // At most where the clock goes forward: once a year, and the walk is 13 months long.
        expect(shifted.length).toBeLessThanOrEqual(2)
      }),
      { numRuns: 25 },
    )
  })

  it('goes on from wherever it is asked to', () => {
    assert(
      property(zone, constantFrom('*/7 * * * *', '15 */5 * * *', '0 2 * * *', '*/15 1-3 * * 0'), start, (name, expression, after) => {
        const schedule = parse({ kind: 'cron', expression, zone: name })
        const [first = 0, second = 0, third = 0] = nextDue(schedule, after, 3)
        expect(nextDue(schedule, first, 2)).toEqual([second, third])
        expect(nextDue(schedule, second - 1, 1)).toEqual([second])
      }),
      { numRuns: 60 },
    )
  })

  it('turns every shown wall time back into an instant that shows it', () => {
    assert(property(zone, start, (name, instant) => wallOf(name, instantOf(name, wallOf(name, instant))) === wallOf(name, instant)), { numRuns: 300 })
  })

  it('ends when nothing is due any more', () => {
    expect([...dueTimes(parse({ kind: 'at', times: ['09:00'], zone: 'UTC', calendar: { file: '/x', weekend: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat'] }, days: ['mon'] }), 0)]).toEqual([])
  })
})
