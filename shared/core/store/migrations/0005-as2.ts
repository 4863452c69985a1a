/** AS2 messages that we build, what comes in, and the receipts of both. */
import type { Migration } from './migration.ts'

export const as2Migration: Migration = {
  number: 5,
  name: 'as2',
  sql: `
    -- Frozen when built: every try posts the same headers and the same body (in the payload store) under the same Message-ID.
    CREATE TABLE as2_messages (
      id TEXT PRIMARY KEY,
      delivery TEXT NOT NULL REFERENCES deliveries (id),
      partner TEXT NOT NULL,
      connection TEXT NOT NULL,
      message_id TEXT NOT NULL,
      -- Message-ID without brackets.
      message_key TEXT NOT NULL UNIQUE,
      as2_from TEXT NOT NULL,
      as2_to TEXT NOT NULL,
      headers TEXT NOT NULL,
      body_sha256 TEXT NOT NULL,
      body_bytes INTEGER NOT NULL,
      mics TEXT NOT NULL,
      layers TEXT NOT NULL,
      facts TEXT NOT NULL,
      -- sync, async or none.
      receipt_mode TEXT NOT NULL,
      receipt_signed INTEGER NOT NULL,
      built_at TEXT NOT NULL,
      accepted_at TEXT,
      -- Another message took its place after it was refused or resolved as not delivered.
      superseded_at TEXT
    );
    CREATE INDEX as2_messages_delivery ON as2_messages (delivery);

    -- Every receipt that named one of our messages, as it came; each counts once.
    CREATE TABLE as2_receipts (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      message TEXT NOT NULL REFERENCES as2_messages (id),
      received_at TEXT NOT NULL,
      mode TEXT NOT NULL,
      headers TEXT NOT NULL,
      body BLOB NOT NULL,
      sha256 TEXT NOT NULL,
      verdict TEXT NOT NULL,
      facts TEXT NOT NULL,
      UNIQUE (message, sha256)
    );

    -- The spool: written before anything is answered.
    CREATE TABLE as2_inbound (
      id TEXT PRIMARY KEY,
      received_at TEXT NOT NULL,
      processed_at TEXT,
      -- spooled, processed, refused or quarantined.
      state TEXT NOT NULL,
      partner TEXT,
      connection TEXT,
      as2_from TEXT NOT NULL,
      as2_to TEXT NOT NULL,
      message_id TEXT NOT NULL,
      message_key TEXT NOT NULL,
      headers TEXT NOT NULL,
      body_sha256 TEXT NOT NULL,
      body_bytes INTEGER NOT NULL,
      remote TEXT NOT NULL,
      disposition TEXT,
      reason TEXT,
      detail TEXT,
      mic TEXT,
      layers TEXT NOT NULL DEFAULT '[]',
      facts TEXT NOT NULL DEFAULT '[]',
      deliveries TEXT NOT NULL DEFAULT '[]',
      -- Our receipt, given again for a repetition.
      mdn_message_id TEXT,
      mdn_headers TEXT,
      mdn_body BLOB,
      mdn_signed INTEGER NOT NULL DEFAULT 0,
      -- sync, async or none.
      mdn_mode TEXT NOT NULL DEFAULT 'none',
      mdn_url TEXT,
      -- Of asynchronous ones: queued, sent or failed.
      mdn_state TEXT,
      mdn_tries INTEGER NOT NULL DEFAULT 0,
      mdn_next_try_at TEXT,
      mdn_problem TEXT
    );
    -- The same message is taken over once. Refused ones fall outside: the partner may send them again when it is put right.
    CREATE UNIQUE INDEX as2_inbound_once ON as2_inbound (as2_from, as2_to, message_key) WHERE state IN ('spooled', 'processed');
    CREATE INDEX as2_inbound_state ON as2_inbound (state, id);
    CREATE INDEX as2_inbound_receipts ON as2_inbound (mdn_next_try_at) WHERE mdn_state = 'queued';
  `,
}
