/** Due times of flows and what became of each. Part of the repository of flows. */
import type { DueStatus, DueTime } from '../../contract/flows.ts'
import { timestamp } from '../kernel/clock.ts'
import type { Database } from '../store/database.ts'
import type { DueDecision } from './due-times.ts'

interface DueRow {
  flow: string
  at: number
  status: DueStatus
  run: string | null
  decision: DueTime['decision']
  recorded_at: string
}

export function createDueRepository(database: Database) {
  return {
    /** False when this due time has its row already: a clock that went back shows times twice. */
    addDue(flow: string, row: DueDecision, run: string | null, at: string): boolean {
      return (
        database
          .prepare('INSERT INTO flow_due (flow, at, status, run, decision, recorded_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
          .run(flow, row.at, row.status, run, row.decision, at).changes === 1
      )
    },

    findDue(flow: string, at: number): DueTime | null {
      const row = database.prepare<[string, number], DueRow>('SELECT * FROM flow_due WHERE flow = ? AND at = ?').get(flow, at)
      return row === undefined ? null : dueOf(row)
    },

    decideDue(flow: string, at: number, change: { decision: 'run' | 'skip'; status?: DueStatus; run?: string }): void {
      database.prepare('UPDATE flow_due SET decision = @decision, status = coalesce(@status, status), run = coalesce(@run, run) WHERE flow = @flow AND at = @at').run({ flow, at, decision: change.decision, status: change.status ?? null, run: change.run ?? null })
    },

    /** The newest due time of a flow, where it was missed for want of a network. */
    missedOffline(since: number): { flow: string; at: number }[] {
      return database
        .prepare<[number], { flow: string; at: number; status: string }>('SELECT flow, max(at) at, status FROM flow_due WHERE at >= ? GROUP BY flow')
        .all(since)
        .filter(({ status }) => status === 'offline')
    },

    madeUpFor(flow: string, at: number, run: string): void {
      database.prepare("UPDATE flow_due SET status = 'late', run = ? WHERE flow = ? AND at = ? AND run IS NULL").run(run, flow, at)
    },

    /** Questions that a later run has answered. */
    supersedePending(flow: string): void {
      database.prepare("UPDATE flow_due SET decision = 'skip', status = 'superseded' WHERE flow = ? AND decision = 'pending'").run(flow)
    },

    pending(flow: string | null): number {
      return database.prepare<[{ flow: string | null }], { n: number }>(`SELECT count(*) n FROM flow_due WHERE decision = 'pending'${flow === null ? '' : ' AND flow = @flow'}`).get({ flow })?.n ?? 0
    },

    /** Rows of times that will come again and at which nothing ran. */
    forgetDueAfter(flow: string, at: number): void {
      database.prepare('DELETE FROM flow_due WHERE flow = ? AND at > ? AND run IS NULL').run(flow, at)
    },

    forgetDueBefore(at: number): void {
      database.prepare('DELETE FROM flow_due WHERE at < ?').run(at)
    },

    listDue(query: { flow?: string | undefined; since?: string | undefined; status?: readonly DueStatus[] | undefined; limit: number }): DueTime[] {
      return database
        .prepare<[Record<string, unknown>], DueRow>(
          `SELECT * FROM flow_due WHERE ${query.flow === undefined ? 'true' : 'flow = @flow'} AND (@since IS NULL OR at >= @since)
           AND (@status IS NULL OR status IN (SELECT value FROM json_each(@status))) ORDER BY at DESC LIMIT @limit`,
        )
        .all({ flow: query.flow ?? null, since: query.since === undefined ? null : Date.parse(query.since), status: query.status === undefined ? null : JSON.stringify(query.status), limit: query.limit })
        .map(dueOf)
    },
  }
}

function dueOf(row: DueRow): DueTime {
  return { flow: row.flow, at: timestamp(row.at), status: row.status, run: row.run, decision: row.decision, recordedAt: row.recorded_at }
}
