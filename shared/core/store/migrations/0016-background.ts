/** Connections that are left alone for a while, and what waits for them. */
import type { Migration } from './migration.ts'

export const backgroundMigration: Migration = {
  number: 16,
  name: 'background',
  sql: `
    CREATE TABLE connection_trouble (
      partner TEXT NOT NULL,
      connection TEXT NOT NULL,
      failures INTEGER NOT NULL,
      since TEXT NOT NULL,
      next_try_at TEXT NOT NULL,
      error TEXT NOT NULL,
      PRIMARY KEY (partner, connection)
    ) WITHOUT ROWID;

    -- Why a delivery waits without having lost a try: network, connection.
    ALTER TABLE deliveries ADD COLUMN postponed TEXT;
    CREATE INDEX deliveries_postponed ON deliveries (partner, connection) WHERE postponed IS NOT NULL;
  `,
}
