/** Pages and numbers hold whatever the ledger went through: held against counting by hand. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../kernel/ids.ts'
import { timestamp } from '../kernel/clock.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { createDeliveryRepository } from './repository.ts'

const START = Date.parse('2026-11-25T08:00:00Z')

let folder: string
let database: Database
let serial = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-lists-'))
  database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
  serial = 0
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('lists of the ledger', () => {
  const ledger = () => {
    const deliveries = createDeliveryRepository(database)
    const add = (name: string, more: { partner?: string; direction?: 'outbound' | 'inbound'; remote?: string } = {}): string => {
      const at = START + serial * 60_000
      const id = newId('dlv', at)
      deliveries.insert({ id, partner: more.partner ?? 'acme', connection: 'sftp', direction: more.direction ?? 'outbound', fileName: name, remoteName: more.remote ?? name, source: '', size: 1, sha256: String(++serial).padStart(64, '0'), duplicateReason: null, trace: 't', at: timestamp(at), ...(more.direction === 'inbound' ? { state: 'received' as const } : {}) })
      return id
    }
    const names = (query: Omit<Parameters<typeof deliveries.list>[0], 'limit'>, limit = 100): string[] => deliveries.list({ ...query, limit }).deliveries.map(({ fileName }) => fileName)
    return { deliveries, add, names }
  }

  it('counts follow every change of state, and totals are those of the filter', () => {
    const { deliveries, add } = ledger()
    const ids = [add('a'), add('b'), add('c', { partner: 'other' }), add('d', { direction: 'inbound' })]
    deliveries.update(ids[0] ?? '', { state: 'delivered', at: timestamp(START) })
    deliveries.update(ids[1] ?? '', { state: 'failed', at: timestamp(START) })
    deliveries.update(ids[1] ?? '', { state: 'failed', at: timestamp(START + 1) })
    deliveries.update(ids[2] ?? '', { state: 'sending', at: timestamp(START) })
    expect(deliveries.counts(timestamp(START))).toEqual({ running: 1, waiting: 0, attention: 1, deliveredToday: 1 })
    expect(deliveries.counts(timestamp(START + 1)).deliveredToday).toBe(0)
    expect(deliveries.perPartner().get('acme')).toEqual({ lastAt: timestamp(START + 3 * 60_000), attention: 1, open: 1 })
    const total = (query: object): number => deliveries.list({ limit: 1, ...query }).total
    expect([total({}), total({ partner: 'acme' }), total({ direction: 'inbound' }), total({ state: ['failed', 'delivered'] }), total({ state: ['received'] }), total({ partner: 'other', state: ['failed'] })]).toEqual([4, 3, 1, 2, 1, 0])
    expect(total({ since: timestamp(START + 2 * 60_000) })).toBe(2)
    expect(total({ since: timestamp(START + 60 * 60_000) })).toBe(0)
  })

  it('pages go back in time without gaps', () => {
    const { deliveries, add } = ledger()
    for (let index = 0; index < 25; index++) add(`file-${index}`)
    const seen: string[] = []
    for (let before: string | undefined; ; ) {
      const page = deliveries.list({ limit: 10, search: 'FILE-', ...(before === undefined ? {} : { before }) }).deliveries
      seen.push(...page.map(({ fileName }) => fileName))
      before = page.at(-1)?.id
      if (page.length < 10) break
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => `file-${24 - index}`))
  })

  it('finds any part of either name, an identifier and a content; nothing in it is a wildcard', () => {
    const { add, names, deliveries } = ledger()
    const first = add('ORDERS_4711 "x".edi', { remote: 'inbound*4711.dat' })
    add('invoice.pdf')
    add('ab')
    expect(names({ search: 'orders_47' })).toEqual(['ORDERS_4711 "x".edi'])
    expect(names({ search: '"x"' })).toEqual(['ORDERS_4711 "x".edi'])
    expect(names({ search: 'd*4' })).toEqual(['ORDERS_4711 "x".edi'])
    expect(names({ search: 'OR OR' })).toEqual([])
    expect(names({ search: '%' })).toEqual([])
    expect(names({ search: 'AB' })).toEqual(['ab'])
    expect(names({ search: first })).toEqual(['ORDERS_4711 "x".edi'])
    expect(names({ search: '1'.padStart(64, '0') })).toEqual(['ORDERS_4711 "x".edi'])
    expect(names({ search: 'invoice', partner: 'other' })).toEqual([])
    // What was opened is found by its old and by its new name, once.
    deliveries.update(first, { state: 'queued', at: timestamp(START), content: { sha256: 'a', size: 1, fileName: 'ORDERS_4711.opened', wire: { sha256: 'b', size: 2 } } })
    expect([names({ search: 'opened' }), names({ search: '4711' })]).toEqual([['ORDERS_4711.opened'], ['ORDERS_4711.opened']])
  })
})
