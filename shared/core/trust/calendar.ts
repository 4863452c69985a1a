/** Expiries as an iCalendar file (RFC 5545). Pure. */
import type { ExpiryEntry } from '../../contract/trust-insights.ts'
import { expiryText } from './expiry-rules.ts'

/** One all-day event an expiry, with a reminder at its lead time. */
export function calendarOf(entries: readonly ExpiryEntry[], now: string): string {
  const events = entries.flatMap((entry) => {
    const { body } = expiryText(entry)
    const day = entry.endsAt.slice(0, 10).replaceAll('-', '')
    return [
      'BEGIN:VEVENT',
      `UID:${entry.item}-${entry.part}-${day}@waybill`,
      `DTSTAMP:${now.replaceAll(/[-:]|\.\d+/g, '')}`,
      `DTSTART;VALUE=DATE:${day}`,
      `SUMMARY:${escaped(`${entry.label} expires${entry.part === 'own' ? '' : ` (${entry.name})`}`)}`,
      `DESCRIPTION:${escaped(body)}`,
      'TRANSP:TRANSPARENT',
      'BEGIN:VALARM',
      'ACTION:DISPLAY',
      `TRIGGER:-P${entry.leadDays}D`,
      `DESCRIPTION:${escaped(`${entry.label} expires in ${entry.leadDays} days`)}`,
      'END:VALARM',
      'END:VEVENT',
    ]
  })
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Waybill//Expiry//EN', 'CALSCALE:GREGORIAN', ...events, 'END:VCALENDAR'].map(folded).join('\r\n').concat('\r\n')
}

/** RFC 5545 3.3.11. */
function escaped(text: string): string {
  return text.replaceAll(/[\\;,]/g, String.raw`\$&`).replaceAll(/\r?\n/g, String.raw`\n`)
}

const MOST_OCTETS = 75

/** RFC 5545 3.1: lines of at most 75 octets, never within a character. */
function folded(line: string): string {
  const lines: string[] = []
  let current = ''
  for (const character of line) {
    if (Buffer.byteLength(current + character) > MOST_OCTETS) {
      lines.push(current)
      current = ' '
    }
    current += character
  }
  return [...lines, current].join('\r\n')
}
