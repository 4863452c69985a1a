/** What was said about expiries, who reviewed which role, and the approved texts of trust and policy. */
import type { Migration } from './migration.ts'

export const trustWatchMigration: Migration = {
  number: 6,
  name: 'trust-watch',
  sql: `
    CREATE TABLE expiry_notices (
      item TEXT NOT NULL,
      part TEXT NOT NULL,
      step TEXT NOT NULL,
      at TEXT NOT NULL,
      PRIMARY KEY (item, part, step)
    );
    CREATE TABLE policy_reviews (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      partner TEXT NOT NULL,
      at TEXT NOT NULL,
      reviewer TEXT NOT NULL,
      note TEXT,
      due TEXT NOT NULL
    );
    CREATE INDEX policy_reviews_partner ON policy_reviews (partner, id);
    CREATE TABLE policy_approvals (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at TEXT NOT NULL,
      approver TEXT NOT NULL,
      reason TEXT NOT NULL,
      lock TEXT NOT NULL,
      -- Ed25519 by the workspace's key over the lock's text, Base64; and that key in PEM.
      signature TEXT NOT NULL,
      public_key TEXT NOT NULL
    );
  `,
}
