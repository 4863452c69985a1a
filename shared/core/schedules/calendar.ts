/** Business calendars: which days are no working days. Pure. */
import type { Weekday } from '../../contract/schedules.ts'
import { dateText, DAY_MS } from './zones.ts'

export const WEEKDAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

export function weekdayOf(day: number): Weekday {
  return WEEKDAYS[new Date(day).getUTCDay()] ?? 'sun'
}

export interface BusinessCalendar {
  /** `2026-12-25`. */
  readonly holidays: ReadonlySet<string>
  readonly weekend: readonly Weekday[]
}

export const WEEKENDS_ONLY: BusinessCalendar = { holidays: new Set(), weekend: ['sat', 'sun'] }

export function isWorkday(day: number, calendar: BusinessCalendar): boolean {
  return !calendar.weekend.includes(weekdayOf(day)) && !calendar.holidays.has(dateText(day))
}

/** A year of holidays in a row is a mistake in the file; the search ends there. */
const LONGEST_SEARCH_DAYS = 366

/** The nearest working day from a day on (that day included), forwards or backwards; null when there is none within a year. */
export function workdayFrom(day: number, step: 1 | -1, calendar: BusinessCalendar): number | null {
  for (let distance = 0; distance <= LONGEST_SEARCH_DAYS; distance++) {
    const candidate = day + step * distance * DAY_MS
    if (isWorkday(candidate, calendar)) return candidate
  }
  return null
}

const MOST_HOLIDAYS = 5000

/**
 * Dates from the text of a file: one a line (`2026-12-25 Christmas`, `#` begins a remark), or iCalendar (all-day events: RFC 5545
 * §3.8.2.4, `DTSTART;VALUE=DATE:20261225`; an end is exclusive, §3.6.1). Answers the lines that are neither.
 */
export function parseHolidays(text: string): { readonly dates: string[]; readonly bad: string[] } {
  const dates = /^BEGIN:VCALENDAR/m.test(text) ? icalendarDates(text) : { dates: plainDates(text), bad: plainProblems(text) }
  return { dates: [...new Set(dates.dates)].toSorted().slice(0, MOST_HOLIDAYS), bad: dates.bad }
}

const linesOf = (text: string): string[] => text.replace(/^\uFEFF/, '').split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
const DATE = /^(\d{4}-\d{2}-\d{2})(?=$|[\s;,#])/

function plainDates(text: string): string[] {
  return linesOf(text).flatMap((line) => {
    const date = DATE.exec(line)?.[1]
    return date !== undefined && isDate(date) ? [date] : []
  })
}

function plainProblems(text: string): string[] {
  return linesOf(text).filter((line) => !isDate(DATE.exec(line)?.[1] ?? '')).slice(0, 20)
}

function isDate(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(time) && dateText(time) === text
}

function icalendarDates(text: string): { dates: string[]; bad: string[] } {
  const dates: string[] = []
  const bad: string[] = []
  for (const event of text.split('BEGIN:VEVENT').slice(1)) {
    const dateOf = (name: string): number => {
      const [, year, month, day] = new RegExp(`^${name}(?:;[^:\\r\\n]*)?:(\\d{4})(\\d{2})(\\d{2})\\s*$`, 'm').exec(event) ?? []
      return year === undefined ? NaN : Date.parse(`${year}-${month}-${day}T00:00:00Z`)
    }
    const start = dateOf('DTSTART')
    const end = dateOf('DTEND')
    if (/^RRULE/m.test(event)) bad.push('an event that repeats (RRULE) is not read; write each date')
    else if (!Number.isNaN(start)) for (let day = start; day < (end > start ? Math.min(end, start + LONGEST_SEARCH_DAYS * DAY_MS) : start + DAY_MS); day += DAY_MS) dates.push(dateText(day))
  }
  return { dates, bad }
}
