/** Which file of which flow travelled as which delivery, and what a person released for sending again. */
import type { Database } from '../store/database.ts'
import type { StandingFile } from './rules.ts'

/** A file of a flow on its way to one target. */
export interface TravellingFile extends StandingFile {
  readonly delivery: string
  readonly flow: string
  readonly run: string
  readonly target: string
  readonly duplicateKey: string
  readonly afterwards: string
  readonly createdAt: string
}

interface Row {
  delivery: string
  flow: string
  run: string
  target: string
  path: string
  name: string
  size: number
  modified: number
  duplicate_key: string
  afterwards: string
  created_at: string
}

export type FlowFiles = ReturnType<typeof createFlowFiles>

export function createFlowFiles(database: Database) {
  const many = <Bind extends unknown[]>(sql: string, ...values: Bind): TravellingFile[] => database.prepare<Bind, Row>(sql).all(...values).map(fileOf)

  return {
    add(file: TravellingFile): void {
      database
        .prepare(
          `INSERT INTO flow_files (delivery, flow, run, target, path, name, size, modified, duplicate_key, afterwards, created_at)
           VALUES (@delivery, @flow, @run, @target, @path, @name, @size, @modified, @duplicateKey, @afterwards, @createdAt)`,
        )
        .run({ ...file })
    },

    /** Several where they travel as one ZIP file. */
    of: (delivery: string): TravellingFile[] => many('SELECT * FROM flow_files WHERE delivery = ? ORDER BY path', delivery),

    ofRun: (run: string): TravellingFile[] => many('SELECT * FROM flow_files WHERE run = ? ORDER BY delivery', run),

    /** The newest delivery of a file that stands where it stood. */
    standing(flow: string, target: string, file: StandingFile): TravellingFile | null {
      return many('SELECT * FROM flow_files WHERE flow = ? AND name = ? AND size = ? AND modified = ? AND target = ? AND path = ? ORDER BY delivery DESC LIMIT 1', flow, file.name, file.size, file.modified, target, file.path)[0] ?? null
    },

    /** The newest with the same key, since a time. */
    same(flow: string, target: string, key: string, since: string): TravellingFile | null {
      return many('SELECT * FROM flow_files WHERE flow = ? AND target = ? AND duplicate_key = ? AND created_at >= ? ORDER BY delivery DESC LIMIT 1', flow, target, key, since)[0] ?? null
    },

    /** All deliveries of a file as it stands, newest first. */
    ofFile(flow: string, file: StandingFile): TravellingFile[] {
      return many('SELECT * FROM flow_files WHERE flow = ? AND name = ? AND size = ? AND modified = ? AND path = ? ORDER BY delivery DESC', flow, file.name, file.size, file.modified, file.path)
    },

    /** Files that are to be moved or deleted once they arrived. */
    pending: (after: string, limit: number): TravellingFile[] => many("SELECT * FROM flow_files WHERE afterwards = 'pending' AND delivery > ? ORDER BY delivery LIMIT ?", after, limit),

    /** Moved files of a flow that arrived before a time. */
    movedBefore(flow: string, at: string, limit: number): TravellingFile[] {
      return many("SELECT * FROM flow_files WHERE flow = ? AND afterwards LIKE 'moved: %' AND created_at < ? ORDER BY delivery LIMIT ?", flow, at, limit)
    },

    /** Deliveries that rest since before a time, whose content is still kept; oldest first. */
    restingBefore(flow: string, at: string, limit: number): string[] {
      return database
        .prepare<[string, string, number], { delivery: string }>(
          `SELECT DISTINCT delivery FROM flow_files f JOIN deliveries d ON d.id = f.delivery
           WHERE f.flow = ? AND f.created_at < ? AND d.state IN ('delivered', 'cancelled') AND NOT EXISTS (SELECT 1 FROM removed_contents r WHERE r.delivery = f.delivery)
           ORDER BY f.created_at LIMIT ?`,
        )
        .all(flow, at, limit)
        .map(({ delivery }) => delivery)
    },

    setAfterwards({ delivery, path }: TravellingFile, afterwards: string): void {
      database.prepare('UPDATE flow_files SET afterwards = ? WHERE delivery = ? AND path = ?').run(afterwards, delivery, path)
    },

    moveToRun(delivery: string, run: string): void {
      database.prepare('UPDATE flow_files SET run = ? WHERE delivery = ?').run(run, delivery)
    },

    release(entry: { id: string; flow: string; target: string; duplicateKey: string; name: string; size: number; reason: string; at: string }): void {
      database
        .prepare('INSERT INTO flow_releases (id, flow, target, duplicate_key, name, size, reason, at) VALUES (@id, @flow, @target, @duplicateKey, @name, @size, @reason, @at)')
        .run(entry)
    },

    /** An unused permission for a file: of its key, or of its name and size where its content is the reason. */
    released(flow: string, target: string, file: StandingFile): { id: string; reason: string } | null {
      return (
        database
          .prepare<[string, string, string, number], { id: string; reason: string }>('SELECT id, reason FROM flow_releases WHERE flow = ? AND target = ? AND name = ? AND size = ? AND delivery IS NULL ORDER BY id LIMIT 1')
          .get(flow, target, file.name, file.size) ?? null
      )
    },

    useRelease(id: string, delivery: string): void {
      database.prepare('UPDATE flow_releases SET delivery = ? WHERE id = ?').run(delivery, id)
    },
  }
}

function fileOf(row: Row): TravellingFile {
  return {
    delivery: row.delivery,
    flow: row.flow,
    run: row.run,
    target: row.target,
    path: row.path,
    name: row.name,
    size: row.size,
    modified: row.modified,
    duplicateKey: row.duplicate_key,
    afterwards: row.afterwards,
    createdAt: row.created_at,
  }
}
