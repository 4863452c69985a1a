/** What was done to an outbound file before it travelled, and with which keys. */
import type { Migration } from './migration.ts'

export const protectionMigration: Migration = {
  number: 7,
  name: 'protection',
  sql: 'ALTER TABLE deliveries ADD COLUMN wire_facts TEXT',
}
