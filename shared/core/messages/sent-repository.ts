/** Messages of ours as they were built, and the receipts that came for them. */
import type { HeaderPair, MicCandidate } from '../protocols/as2/message/index.ts'
import type { Database } from '../store/database.ts'
import type { BuiltRecord, Facts, ReceiptFacts, ReceiptRecord } from './records.ts'

/** Exchanges that came to their end and in which a certificate took part. */
const SEEN = `
  SELECT partner, processed_at at, json_extract(deliveries, '$[0]') delivery FROM as2_inbound WHERE state = 'processed' AND instr(facts, @fingerprint) > 0
  UNION ALL
  SELECT m.partner, r.received_at at, m.delivery FROM as2_receipts r JOIN as2_messages m ON m.id = r.message
    WHERE r.verdict = 'delivered' AND (instr(r.facts, @fingerprint) > 0 OR instr(m.facts, @fingerprint) > 0)`

export function createSentRepository(database: Database) {
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
