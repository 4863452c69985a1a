/** The whole way in, on a real database and payload store, from a partner's folder in memory that can be told to fail. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InboundStep, type UnzipStep } from '../../../contract/flow-document.ts'
import { zipped } from '../../archives/zip-writer.ts'
import { systemActor } from '../../kernel/actor.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { FileSession, RemoteFile } from '../../protocols/file-protocol.ts'
import { namedStaging } from '../../protocols/named-staging.ts'
import { openDatabase, type Database } from '../../store/database.ts'
import { createRemoteFileRepository } from './remote-files.ts'
import { testCollect, type TestCollect, type TestCollectOptions } from '../conformance/collect-world.ts'

const signal = new AbortController().signal
const sha = (text: string): string => createHash('sha256').update(text).digest('hex')

interface RemoteEntry {
  text: string | Buffer
  modifiedAt: string
}

let folder: string
let database: Database
let remote: Map<string, RemoteEntry>
let archive: Map<string, string | Buffer>
/** Thrown by the named verb once. */
let failing: { verb: 'read' | 'remove' | 'stat' | 'rename'; error: Error; name?: string } | null
let looks: string[] = []
let abandoned: string[] = []
let connections: number
/** As many files as a session says that it carries at a time. */
let filesAtOnce = 8
/** Some servers tell times only of one file that they are asked for. */
let listsTimes = true
let whileRead: (name: string) => void = () => undefined

function session(): FileSession {
  connections += 1
  const found = (name: string): RemoteFile | null => {
    const entry = remote.get(name)
    return entry === undefined ? null : { name, kind: 'file', size: Buffer.byteLength(entry.text), modifiedAt: entry.modifiedAt }
  }
  const mayFail = (verb: string, name?: string): void => {
    if (failing?.verb !== verb || (failing.name !== undefined && failing.name !== name)) return
    const { error } = failing
    failing = null
    throw error
  }
  const verbs: Omit<FileSession, 'staging'> = {
    observed: {},
    capabilities: { staging: 'named', serverHash: false, resume: true, exclusiveRename: 'atomic', filesAtOnce },
    folder: '/out',
    list: async () => await Promise.resolve([...remote.keys()].flatMap((name) => found(name) ?? []).map((file) => (listsTimes ? file : { ...file, modifiedAt: null }))),
    async stat(name) {
      mayFail('stat')
      return await Promise.resolve(found(name))
    },
    async *read(name) {
      mayFail('read', name)
      whileRead(name)
      yield await Promise.resolve(Buffer.from(remote.get(name)?.text ?? ''))
    },
    write: async () => await Promise.resolve(),
    async rename(from, to, into) {
      mayFail('rename')
      if (archive.has(`${into ?? ''}/${to}`)) throw new AppError('remote.name_taken', to)
      archive.set(`${into ?? ''}/${to}`, remote.get(from)?.text ?? '')
      await Promise.resolve(remote.delete(from))
    },
    async remove(name) {
      mayFail('remove')
      return await Promise.resolve(remote.delete(name))
    },
    hash: async () => await Promise.resolve(null),
    close: async () => await Promise.resolve(),
  }
  return { ...verbs, staging: namedStaging(verbs) }
}

const installation = async (receive: Record<string, unknown> = {}, options: Pick<TestCollectOptions, 'clock' | 'open' | 'unzip' | 'limits'> = {}): Promise<TestCollect> =>
  await testCollect({ folder, database, connect: session, another: session, receive, ...options, abandoned, onLook: ({ listing, error }) => void looks.push(error ?? (listing ?? []).map(({ name, taken }) => (taken ? `${name} (taken)` : name)).join(' ')) })

