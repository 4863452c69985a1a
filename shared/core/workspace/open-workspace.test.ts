import { execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../kernel/clock.ts'
import { openDatabase } from '../store/database.ts'
import { MIGRATIONS } from '../store/migrations/index.ts'
import { openWithPassphrase, readEnvelope } from './envelope.ts'
import { memoryKeychain, type Keychain } from './keychain.ts'
import { acquireLease, readLease } from './lease.ts'
import { createWorkspace, openWorkspace } from './open-workspace.ts'
import { runDoctor } from './doctor.ts'
import { createSettings } from './settings.ts'

const PASSPHRASE = 'correct horse battery'
let folder: string
let keychain: ReturnType<typeof memoryKeychain>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-workspace-'))
  keychain = memoryKeychain({ available: true })
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

const create = async (change: { passphrase?: string; useKeychain?: boolean; keychain?: Keychain } = {}) =>
  await createWorkspace({ folder, keychain, clock: systemClock, passphrase: PASSPHRASE, useKeychain: true, ...change })
const open = async (change: { passphrase?: string; keychain?: Keychain; remember?: 'yes' | 'no' | 'if-lost' } = {}) =>
  await openWorkspace({ folder, keychain, clock: systemClock, remember: 'if-lost', ...change })

async function fingerprints(): Promise<Record<string, string>> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && !entry.name.endsWith('-shm'))
  const entries = await Promise.all(files.map(async (entry) => [entry.name, createHash('sha256').update(await readFile(join(entry.parentPath, entry.name))).digest('hex')]))
  return Object.fromEntries(entries) as Record<string, string>
}

/** Creates, writes something, closes: every failure below must leave these bytes alone. */
async function made(change: Parameters<typeof create>[0] = {}): Promise<Record<string, string>> {
  const workspace = await create(change)
  workspace.secrets.put('partner/acme/sftp/password', 'hunter2')
  await workspace.close()
  return await fingerprints()
}

describe('creating', () => {
  it('opens again by keychain and by passphrase, with what was sealed', async () => {
    await made()
    for (const way of [{}, { passphrase: PASSPHRASE }]) {
      const workspace = await open(way)
      expect(workspace.secrets.get('partner/acme/sftp/password')).toBe('hunter2')
      await workspace.close()
    }
  })

  it('writes nothing readable to the disk', async () => {
    await made()
    for (const name of await readdir(folder)) {
      const bytes = await readFile(join(folder, name)).catch(() => Buffer.alloc(0))
      for (const planted of ['hunter2', PASSPHRASE, 'partner/acme', 'CREATE TABLE']) expect(bytes.includes(planted)).toBe(false)
      for (const wrapping of keychain.values.values()) expect(bytes.includes(wrapping)).toBe(false)
    }
  })

  it('refuses a short passphrase, a second time, and a folder with other files', async () => {
    await expect(create({ passphrase: 'too short' })).rejects.toMatchObject({ code: 'workspace.passphrase_needed' })
    expect(await readdir(folder)).toEqual([])
    const before = await made()
    await expect(create()).rejects.toMatchObject({ code: 'workspace.exists' })
    expect(await fingerprints()).toEqual(before)
    const other = await mkdtemp(join(tmpdir(), 'waybill-foreign-'))
    await writeFile(join(other, 'letters.doc'), 'x')
    await expect(createWorkspace({ folder: other, keychain, clock: systemClock, passphrase: PASSPHRASE, useKeychain: false })).rejects.toMatchObject({ code: 'workspace.bad_folder' })
    await rm(other, { recursive: true })
  })

  it('starts over where a creation was cut off between key and database', async () => {
    await made()
    await rm(join(folder, 'waybill.db'))
    for (const rest of ['waybill.db-wal', 'waybill.db-shm']) await rm(join(folder, rest), { force: true })
    await expect(open()).rejects.toMatchObject({ code: 'workspace.missing' })
    await (await create()).close()
    await (await open()).close()
  })

  it('does not start over where stored files show that the database was lost', async () => {
    const workspace = await create()
    await writeFile(join(folder, 'x'), 'payload')
    await workspace.payloads.ingest(join(folder, 'x'), { signal: new AbortController().signal })
    await workspace.close()
    await rm(join(folder, 'x'))
    await rm(join(folder, 'waybill.db'))
    for (const action of [create, open]) await expect(action()).rejects.toMatchObject({ code: 'workspace.corrupt' })
  })

  it('works without a keychain, by passphrase alone', async () => {
    keychain = memoryKeychain({ available: false })
    const workspace = await create()
    expect(workspace.keyInKeychain).toBe(false)
    await workspace.close()
    await expect(open()).rejects.toMatchObject({ code: 'workspace.locked' })
    await (await open({ passphrase: PASSPHRASE })).close()
  })
})

