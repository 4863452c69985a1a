import { createHash, randomBytes, randomInt } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import { createBucket, type Bucket, type S3Server } from '../servers/s3.ts'
import { startVersitygw, versitygwPeer } from '../servers/versitygw.ts'
import { collect, newInstallation, setUp, type CommandResult, type Installation } from '../servers/waybill.ts'

/** How many moments a run is killed at, in each direction; more by hand. */
const MOMENTS = Number(process.env['WAYBILL_KILLS'] ?? 8)
const MIB = 1024 * 1024

interface Results {
  results: { delivery: { id: string; state: string; sha256: string; receipt: { kind: string; remotePath: string; facts: Record<string, string> } | null; error: { code: string } | null } | null }[]
}
interface Listed {
  deliveries: { id: string; state: string; remoteName: string; direction: string }[]
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
    expect(await bucket.keys()).toEqual([])
  })

  it.skipIf(clock.absent)(`names a clock that is an hour wrong${clock.note}`, async () => {
    const node = process.execPath
    const entry = join(import.meta.dirname, '../../dist/core/waybill.js')
    let output = ''
    try {
      output = execFileSync('faketime', ['-f', '-3600s', node, entry, '--workspace', here.workspace, '--json', 'connection', 'test', 'acme'], { env: { PATH: process.env['PATH'], WAYBILL_PASSPHRASE: 'correct horse battery' }, stdio: ['ignore', 'pipe', 'ignore'] }).toString()
    } catch (error) {
      output = (error as { stdout: Buffer }).stdout.toString()
    }
    const report = JSON.parse(output) as { stages: { status: string; error: { code: string } | null }[] }
    expect(report.stages.find(({ error }) => error !== null)?.error?.code).toBe('s3.clock_skew')
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

  it(`a send that is killed at ${MOMENTS} random moments arrives exactly once and whole, and leaves no upload behind`, async () => {
    const size = 24 * MIB
    const began = performance.now()
    expect((await here.run('send', 'acme', here.file('warm-up.bin', randomBytes(size)))).exit).toBe(0)
    const whole = performance.now() - began
    const expected = new Map<string, string>()
    for (let moment = 0; moment < MOMENTS; moment++) {
      const name = `file-${moment}.bin`
      const content = randomBytes(size)
      expected.set(`acme/in/${name}`, sha(content))
      const path = here.file('next.bin', content)
      const child = here.start('send', 'acme', path, '--as', name)
      const ended = collect(child)
      await sleep(randomInt(Math.ceil(whole * 0.2), Math.ceil(whole * 1.05)))
      child.kill('SIGKILL')
      await ended
      const delivery = (await here.run('--json', 'deliveries', 'list', '--search', name)).json<Listed>().deliveries[0]
      const again = delivery === undefined ? await here.run('send', 'acme', path, '--as', name) : delivery.state === 'delivered' ? { exit: 0, err: '' } : await here.run('deliveries', 'retry', delivery.id)
      expect(again.exit, `${name} ${delivery?.state ?? 'none'}: ${again.err}`).toBe(0)
    }
    expect((await bucket.keys('acme/in/file-')).toSorted()).toEqual([...expected.keys()].toSorted())
    for (const [key, hash] of expected) expect(sha(await bucket.read(key)), key).toBe(hash)
    expect(await bucket.unfinished()).toEqual([])
  }, 600_000)

  it(`receiving that is killed at ${MOMENTS} random moments brings every object exactly once and whole`, async () => {
    const expected = new Map<string, string>()
    for (const name of inInbox()) expected.set(name, sha(readFileSync(join(inbox(), name))))
    for (let moment = 0; moment < MOMENTS; moment++) {
      for (let index = 0; index < 4; index++) {
        const content = randomBytes(index === 0 ? 8 * MIB : 100_000)
        expected.set(`${moment}-${index}.bin`, sha(content))
        await bucket.put(`acme/out/${moment}-${index}.bin`, content)
      }
      const child = here.start('receive', 'acme')
      const ended = collect(child)
      await sleep(randomInt(400, 2_500))
      child.kill('SIGKILL')
      await ended
      const again = await here.run('receive', 'acme')
      expect(again.exit, again.err).toBe(0)
      expect(await bucket.keys('acme/out/')).toEqual([])
    }
    expect(inInbox()).toEqual([...expected.keys()].toSorted())
    for (const [name, hash] of expected) expect(sha(readFileSync(join(inbox(), name))), name).toBe(hash)
  }, 600_000)
})
