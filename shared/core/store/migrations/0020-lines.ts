/** What the posture asks of a connection after each delivery, kept: a ledger of years is not walked through for it. */
import type { Migration } from './migration.ts'

export const linesMigration: Migration = {
  number: 20,
  name: 'lines',
  sql: `
    CREATE TABLE delivery_lines (
      partner TEXT NOT NULL,
      connection TEXT NOT NULL,
      total INTEGER NOT NULL,
      first_at TEXT NOT NULL,
      last_at TEXT NOT NULL,
      delivered_at TEXT,
      PRIMARY KEY (partner, connection)
    ) WITHOUT ROWID;
    INSERT INTO delivery_lines SELECT partner, connection, count(*), min(created_at), max(created_at), max(CASE WHEN state = 'delivered' THEN updated_at END) FROM deliveries GROUP BY partner, connection;

    CREATE TRIGGER deliveries_on_a_line AFTER INSERT ON deliveries BEGIN
      INSERT INTO delivery_lines (partner, connection, total, first_at, last_at, delivered_at)
      VALUES (NEW.partner, NEW.connection, 1, NEW.created_at, NEW.created_at, CASE WHEN NEW.state = 'delivered' THEN NEW.updated_at END)
      ON CONFLICT DO UPDATE SET total = total + 1, first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),
        delivered_at = CASE WHEN excluded.delivered_at IS NULL THEN delivered_at ELSE max(coalesce(delivered_at, ''), excluded.delivered_at) END;
    END;
    CREATE TRIGGER deliveries_over_a_line AFTER UPDATE OF state, updated_at ON deliveries WHEN NEW.state = 'delivered' BEGIN
      UPDATE delivery_lines SET delivered_at = max(coalesce(delivered_at, ''), NEW.updated_at) WHERE partner = NEW.partner AND connection = NEW.connection;
    END;
  `,
}
