import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import { startSshd, type Sshd } from '../servers/sshd.ts'
import { newInstallation, partnerFor, setUp, type CommandResult, type Installation } from '../servers/waybill.ts'

interface Report {
  listed: number
  taken: { id: string; state: string; fileName: string; remoteName: string; sha256: string; error: { code: string } | null; receipt: { releasedTo: string; afterwards: string } }[]
  waiting: { name: string; reason: string }[]
  ignored: number
  tidied: number
  problems: { name: string; error: { code: string } }[]
}

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const peer = findPeer('sshd')

describe.skipIf(peer.absent)(`receiving over SFTP from the command line${peer.note}`, () => {
  let sshd: Sshd
  let here: Installation
  const there = (name: string): string => join(sshd.folder, name)
  const inbox = (): string => join(here.workspace, 'partners', 'acme', 'Inbox')
  const inInbox = (): string[] => (existsSync(inbox()) ? readdirSync(inbox()).toSorted() : [])
  const agree = async (receive: Record<string, unknown> | undefined): Promise<void> => {
    const document = partnerFor(sshd, receive === undefined ? {} : { receive: { folder: sshd.folder, stableSeconds: 0, ...receive } })
    expect((await here.run('partner', 'apply', here.file('partner.json', JSON.stringify(document)))).exit).toBe(0)
  }
  const receive = async (): Promise<CommandResult> => await here.run('--json', 'receive', 'acme')

  beforeAll(async () => {
    sshd = await startSshd()
    here = newInstallation()
    await setUp(here, partnerFor(sshd))
  })
  afterAll(async () => {
    await sshd?.stop()
    here?.remove()
  })
  beforeEach(() => {
    for (const folder of [sshd.folder, inbox()]) if (existsSync(folder)) for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
  })

  it('says so where nothing is collected', async () => {
    const done = await receive()
    expect(done.exit).toBe(2)
    expect(done.json()).toMatchObject({ error: { code: 'receive.not_offered' } })
  })

  it('takes what was agreed, under safe names, and deletes it there only afterwards', async () => {
    await agree({ patterns: ['*.edi', '*.csv'], after: 'delete' })
    const files: Record<string, Buffer> = {
      'orders.edi': randomBytes(100_000),
      'with space & "quotes".edi': Buffer.from('quoted'),
      'Überweisung März.csv': Buffer.from('umlauts'),
      'empty.edi': Buffer.alloc(0),
      'con.edi': Buffer.from('reserved on Windows'),
    }
    for (const [name, content] of Object.entries(files)) writeFileSync(there(name), content)
    writeFileSync(there('notes.txt'), 'not for us')
    writeFileSync(there('growing.edi.filepart'), 'half')

    const done = await receive()
    expect(done.exit, done.err).toBe(0)
    const report = done.json<Report>()
    expect(report).toMatchObject({ listed: 7, ignored: 2, tidied: 5, problems: [] })
    for (const taken of report.taken) {
      expect(taken).toMatchObject({ state: 'delivered', receipt: { afterwards: 'deleted' } })
      expect(sha(readFileSync(taken.receipt.releasedTo))).toBe(sha(files[taken.remoteName] ?? Buffer.from('?')))
    }
    expect(inInbox()).toEqual(['_con.edi', 'empty.edi', 'orders.edi', 'with space & _quotes_.edi', 'Überweisung März.csv'].toSorted())
    expect(readdirSync(sshd.folder).toSorted()).toEqual(['growing.edi.filepart', 'notes.txt'])

    const trace = (await here.run('--json', 'audit', 'trace', 'orders.edi')).json<{ events: { type: string }[] }>()
    expect(trace.events.map(({ type }) => type)).toEqual(['delivery.received', 'delivery.releasing', 'delivery.released', 'delivery.tidied'])
    expect((await here.run('audit', 'verify')).exit).toBe(0)
  })

  it('leaves files there and never takes one twice, moves them where that was agreed', async () => {
    await agree({ after: 'leave' })
    writeFileSync(there('left.edi'), 'left there')
    expect((await receive()).json<Report>().taken).toHaveLength(1)
    expect((await receive()).json<Report>()).toMatchObject({ taken: [], ignored: 1 })

    mkdirSync(there('done'))
    await agree({ after: 'move', moveTo: there('done') })
    writeFileSync(there('moved.edi'), 'moved there')
    expect((await receive()).json<Report>()).toMatchObject({ tidied: 1, taken: [{ remoteName: 'moved.edi', receipt: { afterwards: 'moved' } }] })
    expect([readFileSync(there('done/moved.edi'), 'utf8'), existsSync(there('moved.edi'))]).toEqual(['moved there', false])
  })

  it('waits for a file that is still growing', async () => {
    await agree({ stableSeconds: 1 })
    writeFileSync(there('growing.edi'), 'a')
    const growth = setInterval(() => writeFileSync(there('growing.edi'), 'a'.repeat(Math.ceil(performance.now()))), 200)
    try {
      expect((await receive()).json<Report>()).toMatchObject({ taken: [], waiting: [{ name: 'growing.edi', reason: 'not-stable' }] })
    } finally {
      clearInterval(growth)
    }
    expect((await receive()).json<Report>().taken).toMatchObject([{ remoteName: 'growing.edi', state: 'delivered' }])
  })

  it('holds a renamed copy with exit 3, and releases it when told to', async () => {
    await agree({})
    writeFileSync(there('first.edi'), 'the same content')
    await receive()
    writeFileSync(there('second.edi'), 'the same content')
    const done = await receive()
    expect(done.exit).toBe(3)
    const [held] = done.json<Report>().taken
    expect(held).toMatchObject({ state: 'held', error: { code: 'receive.same_content' } })
    expect(done.err).toContain('Release')
    expect(inInbox()).toEqual(['first.edi'])
    expect((await here.run('deliveries', 'retry', held?.id ?? '')).exit).toBe(0)
    expect(inInbox()).toEqual(['first.edi', 'second.edi'])
  })

  it('refuses a server with another host key with exit 4 and takes nothing', async () => {
    const document = partnerFor(sshd, { receive: { folder: sshd.folder, stableSeconds: 0 }, hostKeys: [`SHA256:${'A'.repeat(43)}`] })
    await here.run('partner', 'apply', here.file('wrong.json', JSON.stringify(document)))
    writeFileSync(there('a.edi'), 'A')
    utimesSync(there('a.edi'), new Date(), new Date(0))
    const done = await receive()
    expect([done.exit, inInbox(), statSync(there('a.edi')).size]).toEqual([4, [], 1])
  })
})
