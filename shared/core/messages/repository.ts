import { systemCode } from '../kernel/errors.ts'
import type { HeaderPair, MicCandidate } from '../protocols/as2/message/index.ts'
import type { Database } from '../store/database.ts'

/** A flat list of what was observed, for people. */
export type Facts = readonly { readonly label: string; readonly value: string }[]

/** A message of ours as it was built, frozen. */
export interface BuiltRecord {
  readonly id: string
  readonly delivery: string
  readonly partner: string
  readonly connection: string
  readonly messageId: string
  readonly messageKey: string
  readonly as2From: string
  readonly as2To: string
  /** As posted, without Host and length. */
  readonly headers: readonly HeaderPair[]
  readonly bodySha256: string
  readonly bodyBytes: number
  readonly mics: readonly MicCandidate[]
  readonly layers: readonly string[]
  readonly facts: Facts
  readonly receiptMode: 'sync' | 'async' | 'none'
  readonly receiptSigned: boolean
  readonly builtAt: string
  readonly acceptedAt: string | null
}

/** A receipt for one of our messages, as it came. */
export interface ReceiptRecord {
  readonly receivedAt: string
  readonly mode: 'sync' | 'async'
  readonly headers: readonly HeaderPair[]
  readonly body: Uint8Array
  readonly sha256: string
  readonly verdict: string
  readonly facts: ReceiptFacts
}

export interface ReceiptFacts {
  readonly messageId: string | null
  readonly disposition: string
  readonly signed: boolean
  readonly signer: string | null
  readonly mic: string | null
  readonly reasons: readonly string[]
}

export type InboundState = 'spooled' | 'processed' | 'refused' | 'quarantined'

/** What came in. */
export interface InboundRecord {
  readonly id: string
  readonly receivedAt: string
  readonly processedAt: string | null
  readonly state: InboundState
  readonly partner: string | null
  readonly connection: string | null
  readonly as2From: string
  readonly as2To: string
  readonly messageId: string
  readonly messageKey: string
  readonly headers: readonly HeaderPair[]
  readonly bodySha256: string
  readonly bodyBytes: number
  readonly remote: string
  readonly disposition: string | null
  readonly reason: string | null
  readonly detail: string | null
  readonly mic: MicCandidate | null
  readonly layers: readonly string[]
  readonly facts: Facts
  readonly deliveries: readonly string[]
  readonly mdn: StoredMdn | null
}

/** Our receipt: the very bytes, for repetitions and for posting. */
export interface StoredMdn {
  readonly messageId: string
  readonly headers: readonly HeaderPair[]
  readonly body: Uint8Array
  readonly signed: boolean
  readonly mode: 'sync' | 'async'
  readonly url: string | null
  /** Of asynchronous ones. */
  readonly state: 'queued' | 'sent' | 'failed' | null
  readonly tries: number
  readonly problem: string | null
}

/** How an entry was worked off. */
export interface InboundConclusion {
  readonly state: InboundState
  readonly disposition: string | null
  readonly reason: string | null
  readonly detail: string | null
  readonly mic: MicCandidate | null
  readonly layers: readonly string[]
  readonly facts: Facts
  readonly deliveries: readonly string[]
  readonly mdn: Omit<StoredMdn, 'state' | 'tries' | 'problem'> | null
  readonly at: string
}

type NewInbound = Pick<
  InboundRecord,
  'id' | 'receivedAt' | 'state' | 'partner' | 'connection' | 'as2From' | 'as2To' | 'messageId' | 'messageKey' | 'headers' | 'bodySha256' | 'bodyBytes' | 'remote' | 'reason' | 'detail'
>

/** Exchanges that came to their end and in which a certificate took part. */
const SEEN = `
  SELECT partner, processed_at at, json_extract(deliveries, '$[0]') delivery FROM as2_inbound WHERE state = 'processed' AND instr(facts, @fingerprint) > 0
  UNION ALL
  SELECT m.partner, r.received_at at, m.delivery FROM as2_receipts r JOIN as2_messages m ON m.id = r.message
    WHERE r.verdict = 'delivered' AND (instr(r.facts, @fingerprint) > 0 OR instr(m.facts, @fingerprint) > 0)`

