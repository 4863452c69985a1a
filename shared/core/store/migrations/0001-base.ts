/** Facts about the workspace, settings, sealed secrets. */
import type { Migration } from './migration.ts'

export const baseMigration: Migration = {
  number: 1,
  name: 'base',
  sql: `
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE secrets (id TEXT PRIMARY KEY, sealed BLOB NOT NULL, created_at TEXT NOT NULL);
  `,
}