const put = (name: string, text: string | Buffer, modifiedAt = '2026-11-25T08:00:00.000Z'): void => void remote.set(name, { text, modifiedAt })
const inbox = (): string[] => readdirSync(join(folder, 'Inbox')).toSorted()
const inInbox = (name: string): string => readFileSync(join(folder, 'Inbox', name), 'utf8')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-collect-'))
  database = openDatabase({ file: join(folder, 'waybill.db'), key: randomBytes(32) })
  remote = new Map()
  archive = new Map()
  failing = null
  connections = 0
  filesAtOnce = 8
  looks = []
  abandoned = []
  listsTimes = true
  whileRead = () => undefined
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('collecting a partner\'s folder', () => {
  it('takes each file once, releases it under its name, and records its life', async () => {
    const here = await installation()
    put('orders.edi', 'UNB+1')
    put('empty.edi', '')
    const first = await here.receive()
    expect(first).toMatchObject({ listed: 2, ignored: 0, tidied: 0, problems: [] })
    expect(first.taken.map(({ state, direction, remoteName }) => [state, direction, remoteName])).toEqual([['delivered', 'inbound', 'empty.edi'], ['delivered', 'inbound', 'orders.edi']])
    expect(first.taken[1]).toMatchObject({ sha256: sha('UNB+1'), receipt: { kind: 'received', source: '/out/orders.edi', releasedTo: join(folder, 'Inbox', 'orders.edi'), afterwards: 'left' } })
    expect([inbox(), inInbox('orders.edi')]).toEqual([['empty.edi', 'orders.edi'], 'UNB+1'])
    expect(await here.receive()).toMatchObject({ listed: 2, ignored: 2, taken: [] })
    expect(here.events()).toEqual(['delivery.received', 'delivery.received', 'delivery.releasing', 'delivery.releasing', 'delivery.released', 'delivery.released'])
    expect(here.chainHolds()).toBe(true)
    expect(connections).toBe(2)
    // Whoever must prove that nothing came can tell what stood there, and what of it was known.
    expect(looks).toEqual(['orders.edi empty.edi', 'orders.edi (taken) empty.edi (taken)'])
  })

  it('fetches and tidies up over further connections where each carries one file at a time', async () => {
    filesAtOnce = 1
    const here = await installation({ after: 'delete' })
    const names = Array.from({ length: 40 }, (_, number) => `file ${number}.edi`)
    for (const name of names) put(name, `content of ${name}`)
    expect(await here.receive()).toMatchObject({ listed: 40, tidied: 40, problems: [] })
    expect(inbox()).toEqual(names.toSorted())
    for (const name of names) expect(inInbox(name)).toBe(`content of ${name}`)
    expect([connections, remote.size]).toEqual([4, 0])
  })

  it('deletes or moves at the partner only what is in the Inbox, with its marker', async () => {
    const here = await installation({ after: 'delete', marker: '.done' })
    put('a.edi', 'A')
    put('a.edi.done', '')
    put('b.edi', 'B')
    expect(await here.receive()).toMatchObject({ tidied: 1, waiting: [{ name: 'b.edi', reason: 'no-marker' }] })
    expect([...remote.keys()]).toEqual(['b.edi'])
    expect(here.events().at(-1)).toBe('delivery.tidied')

    const moving = await installation({ after: 'move', moveTo: 'done' })
    put('b.edi', 'B')
    archive.set('done/b.edi', 'an older one')
    expect((await moving.receive()).tidied).toBe(1)
    expect([[...remote.keys()], archive.get('done/b (2).edi'), archive.get('done/b.edi')]).toEqual([[], 'B', 'an older one'])
    expect(moving.repository.list({ limit: 1 }).deliveries[0]?.receipt).toMatchObject({ afterwards: 'moved' })
  })

  it('tries again to tidy up, and leaves a file that was replaced since', async () => {
    const here = await installation({ after: 'delete' })
    put('a.edi', 'A')
    failing = { verb: 'remove', error: new AppError('remote.permission_denied', 'no') }
    expect(await here.receive()).toMatchObject({ tidied: 0, problems: [{ name: 'a.edi', error: { code: 'remote.permission_denied' } }] })
    expect(inbox()).toEqual(['a.edi'])
    expect(await here.receive()).toMatchObject({ tidied: 1, taken: [] })
    expect(remote.size).toBe(0)

    put('b.edi', 'B')
    failing = { verb: 'remove', error: new AppError('remote.permission_denied', 'no') }
    await here.receive()
    put('b.edi', 'a new B', '2026-11-25T09:00:00.000Z')
    expect((await here.receive()).taken).toMatchObject([{ state: 'delivered', sha256: sha('a new B') }])
    expect(inbox()).toEqual(['a.edi', 'b (2).edi', 'b.edi'])
  })

  it('holds a renamed copy for a person, and releases it when told to', async () => {
    const here = await installation()
    put('a.edi', 'same')
    await here.receive()
    remote.delete('a.edi')
    put('renamed.edi', 'same')
    const [held] = (await here.receive()).taken
    expect(held).toMatchObject({ state: 'held', error: { code: 'receive.same_content' } })
    expect(inbox()).toEqual(['a.edi'])
    expect(await here.receive()).toMatchObject({ taken: [], ignored: 1 })
    expect(await here.releases.releaseHeld(held?.id ?? '', systemActor, signal)).toMatchObject({ state: 'delivered', error: null })
    expect(inbox()).toEqual(['a.edi', 'renamed.edi'])
  })

  it('takes it all the same where that was agreed, and always under the same name after the old one had gone', async () => {
    const taking = await installation({ sameContent: 'take' })
    put('a.edi', 'same')
    await taking.receive()
    put('b.edi', 'same')
    expect((await taking.receive()).taken).toMatchObject([{ state: 'delivered' }])

    const daily = await installation()
    remote.clear()
    await daily.receive()
    put('a.edi', 'same', '2026-11-26T08:00:00.000Z')
    expect((await daily.receive()).taken).toMatchObject([{ state: 'delivered', remoteName: 'a.edi' }])
  })

  it('knows a file again that was only touched where it stands, and takes one that was replaced there', async () => {
    const here = await installation()
    put('a.edi', 'A')
    await here.receive()
    put('a.edi', 'A', '2026-11-25T09:00:00.000Z')
    expect((await here.receive()).taken).toEqual([])
    put('a.edi', 'B', '2026-11-25T09:01:00.000Z')
    expect((await here.receive()).taken).toMatchObject([{ sha256: sha('B') }])
    expect(inbox()).toEqual(['a (2).edi', 'a.edi'])
  })

  it('takes a file once more where a person released it, as long as it stands there', async () => {
    const here = await installation()
    put('orders.edi', 'UNB+1')
    const { id = '' } = (await here.receive()).taken[0] ?? {}
    const remoteFiles = createRemoteFileRepository(database)
    expect([remoteFiles.takeAgain(id), remoteFiles.takeAgain(id)]).toEqual([true, false])
    const again = await here.receive()
    expect([again.taken.length, inbox()]).toEqual([1, ['orders (2).edi', 'orders.edi']])
    remote.clear()
    await here.receive()
    expect(remoteFiles.takeAgain(again.taken[0]?.id ?? '')).toBe(false)
  })

  it('takes a file that was first seen before the clock was set back', async () => {
    let now = Date.parse('2026-11-25T12:00:00Z')
    const here = await installation({ stableSeconds: 10 }, { clock: { now: () => now, sleep: async () => await Promise.resolve() } })
    put('a.edi', 'ORDER')
    expect((await here.receive()).waiting).toEqual([{ name: 'a.edi', reason: 'not-stable' }])
    now -= 3_600_000
    await here.receive()
    now += 11_000
    expect((await here.receive()).taken).toHaveLength(1)
    expect(inbox()).toEqual(['a.edi'])
  })

  it('watches a new file for the agreed time, and takes it only if it stays the same', async () => {
    let now = Date.parse('2026-11-25T10:00:00Z')
    const clock: Clock = {
      now: () => now,
      async sleep(ms) {
        now += ms
        if (growing) put('growing.edi', `grown at ${now}`, new Date(now).toISOString())
        await Promise.resolve()
      },
    }
    let growing = false
    const here = await installation({ stableSeconds: 10 }, { clock })
    put('calm.edi', 'calm')
    expect((await here.receive()).taken).toMatchObject([{ remoteName: 'calm.edi' }])
    expect(now).toBe(Date.parse('2026-11-25T10:00:10Z'))
    growing = true
    put('growing.edi', 'gro')
    expect(await here.receive()).toMatchObject({ taken: [], waiting: [{ name: 'growing.edi', reason: 'not-stable' }] })
  })

  it('asks for the time of each file where the listing tells none, and so notices what was replaced by as many bytes', async () => {
    listsTimes = false
    const here = await installation({ after: 'delete' })
    put('a.edi', 'first', '2026-11-25T08:00:01.000Z')
    whileRead = (name) => put(name, 'other', '2026-11-25T08:00:05.000Z')
    expect((await here.receive()).problems).toMatchObject([{ name: 'a.edi', error: { code: 'receive.changed' } }])
    whileRead = () => undefined
    const { taken, tidied } = await here.receive()
    expect(taken).toMatchObject([{ state: 'delivered', receipt: { remoteModifiedAt: '2026-11-25T08:00:05.000Z' } }])
    expect([tidied, remote.size]).toEqual([1, 0])
  })

  it('takes the rest when one file fails, and that one the next time', async () => {
    const here = await installation()
    put('a.edi', 'A')
    put('b.edi', 'B')
    failing = { verb: 'read', name: 'a.edi', error: new AppError('remote.permission_denied', 'not this one') }
    expect(await here.receive()).toMatchObject({ taken: [{ remoteName: 'b.edi' }], problems: [{ name: 'a.edi', error: { code: 'remote.permission_denied' } }] })
    expect((await here.receive()).taken).toMatchObject([{ remoteName: 'a.edi' }])
  })

  it('takes nothing larger than agreed, and never more bytes than were listed', async () => {
    const here = await installation({}, { limits: { maxFileBytes: 3 } })
    put('large.edi', 'too large')
    expect(await here.receive()).toMatchObject({ taken: [], problems: [{ error: { code: 'delivery.too_large' } }] })
  })

  it('opens before it releases, and holds what does not open', async () => {
    const opened = sha('plain')
    const here = await installation({}, {
      open: async (delivery) => {
        if (delivery.remoteName === 'bad.edi') throw new AppError('policy.refused', 'not signed')
        return await Promise.resolve(delivery.remoteName === 'x.edi.pgp' ? { sha256: opened, size: 5, fileName: 'x.edi', facts: { signer: 'Acme' } } : null)
      },
    })
    put('plain.edi', 'plain')
    await here.receive()
    put('bad.edi', 'forged')
    put('x.edi.pgp', 'sealed')
    const { taken } = await here.receive()
    expect(taken.find(({ remoteName }) => remoteName === 'bad.edi')).toMatchObject({ state: 'held', error: { code: 'policy.refused' } })
    expect(taken.find(({ remoteName }) => remoteName === 'x.edi.pgp')).toMatchObject({
      state: 'delivered', fileName: 'x.edi', sha256: opened, wire: { sha256: sha('sealed'), size: 6 }, receipt: { facts: { signer: 'Acme' } },
    })
    expect([inbox(), inInbox('x.edi')]).toEqual([['plain.edi', 'x.edi'], 'plain'])
  })

  it('ends what a crash left between writing down and releasing', async () => {
    const here = await installation()
    put('a.edi', 'A')
    // The Inbox cannot be made: what was fetched stays received.
    writeFileSync(join(folder, 'Inbox'), 'in the way')
    expect((await here.receive()).taken).toMatchObject([{ state: 'received', error: { code: 'receive.inbox_failed' } }])
    rmSync(join(folder, 'Inbox'))
    expect((await here.receive()).taken).toEqual([])
    expect(here.repository.list({ limit: 1 }).deliveries[0]).toMatchObject({ state: 'delivered', error: null })
    expect(inInbox('a.edi')).toBe('A')
  })

  it('releases once when a person and a run ask for it at the same moment', async () => {
    const here = await installation()
    put('a.edi', 'A')
    writeFileSync(join(folder, 'Inbox'), 'in the way')
    const id = (await here.receive()).taken[0]?.id ?? ''
    rmSync(join(folder, 'Inbox'))
    await Promise.all([here.releases.release([id], signal), here.releases.release([id], signal), here.receive()])
    expect(here.repository.get(id).state).toBe('delivered')
    expect([inbox(), inInbox('a.edi')]).toEqual([['a.edi'], 'A'])
  })
})

