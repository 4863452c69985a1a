import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDatabase, type Database } from './database.ts'
import { keptOf } from './kept.ts'

let folder: string
let database: Database
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-kept-'))
  database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

let reads = 0
const value = (): string | null => keptOf<string | null>(database, 'settings').of('a', () => (reads++, database.prepare<[], { value: string }>("SELECT value FROM settings WHERE key = 'a'").get()?.value ?? null))
const put = (text: string): void => {
  keptOf(database, 'settings').written()
  database.prepare("INSERT INTO settings (key, value) VALUES ('a', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(text)
}

it('is read once while nothing is written, and anew afterwards, also that there is nothing', () => {
  reads = 0
  expect([value(), value(), reads]).toEqual([null, null, 1])
  put('one')
  expect([value(), value(), reads]).toEqual(['one', 'one', 2])
  database.transaction(() => put('two'))
  expect([value(), value(), reads]).toEqual(['two', 'two', 3])
})

it('keeps nothing of what was undone', () => {
  put('one')
  for (const durability of ['flushed', 'grouped'] as const) {
    expect(() => database.transaction(() => {
      put('two')
      expect(value()).toBe('two')
      throw new Error('no')
    }, durability)).toThrow('no')
    expect(value()).toBe('one')
  }
})
