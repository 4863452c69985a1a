/** What is asked for each message and each file that comes must not grow with what came before: no question reads a table from end to end. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDeliveryRepository } from '../deliveries/repository.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { createMessageRepository } from './repository.ts'

const SHA = 'a'.repeat(64)

describe('looking for what came before', () => {
  let folder: string
  let database: Database
  const asked = new Set<string>()

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-lookups-'))
    // A file of the structure before the indexes: what was there is found too.
    cpSync(join(import.meta.dirname, '../store/migrations/older/structure-17.db'), join(folder, 'waybill.db'))
    database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
    asked.clear()
  })
  afterEach(() => {
    database.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const recorded = (): Database => ({
    ...database,
    prepare(sql: string) {
      asked.add(sql)
      return database.prepare(sql)
    },
  }) as Database
  const planOf = (sql: string): string => {
    const names = [...new Set([...sql.matchAll(/@(\w+)/g)].map(([, name = '']) => name))]
    const statement = database.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    const rows = names.length > 0 ? statement.all(Object.fromEntries(names.map((name) => [name, 'x']))) : statement.all(...Array.from(sql.matchAll(/\?/g), () => 'x'))
    return rows.map(({ detail }) => detail).join('\n')
  }

  it('uses an index for each question', () => {
    const messages = createMessageRepository(recorded())
    const deliveries = createDeliveryRepository(recorded())
    asked.clear()
    // By Message-ID: a repetition; a receipt for one of ours.
    messages.takenOver('ACME', 'US', '1@acme')
    messages.byKey('1@us')
    // By content: a duplicate in or out; whether bytes are still needed.
    deliveries.findReceived('acme', 'as2', 'a.edi', SHA)
    deliveries.findSame('acme', 'a.edi', SHA)
    deliveries.keeps(SHA)
    messages.keeps(SHA)
    // By delivery: its message, its receipts.
    messages.inboundOfDelivery('dlv_1')
    messages.present('dlv_1')
    messages.newest('dlv_1')
    messages.receipts('msg_1')
    messages.receiptsToPost('2026-11-26T00:00:00.000Z')
    messages.strangers()
    expect(asked.size).toBeGreaterThanOrEqual(12)
    for (const sql of asked) expect(planOf(sql), sql).not.toMatch(/^SCAN (?!CONSTANT ROW)/m)
    // The index that is meant, not one that reads all that a partner ever sent.
    for (const sql of [...asked].filter((text) => text.includes('FROM deliveries') && text.includes('sha256'))) expect(planOf(sql), sql).not.toMatch(/deliveries_(partner|direction|state|created)/)
  })

  it('finds the message of a file that came before there was an index', () => {
    const messages = createMessageRepository(database)
    expect(['dlv_1', 'dlv_2', 'dlv_3'].map((id) => messages.inboundOfDelivery(id)?.id)).toEqual(['inm_1', 'inm_1', undefined])
  })

  it('finds what came under the same name first, else the newest of the same content, as it travelled or opened', () => {
    const deliveries = createDeliveryRepository(database)
    const insert = (id: string, name: string, sha256: string, wire: string | null, connection = 'as2'): unknown =>
      database
        .prepare("INSERT INTO deliveries (id, partner, connection, direction, file_name, remote_name, source, size, sha256, wire_sha256, state, trace, created_at, updated_at) VALUES (?, 'acme', ?, 'inbound', ?, ?, '', 3, ?, ?, 'delivered', 'trc', '2026', '2026')")
        .run(id, connection, name, name, sha256, wire)
    const found = (name: string, sha256 = SHA): string | undefined => deliveries.findReceived('acme', 'as2', name, sha256)?.id
    insert('dlv_a', 'first.edi', SHA, null)
    insert('dlv_b', 'second.edi', SHA, null)
    insert('dlv_c', 'other.edi', 'b'.repeat(64), 'c'.repeat(64))
    insert('dlv_d', 'elsewhere.edi', SHA, null, 'sftp')
    expect([found('first.edi'), found('second.edi'), found('renamed.edi'), found('renamed.edi', 'c'.repeat(64)), found('renamed.edi', 'd'.repeat(64))]).toEqual(['dlv_a', 'dlv_b', 'dlv_b', 'dlv_c', undefined])
  })
})
