import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../shared/core/kernel/clock.ts'
import { memoryKeychain } from '../../shared/core/workspace/keychain.ts'
import { openWorkspace } from '../../shared/core/workspace/open-workspace.ts'
import { collect, givenWorkspace, newInstallation, PASSPHRASE, type CommandResult, type Installation } from '../servers/waybill.ts'

interface Refused {
  error: { code: string; message: string }
}

let here: Installation

beforeEach(() => {
  here = newInstallation()
  givenWorkspace(here)
})
afterEach(() => here.remove())

/** Another environment on the same workspace. */
const runIn = async (env: Readonly<Record<string, string>>, ...args: string[]): Promise<CommandResult> => {
  const other = newInstallation(env)
  try {
    return await other.run('--workspace', here.workspace, ...args)
  } finally {
    other.remove()
  }
}

const refusal = (done: CommandResult): [number | null, string] => [done.exit, done.json<Refused>().error.code]

const openHere = async () => await openWorkspace({ folder: here.workspace, keychain: memoryKeychain({ available: false }), clock: systemClock, remember: 'no', passphrase: PASSPHRASE })

describe('a workspace that cannot be used, at the command line', () => {
  it('each cause has its own code, exit 5 and an explanation, and nothing is damaged', async () => {
    expect(refusal(await here.run('--workspace', join(here.files, 'nowhere'), '--json', 'partner', 'list'))).toEqual([5, 'workspace.missing'])
    expect(refusal(await runIn({ WAYBILL_PASSPHRASE: 'not this one' }, '--json', 'partner', 'list'))).toEqual([5, 'workspace.wrong_passphrase'])
    expect(refusal(await runIn({ WAYBILL_PASSPHRASE: '' }, '--json', 'partner', 'list'))).toEqual([5, 'workspace.locked'])
    expect(refusal(await here.run('--json', 'init', '--no-keychain'))).toEqual([5, 'workspace.exists'])
    const plain = await runIn({ WAYBILL_PASSPHRASE: 'not this one' }, 'partner', 'list')
    expect([plain.out, plain.err]).toEqual(['', expect.stringMatching(/What happened:[\s\S]*Why we think so:[\s\S]*What to do:/)])
    expect((await here.run('doctor')).exit).toBe(0)
  })

  it('takes the passphrase from a file', async () => {
    expect((await runIn({ WAYBILL_PASSPHRASE: '', WAYBILL_PASSPHRASE_FILE: here.file('passphrase', `${PASSPHRASE}\n`) }, 'partner', 'list')).exit).toBe(0)
  })

  it('refuses a newer structure', async () => {
    const workspace = await openHere()
    workspace.database.prepare('PRAGMA user_version = 9999').run()
    await workspace.close()
    expect(refusal(await here.run('--json', 'partner', 'list'))).toEqual([5, 'workspace.newer'])
  })

  it('refuses a damaged page', async () => {
    const file = join(here.workspace, 'waybill.db')
    const bytes = readFileSync(file)
    bytes.fill(0x5a, 4096 * 3, 4096 * 3 + 64)
    writeFileSync(file, bytes)
    expect(refusal(await here.run('--json', 'partner', 'list'))).toEqual([5, 'workspace.corrupt'])
  })

  it('has one owner: commands go to it, a second owner is refused', async () => {
    const owner = here.start('--json', 'serve')
    const ended = collect(owner)
    try {
      const ready = await new Promise<string>((resolve) => createInterface({ input: owner.stdout as Readable }).once('line', resolve))
      expect(JSON.parse(ready)).toMatchObject({ ready: true, pid: owner.pid })
      expect(refusal(await here.run('--json', 'serve'))).toEqual([5, 'workspace.in_use'])
      // Without the passphrase: the owner has the workspace open, and the token in the folder lets us ask it.
      expect((await runIn({ WAYBILL_PASSPHRASE: '' }, '--json', 'partner', 'list')).exit).toBe(0)
    } finally {
      owner.kill('SIGTERM')
      expect((await ended).exit).toBe(0)
    }
    expect((await here.run('partner', 'list')).exit).toBe(0)
  })
})

it('a command loads what it needs, and no protocol that it does not speak', async () => {
  const list = join(here.files, 'loaded.json')
  expect((await runIn({ NODE_OPTIONS: `--import ${join(import.meta.dirname, '../servers/loaded-modules.mjs')}`, WAYBILL_TEST_LOADED: list }, 'partner', 'list')).exit).toBe(0)
  const loaded = JSON.parse(readFileSync(list, 'utf8')) as string[]
  expect(loaded).toContain('better-sqlite3-multiple-ciphers')
  for (const heavy of ['openpgp', 'ssh2', 'basic-ftp', '@aws-sdk/client-s3', 'socks', 'nodemailer', 'yazl', 'undici']) expect(loaded).not.toContain(heavy)
})

describe('the audit chain of a real workspace', () => {
  /** Changes the stored records as somebody would who has the database and its key. */
  async function tamper(sql: string): Promise<void> {
    const workspace = await openHere()
    try {
      for (const { name } of workspace.database.prepare(`SELECT name FROM sqlite_master WHERE type = 'trigger'`).all() as { name: string }[]) workspace.database.prepare(`DROP TRIGGER ${name}`).run()
      for (const statement of sql.split(';')) workspace.database.prepare(statement).run()
    } finally {
      await workspace.close()
    }
  }

  it.each([
    ['changed', `UPDATE audit_events SET subject_id = 'somebody-else' WHERE seq = 3`, 3],
    ['removed', 'DELETE FROM audit_events WHERE seq = 3', 3],
    ['reordered', 'UPDATE audit_events SET seq = 1000 WHERE seq = 3; UPDATE audit_events SET seq = 3 WHERE seq = 4; UPDATE audit_events SET seq = 4 WHERE seq = 1000', 3],
    ['cut at its end', 'DELETE FROM audit_events WHERE seq = (SELECT max(seq) FROM audit_events)', null],
  ])('names the first record that was %s', async (_, sql, seq) => {
    for (const [id, name] of [['a', 'Alpha'], ['b', 'Beta'], ['c', 'Gamma']]) {
      const connection = { protocol: 'sftp', host: '127.0.0.1', username: 'us', auth: { method: 'password', password: 'x' } }
      expect((await here.run('partner', 'apply', here.file('p.json', JSON.stringify({ id, name, connections: [connection] })))).exit).toBe(0)
    }
    const whole = await here.run('--json', 'audit', 'verify')
    expect([whole.exit, whole.json<{ ok: boolean }>().ok]).toEqual([0, true])
    await tamper(sql)
    const broken = await here.run('--json', 'audit', 'verify')
    expect(broken.exit, broken.out).not.toBe(0)
    const report = broken.json<{ ok: boolean; firstBad: { seq: number } }>()
    expect(report.ok).toBe(false)
    if (seq !== null) expect(report.firstBad.seq).toBe(seq)
  })
})
