import { Link } from 'wouter'
import type { InboundEntry } from '../../../shared/contract/as2.ts'
import type { z } from 'zod'
import { bytesText } from '../../lib/format.ts'
import { useCall } from '../../lib/use-call.ts'
import { Status, type Tone } from '../../ui/status.tsx'
import { Time } from '../../ui/time.tsx'
import ui from '../../ui/ui.module.css'

type Entry = z.infer<typeof InboundEntry>

const STATES: Readonly<Record<Entry['state'], { readonly tone: Tone; readonly word: string }>> = {
  spooled: { tone: 'run', word: 'Being opened' },
  processed: { tone: 'ok', word: 'Taken' },
  refused: { tone: 'bad', word: 'Refused' },
  quarantined: { tone: 'warn', word: 'Kept apart' },
}

/** What came lately, also what was refused or comes from somebody who is not known. */
export function ReceiverEntries() {
  const entries = useCall('as2.inbound', (client) => client.as2.inbound({ limit: 10 }), (client, changed) => client.as2.onReceiverChanged(changed))
  if (entries.data === undefined || entries.data.entries.length === 0) return null
  return (
    <div className={ui['stack']}>
      <h3>What came lately</h3>
      <ul className={ui['stack']}>
        {entries.data.entries.map((entry) => (
          <li key={entry.id} className={ui['row']}>
            <Status tone={STATES[entry.state].tone}>{STATES[entry.state].word}</Status>
            <span className={ui['grow']}>
              {entry.as2From} to {entry.as2To}, {bytesText(entry.bytes)}, from {entry.remote}
              {entry.detail === null ? '' : `: ${entry.detail}`}
            </span>
            <span className="quiet small">
              <Time at={entry.at} />
            </span>
            {entry.deliveries[0] === undefined ? null : <Link href={`/deliveries/${entry.deliveries[0]}`}>Show</Link>}
          </li>
        ))}
      </ul>
    </div>
  )
}
