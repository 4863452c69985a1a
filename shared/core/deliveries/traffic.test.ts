/** The kept numbers of a connection are those that the ledger itself gives, however its deliveries change. */
import { assert, constantFrom, integer, array, record, property } from 'fast-check'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDatabase, type Database } from '../store/database.ts'
import { createDeliveryRepository } from './repository.ts'
import { createTraffic } from './traffic.ts'

let folder: string
let database: Database
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-traffic-'))
  database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()

it('counts as the ledger counts', () => {
  const deliveries = createDeliveryRepository(database)
  const traffic = createTraffic(database)
  let next = 0
  const act = record({ partner: constantFrom('acme', 'beta'), connection: constantFrom('sftp', 'as2'), state: constantFrom('queued', 'sending', 'waiting', 'delivered', 'failed', 'unknown'), created: integer({ min: 0, max: 500 }), updated: integer({ min: 0, max: 500 }) } as const)
  assert(
    property(array(act, { minLength: 1, maxLength: 12 }), (acts) => {
      for (const { partner, connection, state, created, updated } of acts) {
        const id = `dlv_${String(next++).padStart(9, '0')}`
        deliveries.insert({ id, partner, connection, direction: 'outbound', fileName: id, remoteName: id, source: id, size: 1, sha256: id, duplicateReason: null, trace: 't', at: at(created) })
        if (state !== 'queued') deliveries.update(id, { state, at: at(updated) })
      }
      const counted = database.prepare<[], { partner: string }>("SELECT partner, connection, count(*) total, min(created_at) first_at, max(created_at) last_at, max(CASE WHEN state = 'delivered' THEN updated_at END) delivered_at FROM deliveries GROUP BY partner, connection ORDER BY partner, connection").all()
      expect(database.prepare('SELECT * FROM delivery_lines ORDER BY partner, connection').all()).toEqual(counted)
      expect(traffic.partners()).toEqual([...new Set(counted.map(({ partner }) => partner))])
    }),
    { numRuns: 15 },
  )
  const [line] = traffic.numbers('acme')
  expect(line?.total).toBeGreaterThan(0)
  expect(database.prepare<[], { detail: string }>("EXPLAIN QUERY PLAN SELECT id FROM deliveries WHERE +partner = 'acme' AND state IN ('failed', 'unknown') ORDER BY id DESC").all().some(({ detail }) => detail.includes('deliveries_state'))).toBe(true)
})