describe('archives', () => {
  const zipOf = async (files: Readonly<Record<string, string>>): Promise<Buffer> =>
    await buffer(zipped(Object.entries(files).map(([name, text]) => ({ name, size: Buffer.byteLength(text), modified: Date.parse('2026-11-01T10:00:00Z'), read: async function* () { yield await Promise.resolve(Buffer.from(text)) } }))))
  const unzip = (more: object = {}): UnzipStep => InboundStep.parse({ kind: 'unzip', ...more }) as UnzipStep

  it('unpacks what the flow asks for: each file is a delivery of its own, the archive says what it held', async () => {
    const here = await installation({ after: 'delete' }, { unzip: unzip() })
    put('day.zip', await zipOf({ 'a.edi': 'A', 'sub/b.edi': 'B', 'other/b.edi': 'B2' }))
    put('plain.edi', 'P')
    const report = await here.receive()
    expect(report.problems).toEqual([])
    expect(report.taken.map(({ fileName, state }) => `${fileName} ${state}`).toSorted()).toEqual(['a.edi delivered', 'b.edi delivered', 'b.edi delivered', 'day.zip delivered', 'plain.edi delivered'])
    expect(inbox()).toEqual(['a.edi', 'b (2).edi', 'b.edi', 'plain.edi'])
    const of = (name: string) => report.taken.find(({ fileName }) => fileName === name)
    expect(of('day.zip')?.receipt).toMatchObject({ releasedTo: null, facts: { unpackedFiles: '3' } })
    expect(of('a.edi')).toMatchObject({ trace: of('day.zip')?.trace, sha256: sha('A'), receipt: { source: '/out/day.zip: a.edi', remoteModifiedAt: '2026-11-01T10:00:00.000Z', facts: { unpackedFrom: of('day.zip')?.id } } })
    expect(here.repository.matching('other/b.edi', 5).map(({ id }) => id)).toEqual([of('day.zip')?.id])
    expect([remote.size, here.events().filter((type) => type === 'delivery.unpacked').length, here.chainHolds()]).toEqual([0, 1, true])
    expect((await here.receive()).taken).toEqual([])
  })

  it('keeps a hostile or damaged one whole, puts nothing of it into the Inbox, and unpacks it once the limit was raised', async () => {
    const here = await installation({ after: 'delete' }, { unzip: unzip({ maxFiles: 2 }) })
    const good = await zipOf({ 'a.edi': 'A', 'b.edi': 'B' })
    const damaged = Buffer.from(good)
    damaged.writeUInt8(damaged.readUInt8(35) ^ 1, 35)
    put('damaged.zip', damaged)
    put('slip.zip', Buffer.from((await zipOf({ 'xxxevil': 'E' })).toString('latin1').replaceAll('xxxevil', '../evil'), 'latin1'))
    put('many.zip', await zipOf({ 1: '1', 2: '2', 3: '3' }))
    put('text.zip', 'no archive')
    const { taken } = await here.receive()
    expect(taken.map(({ fileName, state, error }) => [fileName, state, error?.code]).toSorted()).toEqual([
      ['damaged.zip', 'held', 'zip.damaged'],
      ['many.zip', 'held', 'zip.too_large'],
      ['slip.zip', 'held', 'zip.unsafe_name'],
      ['text.zip', 'held', 'zip.damaged'],
    ])
    // What had been unpacked before the damage was found goes again.
    expect(abandoned.every((sha256) => [sha('A'), sha('B')].includes(sha256))).toBe(true)
    expect([readdirSync(folder).includes('Inbox') ? inbox() : [], [...remote.keys()].length]).toEqual([[], 4])
    const held = taken.find(({ fileName }) => fileName === 'many.zip')?.id ?? ''
    const mended = await installation({ after: 'delete' }, { unzip: unzip() })
    expect((await mended.releases.releaseHeld(held, systemActor, signal)).state).toBe('delivered')
    expect(inbox()).toEqual(['1', '2', '3'])
    const withoutStep = await installation({ after: 'delete' })
    await withoutStep.releases.releaseHeld(taken.find(({ fileName }) => fileName === 'text.zip')?.id ?? '', systemActor, signal)
    expect(inInbox('text.zip')).toBe('no archive')
  })

  it('ends what a crash left: after the archive was unpacked, and before', async () => {
    const here = await installation({}, { unzip: unzip() })
    put('day.zip', await zipOf({ 'a.edi': 'A', 'b.edi': 'B' }))
    // The Inbox is a file for now: nothing can be put there.
    writeFileSync(join(folder, 'Inbox'), '')
    const { taken } = await here.receive()
    expect(taken.map(({ fileName, state }) => [fileName, state]).toSorted()).toEqual([['a.edi', 'received'], ['b.edi', 'received'], ['day.zip', 'delivered']])
    rmSync(join(folder, 'Inbox'))
    await (await installation({}, { unzip: unzip() })).releases.releaseWaiting(null, signal)
    expect(inbox()).toEqual(['a.edi', 'b.edi'])
  })
})
