/** What came is found again by its content, and by its delivery the message in which it came, however much there is. */
import type { Migration } from './migration.ts'

export const contentMigration: Migration = {
  number: 18,
  name: 'content',
  sql: `
    DROP INDEX deliveries_sha256;
    CREATE INDEX deliveries_content ON deliveries (sha256, partner, remote_name);
    CREATE INDEX deliveries_wire ON deliveries (wire_sha256, partner, remote_name) WHERE wire_sha256 IS NOT NULL;

    -- The files of a message, by delivery.
    CREATE TABLE as2_inbound_files (
      delivery TEXT PRIMARY KEY REFERENCES deliveries (id),
      message TEXT NOT NULL REFERENCES as2_inbound (id)
    ) WITHOUT ROWID;
    INSERT OR IGNORE INTO as2_inbound_files (delivery, message) SELECT d.value, i.id FROM as2_inbound i, json_each(i.deliveries) d WHERE d.value IN (SELECT id FROM deliveries);

    CREATE INDEX as2_inbound_body ON as2_inbound (body_sha256);
    CREATE INDEX as2_messages_body ON as2_messages (body_sha256);
  `,
}
