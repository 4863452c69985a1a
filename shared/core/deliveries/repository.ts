import type { Delivery, Receipt } from '../../contract/deliveries.ts'
import type { WireError } from '../../contract/errors/index.ts'
import { AppError, asAppError, systemCode } from '../kernel/errors.ts'
import type { Database } from '../store/database.ts'
import { createAttemptRows } from './attempt-rows.ts'
import { jsonOrNull, parsed } from './cells.ts'
import { createDeliveryLists, type DeliveryQuery } from './lists.ts'
import { outcomeOf, shownState, type LedgerState } from './rules.ts'

/** A delivery as stored: what the contract shows plus what only the engine needs. */
export interface LedgerEntry {
  readonly delivery: Delivery
  readonly state: LedgerState
  readonly maybeArrived: boolean
  readonly source: string
  /** Of inbound ones: the place in the Inbox, from the moment in which it was chosen. */
  readonly inboxPath: string | null
  /** Until when it is tried again; null means the usual number of tries. */
  readonly retryUntil: string | null
}

export interface NewDelivery {
  readonly id: string
  readonly partner: string
  readonly connection: string
  readonly direction: 'outbound' | 'inbound'
  readonly fileName: string
  readonly remoteName: string
  readonly source: string
  readonly size: number
  readonly sha256: string
  readonly duplicateReason: string | null
  readonly trace: string
  readonly at: string
  readonly wire?: { readonly sha256: string; readonly size: number; readonly facts: Readonly<Record<string, string>> } | null
  /** Default: `queued`. */
  readonly state?: 'received' | 'held'
  readonly error?: WireError
  readonly receipt?: Receipt
  readonly retryUntil?: string | null
}

/** What one transition writes; undefined leaves a column as it is. */
export interface DeliveryChange {
  readonly state: LedgerState
  readonly maybeArrived?: boolean | undefined
  readonly attempts?: number | undefined
  readonly nextTryAt?: string | null | undefined
  readonly postponed?: string | null | undefined
  readonly error?: WireError | null | undefined
  readonly receipt?: Receipt | null | undefined
  readonly duplicateReason?: string | undefined
  readonly inboxPath?: string | null | undefined
  /** The file was opened or protected: what it is now, and what travels. */
  readonly content?: { readonly sha256: string; readonly size: number; readonly fileName: string; readonly wire: { readonly sha256: string; readonly size: number } } | undefined
  readonly at: string
}

interface Row {
  id: string
  partner: string
  connection: string
  direction: 'outbound' | 'inbound'
  file_name: string
  remote_name: string
  source: string
  size: number
  sha256: string
  wire_sha256: string | null
  wire_size: number | null
  wire_facts: string | null
  inbox_path: string | null
  state: LedgerState
  maybe_arrived: number
  attempts: number
  next_try_at: string | null
  error: string | null
  receipt: string | null
  duplicate_reason: string | null
  trace: string
  retry_until: string | null
  created_at: string
  updated_at: string
}

const MOST_HASTENED = 1_000_000

export type DeliveryRepository = ReturnType<typeof createDeliveryRepository>

