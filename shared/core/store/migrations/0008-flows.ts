/** Flows, their runs, and a row for every due time. */
import type { Migration } from './migration.ts'

export const flowsMigration: Migration = {
  number: 8,
  name: 'flows',
  sql: `
    CREATE TABLE flows (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      document TEXT NOT NULL,
      -- Dates of the business calendar as they were last read.
      holidays TEXT NOT NULL DEFAULT '[]',
      paused TEXT,
      -- Every due time up to here has its row; milliseconds.
      accounted_until INTEGER NOT NULL,
      next_due_at INTEGER,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL
    );
    CREATE INDEX flows_due ON flows (next_due_at) WHERE next_due_at IS NOT NULL;

    CREATE TABLE flow_runs (
      id TEXT PRIMARY KEY,
      flow TEXT NOT NULL,
      trigger TEXT NOT NULL,
      due_at INTEGER,
      started_at TEXT NOT NULL,
      ended_at TEXT,
      outcome TEXT NOT NULL,
      report TEXT NOT NULL DEFAULT '{}',
      error TEXT
    );
    CREATE INDEX flow_runs_flow ON flow_runs (flow, id);
    CREATE INDEX flow_runs_open ON flow_runs (outcome) WHERE outcome IN ('running', 'retrying', 'attention');
    -- Two runs of one flow never overlap.
    CREATE UNIQUE INDEX flow_runs_one ON flow_runs (flow) WHERE outcome = 'running';

    CREATE TABLE flow_due (
      flow TEXT NOT NULL,
      at INTEGER NOT NULL,
      status TEXT NOT NULL,
      run TEXT,
      decision TEXT,
      recorded_at TEXT NOT NULL,
      PRIMARY KEY (flow, at)
    ) WITHOUT ROWID;
    CREATE INDEX flow_due_at ON flow_due (at);
    CREATE INDEX flow_due_pending ON flow_due (flow) WHERE decision = 'pending';

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
      PRIMARY KEY (delivery)
    );
    CREATE INDEX flow_files_key ON flow_files (flow, target, duplicate_key);
    CREATE INDEX flow_files_standing ON flow_files (flow, name, size, modified);
    CREATE INDEX flow_files_run ON flow_files (run);
    CREATE INDEX flow_files_pending ON flow_files (afterwards) WHERE afterwards = 'pending';

    -- A person's permission to send one more time what the rule for duplicates would skip; used once.
    CREATE TABLE flow_releases (
      id TEXT PRIMARY KEY,
      flow TEXT NOT NULL,
      target TEXT NOT NULL,
      duplicate_key TEXT NOT NULL,
      name TEXT NOT NULL,
      size INTEGER NOT NULL,
      reason TEXT NOT NULL,
      at TEXT NOT NULL,
      delivery TEXT
    );
    CREATE INDEX flow_releases_open ON flow_releases (flow, target) WHERE delivery IS NULL;

    CREATE TABLE flow_state (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    );

    -- Until when a delivery is tried again; null means the usual number of tries.
    ALTER TABLE deliveries ADD COLUMN retry_until TEXT;
  `,
}