export type MessageRepository = ReturnType<typeof createMessageRepository>

export function createMessageRepository(database: Database) {
  const messageRow = (where: string, ...values: string[]): BuiltRecord | null => {
    const row = database.prepare<string[], MessageRow>(`SELECT * FROM as2_messages WHERE ${where}`).get(...values)
    return row === undefined ? null : builtOf(row)
  }

  return {
    insertMessage(record: Omit<BuiltRecord, 'acceptedAt'>): void {
      database
        .prepare(
          `INSERT INTO as2_messages (id, delivery, partner, connection, message_id, message_key, as2_from, as2_to, headers, body_sha256, body_bytes, mics, layers, facts, receipt_mode, receipt_signed, built_at)
           VALUES (@id, @delivery, @partner, @connection, @messageId, @messageKey, @as2From, @as2To, @headers, @bodySha256, @bodyBytes, @mics, @layers, @facts, @receiptMode, @receiptSigned, @builtAt)`,
        )
        .run({
          ...record,
          headers: JSON.stringify(record.headers),
          mics: JSON.stringify(record.mics),
          layers: JSON.stringify(record.layers),
          facts: JSON.stringify(record.facts),
          receiptSigned: Number(record.receiptSigned),
        })
    },

    /** The message that a delivery travels as now. */
    present: (delivery: string): BuiltRecord | null => messageRow('delivery = ? AND superseded_at IS NULL ORDER BY id DESC LIMIT 1', delivery),
    /** The newest one, superseded or not. */
    newest: (delivery: string): BuiltRecord | null => messageRow('delivery = ? ORDER BY id DESC LIMIT 1', delivery),
    byKey: (key: string): BuiltRecord | null => messageRow('message_key = ?', key),

    supersede(id: string, at: string): void {
      database.prepare('UPDATE as2_messages SET superseded_at = ? WHERE id = ?').run(at, id)
    },

    /**
     * When a certificate (`sha256:…`) first and last took part in exchanges that came to their end (opened, signed, or answered by a receipt), by
     * partner, with the first delivery. All partners at once: a board shows hundreds.
     */
    seen(fingerprint: string): Map<string, { first: string; last: string; delivery: string | null }> {
      interface Row { partner: string; first: string; last: string; delivery: string | null }
      const last = new Map(database.prepare<[Record<string, string>], { partner: string; last: string }>(`SELECT partner, max(at) last FROM (${SEEN}) GROUP BY partner`).all({ fingerprint }).map((row) => [row.partner, row.last]))
      // The bare column of an aggregate with min() comes from the row of the minimum (SQLite).
      return new Map(
        database
          .prepare<[Record<string, string>], Omit<Row, 'last'>>(`SELECT partner, min(at) first, delivery FROM (${SEEN}) GROUP BY partner`)
          .all({ fingerprint })
          .map(({ partner, first, delivery }) => [partner, { first, delivery, last: last.get(partner) ?? first }]),
      )
    },

    /** Messages of a partner that were taken over and in which a certificate (`sha256:…`) took part, newest first. */
    takenWith(partner: string, connection: string, fingerprint: string): InboundRecord[] {
      return database
        .prepare<[string, string, string], InboundRow>("SELECT * FROM as2_inbound WHERE partner = ? AND connection = ? AND state = 'processed' AND instr(facts, ?) > 0 ORDER BY id DESC LIMIT 20")
        .all(partner, connection, fingerprint)
        .map(inboundOf)
    },

    /** The newest receipt that a certificate signed and that proved a delivery. */
    receiptBy(partner: string, connection: string, fingerprint: string): Pick<ReceiptRecord, 'headers' | 'body' | 'receivedAt'> | null {
      const row = database
        .prepare<[string, string, string], ReceiptRow>("SELECT r.* FROM as2_receipts r JOIN as2_messages m ON m.id = r.message WHERE m.partner = ? AND m.connection = ? AND r.verdict = 'delivered' AND instr(r.facts, ?) > 0 ORDER BY r.id DESC LIMIT 1")
        .get(partner, connection, fingerprint)
      return row === undefined ? null : { headers: JSON.parse(row.headers) as HeaderPair[], body: row.body, receivedAt: row.received_at }
    },

    /** Messages that a receipt decided, newest receipt first: of one delivery, or on a connection since a time. */
    triedKeys(where: { readonly delivery: string } | { readonly partner: string; readonly connection: string; readonly since: string }): { facts: Facts; verdict: string }[] {
      const [condition, values] = 'delivery' in where ? ['m.delivery = ?', [where.delivery]] : ['m.partner = ? AND m.connection = ? AND r.received_at >= ?', [where.partner, where.connection, where.since]]
      return database
        .prepare<string[], { facts: string; verdict: string }>(`SELECT m.facts, r.verdict FROM as2_receipts r JOIN as2_messages m ON m.id = r.message WHERE ${condition} ORDER BY r.id DESC LIMIT 50`)
        .all(...values)
        .map(({ facts, verdict }) => ({ facts: JSON.parse(facts) as Facts, verdict }))
    },

    /** What was sent last on a connection. */
    lastSent: (partner: string, connection: string): BuiltRecord | null => messageRow('partner = ? AND connection = ? ORDER BY id DESC LIMIT 1', partner, connection),

    accepted(id: string, at: string): void {
      database.prepare('UPDATE as2_messages SET accepted_at = coalesce(accepted_at, ?) WHERE id = ?').run(at, id)
    },

    /** False when this very receipt was there before. */
    insertReceipt(message: string, receipt: ReceiptRecord): boolean {
      return (
        database
          .prepare(
            `INSERT INTO as2_receipts (message, received_at, mode, headers, body, sha256, verdict, facts)
             VALUES (@message, @receivedAt, @mode, @headers, @body, @sha256, @verdict, @facts) ON CONFLICT DO NOTHING`,
          )
          .run({ message, ...receipt, headers: JSON.stringify(receipt.headers), facts: JSON.stringify(receipt.facts) }).changes > 0
      )
    },

    /** Newest first. */
    receipts(message: string): ReceiptRecord[] {
      return database
        .prepare<[string], ReceiptRow>('SELECT * FROM as2_receipts WHERE message = ? ORDER BY id DESC LIMIT 50')
        .all(message)
        .map((row) => ({
          receivedAt: row.received_at,
          mode: row.mode,
          headers: JSON.parse(row.headers) as HeaderPair[],
          body: row.body,
          sha256: row.sha256,
          verdict: row.verdict,
          facts: JSON.parse(row.facts) as ReceiptFacts,
        }))
    },

    /** False when the same message is being taken over or was: nothing is written then. */
    insertInbound(entry: NewInbound): boolean {
      try {
        database
          .prepare(
            `INSERT INTO as2_inbound (id, received_at, state, partner, connection, as2_from, as2_to, message_id, message_key, headers, body_sha256, body_bytes, remote, reason, detail)
             VALUES (@id, @receivedAt, @state, @partner, @connection, @as2From, @as2To, @messageId, @messageKey, @headers, @bodySha256, @bodyBytes, @remote, @reason, @detail)`,
          )
          .run({ ...entry, headers: JSON.stringify(entry.headers) })
        return true
      } catch (error) {
        if (isUniqueViolation(error)) return false
        throw error
      }
    },

    inbound(id: string): InboundRecord | null {
      const row = database.prepare<[string], InboundRow>('SELECT * FROM as2_inbound WHERE id = ?').get(id)
      return row === undefined ? null : inboundOf(row)
    },

    /** The entry that makes a message a repetition. */
    takenOver(as2From: string, as2To: string, key: string): InboundRecord | null {
      const row = database
        .prepare<[string, string, string], InboundRow>("SELECT * FROM as2_inbound WHERE as2_from = ? AND as2_to = ? AND message_key = ? AND state IN ('spooled', 'processed')")
        .get(as2From, as2To, key)
      return row === undefined ? null : inboundOf(row)
    },

    inboundOfDelivery(delivery: string): InboundRecord | null {
      const row = database
        .prepare<[string], InboundRow>('SELECT * FROM as2_inbound WHERE id = (SELECT i.id FROM as2_inbound i, json_each(i.deliveries) d WHERE d.value = ? LIMIT 1)')
        .get(delivery)
      return row === undefined ? null : inboundOf(row)
    },

    conclude(id: string, end: InboundConclusion): void {
      database
        .prepare(
          `UPDATE as2_inbound SET state = @state, processed_at = @at, disposition = @disposition, reason = @reason, detail = @detail, mic = @mic, layers = @layers, facts = @facts,
             deliveries = @deliveries, mdn_message_id = @mdnMessageId, mdn_headers = @mdnHeaders, mdn_body = @mdnBody, mdn_signed = @mdnSigned, mdn_mode = @mdnMode, mdn_url = @mdnUrl,
             mdn_state = @mdnState, mdn_next_try_at = @mdnNext WHERE id = @id`,
        )
        .run({
          id,
          state: end.state,
          at: end.at,
          disposition: end.disposition,
          reason: end.reason,
          detail: end.detail,
          mic: end.mic === null ? null : JSON.stringify(end.mic),
          layers: JSON.stringify(end.layers),
          facts: JSON.stringify(end.facts),
          deliveries: JSON.stringify(end.deliveries),
          mdnMessageId: end.mdn?.messageId ?? null,
          mdnHeaders: end.mdn === null ? null : JSON.stringify(end.mdn.headers),
          mdnBody: end.mdn?.body ?? null,
          mdnSigned: Number(end.mdn?.signed ?? false),
          mdnMode: end.mdn?.mode ?? 'none',
          mdnUrl: end.mdn?.url ?? null,
          mdnState: end.mdn?.mode === 'async' ? 'queued' : null,
          mdnNext: end.mdn?.mode === 'async' ? end.at : null,
        })
    },

    inState(state: InboundState): InboundRecord[] {
      return database.prepare<[string], InboundRow>('SELECT * FROM as2_inbound WHERE state = ? ORDER BY id LIMIT 1000').all(state).map(inboundOf)
    },

    listInbound(query: { readonly limit: number; readonly state?: readonly InboundState[] | undefined }): { entries: InboundRecord[]; total: number } {
      const states = JSON.stringify(query.state ?? ['spooled', 'processed', 'refused', 'quarantined'])
      const total = database.prepare<[string], { n: number }>('SELECT count(*) n FROM as2_inbound WHERE state IN (SELECT value FROM json_each(?))').get(states)?.n ?? 0
      const rows = database
        .prepare<[string, number], InboundRow>('SELECT * FROM as2_inbound WHERE state IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?')
        .all(states, query.limit)
      return { entries: rows.map(inboundOf), total }
    },

    /** Asynchronous receipts whose time has come. */
    receiptsToPost(now: string): InboundRecord[] {
      return database
        .prepare<[string], InboundRow>("SELECT * FROM as2_inbound WHERE mdn_state = 'queued' AND mdn_next_try_at <= ? ORDER BY mdn_next_try_at LIMIT 100")
        .all(now)
        .map(inboundOf)
    },

    receiptQueue(): { waiting: number; nextAt: string | null } {
      const row = database.prepare<[], { n: number; at: string | null }>("SELECT count(*) n, min(mdn_next_try_at) at FROM as2_inbound WHERE mdn_state = 'queued'").get()
      return { waiting: row?.n ?? 0, nextAt: row?.at ?? null }
    },

    receiptPosted(id: string, change: { readonly state: 'queued' | 'sent' | 'failed'; readonly nextTryAt: string | null; readonly problem: string | null }): void {
      database
        .prepare('UPDATE as2_inbound SET mdn_state = @state, mdn_next_try_at = @nextTryAt, mdn_problem = @problem, mdn_tries = mdn_tries + 1 WHERE id = @id')
        .run({ id, ...change })
    },

    /** A repetition asks for the asynchronous receipt once more. */
    postReceiptAgain(id: string, at: string): void {
      database.prepare("UPDATE as2_inbound SET mdn_state = 'queued', mdn_next_try_at = ? WHERE id = ? AND mdn_mode = 'async' AND mdn_state <> 'queued'").run(at, id)
    },
  }
}

