/** What came to our receiver, and the receipts that we gave. */
import { systemCode } from '../kernel/errors.ts'
import type { HeaderPair, MicCandidate } from '../protocols/as2/message/index.ts'
import type { Database } from '../store/database.ts'
import type { Facts, InboundConclusion, InboundRecord, InboundState, NewInbound, StoredMdn } from './records.ts'

export function createInboundRepository(database: Database) {
  return {
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

    /** Messages of a partner that were taken over and in which a certificate (`sha256:…`) took part, newest first. */
    takenWith(partner: string, connection: string, fingerprint: string): InboundRecord[] {
      return database
        .prepare<[string, string, string], InboundRow>("SELECT * FROM as2_inbound WHERE partner = ? AND connection = ? AND state = 'processed' AND instr(facts, ?) > 0 ORDER BY id DESC LIMIT 20")
        .all(partner, connection, fingerprint)
        .map(inboundOf)
    },

    inboundOfDelivery(delivery: string): InboundRecord | null {
      const row = database
        .prepare<[string], InboundRow>('SELECT * FROM as2_inbound WHERE id = (SELECT message FROM as2_inbound_files WHERE delivery = ?)')
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
      const file = database.prepare('INSERT INTO as2_inbound_files (delivery, message) VALUES (?, ?)')
      for (const delivery of end.deliveries) file.run(delivery, id)
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

    /** Refused and unknown messages of before a time whose bytes are still here, oldest first. */
    givenUpBefore(at: string): InboundRecord[] {
      return database
        .prepare<[string], InboundRow>("SELECT * FROM as2_inbound WHERE state IN ('refused', 'quarantined') AND body_removed_at IS NULL AND received_at < ? AND coalesce(mdn_state, '') <> 'queued' ORDER BY received_at LIMIT 200")
        .all(at)
        .map(inboundOf)
    },

    bodyRemoved(id: string, at: string): void {
      database.prepare('UPDATE as2_inbound SET body_removed_at = ? WHERE id = ?').run(at, id)
    },

    /** Whether a message, in or out, still stands for these bytes. */
    keeps(sha256: string): boolean {
      return database.prepare('SELECT 1 FROM as2_inbound WHERE body_sha256 = @sha256 AND body_removed_at IS NULL UNION ALL SELECT 1 FROM as2_messages WHERE body_sha256 = @sha256 LIMIT 1').get({ sha256 }) !== undefined
    },

    /** Messages of strangers whose bytes are here. */
    strangers(): number {
      return database.prepare<[], { n: number }>("SELECT count(*) n FROM as2_inbound WHERE state = 'quarantined' AND body_removed_at IS NULL").get()?.n ?? 0
    },
  }
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
