import { useState } from 'react'
import { useLocation } from 'wouter'
import type { Connection } from '../../../shared/contract/connections/index.ts'
import type { PartnerDetail } from '../../../shared/contract/partners.ts'
import { useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Status } from '../../ui/status.tsx'
import { BindDialog } from './bind-dialog.tsx'
import { missingFor, type BindAct, type Need } from './readiness.ts'
import ui from '../../ui/ui.module.css'

const ACTS = { theirs: 'Provide theirs', ours: 'Provide ours' } as const

/** What is still missing before the first exchange, each with the act that provides it. Nothing when all is there. */
export function ReadinessList({ detail, connection }: { readonly detail: PartnerDetail; readonly connection: Connection }) {
  const [, navigate] = useLocation()
  const [act, setAct] = useState<BindAct | null>(null)
  const { summary } = detail
  const trust = useCall('readiness.trust', async (client) => ({ items: (await client.trust.list({ limit: 1000 })).items, now: Date.now() }), (client, changed) => client.trust.onChanged(changed))
  const station = useCall('readiness.station', (client) => client.station.show({}), (client, changed) => client.station.onChanged(changed))
  const receiver = useCall('readiness.receiver', async (client) => (connection.protocol === 'as2' ? await client.as2.receiver({}) : null), (client, changed) => client.as2.onReceiverChanged(changed))
  if (trust.data === undefined || station.data === undefined || receiver.data === undefined) return null
  const needs = missingFor(summary.id, connection, {
    trusted: summary.connections.find(({ id }) => id === connection.id)?.trusted ?? false,
    items: trust.data.items,
    stationAs2: station.data.station?.as2 ?? null,
    receiverListens: receiver.data?.listening ?? true,
    now: trust.data.now,
  })
  // The dialog stays to hand the new one over, though nothing is missing any more.
  if (needs.length === 0 && act === null) return null
  return (
    <div className={ui['stack']}>
      {needs.length === 0 ? null : <h3>{needs.every(({ optional }) => optional === true) ? 'Not set up yet' : 'Still missing before the first exchange'}</h3>}
      <ul className={ui['stack']} aria-label="Still missing">
        {needs.map((need) => (
          <li key={need.title} className={ui['row']}>
            <span className={ui['grow']}>
              <Status tone={need.optional === true ? 'wait' : 'warn'}>{need.title}</Status>
              <br />
              <span className="quiet small">{need.why}</span>
            </span>
            <ActButton need={need} onBind={setAct} onSettings={() => navigate('/settings')} />
          </li>
        ))}
      </ul>
      {act === null ? null : (
        <BindDialog partner={summary.id} partnerName={summary.name} connection={connection.id} act={act} items={trust.data.items} ourName={station.data.station?.as2?.id ?? station.data.station?.name ?? ''} onClose={() => setAct(null)} />
      )}
    </div>
  )
}

function ActButton({ need: { act }, onBind, onSettings }: { readonly need: Need; readonly onBind: (act: BindAct) => void; readonly onSettings: () => void }) {
  if (act.kind === 'bind') return <Button onClick={() => onBind(act)}>{ACTS[act.whose]}</Button>
  // The test stands right below.
  return act.kind === 'settings' ? <Button onClick={onSettings}>Open settings</Button> : null
}