interface MessageRow {
  id: string
  delivery: string
  partner: string
  connection: string
  message_id: string
  message_key: string
  as2_from: string
  as2_to: string
  headers: string
  body_sha256: string
  body_bytes: number
  mics: string
  layers: string
  facts: string
  receipt_mode: BuiltRecord['receiptMode']
  receipt_signed: number
  built_at: string
  accepted_at: string | null
}

interface ReceiptRow {
  received_at: string
  mode: 'sync' | 'async'
  headers: string
  body: Uint8Array
  sha256: string
  verdict: string
  facts: string
}

interface InboundRow {
  id: string
  received_at: string
  processed_at: string | null
  state: InboundState
  partner: string | null
  connection: string | null
  as2_from: string
  as2_to: string
  message_id: string
  message_key: string
  headers: string
  body_sha256: string
  body_bytes: number
  remote: string
  disposition: string | null
  reason: string | null
  detail: string | null
  mic: string | null
  layers: string
  facts: string
  deliveries: string
  mdn_message_id: string | null
  mdn_headers: string | null
  mdn_body: Uint8Array | null
  mdn_signed: number
  mdn_mode: 'sync' | 'async' | 'none'
  mdn_url: string | null
  mdn_state: 'queued' | 'sent' | 'failed' | null
  mdn_tries: number
  mdn_problem: string | null
}

