/** Messages on their way to people: written down first, sent then, kept until the channel took them. */
import type { Notification } from '../../contract/deliveries.ts'
import type { OutboxEntry, SentChannel } from '../../contract/notifications.ts'
import type { WireError } from '../../contract/errors/index.ts'
import type { Database } from '../store/database.ts'

interface Row {
  id: string
  channel: SentChannel
  severity: OutboxEntry['severity']
  title: string
  body: string
  fold_key: string
  subject: string | null
  state: OutboxEntry['state']
  tries: number
  created_at: string
  sent_at: string | null
  next_try_at: string | null
  error: string | null
}

interface NoticeRow {
  id: string
  at: string
  severity: Notification['severity']
  title: string
  body: string
  subject: string | null
}

export type Outbox = ReturnType<typeof createOutbox>

export function createOutbox(database: Database) {
  return {
    /** Raised and not yet handed to the channels, oldest first. */
    openNotices(limit: number): Notification[] {
      return database.prepare<[number], NoticeRow>('SELECT * FROM notices WHERE taken = 0 ORDER BY rowid LIMIT ?').all(limit).map(noticeOf)
    },

    noticeTaken(id: string): void {
      database.prepare('UPDATE notices SET taken = 1 WHERE id = ?').run(id)
    },

    /** Whether the same was handed to the channels before, since a time. */
    raisedSince(notice: Notification, since: string): boolean {
      return database.prepare<[string, string, string, string], { n: number }>('SELECT count(*) n FROM notices WHERE title = ? AND body = ? AND id <> ? AND taken = 1 AND at > ?').get(notice.title, notice.body, notice.id, since)?.n !== 0
    },

    /** Newest first. */
    notices(limit: number): Notification[] {
      return database.prepare<[number], NoticeRow>('SELECT * FROM notices ORDER BY rowid DESC LIMIT ?').all(limit).map(noticeOf)
    },

    add(entry: { id: string; channel: SentChannel; severity: OutboxEntry['severity']; title: string; body: string; foldKey: string; subject: string | null; state: 'waiting' | 'folded'; at: string; nextTryAt: string | null }): void {
      database
        .prepare(
          `INSERT INTO notification_outbox (id, channel, severity, title, body, fold_key, subject, state, created_at, next_try_at)
           VALUES (@id, @channel, @severity, @title, @body, @foldKey, @subject, @state, @at, @nextTryAt)`,
        )
        .run(entry)
    },

    /** Whether the same was told, or waits to be told, since a time. */
    toldSince(channel: SentChannel, foldKey: string, since: string): boolean {
      return database.prepare<[string, string, string], { n: number }>("SELECT count(*) n FROM notification_outbox WHERE channel = ? AND fold_key = ? AND state IN ('waiting', 'sent') AND created_at > ?").get(channel, foldKey, since)?.n !== 0
    },

    /** Repeats that nobody was told of yet, each with the newest time at which the same was told. */
    foldedOver(before: string): { channel: SentChannel; foldKey: string; title: string; body: string; severity: OutboxEntry['severity']; repeats: number }[] {
      return database
        .prepare<[string], { channel: SentChannel; fold_key: string; title: string; body: string; severity: OutboxEntry['severity']; repeats: number }>(
          `SELECT channel, fold_key, title, body, severity, count(*) repeats FROM notification_outbox f WHERE state = 'folded' AND next_try_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM notification_outbox t WHERE t.channel = f.channel AND t.fold_key = f.fold_key AND t.state IN ('waiting', 'sent') AND t.created_at > ?)
           GROUP BY channel, fold_key`,
        )
        .all(before)
        .map(({ fold_key: foldKey, ...row }) => ({ ...row, foldKey }))
    },

    /** Marks repeats as told; a time in the unused column says when. */
    countFolded(channel: SentChannel, foldKey: string, at: string): void {
      database.prepare("UPDATE notification_outbox SET next_try_at = ? WHERE channel = ? AND fold_key = ? AND state = 'folded' AND next_try_at IS NULL").run(at, channel, foldKey)
    },

    /** Channels through which trouble of a subject was told. */
    troubleTold(subject: string): SentChannel[] {
      return database.prepare<[string], { channel: SentChannel }>("SELECT DISTINCT channel FROM notification_outbox WHERE subject = ? AND severity = 'attention'").all(subject).map(({ channel }) => channel)
    },

    due(now: string): { id: string; channel: SentChannel; severity: OutboxEntry['severity']; title: string; body: string; tries: number; createdAt: string }[] {
      return database
        .prepare<[string], Row>("SELECT * FROM notification_outbox WHERE state = 'waiting' AND next_try_at <= ? ORDER BY id LIMIT 50")
        .all(now)
        .map(({ id, channel, severity, title, body, tries, created_at }) => ({ id, channel, severity, title, body, tries, createdAt: created_at }))
    },

    sent(id: string, at: string): void {
      database.prepare("UPDATE notification_outbox SET state = 'sent', sent_at = ?, next_try_at = NULL, error = NULL, tries = tries + 1 WHERE id = ?").run(at, id)
    },

    failed(id: string, error: WireError, nextTryAt: string | null): void {
      database.prepare('UPDATE notification_outbox SET state = ?, next_try_at = ?, error = ?, tries = tries + 1 WHERE id = ?').run(nextTryAt === null ? 'failed' : 'waiting', nextTryAt, JSON.stringify(error), id)
    },

    list(limit: number): OutboxEntry[] {
      return database.prepare<[number], Row>('SELECT * FROM notification_outbox ORDER BY id DESC LIMIT ?').all(limit).map(entryOf)
    },

    forgetBefore(at: string): void {
      database.prepare("DELETE FROM notification_outbox WHERE state <> 'waiting' AND created_at < ?").run(at)
      database.prepare('DELETE FROM notices WHERE taken = 1 AND at < ?').run(at)
    },

    state(key: string): string | null {
      return database.prepare<[string], { value: string }>('SELECT value FROM notification_state WHERE key = ?').get(key)?.value ?? null
    },

    setState(key: string, value: string): void {
      database.prepare('INSERT INTO notification_state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(key, value)
    },
  }
}

function noticeOf({ subject, id, at, severity, title, body }: NoticeRow): Notification {
  return { id, at, severity, title, body, subject: subject === null ? null : (JSON.parse(subject) as Notification['subject']) }
}

function entryOf(row: Row): OutboxEntry {
  return {
    id: row.id,
    channel: row.channel,
    severity: row.severity,
    title: row.title,
    body: row.body,
    state: row.state,
    tries: row.tries,
    createdAt: row.created_at,
    sentAt: row.sent_at,
    nextTryAt: row.state === 'waiting' ? row.next_try_at : null,
    error: row.error === null ? null : (JSON.parse(row.error) as WireError),
  }
}
