/** Several files in one delivery (ZIP), contents that are kept for a time only, and bindings that somebody ended. */
import type { Migration } from './migration.ts'

export const packingMigration: Migration = {
  number: 19,
  name: 'packing',
  sql: `
    ALTER TABLE flow_files RENAME TO flow_files_before;
    CREATE TABLE flow_files (
      delivery TEXT NOT NULL,
      flow TEXT NOT NULL,
      run TEXT NOT NULL,
      target TEXT NOT NULL,
      path TEXT NOT NULL,
      name TEXT NOT NULL,
      size INTEGER NOT NULL,
      modified INTEGER NOT NULL,
      duplicate_key TEXT NOT NULL,
      -- pending, then moved, deleted, kept, gone, changed or failed, with what belongs to it.
      afterwards TEXT NOT NULL,
      created_at TEXT NOT NULL,
      -- Several files may travel as one ZIP file; of received files the path is empty.
      PRIMARY KEY (delivery, path)
    );
    INSERT INTO flow_files SELECT delivery, flow, run, target, path, name, size, modified, duplicate_key, afterwards, created_at FROM flow_files_before ORDER BY rowid;
    DROP TABLE flow_files_before;
    CREATE INDEX flow_files_key ON flow_files (flow, target, duplicate_key);
    CREATE INDEX flow_files_standing ON flow_files (flow, name, size, modified);
    CREATE INDEX flow_files_run ON flow_files (run);
    CREATE INDEX flow_files_pending ON flow_files (afterwards) WHERE afterwards = 'pending';
    CREATE INDEX flow_files_created ON flow_files (flow, created_at);

    -- Ended by an act and not by its window: a clock that was ahead at that moment must not revive it.
    ALTER TABLE bindings ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;

    -- What is inside a delivery that packs other files, by the names and contents that its owner knows.
    CREATE TABLE delivery_parts (
      delivery TEXT NOT NULL,
      position INTEGER NOT NULL,
      name TEXT NOT NULL,
      size INTEGER NOT NULL,
      sha256 TEXT NOT NULL,
      PRIMARY KEY (delivery, position)
    ) WITHOUT ROWID;
    CREATE INDEX delivery_parts_name ON delivery_parts (name);
    CREATE INDEX delivery_parts_sha256 ON delivery_parts (sha256);

    -- Deliveries whose content was kept long enough; the records stay.
    CREATE TABLE removed_contents (
      delivery TEXT PRIMARY KEY,
      at TEXT NOT NULL,
      days INTEGER NOT NULL
    ) WITHOUT ROWID;
    -- Contents that nothing refers to any more and that are still to be removed from the disk.
    CREATE TABLE unkept_contents (
      sha256 TEXT PRIMARY KEY
    ) WITHOUT ROWID;
  `,
}
