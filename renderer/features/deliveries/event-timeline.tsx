import type { AuditEvent } from '../../../shared/contract/audit.ts'
import { absoluteText } from '../../lib/format.ts'
import { eventWords } from './words.ts'
import ui from '../../ui/ui.module.css'

/** The life of a file, oldest first. */
export function EventTimeline({ events }: { readonly events: readonly AuditEvent[] }) {
  return (
    <ol className={ui['timeline']} aria-label="Trace">
      {events.map((event) => {
        const { text, tone, why } = eventWords(event)
        return (
          <li key={event.seq} data-tone={tone}>
            <span className={ui['strong']}>{text}</span>
            {why === null ? null : <span>: {why}</span>}
            <br />
            <span className="quiet small">
              {absoluteText(event.at)} · {event.actor} · record {event.seq}
            </span>
          </li>
        )
      })}
    </ol>
  )
}
