/** Files of one partner as others may ask for them: what came or left, and when. */
import { firstId } from '../kernel/ids.ts'
import type { Database } from '../store/database.ts'

export interface ArrivedFile {
  readonly delivery: string
  readonly connection: string
  /** At the partner's side. */
  readonly remoteName: string
  readonly fileName: string
  readonly size: number
  /** Milliseconds: inbound, when it was taken; outbound, when its last attempt ended well. */
  readonly at: number
  readonly held: boolean
}

export interface ArrivalQuery {
  readonly partner: string
  readonly direction: 'inbound' | 'outbound'
  /** Milliseconds, exclusive and inclusive. */
  readonly from: number
  readonly until: number
}

export type FindArrivals = (query: ArrivalQuery) => ArrivedFile[]

/** A delivery may arrive so long after it was begun. */
const LONGEST_WAY_MS = 3 * 86_400_000
const MOST = 100_000

export function createArrivals(database: Database): FindArrivals {
  interface Row { id: string; connection: string; remote_name: string; file_name: string; size: number; state: string; created_at: string; ended_at: string | null }
  return ({ partner, direction, from, until }) => {
    return database
      .prepare<[string, string, string, string, number], Row>(
        `SELECT d.id, d.connection, d.remote_name, d.file_name, d.size, d.state, d.created_at,
           (SELECT max(a.ended_at) FROM attempts a WHERE a.delivery = d.id AND a.result IN ('delivered', 'accepted')) ended_at
         FROM deliveries d WHERE d.partner = ? AND d.direction = ? AND d.id >= ? AND d.id < ?
           AND d.state IN ('delivered', 'received', 'releasing', 'held') ORDER BY d.id LIMIT ?`,
      )
      .all(partner, direction, firstId('dlv', from - (direction === 'outbound' ? LONGEST_WAY_MS : 0)), firstId('dlv', until + 1), MOST)
      .map((row) => ({ delivery: row.id, connection: row.connection, remoteName: row.remote_name, fileName: row.file_name, size: row.size, at: Date.parse(direction === 'outbound' ? (row.ended_at ?? row.created_at) : row.created_at), held: row.state === 'held' }))
      .filter(({ at }) => at > from && at <= until)
  }
}
