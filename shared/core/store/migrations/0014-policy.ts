/** Where the policy refused, which deliveries relied on an exception, and what was said about ends to come. */
import type { Migration } from './migration.ts'

export const policyMigration: Migration = {
  number: 14,
  name: 'policy',
  sql: `
    CREATE TABLE policy_refusals (
      partner TEXT NOT NULL,
      connection TEXT NOT NULL,
      direction TEXT NOT NULL,
      -- A rule of the policy, or the code of the refusal where a protocol was faster.
      rule TEXT NOT NULL,
      seen TEXT NOT NULL,
      asked TEXT NOT NULL,
      exception TEXT,
      first_at TEXT NOT NULL,
      last_at TEXT NOT NULL,
      times INTEGER NOT NULL,
      delivery TEXT,
      PRIMARY KEY (partner, connection, direction, rule, seen)
    );
    CREATE TABLE exception_uses (
      delivery TEXT NOT NULL,
      -- Empty for what was received.
      attempt TEXT NOT NULL,
      rule TEXT NOT NULL,
      allow TEXT NOT NULL,
      partner TEXT NOT NULL,
      connection TEXT NOT NULL,
      seen TEXT NOT NULL,
      reason TEXT NOT NULL,
      owner TEXT NOT NULL,
      until TEXT NOT NULL,
      at TEXT NOT NULL,
      PRIMARY KEY (delivery, attempt, rule, allow)
    );
    CREATE INDEX exception_uses_of ON exception_uses (partner, allow, until, at);
    CREATE TABLE policy_reminders (
      about TEXT NOT NULL,
      step TEXT NOT NULL,
      at TEXT NOT NULL,
      PRIMARY KEY (about, step)
    );
  `,
}
