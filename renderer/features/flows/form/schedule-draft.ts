/** What the editor of a schedule holds, and how it becomes a schedule. Pure. */
import type { Schedule, Weekday } from '../../../../shared/contract/schedules.ts'

export type ScheduleKind = Schedule['kind']

/** Every kind keeps what was typed, while a person looks at the others. */
export interface ScheduleDraft {
  readonly kind: ScheduleKind
  readonly minutes: string
  readonly from: string
  readonly until: string
  readonly days: readonly Weekday[]
  /** `08:00, 16:00`. */
  readonly times: string
  /** A number, or `last-day`, `first-workday`, `last-workday`. */
  readonly on: string
  readonly expression: string
  readonly zone: string
  readonly calendar: boolean
  readonly holidays: string
  readonly weekend: readonly Weekday[]
  readonly onHoliday: 'skip' | 'before' | 'after'
}

export const ALL_DAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

export function newSchedule(zone: string): ScheduleDraft {
  return {
    kind: 'at', minutes: '15', from: '00:00', until: '24:00', days: ALL_DAYS, times: '08:00', on: 'last-workday', expression: '', zone,
    calendar: false, holidays: '', weekend: ['sat', 'sun'], onHoliday: 'skip',
  }
}

export function draftOfSchedule(schedule: Schedule): ScheduleDraft {
  const { zone, calendar } = schedule
  const base: ScheduleDraft = {
    ...newSchedule(zone),
    kind: schedule.kind,
    ...(calendar === undefined ? {} : { calendar: true, holidays: calendar.file, weekend: calendar.weekend, onHoliday: calendar.onHoliday }),
  }
  switch (schedule.kind) {
    case 'every':
      return { ...base, minutes: String(schedule.minutes), from: schedule.from, until: schedule.until, days: schedule.days ?? ALL_DAYS }
    case 'at':
      return { ...base, times: schedule.times.join(', '), days: schedule.days ?? ALL_DAYS }
    case 'monthly':
      return { ...base, times: schedule.times.join(', '), on: String(schedule.on) }
    case 'cron':
      return { ...base, expression: schedule.expression }
  }
}

/** `8:00 16.30` is understood as `08:00` and `16:30`; what is no time goes on as it was typed, so that the core's message names it. */
export function timesIn(text: string): string[] {
  return text
    .split(/[\s,;]+/)
    .filter((part) => part !== '')
    .map((part) => {
      const [, hours, minutes] = /^(\d{1,2})[:.](\d{2})$/.exec(part) ?? []
      return hours === undefined || minutes === undefined ? part : `${hours.padStart(2, '0')}:${minutes}`
    })
}

function numberIn(text: string): number | string {
  return /^\d+$/.test(text.trim()) ? Number(text.trim()) : text.trim()
}

/** The schedule for the core, which validates it. All days means every day. */
export function scheduleOf(draft: ScheduleDraft): Record<string, unknown> {
  const days = draft.days.length === 7 ? {} : { days: ALL_DAYS.filter((day) => draft.days.includes(day)) }
  const common = { zone: draft.zone.trim(), ...(draft.calendar ? { calendar: { file: draft.holidays.trim(), weekend: ALL_DAYS.filter((day) => draft.weekend.includes(day)), onHoliday: draft.onHoliday } } : {}) }
  switch (draft.kind) {
    case 'every':
      return { kind: 'every', minutes: numberIn(draft.minutes), from: timesIn(draft.from)[0] ?? '', until: timesIn(draft.until)[0] ?? '', ...days, ...common }
    case 'at':
      return { kind: 'at', times: timesIn(draft.times), ...days, ...common }
    case 'monthly':
      return { kind: 'monthly', on: numberIn(draft.on), times: timesIn(draft.times), ...common }
    case 'cron':
      return { kind: 'cron', expression: draft.expression.trim(), ...common }
  }
}
