/** The ledger as others may read it: what has changed since a place, and numbers per connection. */
import type { Attempt, Delivery } from '../../contract/deliveries.ts'
import type { Database } from '../store/database.ts'
import type { DeliveryRepository } from './repository.ts'

/** After which row to go on: time of the last change, then id. */
export interface TrafficPlace {
  readonly at: string
  readonly id: string
}

export interface TrafficPage {
  readonly entries: readonly { readonly delivery: Delivery; readonly attempts: readonly Attempt[] }[]
  readonly next: TrafficPlace | null
}

type Resting = 'unknown' | 'disputed' | 'held' | 'awaiting-receipt'

export interface ConnectionNumbers {
  readonly partner: string
  readonly connection: string
  readonly total: number
  readonly firstAt: string
  readonly lastAt: string
  readonly lastDeliveredAt: string | null
  readonly failing: readonly { readonly id: string; readonly at: string; readonly code: string }[]
  readonly resting: readonly { readonly id: string; readonly state: Resting; readonly since: string }[]
}

export interface Traffic {
  /** Deliveries that changed after a place, in the order of their change; `next` is null at the end. */
  since(place: TrafficPlace, limit: number): TrafficPage
  /** Of every connection that has deliveries, or of one partner's. */
  numbers(partner?: string): ConnectionNumbers[]
}

/** More failures than these tell nothing new. */
const MOST_FAILING = 50

export function createTraffic(database: Database, deliveries: Pick<DeliveryRepository, 'get' | 'attempts'>): Traffic {
  interface Totals { partner: string; connection: string; total: number; first_at: string; last_at: string; delivered_at: string | null }
  interface Open { id: string; partner: string; connection: string; state: string; created_at: string; updated_at: string; code: string | null }

  return {
    since({ at, id }, limit) {
      const rows = database.prepare<[string, string, string, number], { id: string; updated_at: string }>('SELECT id, updated_at FROM deliveries WHERE updated_at > ? OR (updated_at = ? AND id > ?) ORDER BY updated_at, id LIMIT ?').all(at, at, id, limit)
      const last = rows.at(-1)
      return {
        entries: rows.map((row) => ({ delivery: deliveries.get(row.id).delivery, attempts: deliveries.attempts(row.id) })),
        next: last === undefined ? null : { at: last.updated_at, id: last.id },
      }
    },

    numbers(partner) {
      const [where, values] = partner === undefined ? ['', []] : ['WHERE partner = ?', [partner]]
      const totals = database
        .prepare<string[], Totals>(`SELECT partner, connection, count(*) total, min(created_at) first_at, max(created_at) last_at, max(CASE WHEN state = 'delivered' THEN updated_at END) delivered_at FROM deliveries ${where} GROUP BY partner, connection`)
        .all(...values)
      const open = database
        .prepare<string[], Open>(`SELECT id, partner, connection, state, created_at, updated_at, json_extract(error, '$.code') code FROM deliveries ${where === '' ? 'WHERE' : `${where} AND`} state IN ('failed', 'unknown', 'disputed', 'held', 'awaiting-receipt') ORDER BY id DESC`)
        .all(...values)
      const byPlace = Map.groupBy(open, (row) => `${row.partner}/${row.connection}`)
      return totals.map((row) => {
        const rows = byPlace.get(`${row.partner}/${row.connection}`) ?? []
        return {
          partner: row.partner,
          connection: row.connection,
          total: row.total,
          firstAt: row.first_at,
          lastAt: row.last_at,
          lastDeliveredAt: row.delivered_at,
          failing: rows.filter(({ state, updated_at: at }) => state === 'failed' && (row.delivered_at === null || at > row.delivered_at)).slice(0, MOST_FAILING).map(({ id, updated_at: at, code }) => ({ id, at, code: code ?? 'unknown' })),
          resting: rows.filter(({ state }) => state !== 'failed').slice(0, MOST_FAILING).map(({ id, state, updated_at: since }) => ({ id, state: state as Resting, since })),
        }
      })
    },
  }
}
