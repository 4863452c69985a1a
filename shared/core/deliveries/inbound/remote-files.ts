/** What stands in the partners' folders, as far as we have looked: so that no file is taken twice, and none that is still growing. */
import type { Database } from '../../store/database.ts'
import type { RemoteFile } from '../../protocols/file-protocol.ts'
import type { KnownFile } from './selection.ts'

export interface RemoteFileRecord extends KnownFile {
  readonly id: number
  readonly name: string
  readonly delivery: string | null
  /** Delivery of the file that this one replaced in its place. */
  readonly replacedDelivery: string | null
}

/** A file that is safely here and still to be removed or moved there. */
export interface PendingTidy {
  readonly id: number
  readonly name: string
  readonly size: number
  readonly modifiedAt: string | null
  readonly version: string | null
  readonly delivery: string
  readonly gone: boolean
}

export interface Place {
  readonly partner: string
  readonly connection: string
  readonly folder: string
}

interface Row {
  id: number
  name: string
  size: number
  modified_at: string | null
  version: string | null
  unchanged_since: number
  delivery: string | null
  replaced_delivery: string | null
}

export type RemoteFileRepository = ReturnType<typeof createRemoteFileRepository>

export function createRemoteFileRepository(database: Database) {
  const present = database.prepare<[Place], Row>(
    `SELECT file.*, (SELECT delivery FROM remote_files WHERE id = file.replaces) replaced_delivery
     FROM remote_files file WHERE partner = @partner AND connection = @connection AND folder = @folder AND gone_at IS NULL`,
  )
  const markGone = database.prepare<[string, number]>('UPDATE remote_files SET gone_at = ? WHERE id = ?')
  const notLater = database.prepare<[Record<string, unknown>]>('UPDATE remote_files SET unchanged_since = @now WHERE partner = @partner AND connection = @connection AND folder = @folder AND gone_at IS NULL AND unchanged_since > @now')
  const insert = database.prepare<[Record<string, unknown>]>(
    `INSERT INTO remote_files (partner, connection, folder, name, size, modified_at, version, unchanged_since, replaces)
     VALUES (@partner, @connection, @folder, @name, @size, @modifiedAt, @version, @now, @replaces)`,
  )

  const read = (place: Place): Map<string, RemoteFileRecord> => new Map(present.all(place).map((row) => [row.name, recordOf(row)]))

  return {
    /** Holds a listing against what is known, notes what is new, changed or gone, and answers what is there by name. */
    observe(place: Place, listing: readonly RemoteFile[], now: number, at: string): Map<string, RemoteFileRecord> {
      return database.transaction(() => {
        // The clock was set back since: the file would seem to change until the clock has caught up.
        notLater.run({ ...place, now })
        const known = read(place)
        const names = new Set(listing.map(({ name }) => name))
        for (const record of known.values()) if (!names.has(record.name)) markGone.run(at, record.id)
        let changed = false
        for (const file of listing) {
          const record = known.get(file.name)
          if (record !== undefined && isSame(record, file)) continue
          if (record !== undefined) markGone.run(at, record.id)
          insert.run({ ...place, name: file.name, size: file.size, modifiedAt: file.modifiedAt, version: file.version ?? null, now, replaces: record?.id ?? null })
          changed = true
        }
        if (changed) return read(place)
        for (const name of known.keys()) if (!names.has(name)) known.delete(name)
        return known
      })
    },

    /** Notes that a file was taken, or that it is the same as one taken before. */
    markTaken(id: number, delivery: string, afterwards: 'pending' | 'left'): void {
      database.prepare('UPDATE remote_files SET delivery = ?, afterwards = ? WHERE id = ?').run(delivery, afterwards, id)
    },

    /** A file that still stands at the partner counts as new again. False when it is not there, or is about to be tidied up. */
    takeAgain(delivery: string): boolean {
      return database.prepare("UPDATE remote_files SET delivery = NULL, afterwards = NULL WHERE delivery = ? AND gone_at IS NULL AND afterwards = 'left'").run(delivery).changes > 0
    },

    /** Files whose deliveries were released and that are still to be tidied up. */
    pendingTidy(place: Place): PendingTidy[] {
      return database
        .prepare<[Place], { id: number; name: string; size: number; modified_at: string | null; version: string | null; delivery: string; gone_at: string | null }>(
          `SELECT file.* FROM remote_files file JOIN deliveries ON deliveries.id = file.delivery
           WHERE file.partner = @partner AND file.connection = @connection AND file.folder = @folder AND file.afterwards = 'pending' AND deliveries.state = 'delivered' ORDER BY file.id`,
        )
        .all(place)
        .map((row) => ({ id: row.id, name: row.name, size: row.size, modifiedAt: row.modified_at, version: row.version, delivery: row.delivery, gone: row.gone_at !== null }))
    },

    markTidied(id: number, afterwards: 'left' | 'deleted' | 'moved', at: string): void {
      database.prepare("UPDATE remote_files SET afterwards = ?, gone_at = CASE WHEN ? = 'left' THEN gone_at ELSE coalesce(gone_at, ?) END WHERE id = ?").run(afterwards, afterwards, at, id)
    },
  }
}

/** Whether a file is the one that was seen: size, time and version. */
export function isSame(record: { readonly size: number; readonly modifiedAt: string | null; readonly version: string | null }, file: RemoteFile): boolean {
  return record.size === file.size && record.modifiedAt === file.modifiedAt && record.version === (file.version ?? null)
}

function recordOf(row: Row): RemoteFileRecord {
  return {
    id: row.id,
    name: row.name,
    size: row.size,
    modifiedAt: row.modified_at,
    version: row.version,
    unchangedSince: row.unchanged_since,
    taken: row.delivery !== null,
    delivery: row.delivery,
    replacedDelivery: row.replaced_delivery,
  }
}
