/**
 * When a schedule is due. Fixed times are wall times: one that daylight saving skips is due right after, one that it repeats is
 * due once. What runs every few minutes counts time that really passes. Pure.
 */
import { Cron } from 'croner'
import type { Schedule } from '../../contract/schedules.ts'
import { AppError } from '../kernel/errors.ts'
import { isWorkday, weekdayOf, WEEKENDS_ONLY, workdayFrom, type BusinessCalendar } from './calendar.ts'
import { changeBetween, dayOf, DAY_MS, instantOf, isKnownZone, wallOf } from './zones.ts'

const MINUTE_MS = 60_000
/** A schedule that is due on no day of so many is due never (29 February on a Monday comes every 28 years). */
const LONGEST_SEARCH_DAYS = 366 * 40

/** Rejects with `input.invalid` what the schema cannot see: an unknown zone, a cron expression that is none or never due. */
export function checkSchedule(schedule: Schedule): void {
  if (!isKnownZone(schedule.zone)) throw invalid(`zone: ${schedule.zone} is not a known time zone; write one like Europe/Berlin`)
  if (schedule.kind !== 'cron') return
  // The library also knows nicknames like @daily; one way to write a thing is enough.
  if (!/^\S+(\s+\S+){4,5}$/.test(schedule.expression.trim())) throw invalid(`expression: ${schedule.expression} has neither five nor six fields`)
  const next = wallsOf(schedule.expression, Date.UTC(2000, 0, 1)).next()
  if (next.done === true) throw invalid(`expression: ${schedule.expression} is never due`)
}

function invalid(message: string): AppError {
  return new AppError('input.invalid', message)
}

/** Due times after an instant, in order, each once. Endless unless the schedule is never due again. */
export function* dueTimes(schedule: Schedule, after: number, holidays: ReadonlySet<string> = new Set()): Generator<number> {
  const calendar = calendarOf(schedule, holidays)
  if (schedule.kind === 'cron' && countsElapsed(schedule.expression)) {
    for (const instant of elapsedCron(schedule.expression, schedule.zone, after)) if (schedule.calendar === undefined || isWorkday(dayOf(wallOf(schedule.zone, instant)), calendar)) yield instant
    return
  }
  let last = after
  let empty = 0
  // Two days earlier: times of a day may fall after its end where the clock skips it.
  for (let day = dayOf(wallOf(schedule.zone, after)) - 2 * DAY_MS; empty < LONGEST_SEARCH_DAYS; day += DAY_MS) {
    empty += 1
    for (const instant of instantsOf(schedule, day, calendar)) {
      if (instant <= last) continue
      last = instant
      empty = 0
      yield instant
    }
  }
}

/** The next `count` due times after an instant. */
export function nextDue(schedule: Schedule, after: number, count: number, holidays?: ReadonlySet<string>): number[] {
  const due: number[] = []
  for (const instant of dueTimes(schedule, after, holidays)) {
    due.push(instant)
    if (due.length === count) break
  }
  return due
}

function calendarOf(schedule: Schedule, holidays: ReadonlySet<string>): BusinessCalendar {
  return schedule.calendar === undefined ? { ...WEEKENDS_ONLY, holidays } : { holidays, weekend: schedule.calendar.weekend }
}

/** Of one wall day, in order. */
function instantsOf(schedule: Schedule, day: number, calendar: BusinessCalendar): number[] {
  if (schedule.kind === 'every') return schedule.calendar !== undefined && !isWorkday(day, calendar) ? [] : intervals(schedule, day)
  const days = schedule.calendar === undefined || (schedule.kind === 'monthly' && typeof schedule.on === 'string') ? [day] : movedTo(day, schedule.calendar.onHoliday, calendar)
  const walls = days.flatMap((origin) => timesOn(schedule, origin, calendar).map((time) => day + time))
  return [...new Set(walls)].toSorted((left, right) => left - right).map((wall) => instantOf(schedule.zone, wall))
}

