/** Partners, trust, deliveries and the audit chain. */
import type { Migration } from './migration.ts'

export const ledgerMigration: Migration = {
  number: 2,
  name: 'ledger',
  sql: `
    CREATE TABLE station (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      document TEXT NOT NULL,
      updated_at TEXT NOT NULL
    );

    CREATE TABLE partners (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      document TEXT NOT NULL,
      suspended INTEGER NOT NULL DEFAULT 0,
      practice INTEGER NOT NULL DEFAULT 0,
      -- Removed partners keep their row: the ledger and the audit trail go on naming them.
      removed_at TEXT,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL
    );

    CREATE TABLE trust_items (
      id TEXT PRIMARY KEY,
      kind TEXT NOT NULL,
      label TEXT NOT NULL,
      algorithm TEXT NOT NULL,
      bits INTEGER,
      fingerprint TEXT NOT NULL,
      public_key TEXT,
      -- Id of the sealed private key, or null.
      secret TEXT,
      not_before TEXT,
      not_after TEXT,
      state TEXT NOT NULL DEFAULT 'active',
      created_at TEXT NOT NULL,
      UNIQUE (kind, fingerprint)
    );

    CREATE TABLE provenance (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      item TEXT NOT NULL REFERENCES trust_items (id),
      record TEXT NOT NULL
    );
    CREATE INDEX provenance_item ON provenance (item);

    CREATE TABLE bindings (
      id TEXT PRIMARY KEY,
      item TEXT NOT NULL REFERENCES trust_items (id),
      partner TEXT,
      connection TEXT,
      role TEXT NOT NULL,
      active_from TEXT NOT NULL,
      active_until TEXT
    );
    CREATE INDEX bindings_item ON bindings (item);
    CREATE INDEX bindings_partner ON bindings (partner, connection, role);

    CREATE TABLE deliveries (
      id TEXT PRIMARY KEY,
      partner TEXT NOT NULL,
      connection TEXT NOT NULL,
      direction TEXT NOT NULL,
      file_name TEXT NOT NULL,
      remote_name TEXT NOT NULL,
      source TEXT NOT NULL,
      size INTEGER NOT NULL,
      sha256 TEXT NOT NULL,
      state TEXT NOT NULL,
      -- 1 from the moment before the final name is given until a probe shows that it was not.
      maybe_arrived INTEGER NOT NULL DEFAULT 0,
      attempts INTEGER NOT NULL DEFAULT 0,
      next_try_at TEXT,
      error TEXT,
      receipt TEXT,
      duplicate_reason TEXT,
      trace TEXT NOT NULL,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL
    );
    CREATE INDEX deliveries_state ON deliveries (state, next_try_at);
    CREATE INDEX deliveries_partner ON deliveries (partner, id);
    CREATE INDEX deliveries_sha256 ON deliveries (sha256);
    -- The same content under the same name goes to a partner once; allowed repeats carry a reason and fall outside.
    CREATE UNIQUE INDEX deliveries_once ON deliveries (partner, remote_name, sha256)
      WHERE direction = 'outbound' AND duplicate_reason IS NULL AND state NOT IN ('failed', 'cancelled');

    CREATE TABLE attempts (
      id TEXT PRIMARY KEY,
      delivery TEXT NOT NULL REFERENCES deliveries (id),
      number INTEGER NOT NULL,
      started_at TEXT NOT NULL,
      ended_at TEXT,
      result TEXT NOT NULL,
      -- Length of the prefix that the server acknowledged; the safe place to go on.
      bytes INTEGER NOT NULL DEFAULT 0,
      resumed_at INTEGER NOT NULL DEFAULT 0,
      observed TEXT NOT NULL DEFAULT '{}',
      error TEXT,
      UNIQUE (delivery, number)
    );

    CREATE TABLE audit_events (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      at TEXT NOT NULL,
      actor TEXT NOT NULL,
      trace TEXT,
      type TEXT NOT NULL,
      subject_kind TEXT NOT NULL,
      subject_id TEXT NOT NULL,
      partner TEXT,
      data TEXT NOT NULL,
      prev_hash TEXT NOT NULL,
      hash TEXT NOT NULL
    );
    CREATE INDEX audit_subject ON audit_events (subject_kind, subject_id);
    CREATE INDEX audit_trace ON audit_events (trace);
    CREATE INDEX audit_partner ON audit_events (partner, seq);
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit_events
      BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END;
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit_events
      BEGIN SELECT RAISE(ABORT, 'audit events are never removed'); END;
    -- The head stands apart, so that records cut off at the end are noticed.
    CREATE TABLE audit_head (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      seq INTEGER NOT NULL,
      hash TEXT NOT NULL
    );
  `,
}
