/** The ledger as others may read it: what has changed since a place, and numbers per connection. */
import type { Attempt, Delivery } from '../../contract/deliveries.ts'
import type { Database } from '../store/database.ts'

/** After which row to go on: time of the last change, then id. */
export interface TrafficPlace {
  readonly at: string
  readonly id: string
}

/** What a delivery and its attempts showed. */
export interface TrafficEntry {
  readonly delivery: Pick<Delivery, 'id' | 'partner' | 'connection' | 'receipt' | 'error' | 'updatedAt'>
  readonly attempts: readonly Pick<Attempt, 'startedAt' | 'result' | 'observed' | 'error'>[]
}

export interface TrafficPage {
  readonly entries: readonly TrafficEntry[]
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
  /** Partners that have deliveries. */
  partners(): string[]
  /** Of every connection of a partner that has deliveries. */
  numbers(partner: string): ConnectionNumbers[]
}

/** More failures than these tell nothing new. */
const MOST_FAILING = 50

export function createTraffic(database: Database): Traffic {
  interface Totals { partner: string; connection: string; total: number; first_at: string; last_at: string; delivered_at: string | null }
  interface Open { id: string; partner: string; connection: string; state: string; created_at: string; updated_at: string; code: string | null }
  interface Row { id: string; partner: string; connection: string; receipt: string | null; error: string | null; updated_at: string }
  interface Tried { delivery: string; started_at: string; result: Attempt['result']; observed: string; error: string | null }

  return {
    since({ at, id }, limit) {
      // As a row value: the index (updated_at, id) leads straight to the place.
      const rows = database.prepare<[string, string, number], Row>('SELECT id, partner, connection, receipt, error, updated_at FROM deliveries WHERE (updated_at, id) > (?, ?) ORDER BY updated_at, id LIMIT ?').all(at, id, limit)
      const tried = database.prepare<[string], Tried>('SELECT delivery, started_at, result, observed, error FROM attempts WHERE delivery IN (SELECT value FROM json_each(?)) ORDER BY delivery, number').all(JSON.stringify(rows.map((row) => row.id)))
      const attempts = Map.groupBy(tried, ({ delivery }) => delivery)
      const last = rows.at(-1)
      // What a server negotiates is the same text again and again.
      const parse = remembering()
      return {
        entries: rows.map((row) => ({
          delivery: { id: row.id, partner: row.partner, connection: row.connection, receipt: parse<Delivery['receipt']>(row.receipt), error: parse<Delivery['error']>(row.error), updatedAt: row.updated_at },
          attempts: (attempts.get(row.id) ?? []).map(({ started_at: startedAt, result, observed, error }) => ({ startedAt, result, observed: parse<Attempt['observed']>(observed) ?? {}, error: parse<Attempt['error']>(error) })),
        })),
        next: last === undefined ? null : { at: last.updated_at, id: last.id },
      }
    },

    partners: () => database.prepare<[], { partner: string }>('SELECT DISTINCT partner FROM delivery_lines ORDER BY partner').all().map(({ partner }) => partner),

    numbers(partner) {
      const totals = database.prepare<[string], Totals>('SELECT * FROM delivery_lines WHERE partner = ? ORDER BY connection').all(partner)
      // By the state, of which few rest: by the partner, all of its years would be walked through.
      const open = database
        .prepare<[string], Open>(
          `SELECT id, partner, connection, state, created_at, updated_at, json_extract(error, '$.code') code FROM deliveries
           WHERE +partner = ? AND state IN ('failed', 'unknown', 'disputed', 'held', 'awaiting-receipt') ORDER BY id DESC`,
        )
        .all(partner)
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

/** Our own JSON back, each text once; a damaged cell reads as null. */
function remembering(): <T>(text: string | null) => T | null {
  const known = new Map<string, unknown>()
  return <T>(text: string | null): T | null => {
    if (text === null) return null
    if (!known.has(text)) known.set(text, parsed(text))
    return known.get(text) as T | null
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
