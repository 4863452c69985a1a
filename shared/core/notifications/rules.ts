/** When a message goes out, and what stands in it. Pure. */
import { createHmac } from 'node:crypto'
import type { Notification } from '../../contract/deliveries.ts'
import type { NotificationSettings, SentChannel } from '../../contract/notifications.ts'
import { weekdayOf } from '../schedules/calendar.ts'
import { dayOf, DAY_MS, instantOf, wallOf } from '../schedules/zones.ts'

const FIRST_PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 60 * 60_000
/** After so long a message is given up; the channel is known to be dead long before. */
export const GIVE_UP_AFTER_MS = 3 * DAY_MS

export function pauseAfterTry(tries: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1))
}

/** Messages that say the same. Trouble of one delivery and of another is the same trouble of the same partner. */
export function foldKey({ title, body }: Pick<Notification, 'title' | 'body'>): string {
  return `${title}\n${body}`
}

/** Older news is no longer shown on the desktop. */
const SHOWN_FOR_MS = 60 * 60_000

/** Whether the desktop shows it; what it showed a while ago already it does not repeat. */
export function isShown(notice: Pick<Notification, 'severity' | 'at'>, settings: NotificationSettings, facts: { readonly now: number; readonly repeated: boolean }): boolean {
  return settings[notice.severity].includes('native') && !facts.repeated && facts.now - Date.parse(notice.at) < SHOWN_FOR_MS
}

/** The channels of a notice; recovery goes where the trouble was told. */
export function channelsOf(notice: Pick<Notification, 'severity'>, settings: NotificationSettings, toldTrouble: readonly SentChannel[]): SentChannel[] {
  const wanted = notice.severity === 'attention' ? settings.attention : settings.info
  const sent: readonly SentChannel[] = ['email', 'webhook']
  return sent.filter((channel) => settings[channel] !== undefined && (wanted.includes(channel) || toldTrouble.includes(channel)))
}

const timeOf = (text: string): number => {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  return (hours * 60 + minutes) * 60_000
}

/** When a message may go out that is there now: now, or at the end of the quiet hours. */
export function allowedAt(now: number, quiet: NotificationSettings['quiet']): number {
  if (quiet === undefined) return now
  const [from, until] = [timeOf(quiet.from), timeOf(quiet.until)]
  const today = dayOf(wallOf(quiet.zone, now))
  for (const day of [today - DAY_MS, today]) {
    if (quiet.days !== undefined && !quiet.days.includes(weekdayOf(day))) continue
    const start = instantOf(quiet.zone, day + from)
    const end = instantOf(quiet.zone, until <= from ? day + DAY_MS + until : day + until)
    if (now >= start && now < end) return end
  }
  return now
}

/** What the desktop did not show in the quiet hours. */
export interface Silent {
  readonly attention: number
  readonly info: number
}

export function withSilent(before: Silent | null, { severity }: Pick<Notification, 'severity'>): Silent {
  const { attention, info } = before ?? { attention: 0, info: 0 }
  return severity === 'attention' ? { attention: attention + 1, info } : { attention, info: info + 1 }
}

/** One message for all of them. */
export function silenceNotice({ attention, info }: Silent): Omit<Notification, 'id' | 'at'> {
  const looks = attention === 0 ? '' : `${attention} ${attention === 1 ? 'thing needs' : 'things need'} a look`
  const good = info === 0 ? '' : `${info} ${info === 1 ? 'message' : 'messages'} of good news`
  return { severity: attention > 0 ? 'attention' : 'info', title: 'In the quiet hours', body: `${[looks, good].filter((part) => part !== '').join(', ')}.`, subject: null }
}

/** The newest sign of life that is due by now. */
export function heartbeatDue(now: number, heartbeat: NonNullable<NotificationSettings['heartbeat']>): number {
  const today = dayOf(wallOf(heartbeat.zone, now))
  const at = instantOf(heartbeat.zone, today + timeOf(heartbeat.at))
  return at <= now ? at : instantOf(heartbeat.zone, today - DAY_MS + timeOf(heartbeat.at))
}

/** Headers of a signed call (Standard Webhooks 1.0: `id.timestamp.body`, HMAC-SHA256 in Base64). */
export function webhookHeaders(id: string, at: number, body: string, secret: string): Record<string, string> {
  const seconds = String(Math.floor(at / 1000))
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': seconds,
    'webhook-signature': `v1,${createHmac('sha256', secret).update(`${id}.${seconds}.${body}`).digest('base64')}`,
  }
}

/** `… (and 3 more times since)`. */
export function withRepeats(body: string, repeats: number): string {
  return repeats === 0 ? body : `${body} It happened ${repeats} more ${repeats === 1 ? 'time' : 'times'} since it was last told.`
}
