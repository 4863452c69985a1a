import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FolderConnection } from '../../../contract/connections/folder.ts'
import { behindFolder, fileProtocolSuite } from '../conformance/file-protocol-suite.ts'
import type { FileEndpoint, FileSession } from '../file-protocol.ts'
import { folder } from './index.ts'

const never = new AbortController().signal
const endpoint = (path: string, below = '.'): FileEndpoint<FolderConnection> => ({
  settings: FolderConnection.parse({ protocol: 'folder', path }),
  folder: below,
  secrets: {},
  pins: [],
  tls: { pins: [], authorities: [], client: null },
  tolerated: [],
})

fileProtocolSuite(
  'a folder of this computer',
  process.platform === 'win32',
  async () => {
    const share = realpathSync(mkdtempSync(join(tmpdir(), 'waybill-share-')))
    mkdirSync(join(share, 'in'))
    return await Promise.resolve({
      behind: behindFolder(join(share, 'in')),
      observed: { share },
      connect: async (signal) => await folder.connect(endpoint(share, 'in'), signal),
      stop: async () => await Promise.resolve(rmSync(share, { recursive: true })),
    })
  },
  ['a'.repeat(255), '名前.csv', 'back\\slash.txt', 'line\nbreak.txt'],
)

describe('the boundary of a share', () => {
  let home: string
  let share: string
  const secret = (): string => readFileSync(join(home, 'secret.txt'), 'utf8')
  const open = async (below = '.'): Promise<FileSession> => await folder.connect(endpoint(share, below), never)
  const write = async (session: FileSession, name: string, content = 'ours'): Promise<void> =>
    await session.write(name, (async function* once() {
      yield await Promise.resolve(Buffer.from(content))
    })(), { offset: 0, onAcknowledged: () => undefined, signal: never })
  const read = async (session: FileSession, name: string): Promise<string> => {
    let text = ''
    for await (const chunk of session.read(name, { offset: 0, signal: never })) text += Buffer.from(chunk).toString()
    return text
  }

  beforeEach(() => {
    home = realpathSync(mkdtempSync(join(tmpdir(), 'waybill-boundary-')))
    share = join(home, 'share')
    mkdirSync(join(share, 'in'), { recursive: true })
    writeFileSync(join(home, 'secret.txt'), 'secret')
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  it.each(['..', '../share-of-another', 'in/../..', '/etc', 'out'])('the folder %j is not opened', async (below) => {
    symlinkSync(home, join(share, 'out'))
    await expect(open(below)).rejects.toMatchObject({ code: 'folder.outside' })
  })

  it('a share that is a link itself, and links that stay inside, are as good as what they lead to', async () => {
    symlinkSync(share, join(home, 'alias'))
    symlinkSync(join(share, 'in'), join(share, 'inside'))
    const session = await folder.connect(endpoint(join(home, 'alias'), 'inside'), never)
    expect(session.folder).toBe(join(share, 'in'))
  })

  it.each(['..', '.', '', '../secret.txt', '/etc/passwd', 'in/x', 'a\0b'])('the name %j is refused by every verb', async (name) => {
    const session = await open()
    await write(session, 'here.txt')
    const refused = { code: 'remote.name_refused' }
    await expect(session.stat(name)).rejects.toMatchObject(refused)
    await expect(read(session, name)).rejects.toMatchObject(refused)
    await expect(write(session, name)).rejects.toMatchObject(refused)
    await expect(session.rename('here.txt', name)).rejects.toMatchObject(refused)
    await expect(session.rename(name, 'there.txt')).rejects.toMatchObject(refused)
    await expect(session.remove(name)).rejects.toMatchObject(refused)
    expect(secret()).toBe('secret')
    expect(readdirSync(share).toSorted()).toEqual(['here.txt', 'in'])
  })

  it('links are seen as they are, never followed', async () => {
    symlinkSync(join(home, 'secret.txt'), join(share, 'link.txt'))
    symlinkSync(join(home, 'new.txt'), join(share, 'dangling.txt'))
    const session = await open()
    expect(await session.stat('link.txt')).toMatchObject({ kind: 'other' })
    await expect(read(session, 'link.txt')).rejects.toMatchObject({ code: 'folder.outside' })
    for (const name of ['link.txt', 'dangling.txt']) await expect(write(session, name)).rejects.toMatchObject({ code: 'folder.outside' })
    await expect(session.rename('link.txt', 'moved.txt')).rejects.toMatchObject({ code: 'remote.not_found' })
    await write(session, 'ours.tmp')
    await expect(session.rename('ours.tmp', 'dangling.txt')).rejects.toMatchObject({ code: 'remote.name_taken' })
    expect([secret(), existsSync(join(home, 'new.txt'))]).toEqual(['secret', false])
    expect(await session.remove('link.txt')).toBe(true)
    expect(secret()).toBe('secret')
  })

  it('a folder that becomes a link during the session ends the work in it', async () => {
    const session = await open('in')
    renameSync(join(share, 'in'), join(share, 'old'))
    mkdirSync(join(home, 'elsewhere'))
    symlinkSync(join(home, 'elsewhere'), join(share, 'in'))
    await expect(write(session, 'x.txt')).rejects.toMatchObject({ code: 'folder.outside' })
    await expect(session.list()).rejects.toMatchObject({ code: 'folder.outside' })
    expect(readdirSync(join(home, 'elsewhere'))).toEqual([])
  })

  it('moves into another folder of the share, and into none outside or absent', async () => {
    const session = await open()
    await write(session, 'done.txt')
    await expect(session.rename('done.txt', 'done.txt', '../')).rejects.toMatchObject({ code: 'folder.outside' })
    await expect(session.rename('done.txt', 'done.txt', 'absent')).rejects.toMatchObject({ code: 'remote.folder_missing' })
    await session.rename('done.txt', 'done.txt', 'in')
    expect(readFileSync(join(share, 'in', 'done.txt'), 'utf8')).toBe('ours')
    expect(existsSync(join(share, 'done.txt'))).toBe(false)
  })

  it('a pipe is no file, and nothing waits for it', async () => {
    execFileSync('mkfifo', [join(share, 'pipe')])
    const session = await open()
    await expect(read(session, 'pipe')).rejects.toMatchObject({ code: 'remote.name_taken' })
    await expect(write(session, 'pipe')).rejects.toMatchObject({ code: 'remote.name_taken' })
  })

  it('a crash between the two steps of naming leaves the same file under both names', async () => {
    const session = await open()
    await write(session, 'x.tmp')
    linkSync(join(share, 'x.tmp'), join(share, 'x.edi'))
    await expect(session.rename('x.tmp', 'x.edi')).rejects.toMatchObject({ code: 'remote.name_taken' })
    expect(await read(session, 'x.edi')).toBe('ours')
    expect(statSync(join(share, 'x.edi')).nlink).toBe(2)
  })

  it('says that it may not write', async () => {
    chmodSync(home, 0o755)
    chmodSync(share, 0o555)
    const session = await open()
    // Root may write everywhere: it acts as nobody for a moment.
    const root = process.getuid?.() === 0
    if (root) process.seteuid?.(65_534)
    try {
      await expect(write(session, 'x.txt')).rejects.toMatchObject({ code: 'remote.permission_denied' })
    } finally {
      if (root) process.seteuid?.(0)
    }
  })

  it('the connection test goes through every stage, and names what is missing', async () => {
    const good = await folder.test(endpoint(share, 'in'), () => undefined, never)
    expect(good.stages.map(({ name, status }) => [name, status])).toEqual(['connect', 'boundary', 'list', 'write-probe', 'clean-up'].map((name) => [name, 'ok']))
    expect(readdirSync(join(share, 'in'))).toEqual([])
    const bad = await folder.test(endpoint(join(home, 'unmounted')), () => undefined, never)
    expect(bad.stages[0]).toMatchObject({ name: 'connect', status: 'failed', error: { code: 'remote.folder_missing' } })
    const out = await folder.test(endpoint(share, '..'), () => undefined, never)
    expect(out.stages[0]).toMatchObject({ status: 'refused', error: { code: 'folder.outside' } })
  })
})
