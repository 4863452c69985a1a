/** The practice partner by every protocol that it speaks, from the command line and in the window. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createWorkspace, inspectBoth, windowForEachTest } from '../pages/journey.ts'
import { findPeer } from '../servers/peers.ts'
import { collect, givenWorkspace, newInstallation, type CommandResult, type Installation } from '../servers/waybill.ts'

const FILE_PROTOCOLS = ['sftp', 'ftps', 's3'] as const
const chromium = findPeer('chromium')

interface Status {
  running: boolean
  services: { connection: string; protocol: string; address: string }[]
  received: { name: string; sha256: string }[]
}

describe('the practice partner from the command line', () => {
  let here: Installation
  let practice: ChildProcess
  let ended: Promise<CommandResult>

  beforeAll(async () => {
    here = newInstallation()
    givenWorkspace(here)
    practice = here.start('practice', 'start')
    ended = collect(practice)
    await Promise.race([once(practice.stdout ?? practice, 'data'), ended])
  })
  afterAll(async () => {
    practice.kill('SIGTERM')
    await ended
    here.remove()
  })

  it('listens for every protocol while the command runs, and other commands reach it', async () => {
    const status = (await here.run('--json', 'practice', 'status')).json<Status>()
    expect(status.running).toBe(true)
    expect(status.services.map(({ connection, protocol }) => `${connection} ${protocol}`)).toEqual(['sftp SFTP', 'ftps FTPS', 's3 S3', 'as2 AS2'])
  })

  it.each(FILE_PROTOCOLS)('passes the test of its %s connection, takes a file, offers one, and gives it once', async (protocol) => {
    const target = `practice/${protocol}`
    const test = await here.run('--json', 'connection', 'test', target)
    expect(test.exit, test.out + test.err).toBe(0)
    const { stages } = test.json<{ stages: { name: string; status: string; evidence: { label: string; value: string }[] }[] }>()
    expect(stages.filter(({ status }) => status !== 'ok')).toEqual([])
    if (protocol === 's3') expect(stages.flatMap(({ evidence }) => evidence).map(({ label, value }) => `${label}: ${value}`)).toEqual(expect.arrayContaining(['Listing outside the prefix: refused by the server, as it should be', 'Writing outside the prefix: refused by the server, as it should be', 'Never overwrites: enforced by the server (If-None-Match)']))

    const content = randomBytes(9_000_000)
    const sent = await here.run('--json', 'send', target, here.file(`to-${protocol}.bin`, content))
    expect(sent.exit, sent.err).toBe(0)
    expect(readFileSync(join(here.workspace, 'practice', 'files', `to-${protocol}.bin`)).equals(content)).toBe(true)
    expect((await here.run('--json', 'practice', 'status')).json<Status>().received.map(({ name }) => name)).toContain(`to-${protocol}.bin`)

    const { name } = (await here.run('--json', 'practice', 'offer')).json<{ name: string }>()
    const received = await here.run('--json', 'receive', target)
    expect(received.exit, received.out + received.err).toBe(0)
    expect(readFileSync(join(here.workspace, 'partners', 'practice', 'Inbox', name), 'utf8')).toMatch(/^UNA/)
    expect(readdirSync(join(here.workspace, 'practice', 'files', 'out'))).toEqual([])
  })

  it('refuses what real servers refuse: another certificate than the pinned one, a wrong secret, a prefix that is not ours', async () => {
    const { document } = (await here.run('--json', 'partner', 'show', 'practice')).json<{ document: { connections: Record<string, unknown>[] } }>()
    const of = (protocol: string): Record<string, unknown> => document.connections.find((connection) => connection['protocol'] === protocol) ?? {}
    const apply = async (...connections: object[]): Promise<void> => {
      const done = await here.run('partner', 'apply', here.file('impostor.json', JSON.stringify({ id: 'impostor', name: 'Impostor', connections })))
      expect(done.exit, done.err).toBe(0)
    }
    interface Sent {
      results: { delivery: { error: { code: string } } }[]
    }
    const wrongPin = { trust: 'pinned', pins: [`sha256:${'0'.repeat(64)}`] }
    const { receive: _f, ...ftps } = of('ftps')
    const { receive: _s, ...s3 } = of('s3')
    const { pins } = (await here.run('--json', 'trust', 'list', '--partner', 'practice', '--limit', '100')).json<{ items: { kind: string; fingerprint: string }[] }>().items.reduce<{ pins: string[] }>(({ pins: before }, { kind, fingerprint }) => ({ pins: kind === 'x509' ? [...before, fingerprint] : before }), { pins: [] })
    const credentials = { kind: 'static', accessKeyId: (s3['credentials'] as { accessKeyId: string }).accessKeyId, secretAccessKey: 'wrong' }
    const tls = { trust: 'pinned', pins }
    await apply({ ...ftps, password: 'x', tls: wrongPin }, { ...s3, credentials, tls: wrongPin }, { ...ftps, id: 'password', password: 'x', tls }, { ...s3, id: 'secret', credentials, tls })
    for (const [connection, exit, code] of [['ftps', 4, 'tls.certificate_changed'], ['s3', 4, 'tls.certificate_changed'], ['password', 1, 'remote.auth_refused'], ['secret', 1, 'remote.auth_refused']] as const) {
      const sent = await here.run('--json', 'send', `impostor/${connection}`, here.file(`refused-${connection}.txt`, connection))
      expect([sent.exit, sent.json<Sent>().results[0]?.delivery.error.code], connection).toEqual([exit, code])
      expect(sent.err).toContain('What to do')
      expect(existsSync(join(here.workspace, 'practice', 'files', `refused-${connection}.txt`))).toBe(false)
    }
    // Its own credential reaches its own prefix only.
    const outside = await here.run('partner', 'apply', here.file('outside.json', JSON.stringify({ ...document, connections: document.connections.map((connection) => (connection['protocol'] === 's3' ? { ...connection, prefix: 'other/' } : connection)) })))
    expect(outside.exit, outside.err).toBe(0)
    for (const command of [['send', 'practice/s3', here.file('outside.txt', 'x')], ['receive', 'practice/s3']] as const) {
      const refused = await here.run(...command)
      expect(refused.exit, command[0]).toBe(1)
      expect(refused.err).toMatch(/What to do[\s\S]*permission|permission[\s\S]*What to do/i)
    }
    expect(existsSync(join(here.workspace, 'practice', 'files', 'outside.txt'))).toBe(false)
  })

  it('sends an AS2 message and says when it is asked to again once it has ended', async () => {
    const message = await here.run('practice', 'message')
    expect(message.exit, message.err).toBe(0)
    expect(message.out).toContain('processed')
    expect((await here.run('practice', 'stop')).out).toContain('does not run')
    expect((await here.run('practice', 'offer')).exit).toBe(2)
  })
})

describe.skipIf(chromium.absent)(`the practice partner in the window${chromium.note}`, () => {
  let here: Installation
  beforeEach(() => {
    here = newInstallation({ WAYBILL_PASSPHRASE: '' })
  })
  afterEach(() => here.remove())
  const show = windowForEachTest()

  it('tests, sends and receives by FTPS and S3', async () => {
    const view = await show(here)
    await createWorkspace(view)
    const { page } = view
    await page.getByRole('button', { name: 'Try the practice partner' }).click()
    await page.getByRole('heading', { name: 'Practice partner' }).waitFor()
    for (const [index, protocol] of (['FTPS', 'S3'] as const).entries()) {
      const card = page.getByRole('region', { name: `${protocol} connection` })
      await card.getByRole('button', { name: 'Test connection' }).click()
      await card.getByText('Everything works').waitFor()
      await page.getByRole('button', { name: 'Let it offer a file' }).click()
      await page.getByText(/^practice-.*\.edi waits there/).waitFor()
      if (protocol === 'FTPS') await inspectBoth(view, 'practice-offered')
      await card.getByRole('button', { name: 'Receive now' }).click()
      await card.getByText('1 file received').waitFor()
      const name = `by-${protocol.toLowerCase()}.edi`
      await page.getByLabel('Files to send').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(`UNB+${protocol}`) })
      await page.getByRole('dialog').getByText('Ready').waitFor()
      await page.getByLabel('By which connection').selectOption({ label: `${protocol.toLowerCase()} (${protocol})` })
      await page.getByRole('dialog').getByText('Ready').waitFor()
      await page.getByRole('button', { name: 'Send', exact: true }).click()
      await page.getByRole('complementary', { name: 'Transfers' }).getByText('Delivered').nth(index).waitFor()
      expect(readFileSync(join(here.workspace, 'practice', 'files', name), 'utf8')).toBe(`UNB+${protocol}`)
    }
    await inspectBoth(view, 'practice-connections')
    expect(view.problems).toEqual([])
  })
})
