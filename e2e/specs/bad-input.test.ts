import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import { startSshd, type Sshd } from '../servers/sshd.ts'
import { collect, newInstallation, partnerFor, type Installation } from '../servers/waybill.ts'
import { atOpenSsh } from './settings.ts'

interface Failure {
  error?: { code: string; message: string; details?: Record<string, string> }
}
interface SendResults {
  results: { delivery: { state: string; error: { code: string } | null; receipt: unknown } | null; error: { code: string } | null }[]
}

const peer = findPeer('sshd')
const isRoot = process.platform === 'linux' && process.getuid?.() === 0

describe.skipIf(peer.absent)(`bad input and bad keys${peer.note}`, () => {
  let sshd: Sshd
  let here: Installation

  atOpenSsh((...setting) => void ([sshd, here] = setting))

  const apply = async (document: unknown) => await here.run('--json', 'partner', 'apply', here.file('changed.json', typeof document === 'string' ? document : JSON.stringify(document)))
  const first = (text: { json<T>(): T }): SendResults['results'][number] | undefined => text.json<SendResults>().results[0]

  it.each<[string, (document: ReturnType<typeof partnerFor>) => unknown, string]>([
    ['no JSON at all', () => '{"id": "acme",', 'JSON'],
    ['no name', (document) => ({ ...document, name: undefined }), 'name'],
    ['a port that is a word', () => partnerFor(sshd, { port: 'ssh' }), 'connections[0].port'],
    ['a port out of range', () => partnerFor(sshd, { port: 70_000 }), 'connections[0].port'],
    ['a field that does not exist', () => partnerFor(sshd, { hostkeys: [] }), 'hostkeys'],
    ['an unknown protocol', () => partnerFor(sshd, { protocol: 'gopher' }), 'connections[0].protocol'],
    ['a fingerprint of the wrong shape', () => partnerFor(sshd, { hostKeys: ['MD5:00:11'] }), 'connections[0].hostKeys[0]'],
    ['an exception without an end', (document) => ({ ...document, exceptions: [{ allow: 'ssh-rsa', reason: 'old', owner: 'Mia' }] }), 'exceptions[0].until'],
    ['a list in place of a document', () => [], 'document'],
  ])('names the field of a document with %s, with exit 2, and changes nothing', async (_, change, field) => {
    const before = (await here.run('--json', 'partner', 'show', 'acme')).out
    const done = await apply(change(partnerFor(sshd)))
    expect(done.exit, done.out).toBe(2)
    const { error } = done.json<Failure>()
    expect(error?.code).toBe('input.invalid')
    expect(`${error?.message} ${JSON.stringify(error?.details ?? {})}`).toContain(field)
    expect((await here.run('--json', 'partner', 'show', 'acme')).out).toBe(before)
  })

  const encrypted = (name: string, args: readonly string[]): string => {
    const path = join(here.files, name)
    execFileSync('ssh-keygen', ['-q', '-f', path, '-C', name, ...args])
    appendFileSync(join(sshd.folder, '..', 'authorized_keys'), readFileSync(`${path}.pub`))
    return readFileSync(path, 'utf8')
  }

  it.each([
    ['an encrypted OpenSSH ed25519 key', ['-t', 'ed25519', '-N', 'open sesame']],
    ['an encrypted PEM RSA key', ['-t', 'rsa', '-b', '3072', '-m', 'PEM', '-N', 'open sesame']],
    ['an encrypted PKCS#8 ECDSA key', ['-t', 'ecdsa', '-m', 'PKCS8', '-N', 'open sesame']],
  ])('signs in with %s, and says when its passphrase is missing or wrong', async (_, args) => {
    const privateKey = encrypted('key', args)
    const withPassphrase = (passphrase?: string) => partnerFor(sshd, { auth: { method: 'key', privateKey, ...(passphrase === undefined ? {} : { passphrase }) } })
    for (const [passphrase, code] of [[undefined, 'key.passphrase_needed'], ['open barley', 'key.wrong_passphrase']] as const) {
      const refused = await apply(withPassphrase(passphrase))
      expect([refused.exit, refused.json<Failure>().error?.code]).toEqual([2, code])
    }
    expect((await apply(withPassphrase('open sesame'))).exit).toBe(0)
    const sent = await here.run('--json', 'send', 'acme', here.file('signed-in.edi', 'x'))
    expect(sent.exit, sent.err).toBe(0)
  })

  it('refuses a text that is no key, and a public key in its place', async () => {
    for (const privateKey of ['-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n', sshd.hostKeys.ed25519]) {
      const refused = await apply(partnerFor(sshd, { auth: { method: 'key', privateKey } }))
      expect([refused.exit, refused.json<Failure>().error?.code]).toEqual([2, 'key.malformed'])
    }
  })

  it.skipIf(!isRoot)('signs in with a password, and is told when it is wrong (needs root on Linux for a password of its own)', async () => {
    const server = await startSshd({ password: 'pass word', config: ['PubkeyAuthentication no'] })
    try {
      await apply(partnerFor(server, { auth: { method: 'password', password: 'pass word' } }))
      expect((await here.run('send', 'acme', here.file('a.edi', 'x'))).exit).toBe(0)
      expect(readdirSync(server.folder)).toEqual(['a.edi'])
      await apply(partnerFor(server, { auth: { method: 'password', password: 'password' } }))
      const sent = await here.run('--json', 'send', 'acme', here.file('b.edi', 'x'))
      expect([sent.exit, first(sent)?.delivery?.error?.code]).toEqual([1, 'remote.auth_refused'])
    } finally {
      await server.stop()
    }
  })

  it.skipIf(!isRoot)('says that the disk there is full, leaves nothing under the final name, and delivers once there is room (needs root on Linux to mount one)', async () => {
    const folder = join(sshd.folder, 'small')
    mkdirSync(folder)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
    try {
      await apply(partnerFor(sshd, { folder }))
      const sent = await here.run('--json', 'send', 'acme', here.file('large.bin', Buffer.alloc(3_000_000, 7)))
      expect([sent.exit, first(sent)?.delivery?.error?.code], sent.out).toEqual([1, 'remote.no_space'])
      expect(existsSync(join(folder, 'large.bin'))).toBe(false)
      execFileSync('mount', ['-o', 'remount,size=8m', folder])
      const { deliveries } = (await here.run('--json', 'deliveries', 'list')).json<{ deliveries: { id: string }[] }>()
      expect((await here.run('deliveries', 'retry', deliveries[0]?.id ?? '')).exit).toBe(0)
      expect(readFileSync(join(folder, 'large.bin')).equals(Buffer.alloc(3_000_000, 7))).toBe(true)
    } finally {
      execFileSync('umount', [folder])
    }
  })

  it.each([
    ['grows', 'delivery.source_changed', (path: string) => appendFileSync(path, 'more')],
    ['vanishes', 'delivery.source_vanished', (path: string) => rmSync(path, { force: true })],
  ])('sends nothing of a file that %s while it is read', async (_, code, change) => {
    const path = here.file('moving.bin', '')
    truncateSync(path, 700_000_000)
    const sending = here.start('--json', 'send', 'acme', path)
    const ended = collect(sending)
    for (let tries = 0; tries < 2000 && sending.exitCode === null && !storeHasBytes(); tries++) await sleep(5)
    change(path)
    const sent = await ended
    expect(first(sent)?.error?.code, sent.out + sent.err).toBe(code)
    expect(sent.exit).toBe(1)
    expect(readdirSync(sshd.folder)).toEqual([])
  })
  const storeHasBytes = (): boolean => readdirSync(join(here.workspace, 'payloads'), { recursive: true, withFileTypes: true }).some((entry) => entry.isFile())

  it('says that a port speaks something else', async () => {
    const other = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end('220 mail.example ESMTP\r\n')
    })
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    try {
      await apply(partnerFor(sshd, { port: (other.address() as { port: number }).port }))
      const sent = await here.run('--json', 'send', 'acme', here.file('a.edi', 'x'))
      expect(first(sent)?.delivery?.error?.code, sent.out).toBe('sftp.not_sftp')
    } finally {
      other.close()
    }
  })

  it.each([
    [['send', 'acme'], 'file'],
    [['send', 'nobody', 'x.edi'], 'nobody'],
    [['deliveries', 'show', 'dlv_none'], 'dlv_none'],
    [['deliveries', 'list', '--limit', 'many'], 'limit'],
    [['frobnicate'], 'frobnicate'],
    [['partner', 'apply', 'no-such.json'], 'no-such.json'],
    [['audit', 'export', '--out', 'no-such-folder/audit.jsonl'], 'input.unwritable'],
    [['trust', 'pin', 'acme', '--fingerprint', 'SHA256:short', '--provenance', 'phone'], 'fingerprint'],
    [['deliveries', 'list', '--state', 'delivered,lost'], 'state[1]'],
  ])('answers %j with exit 2, one document and the word that is wrong', async (args, word) => {
    const done = await here.run('--json', ...args)
    expect(done.exit, done.out + done.err).toBe(2)
    expect(JSON.stringify(done.json())).toContain(word)
  })
})

