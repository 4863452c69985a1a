/** Pages and numbers of the ledger, quick also over many years: counts are kept by the database, names are found by any part. */
import type { DeliveryState } from '../../contract/deliveries.ts'
import type { Database } from '../store/database.ts'
import type { LedgerState } from './rules.ts'

export interface DeliveryQuery {
  readonly limit: number
  readonly partner?: string | undefined
  readonly direction?: 'outbound' | 'inbound' | undefined
  readonly state?: readonly DeliveryState[] | undefined
  readonly since?: string | undefined
  readonly search?: string | undefined
  readonly before?: string | undefined
}

/** What is searched or limited by time is counted up to here. */
const MOST_COUNTED = 10_000
/** States with more deliveries are not sorted: the ledger is read in its own order until the page is full. */
const MANY = 2_000
/** The index of names knows parts of three letters; shorter ones are looked for in the newest. */
const LEAST_INDEXED = 3
const NEWEST_SEARCHED = 20_000

const ATTENTION = "'unknown', 'disputed', 'failed', 'held'"

type Values = Record<string, unknown>

export function createDeliveryLists<Row extends { readonly id: string }>(database: Database) {
  const number = (sql: string, values: Values): number => database.prepare<[Values], { n: number | null }>(sql).get(values)?.n ?? 0

  const keptCount = (query: DeliveryQuery): number => {
    const { parts, values } = plainParts(query, true)
    return number(`SELECT sum(n) n FROM delivery_counts ${whereOf(parts)}`, values)
  }

  const list = (query: DeliveryQuery): { rows: Row[]; total: number } => {
    const search = query.search ?? ''
    const { parts, values } = plainParts(query, query.state !== undefined && keptCount({ limit: 1, state: query.state }) < MANY)
    if (query.since !== undefined) {
      // Identifiers follow time: a place in their order needs no sorting.
      parts.push('id >= (SELECT id FROM deliveries WHERE created_at >= @since ORDER BY created_at, id LIMIT 1)')
      values['since'] = query.since
    }
    const found = search === '' ? { from: 'deliveries', order: 'id' } : searched(search, parts, values)
    const total = search === '' && query.since === undefined ? keptCount(query) : number(`SELECT count(*) n FROM (SELECT 1 FROM ${found.from} ${whereOf(parts)} LIMIT ${MOST_COUNTED})`, values)
    if (query.before !== undefined) {
      parts.push('id < @before')
      values['before'] = query.before
    }
    // A delivery that was opened has two names, and may be found by both.
    const rows = database.prepare<[Values], Row>(`SELECT deliveries.* FROM ${found.from} ${whereOf(parts)} ORDER BY ${found.order} DESC LIMIT @limit`).all({ ...values, limit: query.limit * 2 })
    return { rows: [...new Map(rows.map((row) => [row.id, row])).values()].slice(0, query.limit), total }
  }

  return {
    list,

    counts(since: string): { running: number; waiting: number; attention: number; deliveredToday: number } {
      const row = database
        .prepare<[], { running: number; waiting: number; attention: number }>(
          `SELECT coalesce(sum(n) FILTER (WHERE state IN ('sending', 'committing')), 0) running, coalesce(sum(n) FILTER (WHERE state IN ('queued', 'waiting', 'awaiting-receipt')), 0) waiting,
             coalesce(sum(n) FILTER (WHERE state IN (${ATTENTION})), 0) attention FROM delivery_counts`,
        )
        .get()
      return { running: row?.running ?? 0, waiting: row?.waiting ?? 0, attention: row?.attention ?? 0, deliveredToday: number("SELECT count(*) n FROM deliveries WHERE updated_at >= @since AND +state = 'delivered'", { since }) }
    },

    /** Per partner: the newest delivery's time and how many wait for a person. */
    perPartner(): Map<string, { lastAt: string; attention: number; open: number }> {
      const rows = database
        .prepare<[], { partner: string; last_at: string | null; attention: number; open: number }>(
          `SELECT partner, (SELECT created_at FROM deliveries d WHERE d.partner = c.partner ORDER BY id DESC LIMIT 1) last_at,
             coalesce(sum(n) FILTER (WHERE state IN (${ATTENTION})), 0) attention, coalesce(sum(n) FILTER (WHERE state NOT IN ('delivered', 'failed', 'cancelled')), 0) open
           FROM delivery_counts c GROUP BY partner`,
        )
        .all()
      return new Map(rows.flatMap((row) => (row.last_at === null ? [] : [[row.partner, { lastAt: row.last_at, attention: row.attention, open: row.open }]])))
    },
  }
}

/** `few`: the states are rare, so that their index is worth sorting for. */
function plainParts(query: DeliveryQuery, few: boolean): { parts: string[]; values: Values } {
  const parts: string[] = []
  const values: Values = {}
  if (query.partner !== undefined) {
    parts.push('partner = @partner')
    values['partner'] = query.partner
  }
  if (query.direction !== undefined) {
    parts.push(few ? '+direction = @direction' : 'direction = @direction')
    values['direction'] = query.direction
  }
  if (query.state !== undefined) {
    parts.push(`${few ? '' : '+'}state IN (SELECT value FROM json_each(@states))`)
    values['states'] = JSON.stringify(query.state.flatMap((state): LedgerState[] => (state === 'sending' ? ['sending', 'committing'] : state === 'received' ? ['received', 'releasing'] : [state])))
  }
  return { parts, values }
}

/** By identifier or content, else by any part of a name. */
function searched(search: string, parts: string[], values: Values): { from: string; order: string } {
  if (/^(dlv_\w+|[0-9a-f]{64})$/i.test(search)) {
    parts.push('(id = @search OR sha256 = lower(@search))')
    values['search'] = search
    return { from: 'deliveries', order: 'id' }
  }
  if (search.length < LEAST_INDEXED) {
    parts.push(`id IN (SELECT id FROM deliveries ORDER BY id DESC LIMIT ${NEWEST_SEARCHED})`, '(instr(lower(file_name), lower(@search)) > 0 OR instr(lower(remote_name), lower(@search)) > 0)')
    values['search'] = search
    return { from: 'deliveries', order: 'id' }
  }
  parts.push('delivery_names MATCH @search')
  values['search'] = `names : "${search.replaceAll('"', '""')}"`
  return { from: 'delivery_names CROSS JOIN deliveries ON deliveries.id = delivery_names.delivery', order: 'delivery_names.rowid' }
}

function whereOf(parts: readonly string[]): string {
  return parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`
}
