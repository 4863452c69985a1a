import { useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import type { DeliveryState } from '../../../shared/contract/deliveries.ts'
import { useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { DeliveryList } from './delivery-list.tsx'
import { RetryAll, type DeliveryFilter } from './retry-all.tsx'
import css from './deliveries.module.css'
import ui from '../../ui/ui.module.css'

const SHOWN: readonly (readonly [id: string, name: string, states: readonly DeliveryState[]])[] = [
  ['all', 'All', []],
  ['attention', 'Needs a look', ['unknown', 'disputed', 'failed', 'held']],
  ['under-way', 'Under way', ['queued', 'sending', 'waiting', 'awaiting-receipt', 'received']],
  ['done', 'Done', ['delivered']],
  ['cancelled', 'Cancelled', ['cancelled']],
]
const PAGE = 100

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Days back, by the value of the choice. */
const SINCE = [
  ['', 'Any time'],
  ['1', 'Last 24 hours'],
  ['7', 'Last 7 days'],
  ['30', 'Last 30 days'],
  ['365', 'Last year'],
] as const

/** Everything but `queryOf` reads it from the address: whoever comes back from a delivery finds the list as it was left. */
interface Filter {
  readonly show: string
  readonly search: string
  readonly direction: string
  readonly partner: string
  readonly since: string
}

const EVERYTHING: Filter = { show: 'all', search: '', direction: '', partner: '', since: '' }

function useFilter(): readonly [Filter, (change: Partial<Filter>) => void] {
  const [, navigate] = useLocation()
  const asked = new URLSearchParams(useSearch())
  const filter: Filter = { ...EVERYTHING, ...Object.fromEntries([...asked].filter(([name]) => name in EVERYTHING)) }
  const set = (change: Partial<Filter>): void => {
    const next = Object.entries({ ...filter, ...change }).filter(([name, value]) => value !== EVERYTHING[name as keyof Filter])
    navigate(next.length === 0 ? '/deliveries' : `/deliveries?${new URLSearchParams(next).toString()}`, { replace: true })
  }
  return [filter, set]
}

export function DeliveriesPage() {
  const [filter, set] = useFilter()
  const [limit, setLimit] = useState(PAGE)
  const partners = useCall('deliveries.partners', (client) => client.partners.list({ limit: 1000 }), (client, changed) => client.partners.onChanged(changed))
  const list = useCall(
    `deliveries.list ${limit} ${JSON.stringify(filter)}`,
    (client) => client.deliveries.list({ limit, ...queryOf(filter) }),
    (client, changed) => client.deliveries.onChanged(changed),
  )
  const { data, error } = list
  const filtered = JSON.stringify(filter) !== JSON.stringify(EVERYTHING)
  return (
    <Page title="Deliveries" about={data === undefined ? ' ' : `${data.total} ${data.total === 1 ? 'file' : 'files'}`} actions={<RetryAll filter={queryOf(filter)} />}>
      <div className={ui['row']}>
        <div className={`${ui['chips'] ?? ''} ${ui['grow'] ?? ''}`} role="group" aria-label="Filter by state">
          {SHOWN.map(([id, name]) => (
            <button key={id} type="button" className={ui['chip']} aria-pressed={filter.show === id} onClick={() => set({ show: id })}>
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
          onChange={(event) => set({ direction: event.target.value })}
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
              <Button onClick={() => set(EVERYTHING)}>Clear filter</Button>
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

function queryOf({ show, search, direction, partner, since }: Filter): DeliveryFilter {
  const states = SHOWN.find(([id]) => id === show)?.[2] ?? []
  const days = Number(since)
  return {
    ...(states.length === 0 ? {} : { state: [...states] }),
    ...(search === '' ? {} : { search }),
    ...(direction === 'outbound' || direction === 'inbound' ? { direction } : {}),
    ...(partner === '' ? {} : { partner }),
    // To the hour: an address that is read again asks the same.
    ...(days > 0 ? { since: new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS - days * DAY_MS).toISOString() } : {}),
  }
}
