import { useState } from 'react'
import type { DeliveryState } from '../../../shared/contract/deliveries.ts'
import { useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { DeliveryList } from './delivery-list.tsx'
import css from './deliveries.module.css'
import ui from '../../ui/ui.module.css'

const FILTERS: readonly (readonly [name: string, states: readonly DeliveryState[]])[] = [
  ['All', []],
  ['Needs a look', ['unknown', 'disputed', 'failed', 'held']],
  ['Under way', ['queued', 'sending', 'waiting', 'awaiting-receipt', 'received']],
  ['Done', ['delivered']],
  ['Cancelled', ['cancelled']],
]
const PAGE = 100

const DAY_MS = 86_400_000

/** Days back, by the value of the choice. */
const SINCE = [
  ['', 'Any time'],
  ['1', 'Last 24 hours'],
  ['7', 'Last 7 days'],
  ['30', 'Last 30 days'],
  ['365', 'Last year'],
] as const

interface Filter {
  readonly state: number
  readonly search: string
  readonly direction: '' | 'outbound' | 'inbound'
  readonly partner: string
  readonly since: string
}

const EVERYTHING: Filter = { state: 0, search: '', direction: '', partner: '', since: '' }

export function DeliveriesPage() {
  const [filter, setFilter] = useState(EVERYTHING)
  const [limit, setLimit] = useState(PAGE)
  const set = (change: Partial<Filter>): void => setFilter((before) => ({ ...before, ...change }))
  const partners = useCall('deliveries.partners', (client) => client.partners.list({ limit: 1000 }), (client, changed) => client.partners.onChanged(changed))
  const list = useCall(
    `deliveries.list ${limit} ${JSON.stringify(filter)}`,
    (client) => client.deliveries.list({ limit, ...queryOf(filter) }),
    (client, changed) => client.deliveries.onChanged(changed),
  )
  const { data, error } = list
  const filtered = JSON.stringify(filter) !== JSON.stringify(EVERYTHING)
  return (
    <Page title="Deliveries" about={data === undefined ? ' ' : `${data.total} ${data.total === 1 ? 'file' : 'files'}`}>
      <div className={ui['row']}>
        <div className={`${ui['chips'] ?? ''} ${ui['grow'] ?? ''}`} role="group" aria-label="Filter by state">
          {FILTERS.map(([name], index) => (
            <button key={name} type="button" className={ui['chip']} aria-pressed={filter.state === index} onClick={() => set({ state: index })}>
              {name}
            </button>
          ))}
        </div>
      </div>
      <div className={css['filters']}>
        <TextField label="Search by file name, id or SHA-256" value={filter.search} onChange={(event) => set({ search: event.target.value })} />
        <SelectField
          label="Direction"
          value={filter.direction}
          onChange={(event) => set({ direction: event.target.value as Filter['direction'] })}
          options={[
            ['', 'Both'],
            ['outbound', 'Sent'],
            ['inbound', 'Received'],
          ]}
        />
        <SelectField label="Partner" value={filter.partner} onChange={(event) => set({ partner: event.target.value })} options={[['', 'All'], ...(partners.data?.partners ?? []).map(({ id, name }) => [id, name] as const)]} />
        <SelectField label="Since" value={filter.since} onChange={(event) => set({ since: event.target.value })} options={SINCE} />
      </div>
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={260} /> : null}
      {data !== undefined && data.deliveries.length > 0 ? (
        <Card flush>
          <DeliveryList deliveries={data.deliveries} none="" />
        </Card>
      ) : null}
      {data !== undefined && data.deliveries.length === 0 ? (
        <Empty
          title={filtered ? 'Nothing matches' : 'Nothing was exchanged yet'}
          action={
            filtered ? (
<Button onClick={() => setFilter(EVERYTHING)}>Clear filter</Button>
            ) : undefined
          }
        >
          {filtered ? 'No delivery fits this filter.' : 'Drop a file on a partner, and its way is kept here.'}
        </Empty>
      ) : null}
      {data !== undefined && data.total > data.deliveries.length && limit < 1000 ? <Button onClick={() => setLimit(Math.min(1000, limit + 200))}>Show more</Button> : null}
    </Page>
  )
}

function queryOf({ state, search, direction, partner, since }: Filter) {
  const states = FILTERS[state]?.[1] ?? []
  return {
    ...(states.length === 0 ? {} : { state: [...states] }),
    ...(search === '' ? {} : { search }),
    ...(direction === '' ? {} : { direction }),
    ...(partner === '' ? {} : { partner }),
    ...(since === '' ? {} : { since: new Date(Date.now() - Number(since) * DAY_MS).toISOString() }),
  }
}
