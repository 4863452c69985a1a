/** What stands in certificates, the chains above them, and which of them share a key pair. */
import type { Migration } from './migration.ts'

export const certificatesMigration: Migration = {
  number: 4,
  name: 'certificates',
  sql: `
    -- spki:… of certificates.
    ALTER TABLE trust_items ADD COLUMN key_id TEXT;
    -- PEM texts as a JSON array, nearest first.
    ALTER TABLE trust_items ADD COLUMN chain TEXT NOT NULL DEFAULT '[]';
    -- The contract's details as JSON; null where nothing is known beyond the other columns.
    ALTER TABLE trust_items ADD COLUMN details TEXT;
    -- For searching.
    ALTER TABLE trust_items ADD COLUMN subject TEXT NOT NULL DEFAULT '';
    CREATE INDEX trust_items_key ON trust_items (key_id);
  `,
}