describe('opening', () => {
  it('tells each cause apart and changes nothing', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'workspace.missing' })
    const before = await made()
    await expect(open({ passphrase: 'not the passphrase' })).rejects.toMatchObject({ code: 'workspace.wrong_passphrase' })
    await expect(open({ keychain: memoryKeychain({ available: false }) })).rejects.toMatchObject({ code: 'workspace.keychain_unavailable' })
    await expect(open({ keychain: memoryKeychain({ available: true }) })).rejects.toMatchObject({ code: 'workspace.keychain_lost_key' })
    const stranger = memoryKeychain({ available: true })
    for (const account of keychain.values.keys()) stranger.values.set(account, randomBytes(32).toString('base64'))
    await expect(open({ keychain: stranger })).rejects.toMatchObject({ code: 'workspace.wrong_key' })
    expect(await fingerprints()).toEqual(before)
  })

  it('puts a lost key back into the keychain after the passphrase was given, and never makes a new one over old data', async () => {
    await made()
    keychain.values.clear()
    await (await open({ passphrase: PASSPHRASE })).close()
    expect(keychain.values.size).toBe(1)
    const workspace = await open()
    expect(workspace.secrets.get('partner/acme/sftp/password')).toBe('hunter2')
    await workspace.close()
  })

  it('leaves the keychain alone where the workspace was meant to do without', async () => {
    await made({ useKeychain: false })
    await (await open({ passphrase: PASSPHRASE })).close()
    expect(keychain.values.size).toBe(0)
  })

  it.each([
    ['the first page', 100],
    ['a later page', 5 * 4096 + 300],
  ])('finds damage in %s', async (_, offset) => {
    await made()
    const path = join(folder, 'waybill.db')
    const bytes = await readFile(path)
    bytes.writeUInt8(bytes.readUInt8(offset) ^ 0xff, offset)
    await writeFile(path, bytes)
    const before = await fingerprints()
    await expect(open()).rejects.toMatchObject({ code: 'workspace.corrupt' })
    expect((await fingerprints())['waybill.db']).toBe(before['waybill.db'])
  })

  it('does not touch a database of a newer structure', async () => {
    await made()
    const envelope = await readEnvelope(folder)
    if (envelope === null) throw new Error('no envelope')
    const newer = { number: MIGRATIONS.length + 1, name: 'future', sql: 'CREATE TABLE future (x)' }
    openDatabase({ file: join(folder, 'waybill.db'), key: await openWithPassphrase(envelope, PASSPHRASE), migrations: [...MIGRATIONS, newer] }).close()
    const before = await fingerprints()
    await expect(open()).rejects.toMatchObject({ code: 'workspace.newer' })
    expect(await fingerprints()).toEqual(before)
  })

  it('says that workspace.json is missing or unreadable', async () => {
    await made()
    await writeFile(join(folder, 'workspace.json'), '{ "format": 1')
    await expect(open()).rejects.toMatchObject({ code: 'workspace.corrupt' })
    await rm(join(folder, 'workspace.json'))
    await expect(open()).rejects.toMatchObject({ code: 'workspace.bad_folder' })
  })
})

describe('sealed secrets', () => {
  it('do not open at another place', async () => {
    const workspace = await create()
    workspace.secrets.put('a', 'one')
    workspace.database.prepare("INSERT INTO secrets SELECT 'b', sealed, created_at FROM secrets WHERE id = 'a'").run()
    expect(() => workspace.secrets.get('b')).toThrow(expect.objectContaining({ code: 'workspace.corrupt' }) as Error)
    workspace.secrets.delete('a')
    expect(workspace.secrets.get('a')).toBeNull()
    await workspace.close()
  })
})

describe('the lease', () => {
  it('is refused to a second owner and free again after release', async () => {
    const lease = await acquireLease(folder)
    await expect(acquireLease(folder)).rejects.toMatchObject({ code: 'workspace.in_use', details: { process: String(process.pid) } })
    await lease.announce({ socketPath: '/run/x.sock', token: 't' })
    expect(await readLease(folder)).toMatchObject({ pid: process.pid, socketPath: '/run/x.sock', token: 't' })
    await lease.release()
    await (await acquireLease(folder)).release()
  })

  it('is refused while another process holds it, and free the moment that process is killed', async () => {
    const script = `const { acquireLease } = await import(${JSON.stringify(new URL('./lease.ts', import.meta.url).href)}); await acquireLease(process.argv[1]); console.log('held'); setInterval(() => {}, 1000)`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(owner.stdout, 'data')
    await expect(acquireLease(folder)).rejects.toMatchObject({ code: 'workspace.in_use', details: { process: String(owner.pid) } })
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    await (await acquireLease(folder)).release()
  })

  it('is refused while another computer is at work, and free two minutes after its last sign', async () => {
    const note = { pid: 1, host: 'other-pc', user: 'mia', startedAt: new Date().toISOString() }
    await writeFile(join(folder, 'lease.json'), JSON.stringify({ ...note, heartbeatAt: new Date().toISOString() }))
    await expect(acquireLease(folder)).rejects.toMatchObject({ code: 'workspace.elsewhere', details: { computer: 'other-pc' } })
    await writeFile(join(folder, 'lease.json'), JSON.stringify({ ...note, heartbeatAt: new Date(Date.now() - 121_000).toISOString() }))
    await (await acquireLease(folder)).release()
  })

  it('names a missing folder and a file in its place', async () => {
    await expect(acquireLease(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'workspace.missing' })
    await writeFile(join(folder, 'file'), '')
    await expect(acquireLease(join(folder, 'file'))).rejects.toMatchObject({ code: 'workspace.bad_folder' })
  })
})

