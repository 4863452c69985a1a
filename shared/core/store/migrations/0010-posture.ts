/** Posture: findings over time, what is suppressed, snapshots, and what was observed of the other side. */
import type { Migration } from './migration.ts'

export const postureMigration: Migration = {
  number: 10,
  name: 'posture',
  sql: `
    CREATE TABLE posture_findings (
      id TEXT PRIMARY KEY,
      partner TEXT,
      state TEXT NOT NULL,
      document TEXT NOT NULL,
      last_seen TEXT NOT NULL
    );
    CREATE INDEX posture_findings_partner ON posture_findings (partner);
    CREATE TABLE posture_suppressions (
      code TEXT NOT NULL,
      subject TEXT NOT NULL,
      reason TEXT NOT NULL,
      owner TEXT NOT NULL,
      until TEXT NOT NULL,
      at TEXT NOT NULL,
      by TEXT NOT NULL,
      PRIMARY KEY (code, subject)
    );
    CREATE TABLE posture_snapshots (
      id TEXT PRIMARY KEY,
      at TEXT NOT NULL,
      cause TEXT NOT NULL,
      counts TEXT NOT NULL,
      by_partner TEXT NOT NULL,
      appeared TEXT NOT NULL,
      resolved TEXT NOT NULL
    );
    CREATE INDEX posture_snapshots_at ON posture_snapshots (at);
    -- One row a value: it stays small however many deliveries there are.
    CREATE TABLE posture_observations (
      partner TEXT NOT NULL,
      connection TEXT NOT NULL,
      aspect TEXT NOT NULL,
      value TEXT NOT NULL,
      first_seen TEXT NOT NULL,
      last_seen TEXT NOT NULL,
      deliveries TEXT NOT NULL,
      PRIMARY KEY (partner, connection, aspect, value)
    );
    -- How far the ledger was read, when the last evaluation was, which state is the approved one.
    CREATE TABLE posture_notes (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    );
    CREATE INDEX deliveries_updated ON deliveries (updated_at, id);
  `,
}
