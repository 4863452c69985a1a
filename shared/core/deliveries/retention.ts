/** Whether what should be kept is still there: the oldest files of each partner within the time that was agreed. */
import { timestamp, type Clock } from '../kernel/clock.ts'
import type { Database } from '../store/database.ts'
import type { PayloadStore } from '../store/payload-store.ts'

/** How long contents are kept where nothing else was agreed. */
export const KEPT_DAYS = 90

export interface Kept {
  readonly partner: string
  readonly days: number
  /** Deliveries whose content is gone though it should be here, of those that were looked at. */
  readonly missing: readonly { readonly id: string; readonly at: string }[]
  readonly looked: number
}

/** Who tidies up begins with the oldest: a few of them show it. */
const LOOKED_AT = 6
const DAY_MS = 86_400_000

export function createRetention({ database, payloads, clock }: { readonly database: Database; readonly payloads: Pick<PayloadStore, 'has'>; readonly clock: Clock }): (agreed: readonly { readonly partner: string; readonly days: number }[]) => Promise<Kept[]> {
  const oldest = database.prepare<[string, string, number], { id: string; created_at: string; sha256: string }>("SELECT id, created_at, sha256 FROM deliveries WHERE partner = ? AND created_at >= ? AND state = 'delivered' ORDER BY id LIMIT ?")
  return async (agreed) =>
    await Promise.all(
      agreed.map(async ({ partner, days }) => {
        const rows = oldest.all(partner, timestamp(clock.now() - days * DAY_MS), LOOKED_AT)
        const there = await Promise.all(rows.map(async ({ sha256 }) => await payloads.has(sha256)))
        return { partner, days, looked: rows.length, missing: rows.filter((_, index) => there[index] === false).map(({ id, created_at: at }) => ({ id, at })) }
      }),
    )
}

/** Bytes of files that came or went since a time, each content once. */
export function grownSince(database: Database, since: string): number {
  return database.prepare<[string, string], { bytes: number | null }>('SELECT sum(size) bytes FROM (SELECT DISTINCT sha256, size FROM deliveries WHERE updated_at >= ? AND created_at >= ?)').get(since, since)?.bytes ?? 0
}
