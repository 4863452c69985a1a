import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import { startSshd, type Sshd } from '../servers/sshd.ts'
import { partnerFor, type Installation } from '../servers/waybill.ts'
import { atOpenSsh } from './settings.ts'

interface SendResults {
  results: { fileName: string; delivery: { id: string; state: string; sha256: string; outcome: string; receipt: { verifiedBy: string; remotePath: string } | null; error: { code: string; details?: Record<string, string> } | null } | null; error: { code: string; details?: Record<string, string> } | null }[]
}

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const peer = findPeer('sshd')

describe.skipIf(peer.absent)(`sending from the command line to OpenSSH${peer.note}`, () => {
  let sshd: Sshd
  let here: Installation

  atOpenSsh((...setting) => void ([sshd, here] = setting))

  const there = (): string[] => readdirSync(sshd.folder).sort()

  it('puts the same bytes there, tells their life, and the chain holds', async () => {
    const content = randomBytes(300_000)
    const sent = await here.run('--json', 'send', 'acme', here.file('orders.edi', content))
    expect(sent.exit).toBe(0)
    const [{ delivery } = { delivery: null }] = sent.json<SendResults>().results
    expect(delivery).toMatchObject({ state: 'delivered', outcome: 'delivered', sha256: sha(content), receipt: { verifiedBy: 'hash', remotePath: join(sshd.folder, 'orders.edi') } })
    expect(readFileSync(join(sshd.folder, 'orders.edi')).equals(content)).toBe(true)
    for (const query of ['orders.edi', sha(content), delivery?.id ?? '', here.file('copy-elsewhere.bin', content)]) {
      const trace = (await here.run('--json', 'audit', 'trace', query)).json<{ events: { type: string }[]; deliveries: { attempts: { observed: Record<string, string> }[] }[] }>()
      expect(trace.events.map(({ type }) => type)).toEqual(['delivery.created', 'delivery.attempt_started', 'delivery.committing', 'delivery.delivered'])
      expect(trace.deliveries[0]?.attempts[0]?.observed).toMatchObject({ kex: expect.any(String), cipher: expect.stringContaining('aes'), hostKeyAlgorithm: 'ssh-ed25519', hostKeyFingerprint: sshd.fingerprints.ed25519, serverSoftware: expect.stringContaining('OpenSSH') })
    }
    expect(await here.run('--json', 'audit', 'verify').then((done) => [done.exit, done.json<{ ok: boolean }>().ok])).toEqual([0, true])
  })

  it('refuses another host key with exit 4, shows both, signs in nowhere and writes nothing', async () => {
    await here.run('partner', 'apply', here.file('wrong.json', JSON.stringify(partnerFor(sshd, { hostKeys: [`SHA256:${'A'.repeat(43)}`] }))))
    const before = (await sshd.finalLog()).length
    const sent = await here.run('--json', 'send', 'acme', here.file('orders.edi', 'x'))
    expect(sent.exit).toBe(4)
    expect(sent.json<SendResults>().results[0]?.delivery).toMatchObject({ state: 'failed', outcome: 'not-delivered', error: { code: 'sftp.host_key_changed', details: { expected: expect.stringContaining(`SHA256:${'A'.repeat(43)}`), presented: expect.stringContaining('SHA256:') } } })
    expect(sent.err).toContain('What to do')
    expect(there()).toEqual([])
    expect((await sshd.finalLog()).slice(before)).not.toMatch(/Accepted|Failed|userauth/i)
  })

  it('refuses an unknown host, and trusts it only by an explicit act with a reason', async () => {
    const bare = partnerFor(sshd, { hostKeys: [] })
    await here.run('partner', 'apply', here.file('bare.json', JSON.stringify(bare)))
    expect((await here.run('send', 'acme', here.file('a.edi', 'x'))).exit).toBe(4)
    const test = await here.run('--json', 'connection', 'test', 'acme')
    expect(test.exit).toBe(4)
    const report = test.json<{ hostKey: { fingerprint: string; verdict: string; publicKey: string }; stages: { name: string; status: string }[] }>()
    expect(report.hostKey).toMatchObject({ fingerprint: sshd.fingerprints.ed25519, verdict: 'unknown' })
    expect(report.stages.map(({ name, status }) => `${name} ${status}`)).toEqual(['resolve ok', 'connect ok', 'host-key refused', 'authenticate skipped', 'list skipped', 'write-probe skipped', 'clean-up skipped'])
    const other = await here.run('--json', 'trust', 'pin', 'acme', '--fingerprint', sshd.fingerprints.rsa, '--provenance', 'read by phone')
    expect([other.exit, other.json<{ error: { code: string } }>().error.code]).toEqual([4, 'sftp.fingerprint_differs'])
    const key = here.file('acme.pub', `${report.hostKey.publicKey}\n`)
    expect((await here.run('trust', 'import', key, '--partner', 'acme/sftp', '--role', 'ssh-host', '--provenance', 'Fingerprint read by phone by Ms Ito', '--source', 'phone')).exit).toBe(0)
    expect((await here.run('send', 'acme', join(here.files, 'a.edi'))).exit).toBe(0)
    const items = (await here.run('--json', 'trust', 'list', '--partner', 'acme')).json<{ items: { kind: string; provenance: { note?: string }[] }[] }>().items
    expect(items.find(({ kind }) => kind === 'ssh-host')?.provenance.some(({ note }) => note?.includes('Ms Ito'))).toBe(true)
  })

  it('passes a full connection test and leaves nothing behind', async () => {
    const test = await here.run('--json', 'connection', 'test', 'acme/sftp')
    expect(test.exit).toBe(0)
    expect(test.json<{ stages: { status: string }[] }>().stages.map(({ status }) => status)).toEqual(Array.from({ length: 7 }, () => 'ok'))
    expect(there()).toEqual([])
  })

  it('sends the same content under the same name once, unless a reason is given', async () => {
    const file = here.file('daily.edi', 'no orders today')
    expect((await here.run('send', 'acme', file)).exit).toBe(0)
    const again = await here.run('--json', 'send', 'acme', file)
    expect(again.exit).toBe(4)
    expect(again.json<SendResults>().results[0]?.error).toMatchObject({ code: 'delivery.duplicate' })
    rmSync(join(sshd.folder, 'daily.edi'))
    expect((await here.run('send', 'acme', file, '--allow-duplicate', 'the partner lost it')).exit).toBe(0)
    expect(there()).toEqual(['daily.edi'])
  })

  it('never overwrites a file of the partner', async () => {
    writeFileSync(join(sshd.folder, 'orders.edi'), 'theirs')
    const sent = await here.run('--json', 'send', 'acme', here.file('orders.edi', 'ours'))
    expect(sent.exit).toBe(4)
    expect(sent.json<SendResults>().results[0]?.delivery?.error).toMatchObject({ code: 'remote.name_taken' })
    expect(readFileSync(join(sshd.folder, 'orders.edi'), 'utf8')).toBe('theirs')
    expect(there()).toEqual(['orders.edi'])
  })

  it.each(['with space.txt', `quote'd "name" $(x) \`y\`;z.txt`, 'Überweisung März.xml', '名前.csv', '-leading.txt', 'a'.repeat(255), 'empty.edi'])('delivers a file named %j', async (name) => {
    const content = name === 'empty.edi' ? Buffer.alloc(0) : Buffer.from(`content of ${name}`)
    const sent = await here.run('--json', 'send', 'acme', here.file('source.bin', content), '--as', name)
    expect(sent.exit, sent.err).toBe(0)
    expect(sent.json<SendResults>().results[0]?.delivery?.receipt?.verifiedBy).toBe('hash')
    expect(there()).toEqual([name])
    expect(readFileSync(join(sshd.folder, name)).equals(content)).toBe(true)
  })

  it.each(['..', '../up.txt', 'down/there.txt', 'line\nbreak', 'b'.repeat(256)])('refuses the name %j with exit 2', async (name) => {
    const sent = await here.run('--json', 'send', 'acme', here.file('source.bin', 'x'), '--as', name)
    expect(sent.exit).toBe(2)
    expect(sent.json<SendResults>().results[0]?.error).toMatchObject({ code: 'delivery.bad_name' })
    expect(there()).toEqual([])
  })

  it.each([
    ['an unreachable host', { port: 1 }, 1, 'net.refused'],
    ['a name that does not exist', { host: 'no-such-host.invalid' }, 1, 'net.resolve_failed'],
    ['a missing folder', { folder: '/no/such/folder' }, 1, 'remote.folder_missing'],
    ['a refused sign-in', { username: 'nobody-here' }, 1, 'remote.auth_refused'],
  ])('says what is wrong with %s', async (_, change, exit, code) => {
    await here.run('partner', 'apply', here.file('changed.json', JSON.stringify(partnerFor(sshd, change))))
    const sent = await here.run('--json', 'send', 'acme', here.file('orders.edi', 'x'))
    expect(sent.exit, sent.out).toBe(exit)
    expect(sent.json<SendResults>().results[0]?.delivery?.error).toMatchObject({ code })
    expect(sent.err).toMatch(/What happened:.*\n.*Why we think so:.*[\s\S]*What to do:\n {4}1\. /)
  })

  it('says so when the folder may not be written', async () => {
    mkdirSync(join(sshd.folder, 'locked'), { mode: 0o555 })
    // Root may write anywhere: another account of the system is asked for where we are root.
    const asOther = process.getuid?.() === 0 ? await startSshd({ username: 'nobody', config: ['ForceCommand internal-sftp'] }) : null
    const server = asOther ?? sshd
    if (asOther !== null) mkdirSync(join(asOther.folder, 'locked'), { mode: 0o555 })
    try {
      await here.run('partner', 'apply', here.file('changed.json', JSON.stringify(partnerFor(server, { folder: join(server.folder, 'locked') }))))
      const sent = await here.run('--json', 'send', 'acme', here.file('orders.edi', 'x'))
      expect(sent.exit, sent.err).toBe(1)
      expect(sent.json<SendResults>().results[0]?.delivery?.error).toMatchObject({ code: 'remote.permission_denied' })
    } finally {
      await asOther?.stop()
    }
  })

  it('delivers where the server has no shell, by size', async () => {
    const plain = await startSshd({ config: ['ForceCommand internal-sftp'] })
    try {
      await here.run('partner', 'apply', here.file('plain.json', JSON.stringify(partnerFor(plain))))
      for (const name of ['a.edi', 'b.edi']) {
        const sent = await here.run('--json', 'send', 'acme', here.file(name, `content ${name}`))
        expect(sent.exit, sent.err).toBe(0)
        expect(sent.json<SendResults>().results[0]?.delivery?.receipt?.verifiedBy).toBe('size')
      }
      await here.run('partner', 'apply', here.file('plain.json', JSON.stringify(partnerFor(plain, { verify: 'read-back' }))))
      expect((await here.run('--json', 'send', 'acme', here.file('c.edi', 'content'))).json<SendResults>().results[0]?.delivery?.receipt?.verifiedBy).toBe('read-back')
    } finally {
      await plain.stop()
    }
  })

  it('takes legacy algorithms only under an exception that has not ended', async () => {
    const legacy = await startSshd({ config: ['KexAlgorithms diffie-hellman-group14-sha1'] })
    try {
      const document = partnerFor(legacy)
      const exception = { allow: 'ssh-kex-sha1', reason: 'server is replaced in spring', owner: 'Mia', until: '2001-01-01' }
      for (const [exceptions, exit] of [[[], 4], [[exception], 4], [[{ ...exception, until: '2999-12-31' }], 0]] as const) {
        await here.run('partner', 'apply', here.file('legacy.json', JSON.stringify({ ...document, exceptions })))
        const sent = await here.run('--json', 'send', 'acme', here.file('legacy.edi', 'x'))
        expect(sent.exit, sent.err).toBe(exit)
        if (exit === 4) expect(sent.json<SendResults>().results[0]?.delivery?.error).toMatchObject({ code: 'sftp.algorithms_refused', details: { 'the server offered (KEX method)': expect.stringContaining('group14-sha1') } })
      }
    } finally {
      await legacy.stop()
    }
  })

  it('accepts any of several pinned keys, and tells another kind from a changed key', async () => {
    const rsaOnly = await startSshd({ show: ['rsa'] })
    try {
      await here.run('partner', 'apply', here.file('p.json', JSON.stringify(partnerFor(rsaOnly, { hostKeys: [rsaOnly.hostKeys.ed25519] }))))
      const other = await here.run('--json', 'send', 'acme', here.file('a.edi', 'x'))
      expect([other.exit, other.json<SendResults>().results[0]?.delivery?.error?.code]).toEqual([4, 'sftp.host_key_other_algorithm'])
      await here.run('partner', 'apply', here.file('p.json', JSON.stringify(partnerFor(rsaOnly, { hostKeys: [rsaOnly.hostKeys.ed25519, rsaOnly.hostKeys.rsa] }))))
      expect((await here.run('send', 'acme', join(here.files, 'a.edi'))).exit).toBe(0)
    } finally {
      await rsaOnly.stop()
    }
  })

  it('says where several files differ in their fate, with exit 3', async () => {
    const sent = await here.run('--json', 'send', 'acme', here.file('good.edi', 'x'), join(here.files, 'missing.edi'))
    expect(sent.exit).toBe(3)
    expect(sent.json<SendResults>().results.map(({ delivery, error }) => delivery?.state ?? error?.code)).toEqual(['delivered', 'delivery.source_unreadable'])
  })
})
