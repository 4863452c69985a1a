/** Contents that were kept long enough: first it is written down, then they go from the disk; a crash between the two is made up for. Records stay. */
import type { AuditTrail } from '../audit/service.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import type { Database } from '../store/database.ts'
import type { PayloadStore, StoredPayload } from '../store/payload-store.ts'

export interface ContentRemoval {
  /** When the content of a delivery was given up; null while it is kept. */
  removedAt(delivery: string): string | null
  /** Gives up the content of a delivery that rests. `flow`: which flow keeps it no longer. */
  remove(delivery: string, why: { readonly days: number; readonly flow: string }): void
  /** Contents that were stored and are not needed after all. */
  abandon(contents: readonly StoredPayload[]): void
  /** Removes from the disk what no delivery keeps any more. Answers how many contents went. */
  sweep(): Promise<number>
}

/** Contents that one look removes; the next goes on. */
const MOST_SWEPT = 1000

export function createContentRemoval(deps: { readonly database: Database; readonly payloads: Pick<PayloadStore, 'remove'>; readonly audit: AuditTrail; readonly clock: Clock; /** Whether a stored message relies on it. */ readonly inMessages: (sha256: string) => boolean }): ContentRemoval {
  const { database, payloads, audit, clock } = deps
  const isKept = (sha256: string): boolean =>
    deps.inMessages(sha256) ||
    database.prepare('SELECT 1 FROM deliveries d WHERE (d.sha256 = @sha256 OR d.wire_sha256 = @sha256) AND NOT EXISTS (SELECT 1 FROM removed_contents r WHERE r.delivery = d.id) LIMIT 1').get({ sha256 }) !== undefined

  const giveUp = (sha256: string): void => void database.prepare('INSERT INTO unkept_contents (sha256) VALUES (?) ON CONFLICT DO NOTHING').run(sha256)

  return {
    removedAt: (delivery) => database.prepare<[string], { at: string }>('SELECT at FROM removed_contents WHERE delivery = ?').get(delivery)?.at ?? null,

    remove(delivery, { days, flow }) {
      const row = database.prepare<[string], { sha256: string; wire_sha256: string | null; partner: string; trace: string }>('SELECT sha256, wire_sha256, partner, trace FROM deliveries WHERE id = ?').get(delivery)
      if (row === undefined) return
      database.transaction(() => {
        if (database.prepare('INSERT INTO removed_contents (delivery, at, days) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(delivery, timestamp(clock.now()), days).changes === 0) return
        for (const sha256 of new Set([row.sha256, row.wire_sha256])) if (sha256 !== null) giveUp(sha256)
        audit.record({ actor: systemActor, type: 'delivery.content_removed', subject: { kind: 'delivery', id: delivery }, partner: row.partner, trace: row.trace, data: { sha256: row.sha256, days, flow } })
      }, 'grouped')
    },

    abandon: (contents) => database.transaction(() => contents.forEach(({ sha256 }) => giveUp(sha256)), 'grouped'),

    async sweep() {
      // What was written down must be on the disk before what it speaks of goes from there.
      await database.flushed()
      let removed = 0
      for (const { sha256 } of database.prepare<[number], { sha256: string }>('SELECT sha256 FROM unkept_contents LIMIT ?').all(MOST_SWEPT)) {
        const kept = isKept(sha256)
        // Stored again a moment ago: somebody may be about to rely on it. The next look decides.
        if (!kept && !(await payloads.remove(sha256))) continue
        database.prepare('DELETE FROM unkept_contents WHERE sha256 = ?').run(sha256)
        if (!kept) removed += 1
      }
      return removed
    },
  }
}
