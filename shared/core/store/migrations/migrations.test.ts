/** Each structure that a user may still have, from a real file of that time (`older/structure-N.db`, key of 32 bytes 0x07). */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase, type Database } from '../database.ts'
import { MIGRATIONS } from './index.ts'

const KEY = Buffer.alloc(32, 7)
const older = (structure: number): string => join(import.meta.dirname, 'older', `structure-${structure}.db`)

const structureOf = (database: Database): unknown[] =>
  database.prepare("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name").all()

describe('the database moves forward', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-migrations-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('has a file of every structure before the present one, in numbers without gaps', () => {
    expect(MIGRATIONS.map(({ number }) => number)).toEqual(MIGRATIONS.map((_, index) => index + 1))
    expect(MIGRATIONS.slice(0, -1).filter(({ number }) => !existsSync(older(number)))).toEqual([])
  })

  it.each(MIGRATIONS.slice(0, -1).map(({ number }) => number))('from structure %i: keeps what was there, ends as a new one, and leaves a copy of the old', (structure) => {
    const file = join(folder, 'waybill.db')
    cpSync(older(structure), file)
    const moved = openDatabase({ file, key: KEY })
    const fresh = openDatabase({ file: join(folder, 'fresh.db'), key: KEY })
    expect(structureOf(moved)).toEqual(structureOf(fresh))
    expect(moved.prepare('SELECT value FROM settings WHERE key = ?').get('kept')).toEqual({ value: `by structure ${structure}` })
    expect(moved.check()).toEqual([])
    const copy = openDatabase({ file: join(folder, 'before-update', `structure-${structure}.db`), key: KEY, migrations: MIGRATIONS.slice(0, structure) })
    expect(copy.prepare('SELECT value FROM settings WHERE key = ?').get('kept')).toEqual({ value: `by structure ${structure}` })
    for (const database of [moved, fresh, copy]) database.close()
  })

  it('leaves the old file as it was when a step fails', () => {
    const file = join(folder, 'waybill.db')
    cpSync(older(1), file)
    const broken = [MIGRATIONS[0]!, { number: 2, name: 'broken', sql: 'CREATE TABLE half (x); CREATE TABLE half (x);' }]
    expect(() => openDatabase({ file, key: KEY, migrations: broken })).toThrow(/half/)
    const after = openDatabase({ file, key: KEY, migrations: MIGRATIONS.slice(0, 1) })
    expect(after.prepare("SELECT name FROM sqlite_master WHERE name = 'half'").all()).toEqual([])
    after.close()
  })
})
