import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase, type Database } from './database.ts'

const KEY = Buffer.alloc(32, 7)
const FULL = { synchronous: 2 }

describe('grouped transactions', () => {
  let folder: string
  let database: Database
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-database-'))
    database = openDatabase({ file: join(folder, 'waybill.db'), key: KEY })
  })
  afterEach(() => {
    database.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const put = (key: string): void => void database.prepare('INSERT INTO settings (key, value) VALUES (?, ?)').run(key, 'x')
  const durability = (): unknown => database.prepare('PRAGMA synchronous').get()
  /** As another process finds it after this one was killed. */
  const keysAfterKill = (): unknown[] => {
    for (const name of ['waybill.db', 'waybill.db-wal']) if (existsSync(join(folder, name))) cpSync(join(folder, name), join(folder, `copy-${name}`))
    const copy = openDatabase({ file: join(folder, 'copy-waybill.db'), key: KEY })
    try {
      return copy.prepare('SELECT key FROM settings ORDER BY key').all()
    } finally {
      copy.close()
    }
  }

  it('share one commit, which outlives the process, and what follows is flushed again', async () => {
    cpSync(join(folder, 'waybill.db'), join(folder, 'copy-waybill.db'))
    for (const key of ['a', 'b']) expect(database.transaction(() => (put(key), durability()), 'grouped')).toEqual({ synchronous: 1 })
    expect(keysAfterKill()).toEqual([])
    await database.flushed()
    expect(database.transaction(durability)).toEqual(FULL)
    expect(keysAfterKill()).toEqual([{ key: 'a' }, { key: 'b' }])
  })

  it('are committed soon when nobody waits, and before anything that is not grouped', async () => {
    cpSync(join(folder, 'waybill.db'), join(folder, 'copy-waybill.db'))
    database.transaction(() => put('a'), 'grouped')
    await expect.poll(keysAfterKill).toEqual([{ key: 'a' }])
    database.transaction(() => put('b'), 'grouped')
    put('c')
    expect(keysAfterKill()).toEqual([{ key: 'a' }, { key: 'b' }, { key: 'c' }])
  })

  it('tell what they have to tell once they are committed, and nothing of one that was undone', async () => {
    const told: string[] = []
    const tell = (what: string): void => database.afterCommit(() => void told.push(what))
    database.transaction(() => tell('a'), 'grouped')
    expect(() => database.transaction(() => {
      tell('b')
      throw new Error('no')
    }, 'grouped')).toThrow('no')
    expect(told).toEqual([])
    await database.flushed()
    expect(told).toEqual(['a'])
  })

  it('leave the others of a group as they are when one fails', async () => {
    database.transaction(() => put('a'), 'grouped')
    expect(() => database.transaction(() => {
      put('b')
      put('a')
    }, 'grouped')).toThrow('UNIQUE')
    await database.flushed()
    expect(database.prepare('SELECT key FROM settings').all()).toEqual([{ key: 'a' }])
  })

  it('that cannot be committed are undone together, and whoever asks whether they are safe is told', async () => {
    const told: string[] = []
    database.transaction(() => put('a'), 'grouped')
    database.transaction(() => {
      database.afterCommit(() => void told.push('b'))
      database.prepare('PRAGMA defer_foreign_keys = ON').run()
      // Refused at the commit only.
      database.prepare("INSERT INTO provenance (item, record) VALUES ('nobody', '{}')").run()
    }, 'grouped')
    await expect(Promise.all([database.flushed(), database.flushed()])).rejects.toThrow('FOREIGN KEY')
    await expect(database.flushed()).rejects.toThrow('FOREIGN KEY')
    expect(() => database.flush()).toThrow('FOREIGN KEY')
    expect([database.prepare('SELECT key FROM settings').all(), told]).toEqual([[], []])
    put('c')
    expect(database.prepare('SELECT key FROM settings').all()).toEqual([{ key: 'c' }])
  })

  it('are all or nothing, and leave no weaker durability behind when they fail', () => {
    expect(() => database.transaction(() => {
      put('a')
      throw new Error('no')
    }, 'grouped')).toThrow('no')
    put('b')
    expect([database.prepare('SELECT key FROM settings').all(), durability()]).toEqual([[{ key: 'b' }], FULL])
  })

  it('inside a flushed one are part of it', () => {
    database.transaction(() => database.transaction(() => {
      put('a')
      expect(durability()).toEqual(FULL)
    }, 'grouped'))
    expect(database.prepare('SELECT key FROM settings').all()).toEqual([{ key: 'a' }])
  })

  it('are flushed by a commit that really writes, and only where there is something', () => {
    const logSize = (): number => statSync(join(folder, 'waybill.db-wal')).size
    database.transaction(() => put('a'), 'grouped')
    const before = logSize()
    database.flush()
    const after = logSize()
    expect(after).toBeGreaterThan(before)
    database.flush()
    expect(logSize()).toBe(after)
  })

  it('are on the disk once somebody waited for it, without anything more being written', async () => {
    const logSize = (): number => statSync(join(folder, 'waybill.db-wal')).size
    for (const key of ['a', 'b', 'c']) database.transaction(() => put(key), 'grouped')
    await Promise.all([database.flushed(), database.flushed(), database.flushed()])
    const before = logSize()
    database.flush()
    expect(logSize()).toBe(before)
    database.transaction(() => put('d'), 'grouped')
    database.flush()
    expect(logSize()).toBeGreaterThan(before)
  })
})
