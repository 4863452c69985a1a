import { useState } from 'react'
import type { DeliveryState } from '../../../shared/contract/deliveries.ts'
import { useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { TextField } from '../../ui/field.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { DeliveryList } from './delivery-list.tsx'
import ui from '../../ui/ui.module.css'

const FILTERS: readonly (readonly [name: string, states: readonly DeliveryState[]])[] = [
  ['All', []],
  ['Needs a look', ['unknown', 'disputed', 'failed']],
  ['Under way', ['queued', 'sending', 'waiting', 'awaiting-receipt']],
  ['Delivered', ['delivered']],
  ['Cancelled', ['cancelled']],
]
const PAGE = 100

export function DeliveriesPage() {
  const [filter, setFilter] = useState(0)
  const [search, setSearch] = useState('')
  const [limit, setLimit] = useState(PAGE)
  const states = FILTERS[filter]?.[1] ?? []
  const list = useCall(
    `deliveries.list ${filter} ${limit} ${search}`,
    (client) => client.deliveries.list({ limit, ...(states.length === 0 ? {} : { state: [...states] }), ...(search === '' ? {} : { search }) }),
    (client, changed) => client.deliveries.onChanged(changed),
  )
  const { data, error } = list
  const filtered = filter !== 0 || search !== ''
  return (
    <Page title="Deliveries" about={data === undefined ? ' ' : `${data.total} ${data.total === 1 ? 'file' : 'files'}`}>
      <div className={ui['row']}>
        <div className={`${ui['chips'] ?? ''} ${ui['grow'] ?? ''}`} role="group" aria-label="Filter by state">
          {FILTERS.map(([name], index) => (
            <button key={name} type="button" className={ui['chip']} aria-pressed={filter === index} onClick={() => setFilter(index)}>
              {name}
            </button>
          ))}
        </div>
      </div>
      <TextField label="Search by file name, id or SHA-256" value={search} onChange={(event) => setSearch(event.target.value)} />
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={260} /> : null}
      {data !== undefined && data.deliveries.length > 0 ? (
        <Card flush>
          <DeliveryList deliveries={data.deliveries} none="" />
        </Card>
      ) : null}
      {data !== undefined && data.deliveries.length === 0 ? (
        <Empty
          title={filtered ? 'Nothing matches' : 'Nothing was sent yet'}
          action={
            filtered ? (
              <Button
                onClick={() => {
                  setFilter(0)
                  setSearch('')
                }}
              >
                Clear filter
              </Button>
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
