/** Files that travel as attachments of one message, and spooled content that was given up. */
import type { Migration } from './migration.ts'

export const as2TogetherMigration: Migration = {
  number: 15,
  name: 'as2-together',
  sql: `
    -- The first of them stands for all: it carries the message, and what happens to it happens to each.
    CREATE TABLE delivery_bundles (
      delivery TEXT PRIMARY KEY REFERENCES deliveries (id),
      lead TEXT NOT NULL REFERENCES deliveries (id),
      -- In the order of the attachments, the lead's is 0.
      place INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX delivery_bundles_lead ON delivery_bundles (lead, place);

    -- When the spooled bytes of a refused or unknown message were removed.
    ALTER TABLE as2_inbound ADD COLUMN body_removed_at TEXT;
    CREATE INDEX as2_inbound_refused ON as2_inbound (received_at) WHERE state IN ('refused', 'quarantined') AND body_removed_at IS NULL;
  `,
}
