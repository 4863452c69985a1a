import { useState } from 'react'
import type { AffectedFlow, Consequence } from '../../../shared/contract/trust-insights.ts'
import { useCall } from '../../lib/use-call.ts'
import { absoluteText } from '../../lib/format.ts'
import { TextField } from '../../ui/field.tsx'
import { Card } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import ui from '../../ui/ui.module.css'

/** What stops without an item now, or as things will stand on a day. */
export function WhatIfCard({ id, bound }: { readonly id: string; readonly bound: boolean }) {
  const [day, setDay] = useState('')
  const at = day === '' ? undefined : new Date(`${day}T12:00:00`).toISOString()
  const { data } = useCall(`trust.whatIf ${id} ${day}`, (client) => client.trust.whatIf({ item: id, ...(at === undefined ? {} : { at }) }), (client, changed) => client.trust.onChanged(changed))
  if (!bound || data === undefined) return null
  const nothing = data.cause === 'still-valid' ? 'On that day it still does all its work.' : 'Nothing would fail.'
  return (
    <Card title="Without it" flush>
      <div className={ui['pad']}>
        <TextField label="On this day" type="date" value={day} onChange={(event) => setDay(event.target.value)} help={day === '' ? 'Left out: what would stop if it were gone now.' : 'What will have stopped by then if nobody acts.'} />
      </div>
      {data.consequences.length === 0 ? <p className={`${ui['pad'] ?? ''} quiet`}>{nothing}</p> : null}
      <ul className={ui['list']}>
        {data.consequences.map((one) => (
          <ConsequenceLine key={`${one.partner} ${one.connection} ${one.role}`} consequence={one} />
        ))}
        {data.flows.map((flow) => (
          <FlowLine key={`${flow.flow} ${flow.partner} ${flow.connection}`} flow={flow} />
        ))}
      </ul>
    </Card>
  )
}

function ConsequenceLine({ consequence: { partner, connection, severity, message } }: { readonly consequence: Consequence }) {
  return (
    <li className={ui['item']}>
      <span className={ui['grow']}>
        {partner} / {connection}: {message}
      </span>
      <Status tone={severity === 'breaks' ? 'bad' : severity === 'partly' ? 'warn' : 'ok'}>{severity === 'breaks' ? 'Stops' : severity === 'partly' ? 'In part' : 'Goes on'}</Status>
    </li>
  )
}

/** A flow that runs into it, with the runs that would fail. */
export function FlowLine({ flow: { name, partner, connection, paused, when, nextRuns, severity } }: { readonly flow: AffectedFlow }) {
  const runs = paused ? 'paused' : nextRuns.length > 0 ? `next runs from then on: ${nextRuns.map((time) => absoluteText(time)).join(', ')}` : when
  return (
    <li className={ui['item']}>
      <span className={ui['grow']}>
        Flow {name} ({partner} / {connection})
        <br />
        <span className="quiet small">{runs}</span>
      </span>
      <Status tone={severity === 'breaks' ? 'bad' : 'warn'}>{severity === 'breaks' ? 'Stops' : 'In part'}</Status>
    </li>
  )
}
