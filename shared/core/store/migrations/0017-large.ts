/** For ledgers of many years: counts that are kept, names that are found by any part, and orders that need no sorting. */
import type { Migration } from './migration.ts'

export const largeMigration: Migration = {
  number: 17,
  name: 'large',
  sql: `
    CREATE TABLE delivery_counts (
      partner TEXT NOT NULL,
      direction TEXT NOT NULL,
      state TEXT NOT NULL,
      n INTEGER NOT NULL,
      PRIMARY KEY (partner, direction, state)
    ) WITHOUT ROWID;
    INSERT INTO delivery_counts SELECT partner, direction, state, count(*) FROM deliveries GROUP BY partner, direction, state;

    CREATE INDEX deliveries_direction ON deliveries (direction, id);
    CREATE INDEX deliveries_created ON deliveries (created_at);

    -- A row of its own for each name: row numbers of the ledger may change when the file is written anew.
    CREATE VIRTUAL TABLE delivery_names USING fts5 (names, delivery UNINDEXED, tokenize = 'trigram');

    CREATE TRIGGER deliveries_added AFTER INSERT ON deliveries BEGIN
      INSERT INTO delivery_counts (partner, direction, state, n) VALUES (NEW.partner, NEW.direction, NEW.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
      INSERT INTO delivery_names (names, delivery) VALUES (NEW.file_name || char(10) || NEW.remote_name, NEW.id);
    END;
    CREATE TRIGGER deliveries_moved AFTER UPDATE OF state ON deliveries WHEN OLD.state <> NEW.state BEGIN
      UPDATE delivery_counts SET n = n - 1 WHERE partner = OLD.partner AND direction = OLD.direction AND state = OLD.state;
      INSERT INTO delivery_counts (partner, direction, state, n) VALUES (NEW.partner, NEW.direction, NEW.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER deliveries_renamed AFTER UPDATE OF file_name ON deliveries WHEN OLD.file_name <> NEW.file_name BEGIN
      INSERT INTO delivery_names (names, delivery) VALUES (NEW.file_name, NEW.id);
    END;

    CREATE INDEX flow_runs_outcome ON flow_runs (outcome, id);
  `,
  // Minutes for a million of them.
  fill: { table: 'deliveries', key: 'id', sql: 'INSERT INTO delivery_names (names, delivery) SELECT file_name || char(10) || remote_name, id FROM deliveries WHERE id > @after AND id <= @until ORDER BY id' },
}
