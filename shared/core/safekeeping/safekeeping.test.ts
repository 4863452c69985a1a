import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { context, testStation, type TestStation } from '../messages/conformance/station.ts'
import { systemActor } from '../kernel/actor.ts'
import { systemClock } from '../kernel/clock.ts'
import { inspectionBy } from '../restored.ts'
import { openWorkspace } from '../workspace/open-workspace.ts'
import { restoreBackup, verifyBackup } from './restore.ts'

const PASSPHRASE = 'correct horse battery'
const noKeychain = { available: async () => await Promise.resolve(false), read: async () => await Promise.resolve(null), write: async () => await Promise.reject(new Error('none')), remove: async () => await Promise.resolve() }
const inspection = inspectionBy(systemActor, systemClock)

describe('copies that outlive the computer', () => {
  let station: TestStation
  let place: string
  let content: Buffer

  beforeAll(async () => {
    station = await testStation('US')
    const there = mkdtempSync(join(tmpdir(), 'waybill-there-'))
    station.partner({ id: 'acme', name: 'Acme', connections: [{ protocol: 'folder', path: there }] })
    // Larger than one sealed piece, and no multiple of it.
    content = randomBytes(700_001)
    expect((await station.send('acme', station.file('orders.edi', content))).state).toBe('delivered')
    return () => rmSync(there, { recursive: true, force: true })
  })
  afterAll(async () => await station?.close())
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'waybill-safe-'))
  })
  afterEach(() => rmSync(place, { recursive: true, force: true }))

  const backUp = async (name = 'one.waybill-backup'): Promise<string> => {
    const file = join(place, name)
    await station.handlers().safekeeping.backUp({ file: { path: file } }, context)
    return file
  }

  it('bring everything back into an empty folder, with every partner suspended', async () => {
    const file = await backUp()
    const verdict = await verifyBackup(file, { passphrase: PASSPHRASE }, inspection)
    expect(verdict).toMatchObject({ ok: true, payloads: 1, problem: null })
    const folder = join(place, 'restored')
    mkdirSync(folder)
    expect(await restoreBackup(file, PASSPHRASE, { folder, inspection })).toMatchObject({ suspended: 1, verdict: { ok: true } })
    expect(readdirSync(folder).toSorted()).toEqual(['payloads', 'spool', 'waybill.db', 'workspace.json'])
    const workspace = await openWorkspace({ folder, keychain: noKeychain, clock: systemClock, passphrase: PASSPHRASE, remember: 'no' })
    try {
      const [delivery] = workspace.database.prepare<[], { sha256: string; state: string }>('SELECT sha256, state FROM deliveries').all()
      expect(delivery?.state).toBe('delivered')
      const kept: Uint8Array[] = []
      for await (const piece of workspace.payloads.read(delivery?.sha256 ?? '', { offset: 0, signal: new AbortController().signal })) kept.push(piece)
      expect(Buffer.concat(kept).equals(content)).toBe(true)
      expect(inspection.chain(workspace.database)).toMatchObject({ ok: true })
    } finally {
      await workspace.close()
    }
    await expect(restoreBackup(file, PASSPHRASE, { folder, inspection })).rejects.toMatchObject({ code: 'workspace.exists' })
  })

  it('hold nothing readable, and open with the passphrase only', async () => {
    const file = await backUp()
    const bytes = readFileSync(file)
    expect(bytes.subarray(0, 4).toString()).toBe('WBB1')
    expect(bytes.includes('SQLite format') || bytes.includes('acme') || bytes.includes('orders.edi')).toBe(false)
    await expect(verifyBackup(file, { passphrase: 'wrong horse battery' }, inspection)).rejects.toMatchObject({ code: 'workspace.wrong_passphrase' })
  })

  it.each<readonly [string, (bytes: Buffer) => Buffer]>([
    ['one changed bit in the middle', (bytes) => (bytes[bytes.length >> 1]! ^= 1, bytes)],
    ['the last byte gone', (bytes) => bytes.subarray(0, -1)],
    ['a whole piece gone', (bytes) => Buffer.concat([bytes.subarray(0, bytes.length - 300_000), bytes.subarray(bytes.length - 100)])],
    ['something behind it', (bytes) => Buffer.concat([bytes, Buffer.from('x')])],
    ['another version in its header', (bytes) => Buffer.from(bytes.toString('latin1').replace('"version":"test"', '"version":"tesT"'), 'latin1')],
  ])('do not hold with %s, and nothing is restored', async (_, change) => {
    const file = await backUp()
    const damaged = join(place, 'damaged')
    writeFileSync(damaged, change(readFileSync(file)))
    expect(await verifyBackup(damaged, { passphrase: PASSPHRASE }, inspection)).toMatchObject({ ok: false })
    const folder = join(place, 'restored')
    mkdirSync(folder)
    await expect(restoreBackup(damaged, PASSPHRASE, { folder, inspection })).rejects.toMatchObject({ code: 'backup.damaged' })
    expect(readdirSync(folder)).toEqual(['spool'])
  })

  it('are refused for what is no backup, in the workspace itself, and over an existing file', async () => {
    const other = join(place, 'other')
    writeFileSync(other, 'hello')
    await expect(verifyBackup(other, { passphrase: PASSPHRASE }, inspection)).rejects.toMatchObject({ code: 'backup.not_one' })
    const { safekeeping } = station.handlers()
    await expect(safekeeping.backUp({ file: { path: join(station.folder, 'x') } }, context)).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(safekeeping.backUp({ file: { path: other } }, context)).rejects.toMatchObject({ code: 'input.conflict' })
    await expect(safekeeping.backUp({}, context)).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(safekeeping.configure({ folder: join(place, 'nowhere') }, context)).rejects.toMatchObject({ code: 'input.invalid' })
  })

  it('go to the chosen folder, of which only so many are kept', async () => {
    const { safekeeping } = station.handlers()
    await safekeeping.configure({ folder: place, keep: 1 }, context)
    writeFileSync(join(place, 'waybill-2020-01-01T000000Z.waybill-backup'), 'an old one')
    writeFileSync(join(place, 'mine.txt'), 'not ours')
    const { file } = (await safekeeping.backUp({}, context)) as { file: string }
    expect(readdirSync(place).map((name) => join(place, name)).toSorted()).toEqual([file, join(place, 'mine.txt')].toSorted())
    expect((await safekeeping.state({}, context)).lastBackup).toMatchObject({ file })
    await safekeeping.configure({ folder: null }, context)
  })

  it('anchor the chain: what was written anew as a whole shows', async () => {
    const { audit } = station.handlers()
    const { text } = await audit.anchor({}, context)
    expect(await audit.checkAnchor({ text }, context)).toMatchObject({ ok: true, problem: null })
    const anchor = JSON.parse(text) as { seq: number; head: string }
    expect(await audit.checkAnchor({ text: text.replace(anchor.head, 'f'.repeat(64)) }, context)).toMatchObject({ ok: false, problem: 'the anchor was changed after it was signed' })
    await expect((async () => await audit.checkAnchor({ text: '{}' }, context))()).rejects.toMatchObject({ code: 'input.invalid' })
    const file = join(place, 'anchor.json')
    await audit.anchor({ file: { path: file } }, context)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ form: 'waybill-anchor-1' })
    // Whoever owns the database takes the guards away and writes a record anew.
    const database = station.database()
    database.prepare('DROP TRIGGER audit_no_update').run()
    database.prepare('UPDATE audit_events SET hash = ? WHERE seq = ?').run('e'.repeat(64), anchor.seq)
    expect(await audit.checkAnchor({ text }, context)).toMatchObject({ ok: false, problem: expect.stringContaining('written anew') as unknown })
  })
})
