import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import { createBucket, type Bucket, type S3Server } from '../servers/s3.ts'
import { startVersitygw, versitygwPeer } from '../servers/versitygw.ts'
import { newInstallation, setUp, type CommandResult, type Installation } from '../servers/waybill.ts'

const MIB = 1024 * 1024

interface Results {
  results: { delivery: { id: string; state: string; sha256: string; receipt: { kind: string; remotePath: string; facts: Record<string, string> } | null; error: { code: string } | null } | null }[]
}

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const peer = versitygwPeer()
const clock = findPeer('faketime')

describe.skipIf(peer.absent)(`S3 from the command line${peer.note}`, () => {
  let server: S3Server
  let bucket: Bucket
  let here: Installation
  const document = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
    id: 'acme',
    name: 'Acme GmbH',
    connections: [
      {
        id: 's3', protocol: 's3', endpoint: server.endpoint, bucket: bucket.name, prefix: 'acme/', folder: 'in', partMiB: 5,
        credentials: { kind: 'static', accessKeyId: server.owner.accessKeyId, secretAccessKey: server.owner.secretAccessKey },
        receive: { folder: 'out', stableSeconds: 0, after: 'delete' },
        ...change,
      },
    ],
  })
  const apply = async (change: Record<string, unknown> = {}): Promise<CommandResult> => await here.run('partner', 'apply', here.file('p.json', JSON.stringify(document(change))))
  const inbox = (): string => join(here.workspace, 'partners', 'acme', 'Inbox')
  const inInbox = (): string[] => (existsSync(inbox()) ? readdirSync(inbox()).toSorted() : [])

  beforeAll(async () => {
    server = await startVersitygw()
    bucket = await createBucket(server, 'exchange')
    here = newInstallation()
    await setUp(here, document())
  })
  afterAll(async () => {
    bucket?.close()
    await server?.stop()
    here?.remove()
  })
  beforeEach(async () => {
    await bucket.clear()
    await apply()
  })

  it('tests the connection stage by stage, with the boundary as a fact', async () => {
    const done = await here.run('--json', 'connection', 'test', 'acme')
    expect(done.exit, done.err).toBe(0)
    const report = done.json<{ stages: { name: string; status: string; evidence: { label: string; value: string }[] }[] }>()
    expect(report.stages.map(({ status }) => status)).toEqual(report.stages.map(() => 'ok'))
    expect(report.stages.at(-1)?.evidence.map(({ label }) => label)).toContain('Writing outside the prefix')
    expect(JSON.stringify(report)).not.toContain(server.owner.secretAccessKey)
    expect(await bucket.keys()).toEqual([])
    // The owner's key reaches everything: what the test found out is told from then on.
    const wide = await here.run('--json', 'posture', '--code', 's3_key_too_wide', '--severity', 'info')
    expect(wide.exit, wide.err).toBe(3)
    expect(wide.json<{ findings: { code: string; subject: { id: string } }[] }>().findings.map(({ code, subject }) => [code, subject.id])).toEqual([['s3_key_too_wide', 'acme/s3']])
  })

  it.each([0, 10_000, 12 * MIB + 3])('sends a file of %i bytes, identical, with what the store tells in the receipt', async (size) => {
    const content = randomBytes(size)
    const done = await here.run('--json', 'send', 'acme', here.file('orders.edi', content), '--as', `orders ${size} ä%2e.edi`)
    expect(done.exit, done.err).toBe(0)
    const [result] = done.json<Results>().results
    expect(result?.delivery).toMatchObject({ state: 'delivered', sha256: sha(content), receipt: { kind: 's3', remotePath: `s3://exchange/acme/in/orders ${size} ä%2e.edi` } })
    expect(result?.delivery?.receipt?.facts['etag']).toMatch(/[0-9a-f]{32}/)
    expect(await bucket.keys()).toEqual([`acme/in/orders ${size} ä%2e.edi`])
    expect(sha(await bucket.read(`acme/in/orders ${size} ä%2e.edi`))).toBe(sha(content))
  })

  it('never overwrites an object of the partner', async () => {
    await bucket.put('acme/in/orders.edi', Buffer.from('theirs'))
    const done = await here.run('--json', 'send', 'acme', here.file('orders.edi', 'ours'))
    expect([done.exit, done.json<Results>().results[0]?.delivery?.error?.code]).toEqual([4, 'remote.name_taken'])
    expect((await bucket.read('acme/in/orders.edi')).toString()).toBe('theirs')
  })

  it('refuses a wrong secret with exit 1 and says what to do; nothing is written', async () => {
    await apply({ credentials: { kind: 'static', accessKeyId: server.owner.accessKeyId, secretAccessKey: 'wrong' } })
    const done = await here.run('--json', 'send', 'acme', here.file('secret.edi', 'x'))
    expect([done.exit, done.json<Results>().results[0]?.delivery?.error?.code]).toEqual([1, 'remote.auth_refused'])
    expect(done.err).toContain('What to do')
    const collected = await here.run('--json', 'receive', 'acme')
    expect([collected.exit, collected.err, inInbox()]).toEqual([1, expect.stringContaining('What to do'), []])
    expect(await bucket.keys()).toEqual([])
  })

  it.skipIf(clock.absent)(`names a clock that is an hour wrong, with exit 1; nothing is written${clock.note}`, async () => {
    const entry = join(import.meta.dirname, '../../dist/core/waybill.js')
    const path = here.file('late.edi', 'x')
    const anHourAgo = (...args: string[]): { exit: number | null; out: string; err: string } => {
      const { status, stdout, stderr } = spawnSync('faketime', ['-f', '-3600s', process.execPath, entry, '--workspace', here.workspace, '--json', ...args], { env: { PATH: process.env['PATH'], WAYBILL_PASSPHRASE: 'correct horse battery' }, stdio: ['ignore', 'pipe', 'pipe'] })
      return { exit: status, out: stdout.toString(), err: stderr.toString() }
    }
    const report = JSON.parse(anHourAgo('connection', 'test', 'acme').out) as { stages: { status: string; error: { code: string } | null }[] }
    expect(report.stages.find(({ error }) => error !== null)?.error?.code).toBe('s3.clock_skew')
    const sent = anHourAgo('send', 'acme', path)
    expect([sent.exit, (JSON.parse(sent.out) as Results).results[0]?.delivery?.error?.code]).toEqual([1, 's3.clock_skew'])
    expect(sent.err).toMatch(/clock[\s\S]*What to do/)
    expect(await bucket.keys()).toEqual([])
    await here.run('deliveries', 'cancel', (JSON.parse(sent.out) as { results: { delivery: { id: string } }[] }).results[0]?.delivery.id ?? '')
  })

  it('collects objects, releases them and deletes them there', async () => {
    await bucket.put('acme/out/a.edi', Buffer.from('A'))
    await bucket.put('acme/out/empty.edi', Buffer.alloc(0))
    await bucket.put('acme/out/deeper/b.edi', Buffer.from('not for us'))
    const done = await here.run('--json', 'receive', 'acme')
    expect(done.exit, done.err).toBe(0)
    expect(inInbox()).toEqual(['a.edi', 'empty.edi'])
    expect(await bucket.keys()).toEqual(['acme/out/deeper/b.edi'])
  })
})
