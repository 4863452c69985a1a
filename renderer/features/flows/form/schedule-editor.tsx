import type { Weekday } from '../../../../shared/contract/schedules.ts'
import { useCall } from '../../../lib/use-call.ts'
import { useSettled } from '../../../lib/use-settled.ts'
import { Check, SelectField, TextField } from '../../../ui/field.tsx'
import { ALL_DAYS, scheduleOf, type ScheduleDraft, type ScheduleKind } from './schedule-draft.ts'
import css from '../flows.module.css'
import form from '../../../ui/form.module.css'
import { wallText } from '../../../lib/format.ts'
import ui from '../../../ui/ui.module.css'

const KINDS: readonly (readonly [ScheduleKind, string])[] = [
  ['at', 'At times of day'],
  ['every', 'Every few minutes'],
  ['monthly', 'Once a month'],
  ['cron', 'Cron expression'],
]

const DAY_WORDS: Readonly<Record<Weekday, string>> = { mon: 'Mon', tue: 'Tue', wed: 'Wed', thu: 'Thu', fri: 'Fri', sat: 'Sat', sun: 'Sun' }

const MONTH_DAYS: readonly (readonly [string, string])[] = [
  ['last-workday', 'Last working day'],
  ['first-workday', 'First working day'],
  ['last-day', 'Last day'],
  ...Array.from({ length: 31 }, (_, index) => [String(index + 1), `Day ${index + 1}`] as const),
]

/** A schedule as people say it, and the next five times while they change it. */
export function ScheduleEditor({ draft, onChange, word = 'runs' }: { readonly draft: ScheduleDraft; readonly onChange: (draft: ScheduleDraft) => void; readonly word?: string }) {
  const set = (change: Partial<ScheduleDraft>): void => onChange({ ...draft, ...change })
  return (
    <div className={css['schedule']}>
      <div className={ui['stack']}>
        <div className={form['fields']}>
          <SelectField label="Repeats" value={draft.kind} onChange={(event) => set({ kind: event.target.value as ScheduleKind })} options={KINDS} />
          {draft.kind === 'every' ? (
            <>
              <TextField label="Every (minutes)" inputMode="numeric" value={draft.minutes} onChange={(event) => set({ minutes: event.target.value })} />
              <TextField label="From" value={draft.from} placeholder="08:00" onChange={(event) => set({ from: event.target.value })} />
              <TextField label="Until" value={draft.until} placeholder="18:00" help="24:00 is the end of the day; earlier than “From” means the next day." onChange={(event) => set({ until: event.target.value })} />
            </>
          ) : null}
          {draft.kind === 'monthly' ? <SelectField label="On" value={draft.on} onChange={(event) => set({ on: event.target.value })} options={MONTH_DAYS} /> : null}
          {draft.kind === 'at' || draft.kind === 'monthly' ? <TextField label="Times" value={draft.times} placeholder="08:00, 16:30" help="Several with commas." onChange={(event) => set({ times: event.target.value })} /> : null}
          {draft.kind === 'cron' ? <TextField label="Expression" spellCheck={false} className="mono" value={draft.expression} placeholder="*/15 8-18 * * 1-5" help="Minute, hour, day, month, weekday; a sixth field in front means seconds." onChange={(event) => set({ expression: event.target.value })} /> : null}
          <TextField label="Time zone" value={draft.zone} list="time-zones" spellCheck={false} onChange={(event) => set({ zone: event.target.value })} />
          <datalist id="time-zones">
            {Intl.supportedValuesOf('timeZone').map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </div>
        {draft.kind === 'at' || draft.kind === 'every' ? <DayPicker label="Days" days={draft.days} onChange={(days) => set({ days })} /> : null}
        <Check label="Mind holidays" checked={draft.calendar} onChange={(event) => set({ calendar: event.target.checked })} />
        {draft.calendar ? (
          <div className={ui['stack']}>
            <div className={form['fields']}>
              <TextField label="File of holidays" value={draft.holidays} spellCheck={false} placeholder="/home/mia/holidays.txt" help="Its full path: a date a line (2026-12-25 Christmas), or an iCalendar file." onChange={(event) => set({ holidays: event.target.value })} />
              <SelectField
                label="On a holiday"
                value={draft.onHoliday}
                onChange={(event) => set({ onHoliday: event.target.value as ScheduleDraft['onHoliday'] })}
                options={[
                  ['skip', 'Not at all'],
                  ['before', 'On the working day before'],
                  ['after', 'On the working day after'],
                ]}
              />
            </div>
            <DayPicker label="Days that are no working days" days={draft.weekend} onChange={(weekend) => set({ weekend })} />
          </div>
        ) : null}
      </div>
      <Upcoming draft={draft} word={word} />
    </div>
  )
}

export function DayPicker({ label, days, onChange }: { readonly label: string; readonly days: readonly Weekday[]; readonly onChange: (days: readonly Weekday[]) => void }) {
  return (
    <div className={ui['field']}>
      <span className={ui['label']}>{label}</span>
      <div className={ui['chips']} role="group" aria-label={label}>
        {ALL_DAYS.map((day) => (
          <button key={day} type="button" className={ui['chip']} aria-pressed={days.includes(day)} onClick={() => onChange(days.includes(day) ? days.filter((other) => other !== day) : [...days, day])}>
            {DAY_WORDS[day]}
          </button>
        ))}
      </div>
    </div>
  )
}

function Upcoming({ draft, word }: { readonly draft: ScheduleDraft; readonly word: string }) {
  const schedule = useSettled(JSON.stringify(scheduleOf(draft)))
  const { data, error } = useCall(`flows.schedule ${schedule}`, (client) => client.flows.schedule({ schedule: JSON.parse(schedule) as unknown }))
  return (
    <aside className={css['upcoming']} aria-label="Next times" aria-live="polite">
      <h3>Next {word}</h3>
      {error === undefined ? null : <p className={ui['problem']}>{error.message}</p>}
      {data === undefined ? null : (
        <>
          <ol>
            {data.next.map((at) => (
              <li key={at}>{wallText(at, data.zone)}</li>
            ))}
          </ol>
          <p className="quiet small">{data.when}</p>
        </>
      )}
    </aside>
  )
}
