/** The practice partner at OpenSSH's own client: what a new user trusts first must be a server like the real ones. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findPeer } from '../../e2e/servers/peers.ts'
import { startPractice, type PracticeServer } from './start.ts'

const peer = findPeer('sftp')

describe.skipIf(peer.absent)(`the practice partner at OpenSSH's sftp${peer.note}`, () => {
  let folder: string
  let practice: PracticeServer
  const files = (): string => join(folder, 'partner', 'files')
  const local = (name: string): string => join(folder, name)

  /** One batch of commands; each must succeed, as `-b` ends at the first that does not. */
  async function batch(commands: readonly string[], password = practice.password): Promise<{ code: number | null; text: string }> {
    writeFileSync(local('batch'), `${commands.join('\n')}\n`)
    writeFileSync(local('ask'), `#!/bin/sh\nprintf '%s\\n' '${password}'\n`, { mode: 0o700 })
    writeFileSync(local('known_hosts'), `[127.0.0.1]:${practice.port} ${practice.hostKey}\n`)
    const options = [`UserKnownHostsFile=${local('known_hosts')}`, 'StrictHostKeyChecking=yes', 'PreferredAuthentications=password', 'NumberOfPasswordPrompts=1', 'BatchMode=no', 'ConnectTimeout=10']
    const child = spawn('sftp', ['-P', String(practice.port), ...options.flatMap((option) => ['-o', option]), '-b', local('batch'), `${practice.username}@127.0.0.1`], {
      cwd: folder,
      env: { ...process.env, SSH_ASKPASS: local('ask'), SSH_ASKPASS_REQUIRE: 'force' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20_000,
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (text += data.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, text }
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-practice-'))
    mkdirSync(join(folder, 'partner'))
    practice = await startPractice({ folder: join(folder, 'partner'), entry: join(import.meta.dirname, 'main.ts'), execPath: process.execPath })
  })
  afterAll(async () => {
    await practice?.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    for (const name of readdirSync(files())) rmSync(join(files(), name), { recursive: true })
  })

  it('takes, lists, renames, gives back and removes a file', async () => {
    const content = randomBytes(3_000_000)
    writeFileSync(local('order.bin'), content)
    const { code, text } = await batch(['put order.bin first.bin', 'ls -l', 'rename first.bin "with space.bin"', 'get "with space.bin" back.bin', 'mkdir sub', 'rmdir sub', 'rm "with space.bin"'])
    expect({ code, text }).toMatchObject({ code: 0 })
    expect(text).toContain('first.bin')
    expect(readFileSync(local('back.bin')).equals(content)).toBe(true)
    expect(readdirSync(files())).toEqual([])
  })

  it('keeps every name inside its folder', async () => {
    writeFileSync(local('escape.txt'), 'x')
    const { code } = await batch(['put escape.txt ../../outside.txt', 'put escape.txt /etc-waybill.txt', 'cd ../../..', 'put escape.txt up.txt'])
    expect(code).toBe(0)
    expect(readdirSync(files()).toSorted()).toEqual(['etc-waybill.txt', 'outside.txt', 'up.txt'])
    expect(existsSync(join(folder, 'outside.txt')) || existsSync(join(folder, 'partner', 'outside.txt'))).toBe(false)
  })

  it('does not follow a link out of its folder', async () => {
    writeFileSync(local('secret.txt'), 'not yours')
    symlinkSync(local('secret.txt'), join(files(), 'link.txt'))
    expect((await batch(['get link.txt stolen.txt'])).code).not.toBe(0)
    expect(existsSync(local('stolen.txt')) && readFileSync(local('stolen.txt'), 'utf8') === 'not yours').toBe(false)
  })

  it('never renames onto a file that is there, and refuses a wrong password', async () => {
    writeFileSync(local('one'), 'one')
    writeFileSync(join(files(), 'theirs'), 'theirs')
    expect((await batch(['put one ours', 'rename ours theirs'])).code).not.toBe(0)
    expect(readFileSync(join(files(), 'theirs'), 'utf8')).toBe('theirs')
    expect(await batch(['ls'], 'wrong')).toMatchObject({ code: 255, text: expect.stringContaining('Permission denied') as string })
  })
})
