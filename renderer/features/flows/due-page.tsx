import { useState } from 'react'
import { useSearch } from 'wouter'
import { DueStatus } from '../../../shared/contract/flows.ts'
import { useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { SelectField } from '../../ui/field.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { DueLedger } from './due-ledger.tsx'
import { FlowTabs } from './tabs.tsx'
import css from './flows.module.css'
import ui from '../../ui/ui.module.css'

const MADE_UP: readonly DueStatus[] = ['late', 'superseded']
const VIEWS: readonly (readonly [name: string, statuses: readonly DueStatus[]])[] = [
  ['All', []],
  ['Did not run', DueStatus.options.filter((status) => status !== 'ran' && !MADE_UP.includes(status))],
  ['Made up for', MADE_UP],
  ['Ran on time', ['ran']],
]
const SPANS = [
  ['2', 'Today and yesterday'],
  ['7', 'Last 7 days'],
  ['31', 'Last 31 days'],
  ['400', 'As long as it is kept'],
] as const
const DAY_MS = 86_400_000
const PAGE = 200

/** The ledger of due times over all flows: for each, what happened. */
export function DuePage() {
  const asked = new URLSearchParams(useSearch()).get('flow') ?? ''
  const [flow, setFlow] = useState(asked)
  const [view, setView] = useState(0)
  const [days, setDays] = useState<string>(SPANS[1][0])
  const [limit, setLimit] = useState(PAGE)
  const flows = useCall('due.flows', (client) => client.flows.list({ limit: 1000 }), (client, changed) => client.flows.onChanged(changed))
  const statuses = VIEWS[view]?.[1] ?? []
  const { data, error } = useCall(
    `flows.due ${flow} ${view} ${days} ${limit}`,
    (client) => client.flows.due({ limit, since: new Date(startOfDay(Number(days))).toISOString(), ...(flow === '' ? {} : { flow }), ...(statuses.length === 0 ? {} : { status: [...statuses] }) }),
    (client, changed) => client.flows.onChanged(changed),
  )
  const names = new Map((flows.data?.flows ?? []).map(({ id, name }) => [id, name]))
  return (
    <Page title="Due times" about="For every time at which a flow was due: what happened.">
      <FlowTabs />
      <div className={ui['chips']} role="group" aria-label="Show">
        {VIEWS.map(([name], index) => (
          <button key={name} type="button" className={ui['chip']} aria-pressed={view === index} onClick={() => setView(index)}>
            {name}
          </button>
        ))}
      </div>
      <div className={css['filters']}>
        <SelectField label="Flow" value={flow} onChange={(event) => setFlow(event.target.value)} options={[['', 'All flows'], ...names]} />
        <SelectField label="Since" value={days} onChange={(event) => setDays(event.target.value)} options={SPANS} />
      </div>
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={300} /> : null}
      {data !== undefined && data.due.length > 0 ? (
        <Card flush>
          <DueLedger due={data.due} nameOf={(id) => (flow === '' ? (names.get(id) ?? id) : '')} />
        </Card>
      ) : null}
      {data !== undefined && data.due.length === 0 ? <Empty title="Nothing here">{view === 0 ? 'No flow with a schedule was due in this time.' : 'No due time of this kind.'}</Empty> : null}
      {data !== undefined && data.due.length === limit && limit < 1000 ? <Button onClick={() => setLimit(1000)}>Show more</Button> : null}
    </Page>
  )
}

/** Midnight of this computer so many days ago, today being one. */
function startOfDay(days: number): number {
  const midnight = new Date()
  midnight.setHours(0, 0, 0, 0)
  return midnight.getTime() - (days - 1) * DAY_MS
}
