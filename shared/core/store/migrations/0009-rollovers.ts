/** Planned changes from one key or certificate to the next, and who was told. */
import type { Migration } from './migration.ts'

export const rolloversMigration: Migration = {
  number: 9,
  name: 'rollovers',
  sql: `
    CREATE TABLE rollovers (
      id TEXT PRIMARY KEY,
      old TEXT NOT NULL REFERENCES trust_items (id),
      next TEXT NOT NULL REFERENCES trust_items (id),
      -- Null: wherever the old item is bound.
      partner TEXT,
      created_at TEXT NOT NULL,
      announce_at TEXT,
      -- Null: at the first use by the partner.
      switch_at TEXT,
      retire_at TEXT,
      cancelled_at TEXT
    );
    CREATE TABLE rollover_steps (
      rollover TEXT NOT NULL REFERENCES rollovers (id),
      partner TEXT NOT NULL,
      step TEXT NOT NULL,
      at TEXT NOT NULL,
      PRIMARY KEY (rollover, partner, step)
    );
  `,
}
