/** Contents go when no delivery keeps them any more, and never before that was written down. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createAuditRepository } from '../audit/repository.ts'
import { createAuditTrail } from '../audit/service.ts'
import type { Clock } from '../kernel/clock.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { createContentRemoval } from './content-removal.ts'
import { createDeliveryRepository } from './repository.ts'

let folder: string
let database: Database
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-removal-'))
  database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

const clock: Clock = { now: () => Date.parse('2026-11-26T01:00:00Z'), sleep: async () => await Promise.resolve() }
const delivery = (id: string, sha256: string, wire: string | null = null) =>
  createDeliveryRepository(database).insert({ id, partner: 'acme', connection: 'sftp', direction: 'outbound', fileName: id, remoteName: id, source: id, size: 1, sha256, duplicateReason: null, trace: 'trc_1', at: '2026-01-01T00:00:00.000Z', wire: wire === null ? null : { sha256: wire, size: 1, facts: {} } })

it('removes a content with its protected form once the last delivery gave it up, and again after a crash in between', async () => {
  const removed: string[] = []
  let recently = new Set<string>()
  const begin = (inMessages: string[] = []) => createContentRemoval({ database, audit: createAuditTrail(createAuditRepository(database), clock), clock, inMessages: (sha256) => inMessages.includes(sha256), payloads: { remove: async (sha256) => await Promise.resolve(!recently.has(sha256) && removed.push(sha256) > 0) } })
  const contents = begin()
  delivery('dlv_1', 'shared', 'wire')
  delivery('dlv_2', 'shared')
  delivery('dlv_3', 'in-a-message')
  contents.remove('dlv_1', { days: 90, flow: 'orders' })
  expect([contents.removedAt('dlv_1'), contents.removedAt('dlv_2')]).toEqual(['2026-11-26T01:00:00.000Z', null])
  expect([await contents.sweep(), removed]).toEqual([1, ['wire']])
  contents.remove('dlv_2', { days: 90, flow: 'orders' })
  contents.remove('dlv_2', { days: 90, flow: 'orders' })
  contents.remove('dlv_3', { days: 90, flow: 'orders' })
  // Stored anew a moment ago: left for the next look. The process ends before that.
  recently = new Set(['shared'])
  expect(await begin(['in-a-message']).sweep()).toBe(0)
  recently = new Set()
  expect([await begin(['in-a-message']).sweep(), removed]).toEqual([1, ['wire', 'shared']])
  expect(await begin().sweep()).toBe(0)
  expect(createAuditRepository(database).list({ limit: 10 }).events.filter(({ type }) => type === 'delivery.content_removed').map(({ subject, data }) => [subject.id, data['days'], data['flow']])).toEqual([['dlv_3', 90, 'orders'], ['dlv_2', 90, 'orders'], ['dlv_1', 90, 'orders']])
})