export function createDeliveryRepository(database: Database) {
  const lists = createDeliveryLists<Row>(database)
  const byId = database.prepare<[string], Row>('SELECT * FROM deliveries WHERE id = ?')
  const stateById = database.prepare<[string], { state: LedgerState }>('SELECT state FROM deliveries WHERE id = ?')

  const repository = {
    /** Rejects with `delivery.duplicate` when the same content under the same name went or is going to this partner. */
    insert(delivery: NewDelivery): LedgerEntry {
      try {
        const row = database
          .prepare<[Record<string, unknown>], Row>(
            `INSERT INTO deliveries (id, partner, connection, direction, file_name, remote_name, source, size, sha256, wire_sha256, wire_size, wire_facts, state, error, receipt, duplicate_reason, trace, retry_until, created_at, updated_at)
             VALUES (@id, @partner, @connection, @direction, @fileName, @remoteName, @source, @size, @sha256, @wireSha256, @wireSize, @wireFacts, @state, @error, @receipt, @duplicateReason, @trace, @retryUntil, @at, @at) RETURNING *`,
          )
          .get({ ...delivery, retryUntil: delivery.retryUntil ?? null, state: delivery.state ?? 'queued', wireSha256: delivery.wire?.sha256 ?? null, wireSize: delivery.wire?.size ?? null, wireFacts: jsonOrNull(delivery.wire?.facts ?? null), error: jsonOrNull(delivery.error ?? null), receipt: jsonOrNull(delivery.receipt ?? null) })
        return foundOrFail(row, delivery.id)
      } catch (error) {
        throw asDuplicate(error, delivery.remoteName)
      }
    },

    find(id: string): LedgerEntry | null {
      const row = byId.get(id)
      return row === undefined ? null : entryOf(row)
    },

    get: (id: string): LedgerEntry => foundOrFail(byId.get(id), id),

    /** The same as `get(id).state`, for less. */
    stateOf(id: string): LedgerState {
      const row = stateById.get(id)
      if (row === undefined) throw notFound(id)
      return row.state
    },

    update(id: string, change: DeliveryChange): LedgerEntry {
      const set: string[] = ['state = @state', 'updated_at = @at']
      const values: Record<string, unknown> = { id, state: change.state, at: change.at }
      const add = (column: string, name: string, value: unknown): void => {
        if (value === undefined) return
        set.push(`${column} = @${name}`)
        values[name] = value
      }
      add('maybe_arrived', 'maybeArrived', change.maybeArrived === undefined ? undefined : Number(change.maybeArrived))
      add('attempts', 'attempts', change.attempts)
      add('next_try_at', 'nextTryAt', change.nextTryAt)
      add('postponed', 'postponed', change.postponed)
      add('error', 'error', jsonOrNull(change.error))
      add('receipt', 'receipt', jsonOrNull(change.receipt))
      add('duplicate_reason', 'duplicateReason', change.duplicateReason)
      add('inbox_path', 'inboxPath', change.inboxPath)
      add('sha256', 'sha256', change.content?.sha256)
      add('size', 'size', change.content?.size)
      add('file_name', 'fileName', change.content?.fileName)
      add('wire_sha256', 'wireSha256', change.content?.wire.sha256)
      add('wire_size', 'wireSize', change.content?.wire.size)
      try {
        return foundOrFail(database.prepare<[Record<string, unknown>], Row>(`UPDATE deliveries SET ${set.join(', ')} WHERE id = @id RETURNING *`).get(values), id)
      } catch (error) {
        throw asDuplicate(error, id)
      }
    },

    /** The delivery that makes another one a duplicate, or null. Found by its content alone (`+`): by partner or direction, which are in order, all of them would be looked at. */
    findSame(partner: string, remoteName: string, sha256: string): Delivery | null {
      const row = database
        .prepare<[string, string, string], Row>(
          `SELECT * FROM deliveries WHERE +partner = ? AND remote_name = ? AND sha256 = ? AND +direction = 'outbound'
           AND state NOT IN ('failed', 'cancelled') ORDER BY +id DESC LIMIT 1`,
        )
        .get(partner, remoteName, sha256)
      return row === undefined ? null : entryOf(row).delivery
    },

    /** An inbound delivery of this connection with the same content, as it travelled or opened; of the same name if there is one, the newest. The signs keep SQLite from walking all that came instead. */
    findReceived(partner: string, connection: string, remoteName: string, sha256: string): Delivery | null {
      const here = "partner = @partner AND connection = @connection AND +direction = 'inbound'"
      const row = database
        .prepare<[Record<string, string>], Row>(
          `SELECT * FROM deliveries WHERE id = coalesce(
             (SELECT max(+id) FROM deliveries WHERE sha256 = @sha256 AND remote_name = @remoteName AND ${here}),
             (SELECT max(+id) FROM deliveries WHERE wire_sha256 = @sha256 AND remote_name = @remoteName AND ${here}),
             (SELECT max(+id) FROM deliveries WHERE sha256 = @sha256 AND ${here}),
             (SELECT max(+id) FROM deliveries WHERE wire_sha256 = @sha256 AND ${here}))`,
        )
        .get({ partner, connection, remoteName, sha256 })
      return row === undefined ? null : entryOf(row).delivery
    },

    /** Newest first. What is searched or limited by time is counted up to ten thousand. */
    list(query: DeliveryQuery): { deliveries: Delivery[]; total: number } {
      const { rows, total } = lists.list(query)
      return { deliveries: rows.map((row) => entryOf(row).delivery), total }
    },

    counts: lists.counts,
    perPartner: lists.perPartner,

    inStates(states: readonly LedgerState[]): LedgerEntry[] {
      return database
        .prepare<[string], Row>('SELECT * FROM deliveries WHERE state IN (SELECT value FROM json_each(?)) ORDER BY id')
        .all(JSON.stringify(states))
        .map(entryOf)
    },

    /** Deliveries to run now: queued ones, and waiting or unknown ones whose time has come. */
    due(now: string): LedgerEntry[] {
      return database
        .prepare<[string], Row>(
          `SELECT * FROM deliveries WHERE state = 'queued' OR (state IN ('waiting', 'unknown', 'awaiting-receipt') AND next_try_at IS NOT NULL AND next_try_at <= ?) ORDER BY id LIMIT 1000`,
        )
        .all(now)
        .map(entryOf)
    },

    nextDueAt(): string | null {
      return (
        database
          .prepare<[], { at: string | null }>("SELECT min(next_try_at) at FROM deliveries WHERE state IN ('waiting', 'unknown', 'awaiting-receipt')")
          .get()?.at ?? null
      )
    },

    /**
     * What waits for the network, or for one connection, is due now: what was postponed, and what the line itself had failed. The
     * oldest first, at most so many. Answers how many.
     */
    hasten(what: { readonly by: 'network' | 'connection'; readonly partner?: string; readonly connection?: string; readonly most?: number }, now: string): number {
      return database
        .prepare(
          `UPDATE deliveries SET next_try_at = @now WHERE id IN (
             SELECT id FROM deliveries WHERE state IN ('waiting', 'unknown') AND (next_try_at IS NULL OR next_try_at > @now)
               AND (postponed = @by OR json_extract(error, '$.code') LIKE 'net.%')
               AND (@partner IS NULL OR (partner = @partner AND connection = @connection)) ORDER BY id LIMIT @most)`,
        )
        .run({ now, by: what.by, partner: what.partner ?? null, connection: what.connection ?? null, most: Math.min(what.most ?? MOST_HASTENED, MOST_HASTENED) }).changes
    },

    postponedCount: (): number => database.prepare<[], { n: number }>('SELECT count(*) n FROM deliveries WHERE postponed IS NOT NULL').get()?.n ?? 0,

    /** Whether any stands for a content, as it is or as it travelled. */
    keeps: (sha256: string): boolean => database.prepare('SELECT 1 FROM deliveries WHERE sha256 = @sha256 OR wire_sha256 = @sha256 LIMIT 1').get({ sha256 }) !== undefined,

    /** Deliveries by id, content hash, or file name (either side's). */
    matching(query: string, limit: number): Delivery[] {
      return database
        .prepare<[{ query: string; limit: number }], Row>(
          `SELECT * FROM deliveries WHERE id = @query OR sha256 = lower(@query) OR file_name = @query OR remote_name = @query
           OR id IN (SELECT delivery FROM delivery_parts WHERE name = @query OR sha256 = lower(@query)) ORDER BY id LIMIT @limit`,
        )
        .all({ query, limit })
        .map((row) => entryOf(row).delivery)
    },

  }
  return { ...repository, ...createAttemptRows(database) }
}

