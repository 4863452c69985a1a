/** Many deliveries tried again by one call, in a whole installation. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Delivery } from '../../contract/deliveries.ts'
import { context, testStation, type TestStation } from '../messages/conformance/station.ts'

let here: TestStation
let there: string
const list = (query: object): Delivery[] => (here.handlers().deliveries.list({ limit: 100, ...query }, context) as { deliveries: Delivery[] }).deliveries

beforeAll(async () => {
  here = await testStation('US')
  there = mkdtempSync(join(tmpdir(), 'waybill-there-'))
  for (const partner of ['acme', 'delft']) here.partner({ id: partner, name: partner, connections: [{ id: 'folder', protocol: 'folder', path: join(there, partner) }] })
})

afterAll(async () => {
  await here.close()
  rmSync(there, { recursive: true, force: true })
})

it('tries again what the filter finds, oldest first, and names what cannot be', async () => {
  // The partners' folders are not there yet: a share that is not mounted.
  for (const name of ['one.edi', 'two.edi', 'three.edi']) await here.send('acme', here.file(name, name))
  await here.send('delft', here.file('other.edi', 'other'))
  expect(list({}).map(({ state }) => state)).not.toContain('delivered')

  mkdirSync(join(there, 'acme'))
  writeFileSync(join(there, 'acme', 'two.edi'), 'somebody else wrote this')
  const first = await here.handlers().deliveries.retryAll({ partner: 'acme', state: ['waiting', 'unknown', 'failed'], limit: 2 }, context)
  expect(first).toMatchObject({ refused: [], remaining: 1 })
  await here.handlers().deliveries.wait({ ids: first.retried }, context)
  expect(first.retried.map((id) => list({ search: id })[0]?.fileName)).toEqual(['one.edi', 'two.edi'])
  expect(list({ partner: 'delft', state: ['delivered'] })).toEqual([])

  const rest = await here.handlers().deliveries.retryAll({ partner: 'acme', search: 'three', state: ['waiting', 'failed'], limit: 1000 }, context)
  await here.handlers().deliveries.wait({ ids: rest.retried }, context)
  expect(rest).toMatchObject({ refused: [], remaining: 0 })
  expect(list({ partner: 'acme', state: ['delivered'] }).map(({ fileName }) => fileName).toSorted()).toEqual(['one.edi', 'three.edi'])
  expect(list({ search: 'two.edi' })[0]).toMatchObject({ state: 'failed' })
  expect(readdirSync(join(there, 'acme')).toSorted()).toEqual(['one.edi', 'three.edi', 'two.edi'])
})

it('goes on where one cannot be tried again', async () => {
  const [failed] = list({ search: 'two.edi' })
  rmSync(join(there, 'acme', 'two.edi'))
  // The same content under the same name went out meanwhile: the failed one would arrive twice.
  const again = await here.send('acme', here.file('two.edi', 'two.edi'))
  expect(again.state).toBe('delivered')
  mkdirSync(join(there, 'delft'))
  const { retried, refused } = await here.handlers().deliveries.retryAll({ state: ['waiting', 'unknown', 'failed'], limit: 1000 }, context)
  expect(refused).toMatchObject([{ id: failed?.id, fileName: 'two.edi', error: { code: 'delivery.duplicate' } }])
  await here.handlers().deliveries.wait({ ids: retried }, context)
  expect(readdirSync(join(there, 'delft'))).toEqual(['other.edi'])
})
