/** An older database moves forward in steps: others get their turn, somebody hears how far it is, and ending it anywhere loses nothing. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDatabase, openDatabaseInSteps } from './database.ts'
import { MIGRATIONS } from './migrations/index.ts'
import type { Moving } from './moving.ts'

const KEY = Buffer.alloc(32, 7)
const ROWS = 25_000

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-moving-'))
  file = join(folder, 'waybill.db')
  cpSync(join(import.meta.dirname, 'migrations', 'older', 'structure-16.db'), file)
  const old = openDatabase({ file, key: KEY, migrations: MIGRATIONS.slice(0, 16) })
  old.prepare(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
    INSERT INTO deliveries (id, partner, connection, direction, file_name, remote_name, source, size, sha256, state, trace, created_at, updated_at)
    SELECT printf('dlv_%09d', i), 'acme', 'sftp', 'outbound', printf('order-%d.edi', i), printf('order-%d.edi', i), '/out', 1, hex(i), 'delivered', 't', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z' FROM n`).run()
  old.close()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('tells how far it is, lets others in between, and ends as a new one', async () => {
  const told: Moving[] = []
  let turns = 0
  const others = setInterval(() => void (turns += 1), 0)
  const database = await openDatabaseInSteps({ file, key: KEY }, (progress) => void told.push(progress))
  clearInterval(others)
  expect(told[0]).toEqual({ stage: 'copy', from: 16, to: MIGRATIONS.length, percent: 0 })
  const percents = told.map(({ percent }) => percent)
  expect(percents).toEqual(percents.toSorted((left, right) => left - right))
  expect([new Set(percents).size > 3, turns > 0]).toEqual([true, true])
  const names = database.prepare<[], { delivery: string }>('SELECT delivery FROM delivery_names ORDER BY rowid').all()
  expect([names.length, names[0]?.delivery, names.at(-1)?.delivery]).toEqual([ROWS, 'dlv_000000001', 'dlv_000025000'])
  expect(database.prepare("SELECT delivery FROM delivery_names WHERE delivery_names MATCH '\"order-777.\"'").all()).toEqual([{ delivery: 'dlv_000000777' }])
  expect(database.check()).toEqual([])
  database.close()
  // The second time there is nothing to tell.
  const again: Moving[] = []
  ;(await openDatabaseInSteps({ file, key: KEY }, (progress) => void again.push(progress))).close()
  expect(again).toEqual([])
})

it('is as before when it is ended in the middle, and begins again', async () => {
  let calls = 0
  const ended = openDatabaseInSteps({ file, key: KEY }, () => {
    if (++calls === 4) throw new Error('ended')
  })
  await expect(ended).rejects.toThrow('ended')
  const old = openDatabase({ file, key: KEY, migrations: MIGRATIONS.slice(0, 16) })
  expect(old.prepare('SELECT count(*) n FROM deliveries').get()).toEqual({ n: ROWS })
  expect(old.prepare("SELECT name FROM sqlite_master WHERE name = 'delivery_names'").all()).toEqual([])
  old.close()
  openDatabase({ file, key: KEY }).close()
})
