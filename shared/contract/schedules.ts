/** When something is due: friendly forms, cron for experts, always in a named zone. */
import { z } from 'zod'

export const Weekday = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])
export type Weekday = z.infer<typeof Weekday>

/** A time of day on the wall clock, `08:30`. */
export const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'write a time like 08:30')
/** As above, and `24:00` for the end of the day. */
const EndOfDay = z.string().regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'write a time like 18:00; 24:00 is the end of the day')

const Days = z.array(Weekday).min(1).max(7).optional().meta({ title: 'Days', description: 'Left out: every day.' })
const Times = z.array(TimeOfDay).min(1).max(48).meta({ title: 'Times' })

/** An IANA name. Whether this computer knows it is checked by the core. */
export const Zone = z
  .string()
  .min(1)
  .max(60)
  .regex(/^[A-Za-z0-9+_/-]+$/, 'write a zone like Europe/Berlin')
  .meta({ title: 'Time zone', examples: ['Europe/Berlin'] })

const common = {
  zone: Zone,
  calendar: z
    .strictObject({
      file: z.string().min(1).max(4096).meta({ title: 'File of holidays', description: 'A date a line (2026-12-25 Christmas), or an iCalendar file.' }),
      weekend: z.array(Weekday).max(6).default(['sat', 'sun']).meta({ title: 'Not working days' }),
      onHoliday: z
        .enum(['skip', 'before', 'after'])
        .default('skip')
        .meta({ title: 'On a holiday', description: 'skip: not at all. before, after: on the working day before or after. Where something runs every few minutes, it is skipped.' }),
    })
    .optional()
    .meta({ title: 'Business calendar' }),
}

export const Schedule = z
  .discriminatedUnion('kind', [
    z
      .strictObject({
        kind: z.literal('every'),
        minutes: z.number().int().min(1).max(1440).meta({ title: 'Every (minutes)' }),
        from: TimeOfDay.default('00:00').meta({ title: 'From' }),
        until: EndOfDay.default('24:00').meta({ title: 'Until', description: 'Earlier than "from" means the next day.' }),
        days: Days,
        ...common,
      })
      .meta({ title: 'Every few minutes', description: 'Counted from "from", in time that really passes: a change of daylight saving makes no difference.' }),
    z.strictObject({ kind: z.literal('at'), times: Times, days: Days, ...common }).meta({ title: 'At times of day' }),
    z
      .strictObject({
        kind: z.literal('monthly'),
        on: z
          .union([z.number().int().min(1).max(31), z.enum(['last-day', 'first-workday', 'last-workday'])])
          .meta({ title: 'Day of the month', description: 'A day that a month does not have means its last one.' }),
        times: Times,
        ...common,
      })
      .meta({ title: 'Once a month' }),
    z
      .strictObject({
        kind: z.literal('cron'),
        expression: z.string().min(1).max(200).meta({ title: 'Cron expression', description: 'Five fields, or six with seconds first.', examples: ['*/15 8-18 * * 1-5'] }),
        ...common,
      })
      .meta({ title: 'Cron' }),
  ])
  .meta({
    title: 'Schedule',
    description: 'A time that daylight saving skips is due right after; one that it repeats is due once. Of cron, expressions whose minutes or hours begin with * count time that really passes.',
  })
export type Schedule = z.infer<typeof Schedule>