/** A file system of its own, so that full and read-only are real. Needs root on Linux. */
function mountable(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe.skipIf(!mountable())('a bad disk (needs root on Linux to mount one)', () => {
  let mount: string
  beforeEach(async () => {
    mount = join(folder, 'disk')
    await mkdir(mount)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount])
  })
  afterEach(() => {
    execFileSync('umount', [mount])
  })

  const at = { clock: systemClock, passphrase: PASSPHRASE }

  it('that is full leaves no half-made workspace and, later, the old one whole', async () => {
    const keys = memoryKeychain({ available: false })
    await writeFile(join(mount, 'lease.json.x.tmp'), Buffer.alloc(1_000_000))
    await expect(createWorkspace({ ...at, folder: mount, keychain: keys, useKeychain: false })).rejects.toMatchObject({ code: 'workspace.disk_full' })
    await rm(join(mount, 'lease.json.x.tmp'))
    const workspace = await createWorkspace({ ...at, folder: mount, keychain: keys, useKeychain: false })
    workspace.secrets.put('kept', 'value')
    const fill = (): void => {
      for (let n = 0; n < 2000; n++) workspace.secrets.put(`filler-${n}`, 'x'.repeat(4000))
    }
    expect(fill).toThrow(expect.objectContaining({ code: 'workspace.disk_full' }) as Error)
    expect(workspace.secrets.get('kept')).toBe('value')
    await expect(workspace.payloads.ingest(join(import.meta.dirname, 'lease.ts'), { signal: new AbortController().signal })).rejects.toMatchObject({ code: 'workspace.disk_full' })
    await workspace.close()
  })

  it('that is read-only is named', async () => {
    const keys = memoryKeychain({ available: false })
    await (await createWorkspace({ ...at, folder: mount, keychain: keys, useKeychain: false })).close()
    execFileSync('mount', ['-o', 'remount,ro', mount])
    await expect(acquireLease(mount)).rejects.toMatchObject({ code: 'workspace.read_only' })
    await expect(openWorkspace({ ...at, folder: mount, keychain: keys, remember: 'no' })).rejects.toMatchObject({ code: 'workspace.read_only' })
  })
})

describe('doctor', () => {
  const doctor = async (workspace: Awaited<ReturnType<typeof create>> | null) =>
    await runDoctor({ folder, keychain, clock: systemClock, selfTests: [() => [{ name: 'aes', ok: true, detail: 'known answer' }]], workspace, lastAuditAt: null })

  it('is content with a sound workspace', async () => {
    const workspace = await create()
    const report = await doctor(workspace)
    expect(report).toMatchObject({ ok: true })
    expect(report.checks.map(({ name, status }) => `${name} ${status}`)).toEqual(['runtime ok', 'aes ok', 'workspace ok', 'store ok', 'payloads ok', 'keychain ok', expect.stringContaining('disk'), 'clock ok'])
    await workspace.close()
  })

  it('warns without a workspace and without a keychain', async () => {
    keychain = memoryKeychain({ available: false })
    const report = await doctor(null)
    expect(report.checks.filter(({ status }) => status === 'warning').map(({ name }) => name)).toEqual(expect.arrayContaining(['workspace', 'store', 'keychain']))
  })

  it('fails when a primitive gives a wrong answer', async () => {
    const report = await runDoctor({ folder, keychain, clock: systemClock, selfTests: [() => [{ name: 'aes', ok: false, detail: 'wrong' }]], workspace: null, lastAuditAt: null })
    expect(report.ok).toBe(false)
  })
})

describe('settings', () => {
  it('keep what was chosen, and take what they do not understand for not chosen', async () => {
    const workspace = await create()
    const settings = createSettings(workspace.database)
    expect(settings.get()).toEqual({ theme: 'system', onClose: 'ask', notifications: true, metered: 'wait', diskReserveMiB: 256, startAtLogin: false, keepAwake: true })
    settings.change({ theme: 'dark' })
    workspace.database.prepare("INSERT INTO settings VALUES ('onClose', '\"explode\"')").run()
    expect(settings.get()).toMatchObject({ theme: 'dark', onClose: 'ask', notifications: true })
    await workspace.close()
  })
})
