import type { AuditEvent } from '../../contract/audit.ts'
import type { Database } from '../store/database.ts'
import { GENESIS, hashOf } from './rules.ts'

/** What is known of an event before it takes its place in the chain. */
export interface NewAuditEvent {
  readonly at: string
  readonly actor: string
  readonly trace: string | null
  readonly type: string
  readonly subject: { readonly kind: string; readonly id: string }
  /** For searching; part of nothing that is hashed beyond what `data` says. */
  readonly partner: string | null
  readonly data: Readonly<Record<string, unknown>>
}

export interface AuditQuery {
  readonly limit: number
  readonly before?: number | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly partner?: string | undefined
  readonly type?: string | undefined
  readonly search?: string | undefined
}

interface Row {
  seq: number
  at: string
  actor: string
  trace: string | null
  type: string
  subject_kind: string
  subject_id: string
  data: string
  prev_hash: string
  hash: string
}

const COLUMNS = 'seq, at, actor, trace, type, subject_kind, subject_id, data, prev_hash, hash'

export type AuditRepository = ReturnType<typeof createAuditRepository>

/** Reads and appends; nothing here changes or removes a record. */
export function createAuditRepository(database: Database) {
  const head = database.prepare<[], { seq: number; hash: string }>('SELECT seq, hash FROM audit_head WHERE id = 1')
  const insert = database.prepare(
    `INSERT INTO audit_events (${COLUMNS}, partner) VALUES (@seq, @at, @actor, @trace, @type, @kind, @id, @data, @prevHash, @hash, @partner)`,
  )
  const moveHead = database.prepare(
    'INSERT INTO audit_head (id, seq, hash) VALUES (1, @seq, @hash) ON CONFLICT (id) DO UPDATE SET seq = @seq, hash = @hash',
  )
  const bySeq = database.prepare<[number, number], Row>(`SELECT ${COLUMNS} FROM audit_events WHERE seq > ? ORDER BY seq LIMIT ?`)
  const byHash = database.prepare<[string], { seq: number }>('SELECT seq FROM audit_events WHERE hash = ?')

  return {
    /** Appends one event; call it inside the transaction of the change that it records. */
    append(event: NewAuditEvent): AuditEvent {
      const last = head.get() ?? { seq: 0, hash: GENESIS }
      // Through JSON once, so that what is hashed is exactly what will be read back.
      const data = JSON.stringify(event.data)
      const unsealed = {
        seq: last.seq + 1,
        at: event.at,
        actor: event.actor,
        trace: event.trace,
        type: event.type,
        subject: { kind: event.subject.kind, id: event.subject.id },
        data: JSON.parse(data) as Record<string, unknown>,
        prevHash: last.hash,
      }
      const sealed = { ...unsealed, hash: hashOf(unsealed) }
      insert.run({
        seq: sealed.seq,
        at: sealed.at,
        actor: sealed.actor,
        trace: sealed.trace,
        type: sealed.type,
        kind: sealed.subject.kind,
        id: sealed.subject.id,
        data,
        prevHash: sealed.prevHash,
        hash: sealed.hash,
        partner: event.partner,
      })
      moveHead.run({ seq: sealed.seq, hash: sealed.hash })
      return sealed
    },

    head(): { seq: number; hash: string } {
      return head.get() ?? { seq: 0, hash: GENESIS }
    },

    /** Every record in order, in bounded pages. A row whose data is no JSON any more comes with `data` of `{}`. */
    *inOrder(): Iterable<AuditEvent> {
      let after = Number.MIN_SAFE_INTEGER
      for (;;) {
        const rows = bySeq.all(after, 1000)
        for (const row of rows) yield eventOf(row)
        const last = rows.at(-1)
        if (last === undefined) return
        after = last.seq
      }
    },

    seqOfHash(hash: string): number | null {
      return byHash.get(hash)?.seq ?? null
    },

    hashOf(seq: number): string | null {
      return database.prepare<[number], { hash: string }>('SELECT hash FROM audit_events WHERE seq = ?').get(seq)?.hash ?? null
    },

    /** The newest record of exactly that type about a subject, or null. */
    newestOf(type: string, subject: { readonly kind: string; readonly id: string }): AuditEvent | null {
      const row = database.prepare<[string, string, string], Row>(`SELECT ${COLUMNS} FROM audit_events WHERE subject_kind = ? AND subject_id = ? AND type = ? ORDER BY seq DESC LIMIT 1`).get(subject.kind, subject.id, type)
      return row === undefined ? null : eventOf(row)
    },

    /** The newest record of that type about each subject of a kind. */
    newestOfEach(type: string, kind: string): AuditEvent[] {
      return database.prepare<[string, string], Row>(`SELECT ${COLUMNS} FROM audit_events WHERE seq IN (SELECT max(seq) FROM audit_events WHERE subject_kind = ? AND type = ? GROUP BY subject_id)`).all(kind, type).map(eventOf)
    },

    /** Times of the first and the newest record. */
    span(): { firstAt: string | null; lastAt: string | null } {
      const at = (order: 'ASC' | 'DESC'): string | null => database.prepare<[], { at: string }>(`SELECT at FROM audit_events ORDER BY seq ${order} LIMIT 1`).get()?.at ?? null
      return { firstAt: at('ASC'), lastAt: at('DESC') }
    },

    list(query: AuditQuery): { events: AuditEvent[]; total: number } {
      const { where, values } = conditions(query)
      // Records have no gaps; what is filtered is counted up to ten thousand.
      const count = where === '' ? 'SELECT coalesce((SELECT max(seq) FROM audit_events) - (SELECT min(seq) FROM audit_events) + 1, 0) n' : `SELECT count(*) n FROM (SELECT 1 FROM audit_events ${where} LIMIT 10000)`
      const total = database.prepare<[typeof values], { n: number }>(count).get(values)?.n ?? 0
      const paged = query.before === undefined ? where : `${where === '' ? 'WHERE' : `${where} AND`} seq < @before`
      const rows = database
        .prepare<[Record<string, unknown>], Row>(`SELECT ${COLUMNS} FROM audit_events ${paged} ORDER BY seq DESC LIMIT @limit`)
        .all({ ...values, ...(query.before === undefined ? {} : { before: query.before }), limit: query.limit })
      return { events: rows.map(eventOf), total }
    },

    /** All events about the given subjects or traces, in order. */
    about(subjects: readonly string[], traces: readonly string[], limit: number): AuditEvent[] {
      const rows = database
        .prepare<[string, string, number], Row>(
          `SELECT ${COLUMNS} FROM audit_events
           WHERE (subject_kind = 'delivery' AND subject_id IN (SELECT value FROM json_each(?))) OR (trace IN (SELECT value FROM json_each(?)) AND subject_kind <> 'delivery')
           ORDER BY seq LIMIT ?`,
        )
        .all(JSON.stringify(subjects), JSON.stringify(traces), limit)
      return rows.map(eventOf)
    },
  }
}

function conditions(query: AuditQuery): { where: string; values: Record<string, unknown> } {
  const parts: string[] = []
  const values: Record<string, unknown> = {}
  const add = (sql: string, name: string, value: unknown): void => {
    if (value === undefined) return
    parts.push(sql)
    values[name] = value
  }
  add('at >= @since', 'since', query.since)
  add('at < @until', 'until', query.until)
  add('partner = @partner', 'partner', query.partner)
  add("type LIKE @type || '%'", 'type', query.type)
  add("(instr(lower(data), lower(@search)) > 0 OR instr(lower(subject_id), lower(@search)) > 0)", 'search', query.search)
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values }
}

function eventOf(row: Row): AuditEvent {
  return {
    seq: row.seq,
    at: row.at,
    actor: row.actor,
    trace: row.trace,
    type: row.type,
    subject: { kind: row.subject_kind, id: row.subject_id },
    data: jsonObject(row.data),
    prevHash: row.prev_hash,
    hash: row.hash,
  }
}

function jsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    // A damaged record is reported by verification; it must not stop a list.
    return {}
  }
}