function foundOrFail(row: Row | undefined, id: string): LedgerEntry {
  if (row === undefined) throw notFound(id)
  return entryOf(row)
}

function notFound(id: string): AppError {
  return new AppError('input.not_found', `there is no delivery ${id}`)
}

function entryOf(row: Row): LedgerEntry {
  const maybeArrived = row.maybe_arrived === 1
  return {
    state: row.state,
    maybeArrived,
    source: row.source,
    inboxPath: row.inbox_path,
    retryUntil: row.retry_until,
    delivery: {
      id: row.id,
      partner: row.partner,
      connection: row.connection,
      direction: row.direction,
      fileName: row.file_name,
      remoteName: row.remote_name,
      size: row.size,
      sha256: row.sha256,
      wire: row.wire_sha256 === null ? null : { sha256: row.wire_sha256, size: row.wire_size ?? 0, facts: parsed<Record<string, string>>(row.wire_facts) ?? {} },
      state: shownState(row.state),
      outcome: outcomeOf(row.state, maybeArrived),
      stage: row.state === 'committing' ? 'committing' : null,
      attempts: row.attempts,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      nextTryAt: row.next_try_at,
      error: parsed<WireError>(row.error),
      receipt: parsed<Receipt>(row.receipt),
      duplicateReason: row.duplicate_reason,
      trace: row.trace,
    },
  }
}

function asDuplicate(error: unknown, name: string): AppError {
  if (systemCode(error) === 'SQLITE_CONSTRAINT_UNIQUE' || systemCode((error as { cause?: unknown }).cause) === 'SQLITE_CONSTRAINT_UNIQUE')
    return new AppError('delivery.duplicate', `the same content under the name ${name} went or is going to this partner`, { cause: error })
  return asAppError(error)
}