function builtOf(row: MessageRow): BuiltRecord {
  return {
    id: row.id,
    delivery: row.delivery,
    partner: row.partner,
    connection: row.connection,
    messageId: row.message_id,
    messageKey: row.message_key,
    as2From: row.as2_from,
    as2To: row.as2_to,
    headers: JSON.parse(row.headers) as HeaderPair[],
    bodySha256: row.body_sha256,
    bodyBytes: row.body_bytes,
    mics: JSON.parse(row.mics) as MicCandidate[],
    layers: JSON.parse(row.layers) as string[],
    facts: JSON.parse(row.facts) as Facts,
    receiptMode: row.receipt_mode,
    receiptSigned: row.receipt_signed === 1,
    builtAt: row.built_at,
    acceptedAt: row.accepted_at,
  }
}

function inboundOf(row: InboundRow): InboundRecord {
  return {
    id: row.id,
    receivedAt: row.received_at,
    processedAt: row.processed_at,
    state: row.state,
    partner: row.partner,
    connection: row.connection,
    as2From: row.as2_from,
    as2To: row.as2_to,
    messageId: row.message_id,
    messageKey: row.message_key,
    headers: JSON.parse(row.headers) as HeaderPair[],
    bodySha256: row.body_sha256,
    bodyBytes: row.body_bytes,
    remote: row.remote,
    disposition: row.disposition,
    reason: row.reason,
    detail: row.detail,
    mic: row.mic === null ? null : (JSON.parse(row.mic) as MicCandidate),
    layers: JSON.parse(row.layers) as string[],
    facts: JSON.parse(row.facts) as Facts,
    deliveries: JSON.parse(row.deliveries) as string[],
    mdn: mdnOf(row),
  }
}

function mdnOf(row: InboundRow): StoredMdn | null {
  if (row.mdn_body === null || row.mdn_mode === 'none') return null
  return {
    messageId: row.mdn_message_id ?? '',
    headers: JSON.parse(row.mdn_headers ?? '[]') as HeaderPair[],
    body: row.mdn_body,
    signed: row.mdn_signed === 1,
    mode: row.mdn_mode,
    url: row.mdn_url,
    state: row.mdn_state,
    tries: row.mdn_tries,
    problem: row.mdn_problem,
  }
}

function isUniqueViolation(error: unknown): boolean {
  const code = 'SQLITE_CONSTRAINT_UNIQUE'
  return systemCode(error) === code || systemCode((error as { cause?: unknown }).cause) === code
}
