/** What a person should hear about a planned change, and when. Pure. */
import type { Rollover } from '../../contract/rollover.ts'

export const SOON_DAYS = 7
const DAY_MS = 86_400_000

export interface Reminder {
  /** Said once. */
  readonly step: 'announce' | 'switch-soon' | 'switch' | 'retire-soon' | 'retire'
  readonly title: string
  readonly body: string
}

/**
 * The newest step of each of the three dates that has been reached and still asks for something: a computer that was off says where things
 * stand now, not what it missed.
 */
export function remindersOf({ old, next, ours, announceAt, switchAt, retireAt, state, partners }: Rollover, now: number): Reminder[] {
  if (state !== 'running') return []
  const change = `${old.label} → ${next.label}`
  const within = (time: string | null, days: number): boolean => time !== null && now >= Date.parse(time) - days * DAY_MS
  const day = (time: string | null): string => time?.slice(0, 10) ?? ''
  const list = (step: (partner: Rollover['partners'][number]) => boolean): string => names(partners.filter(step).map(({ partner }) => partner))
  const untold = list(({ sent, acknowledged, firstSeen }) => sent === null && acknowledged === null && firstSeen === null)
  const silent = list(({ acknowledged, firstSeen }) => acknowledged === null && firstSeen === null)
  const unseen = list(({ firstSeen }) => firstSeen === null)
  const reminders: Reminder[] = []
  if (within(announceAt, 0) && untold !== '') reminders.push({ step: 'announce', title: `Tell partners of a change: ${change}`, body: `Announced for ${day(announceAt)}. Not told yet: ${untold}.` })
  if (switchAt !== null) {
    const who = ours ? `Not answered yet: ${silent}.` : `Not seen with the next one yet: ${unseen}.`
    const waiting = ours ? silent : unseen
    if (within(switchAt, 0)) reminders.push({ step: 'switch', title: `Switched: ${change}`, body: `From ${day(switchAt)} on ${ours ? 'we sign with' : 'we encrypt to'} the next one.${waiting === '' ? '' : ` ${who}`}` })
    else if (within(switchAt, SOON_DAYS)) reminders.push({ step: 'switch-soon', title: `Switch on ${day(switchAt)}: ${change}`, body: waiting === '' ? 'Everybody is ready.' : `${who} Rehearse it to see what would fail.` })
  }
  if (within(retireAt, 0)) {
    const using = list(({ oldRetired, oldLastSeen, firstSeen }) => !oldRetired && (firstSeen === null || (oldLastSeen !== null && now - Date.parse(oldLastSeen) < SOON_DAYS * DAY_MS)))
    reminders.push({ step: 'retire', title: `The old one should have ended: ${change}`, body: using === '' ? `Its time was over on ${day(retireAt)}.` : `It is kept, because it was seen in the last ${SOON_DAYS} days, or the next one was not seen yet: ${using}.` })
  } else if (within(retireAt, SOON_DAYS)) reminders.push({ step: 'retire-soon', title: `The old one ends on ${day(retireAt)}: ${change}`, body: unseen === '' ? 'Everybody was seen with the next one.' : `Not seen with the next one yet: ${unseen}.` })
  return reminders
}

const MOST_NAMED = 10

function names(partners: readonly string[]): string {
  return partners.length <= MOST_NAMED ? partners.join(', ') : `${partners.slice(0, MOST_NAMED).join(', ')} and ${partners.length - MOST_NAMED} more`
}
