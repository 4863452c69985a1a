/** Findings, what was suppressed, snapshots, and what was observed. */
import type { Finding, FindingRef, PostureCounts, Snapshot, Suppression } from '../../contract/posture.ts'
import type { Database } from '../store/database.ts'
import type { Observation } from './facts.ts'
import type { Aspect } from './observations.ts'

export interface StoredSuppression extends Suppression {
  readonly code: string
  readonly subject: string
}

interface SnapshotRow {
  id: string
  at: string
  cause: Snapshot['cause']
  counts: string
  by_partner: string
  appeared: string
  resolved: string
}

export type PostureRepository = ReturnType<typeof createPostureRepository>

export function createPostureRepository(database: Database) {
  const parse = ({ document, last_seen: lastSeen }: { document: string; last_seen: string }): Finding => ({ ...(JSON.parse(document) as Finding), lastSeen })
  const upsert = database.prepare<[Record<string, unknown>]>(
    `INSERT INTO posture_findings (id, partner, state, document, last_seen) VALUES (@id, @partner, @state, @document, @lastSeen)
     ON CONFLICT (id) DO UPDATE SET partner = excluded.partner, state = excluded.state, document = excluded.document, last_seen = excluded.last_seen`,
  )
  const writeObservation = database.prepare<[Record<string, unknown>]>(
    `INSERT INTO posture_observations (partner, connection, aspect, value, first_seen, last_seen, deliveries) VALUES (@partner, @connection, @aspect, @value, @firstSeen, @lastSeen, @deliveries)
     ON CONFLICT (partner, connection, aspect, value) DO UPDATE SET first_seen = excluded.first_seen, last_seen = excluded.last_seen, deliveries = excluded.deliveries`,
  )

  return {
    /** All of them, or those of one partner. */
    findings(partner?: string): Finding[] {
      const rows = partner === undefined
        ? database.prepare<[], { document: string; last_seen: string }>('SELECT document, last_seen FROM posture_findings').all()
        : database.prepare<[string], { document: string; last_seen: string }>('SELECT document, last_seen FROM posture_findings WHERE partner = ?').all(partner)
      return rows.map(parse)
    },
    save(findings: readonly Finding[]): void {
      for (const finding of findings) upsert.run({ id: finding.id, partner: finding.partner, state: finding.state, document: JSON.stringify(finding), lastSeen: finding.lastSeen })
    },
    seenAgain(ids: readonly string[], at: string): void {
      if (ids.length > 0) database.prepare('UPDATE posture_findings SET last_seen = ? WHERE id IN (SELECT value FROM json_each(?))').run(at, JSON.stringify(ids))
    },

    suppressions(): StoredSuppression[] {
      return database.prepare<[], StoredSuppression>('SELECT code, subject, reason, owner, until, at, by FROM posture_suppressions').all()
    },
    suppress(suppression: StoredSuppression): void {
      database
        .prepare(
          `INSERT INTO posture_suppressions (code, subject, reason, owner, until, at, by) VALUES (@code, @subject, @reason, @owner, @until, @at, @by)
           ON CONFLICT (code, subject) DO UPDATE SET reason = excluded.reason, owner = excluded.owner, until = excluded.until, at = excluded.at, by = excluded.by`,
        )
        .run(suppression)
    },
    unsuppress(code: string, subject: string): boolean {
      return database.prepare('DELETE FROM posture_suppressions WHERE code = ? AND subject = ?').run(code, subject).changes > 0
    },

    addSnapshot(snapshot: Snapshot, byPartner: Readonly<Record<string, PostureCounts>>): void {
      database
        .prepare('INSERT INTO posture_snapshots (id, at, cause, counts, by_partner, appeared, resolved) VALUES (?, ?, ?, ?, ?, ?, ?)')
        .run(snapshot.id, snapshot.at, snapshot.cause, JSON.stringify(snapshot.counts), JSON.stringify(byPartner), JSON.stringify(snapshot.appeared), JSON.stringify(snapshot.resolved))
    },
    lastSnapshotAt(): string | null {
      return database.prepare<[], { at: string | null }>('SELECT max(at) at FROM posture_snapshots').get()?.at ?? null
    },
    /** Newest first. */
    snapshots(query: { readonly limit: number; readonly after?: string; readonly partner?: string | undefined }): Snapshot[] {
      const rows = database.prepare<[string, number], SnapshotRow>('SELECT * FROM posture_snapshots WHERE at > ? ORDER BY rowid DESC LIMIT ?').all(query.after ?? '', query.limit)
      return rows.map((row) => snapshotOf(row, query.partner))
    },
    countSnapshots(): number {
      return database.prepare<[], { n: number }>('SELECT count(*) n FROM posture_snapshots').get()?.n ?? 0
    },

    /** Each as it stands now. */
    observe(observations: readonly Observation[]): void {
      for (const { deliveries, ...one } of observations) writeObservation.run({ ...one, deliveries: JSON.stringify(deliveries) })
    },
    observations(): Observation[] {
      interface Row { partner: string; connection: string; aspect: Aspect; value: string; first_seen: string; last_seen: string; deliveries: string }
      const rows = database.prepare<[], Row>('SELECT partner, connection, aspect, value, first_seen, last_seen, deliveries FROM posture_observations').all()
      return rows.map(({ first_seen: firstSeen, last_seen: lastSeen, deliveries, ...row }) => ({ ...row, firstSeen, lastSeen, deliveries: JSON.parse(deliveries) as string[] }))
    },

    note(key: string): string | null {
      return database.prepare<[string], { value: string }>('SELECT value FROM posture_notes WHERE key = ?').get(key)?.value ?? null
    },
    setNote(key: string, value: string): void {
      database.prepare('INSERT INTO posture_notes (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(key, value)
    },
  }
}

function snapshotOf(row: SnapshotRow, partner: string | undefined): Snapshot {
  const mine = (text: string): FindingRef[] => (JSON.parse(text) as FindingRef[]).filter((one) => partner === undefined || one.partner === partner)
  const byPartner = JSON.parse(row.by_partner) as Record<string, PostureCounts>
  const counts = partner === undefined ? (JSON.parse(row.counts) as PostureCounts) : (byPartner[partner] ?? { error: 0, warning: 0, info: 0, suppressed: 0 })
  return { id: row.id, at: row.at, cause: row.cause, counts, appeared: mine(row.appeared), resolved: mine(row.resolved) }
}
