/** Messages on their way to people. */
import type { Migration } from './migration.ts'

export const notificationsMigration: Migration = {
  number: 11,
  name: 'notifications',
  sql: `
    CREATE TABLE notification_outbox (
      id TEXT PRIMARY KEY,
      channel TEXT NOT NULL,
      severity TEXT NOT NULL,
      title TEXT NOT NULL,
      body TEXT NOT NULL,
      fold_key TEXT NOT NULL,
      subject TEXT,
      state TEXT NOT NULL,
      tries INTEGER NOT NULL DEFAULT 0,
      created_at TEXT NOT NULL,
      sent_at TEXT,
      next_try_at TEXT,
      error TEXT
    );
    CREATE INDEX notification_outbox_due ON notification_outbox (state, next_try_at);
    CREATE INDEX notification_outbox_key ON notification_outbox (channel, fold_key, created_at);
    CREATE INDEX notification_outbox_subject ON notification_outbox (subject) WHERE subject IS NOT NULL;
    CREATE TABLE notification_state (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    );
  `,
}