/** The days whose times are due on this day: itself, and holidays that moved here. */
function movedTo(day: number, onHoliday: 'skip' | 'before' | 'after', calendar: BusinessCalendar): number[] {
  if (!isWorkday(day, calendar)) return []
  if (onHoliday === 'skip') return [day]
  const step = onHoliday === 'after' ? -1 : 1
  const days = [day]
  for (let origin = day + step * DAY_MS; !isWorkday(origin, calendar) && days.length <= 31; origin += step * DAY_MS) days.push(origin)
  return days
}

function intervals(schedule: Extract<Schedule, { kind: 'every' }>, day: number): number[] {
  if (schedule.days !== undefined && !schedule.days.includes(weekdayOf(day))) return []
  const [from, until] = [timeOf(schedule.from), timeOf(schedule.until)]
  const start = instantOf(schedule.zone, day + from)
  const end = instantOf(schedule.zone, until < from ? day + DAY_MS + until : day + until)
  const instants: number[] = []
  // The end of the day is the start of the next one.
  for (let instant = start; until === DAY_MS ? instant < end : instant <= end; instant += schedule.minutes * MINUTE_MS) instants.push(instant)
  return instants
}

/** Times of day (milliseconds since midnight) at which a schedule of fixed times is due on a day, the calendar aside. */
function timesOn(schedule: Exclude<Schedule, { kind: 'every' }>, day: number, calendar: BusinessCalendar): number[] {
  if (schedule.kind === 'at') return schedule.days === undefined || schedule.days.includes(weekdayOf(day)) ? schedule.times.map(timeOf) : []
  if (schedule.kind === 'monthly') return dayOfMonth(schedule.on, day, calendar) === day ? schedule.times.map(timeOf) : []
  const times: number[] = []
  for (const wall of wallsOf(schedule.expression, day - 1000)) {
    if (wall >= day + DAY_MS) break
    times.push(wall - day)
  }
  return times
}

function dayOfMonth(on: Extract<Schedule, { kind: 'monthly' }>['on'], day: number, calendar: BusinessCalendar): number | null {
  const date = new Date(day)
  const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
  const last = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)
  switch (on) {
    case 'last-day':
      return last
    case 'first-workday':
      return workdayFrom(first, 1, calendar)
    case 'last-workday':
      return workdayFrom(last, -1, calendar)
    default:
      return Math.min(first + (on - 1) * DAY_MS, last)
  }
}

function timeOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  return (hours * 60 + minutes) * MINUTE_MS
}

const FIELDS = { mode: '5-or-6-parts', sloppyRanges: false } as const

/** As in ISC cron: minutes or hours that begin with * mean "every so often" rather than a time of day. */
function countsElapsed(expression: string): boolean {
  const fields = expression.trim().split(/\s+/)
  return fields.slice(0, fields.length === 6 ? 3 : 2).some((field) => field.startsWith('*'))
}

/** Wall times that match, after one. The library walks a clock without daylight saving; the rules above know about that. */
function* wallsOf(expression: string, after: number): Generator<number> {
  let cron: Cron
  try {
    cron = new Cron(expression, { timezone: 'Etc/UTC', paused: true, ...FIELDS })
  } catch (error) {
    throw invalid(`expression: ${expression} is not a cron expression (${error instanceof Error ? error.message.replace(/^CronPattern: /, '') : 'unreadable'})`)
  }
  for (let last = new Date(after); ; ) {
    const next = cron.nextRun(last)
    if (next === null) return
    yield next.getTime()
    last = next
  }
}

/** Every instant at which the wall clock matches: in an hour that is repeated twice, in one that is skipped never. */
function* elapsedCron(expression: string, zone: string, after: number): Generator<number> {
  let from = Math.floor(after / 1000) * 1000
  for (let empty = 0; empty < LONGEST_SEARCH_DAYS; empty++) {
    const until = changeBetween(zone, from, from + DAY_MS) ?? from + DAY_MS
    // The instant of the change itself shows the new clock.
    const offset = wallOf(zone, until - 1000) - (until - 1000)
    for (const wall of wallsOf(expression, from + offset - 1000)) {
      const instant = wall - offset
      if (instant >= until) break
      if (instant <= after) continue
      empty = 0
      yield instant
    }
    from = until
  }
}
