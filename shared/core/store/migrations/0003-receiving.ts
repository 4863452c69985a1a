/** Inbound deliveries, and what stands in the partners' folders. */
import type { Migration } from './migration.ts'

export const receivingMigration: Migration = {
  number: 3,
  name: 'receiving',
  sql: `
    -- What travels where it differs from the file itself.
    ALTER TABLE deliveries ADD COLUMN wire_sha256 TEXT;
    ALTER TABLE deliveries ADD COLUMN wire_size INTEGER;
    -- Full path in the Inbox, chosen before the file gets it.
    ALTER TABLE deliveries ADD COLUMN inbox_path TEXT;

    CREATE TABLE remote_files (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      partner TEXT NOT NULL,
      connection TEXT NOT NULL,
      folder TEXT NOT NULL,
      name TEXT NOT NULL,
      size INTEGER NOT NULL,
      modified_at TEXT,
      version TEXT,
      unchanged_since INTEGER NOT NULL,
      -- The row whose file this one replaced while it stood there.
      replaces INTEGER REFERENCES remote_files (id),
      gone_at TEXT,
      delivery TEXT REFERENCES deliveries (id),
      -- pending, left, deleted, moved; null until it was taken.
      afterwards TEXT
    );
    CREATE UNIQUE INDEX remote_files_now ON remote_files (partner, connection, folder, name) WHERE gone_at IS NULL;
    CREATE INDEX remote_files_delivery ON remote_files (delivery);
    CREATE INDEX remote_files_pending ON remote_files (partner, connection) WHERE afterwards = 'pending';
  `,
}
