/** What was said about planned changes, and files that show how an item is known to be genuine. */
import type { Migration } from './migration.ts'

export const rolloverRemindersMigration: Migration = {
  number: 13,
  name: 'rollover-reminders',
  sql: `
    CREATE TABLE rollover_reminders (
      rollover TEXT NOT NULL REFERENCES rollovers (id),
      step TEXT NOT NULL,
      at TEXT NOT NULL,
      PRIMARY KEY (rollover, step)
    );
    CREATE TABLE provenance_files (
      id TEXT PRIMARY KEY,
      item TEXT NOT NULL REFERENCES trust_items (id),
      name TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      content BLOB NOT NULL,
      at TEXT NOT NULL
    );
    CREATE INDEX provenance_files_item ON provenance_files (item);
  `,
}
