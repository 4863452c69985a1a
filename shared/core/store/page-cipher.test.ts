import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDatabase } from './database.ts'
import { cipherOf } from './page-cipher.ts'

const KEY = Buffer.alloc(32, 7)
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-cipher-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string): string => join(folder, name)

/** What a killed process leaves of a database into which it wrote `key` a moment ago. */
function killedAfter(name: string, key: string): string {
  const database = openDatabase({ file: at(name), key: KEY })
  try {
    database.prepare('INSERT INTO settings (key, value) VALUES (?, ?)').run(key, 'x')
    for (const end of ['', '-wal']) cpSync(at(`${name}${end}`), at(`killed-${name}${end}`))
  } finally {
    database.close()
  }
  return at(`killed-${name}`)
}

function keysIn(file: string): unknown[] {
  const database = openDatabase({ file, key: KEY })
  try {
    return database.prepare<[], { key: string }>("SELECT key FROM settings WHERE value = 'x'").all().map(({ key }) => key)
  } finally {
    database.close()
  }
}

it('is AEGIS-256 for a new database, also for what a killed process left in its log and for its copies', () => {
  const file = killedAfter('new.db', 'in the log')
  expect(cipherOf(file)).toBe('aegis')
  expect(keysIn(file)).toEqual(['in the log'])
  const database = openDatabase({ file, key: KEY })
  try {
    database.copyTo(at('copy.db'))
  } finally {
    database.close()
  }
  expect(cipherOf(at('copy.db'))).toBe('aegis')
  expect(keysIn(at('copy.db'))).toEqual(['in the log'])
})

it('stays ChaCha20-Poly1305 for a database of before, whose log is read to its end', () => {
  cpSync(join(import.meta.dirname, 'migrations', 'older', 'structure-16.db'), at('old.db'))
  const file = killedAfter('old.db', 'in the log')
  expect(cipherOf(file)).toBe('chacha20')
  expect(keysIn(file)).toEqual(['in the log'])
  expect(cipherOf(file)).toBe('chacha20')
})

it.each([
  ['nothing is encrypted', (file: Buffer) => Buffer.concat([Buffer.from('SQLite format 3\0'), file.subarray(16, 20), Buffer.of(0), file.subarray(21)])],
  ['the head was damaged', (file: Buffer) => Buffer.concat([file.subarray(0, 20), Buffer.of(65), file.subarray(21)])],
])('is not guessed where %s: the log stays as it is', (_, damaged) => {
  const file = killedAfter('bad.db', 'in the log')
  writeFileSync(file, damaged(readFileSync(file)))
  const log = readFileSync(`${file}-wal`)
  expect(() => openDatabase({ file, key: KEY })).toThrow(expect.objectContaining({ code: 'workspace.corrupt' }) as Error)
  expect(existsSync(`${file}-wal`) && readFileSync(`${file}-wal`).equals(log)).toBe(true)
})
