/** Notices as they are raised, in the transaction of what they tell of; expectations, their cases, and every look at a partner's folder. */
import type { Migration } from './migration.ts'

export const expectationsMigration: Migration = {
  number: 12,
  name: 'expectations',
  sql: `
    CREATE TABLE notices (
      id TEXT PRIMARY KEY,
      at TEXT NOT NULL,
      severity TEXT NOT NULL,
      title TEXT NOT NULL,
      body TEXT NOT NULL,
      subject TEXT,
      -- 1 once every channel has it in its outbox.
      taken INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX notices_open ON notices (id) WHERE taken = 0;
    CREATE INDEX notices_same ON notices (title, body, id);

    CREATE TABLE expectations (
      id TEXT PRIMARY KEY,
      document TEXT NOT NULL,
      holidays TEXT NOT NULL DEFAULT '[]',
      -- Due times up to here have their case; milliseconds.
      accounted_until INTEGER NOT NULL,
      last_due INTEGER,
      -- When the next case begins; null when nothing is due any more or it is not watched.
      opens_at INTEGER,
      updated_at TEXT NOT NULL
    );
    CREATE INDEX expectations_opening ON expectations (opens_at) WHERE opens_at IS NOT NULL;

    CREATE TABLE expectation_cases (
      expectation TEXT NOT NULL,
      due INTEGER NOT NULL,
      partner TEXT NOT NULL,
      from_at INTEGER NOT NULL,
      deadline INTEGER NOT NULL,
      until_at INTEGER NOT NULL,
      state TEXT NOT NULL,
      reason TEXT NOT NULL,
      files TEXT NOT NULL DEFAULT '[]',
      -- When time alone may change it; null once nothing can.
      check_at INTEGER,
      changed_at TEXT NOT NULL,
      PRIMARY KEY (expectation, due)
    ) WITHOUT ROWID;
    CREATE INDEX expectation_cases_due ON expectation_cases (due);
    CREATE INDEX expectation_cases_open ON expectation_cases (check_at) WHERE check_at IS NOT NULL;

    CREATE TABLE looks (
      id INTEGER PRIMARY KEY,
      partner TEXT NOT NULL,
      connection TEXT NOT NULL,
      at INTEGER NOT NULL,
      folder TEXT NOT NULL,
      listed INTEGER NOT NULL,
      -- SHA-256 of the sorted names with sizes, hex: what the folder held.
      digest TEXT,
      -- Files not taken before that fit, by expectation.
      matched TEXT NOT NULL,
      error TEXT
    );
    CREATE INDEX looks_partner ON looks (partner, at);
  `,
}