describe('secrets', () => {
  it('are in no output, log, export or file of the workspace, whatever fails', async () => {
    const here = newInstallation({ PLANTED: 'pl4nted-pa55word-7c1e' })
    try {
      const secrets = ['pl4nted-pa55word-7c1e', 'pl4nted-key-passphrase', 'pl4nted-key-body']
      const outputs: string[] = []
      const run = async (...args: string[]): Promise<void> => {
        const { out, err } = await here.run(...args)
        outputs.push(out, err)
      }
      await run('init', '--no-keychain')
      const document = (auth: unknown) => here.file('p.json', JSON.stringify({ id: 'acme', name: 'Acme', connections: [{ protocol: 'sftp', host: '127.0.0.1', port: 1, username: 'us', auth }] }))
      await run('--json', 'partner', 'apply', document({ method: 'key', privateKey: 'pl4nted-key-body', passphrase: 'pl4nted-key-passphrase' }))
      await run('--json', 'partner', 'apply', document({ method: 'password', password: { env: 'PLANTED' } }))
      for (const args of [['partner', 'show', 'acme'], ['connection', 'test', 'acme'], ['send', 'acme', here.file('a.edi', 'x')], ['audit', 'list'], ['audit', 'export', '--out', join(here.files, 'audit.json')], ['doctor']]) {
        await run('--json', ...args)
        await run(...args)
      }
      outputs.push(readFileSync(join(here.files, 'audit.json'), 'latin1'))
      for (const entry of readdirSync(here.workspace, { recursive: true, withFileTypes: true })) if (entry.isFile()) outputs.push(readFileSync(join(entry.parentPath, entry.name), 'latin1'))
      expect(outputs.length).toBeGreaterThan(20)
      // What is looked for would be found: the partner's name is everywhere.
      expect(outputs.join('\n')).toContain('Acme')
      for (const secret of secrets) {
        expect(outputs.join('\n')).not.toContain(secret)
        expect(outputs.join('\n')).not.toContain(Buffer.from(secret).toString('base64').slice(0, -4))
        expect(outputs.join('\n')).not.toContain(createHash('sha256').update(secret).digest('hex'))
      }
    } finally {
      here.remove()
    }
  })
})
