/** Files of the programs that partners use, good and broken, into the inventory and out again. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openssl, type Openssl } from '../../../e2e/servers/openssl.ts'
import { findPeer } from '../../../e2e/servers/peers.ts'
import { AppError } from '../kernel/errors.ts'
import { createTestTrust, tester, type TestTrust } from './test-trust.ts'
import { pgpKeyOf } from './pgp-items.ts'

const peers = { openssl: findPeer('openssl'), keygen: findPeer('ssh-keygen'), puttygen: findPeer('puttygen'), gpg: findPeer('gpg'), keytool: findPeer('keytool') }
const DAY = 86_400_000

describe('importing what other programs made', () => {
  let made: Openssl
  let here: TestTrust

  const tool = (program: string, ...args: string[]): Buffer => execFileSync(program, args, { cwd: made.folder, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: made.folder, GNUPGHOME: made.path('gnupg') } })
  const preview = async (content: Buffer, passphrase?: string): ReturnType<TestTrust['trust']['preview']> => await here.trust.preview({ content, passphrase })
  const taken = async (content: Buffer, passphrase?: string): Promise<Awaited<ReturnType<TestTrust['trust']['import']>>['items']> => (await here.trust.import({ content, passphrase, bind: [] }, tester)).items
  const refusal = async (content: Buffer, passphrase?: string): Promise<string> => await preview(content, passphrase).then(({ format }) => `read as ${format}`, (error: unknown) => (error instanceof AppError ? error.code : String(error)))

  beforeAll(() => {
    made = openssl()
  })
  afterAll(() => made?.remove())
  beforeEach(() => {
    here = createTestTrust(new Date().toISOString())
  })
  afterEach(() => here.close())

  describe.skipIf(peers.openssl.absent)(`certificates of openssl${peers.openssl.note}`, () => {
    beforeAll(() => {
      made.selfSigned('root', { subject: '/CN=Root', extensions: ['keyUsage=critical,keyCertSign,cRLSign'] })
      made.issued('own', 'root', ['keyUsage=digitalSignature,keyEncipherment'])
      const pack = (name: string, ...more: string[]): void => void made.run('pkcs12', '-export', '-in', 'own.crt', '-inkey', 'own.key', '-certfile', 'root.crt', '-name', 'our key', '-passout', 'pass:secret words', '-out', name, ...more)
      pack('modern.p12')
      pack('old.p12', '-legacy', '-certpbe', 'PBE-SHA1-RC2-40', '-keypbe', 'PBE-SHA1-3DES')
      made.run('pkcs12', '-export', '-in', 'own.crt', '-inkey', 'own.key', '-passout', 'pass:', '-out', 'open.p12')
    })

    it.each(['modern.p12', 'old.p12'])('shows what stands in %s before it is kept, and keeps exactly that', async (name) => {
      const content = made.read(name)
      expect(await refusal(content)).toBe('key.passphrase_needed')
      expect(await refusal(content, 'secret word')).toBe('key.wrong_passphrase')
      const before = await preview(content, 'secret words')
      expect(before).toMatchObject({ format: 'PKCS#12', items: [{ kind: 'x509', label: 'our key', hasPrivateKey: true, known: null, x509: { subject: 'CN=own', issuer: 'CN=Root', chain: [{ subject: 'CN=Root' }] } }] })
      expect(before.items[0]?.fitness.filter(({ problems }) => problems.length === 0).map(({ role }) => role)).toEqual(['sign', 'verify', 'encrypt', 'decrypt', 'tls-client', 'tls-server', 'tls-caller'])
      expect(here.trust.list({ limit: 10 }).total).toBe(0)
      const [item] = await taken(content, 'secret words')
      expect(item).toMatchObject({ label: 'our key', hasPrivateKey: true, fingerprint: before.items[0]?.fingerprint })
      expect((await preview(content, 'secret words')).items[0]?.known).toEqual({ id: item?.id, label: 'our key', state: 'active', adds: [] })
      expect((await preview(made.read('own.crt'))).items[0]?.known?.adds).toEqual([])
    })

    it('opens a container without a password, and says what a container would add to what is known', async () => {
      const [item] = await taken(made.read('own.crt'))
      expect((await preview(made.read('modern.p12'), 'secret words')).items[0]?.known).toMatchObject({ id: item?.id, adds: ['private-key', 'chain'] })
      expect((await taken(made.read('open.p12')))[0]).toMatchObject({ id: item?.id, hasPrivateKey: true })
    })

    it('lets the private key leave only under a password, recorded, in a container that openssl opens', async () => {
      const [item] = await taken(made.read('modern.p12'), 'secret words')
      const file = await here.trust.exportPrivate({ id: item?.id ?? '', password: 'another long password', reason: 'move to the new gateway' }, tester)
      expect(file.fileName).toBe('our-key.p12')
      made.write('out.p12', Buffer.from(file.text, 'base64'))
      const opened = made.run('pkcs12', '-in', 'out.p12', '-passin', 'pass:another long password', '-nodes').toString()
      expect(opened).toContain('PRIVATE KEY')
      expect(opened.match(/subject=.*/g)).toEqual(['subject=CN = own', 'subject=CN = Root'])
      expect(here.audited.at(-1)).toBe('trust.private_key_exported')
      const [bare] = await taken(made.read('root.crt'))
      await expect(here.trust.exportPrivate({ id: bare?.id ?? '', password: 'another long password', reason: 'a mistake' }, tester)).rejects.toMatchObject({ code: 'input.invalid' })
    })

    it('tells the test keys of other products, and key pairs that two certificates share', async () => {
      made.run('req', '-x509', '-key', 'own.key', '-subj', '/CN=own again', '-days', '30', '-out', 'again.crt')
      await taken(made.read('own.crt'))
      expect((await preview(made.read('again.crt'))).items[0]?.remarks).toMatchObject([{ code: 'shared-key', message: expect.stringContaining('own') }])
    })
  })

  describe.skipIf(peers.keytool.absent || peers.openssl.absent)(`keystores of keytool${peers.keytool.note}`, () => {
    it('takes a PKCS#12 keystore with several keys, each under its alias', async () => {
      for (const alias of ['signing', 'crypting']) tool('keytool', '-genkeypair', '-alias', alias, '-keyalg', 'RSA', '-keysize', '2048', '-dname', `CN=${alias}`, '-validity', '100', '-storetype', 'PKCS12', '-keystore', 'java.p12', '-storepass', 'changeit')
      const items = await taken(made.read('java.p12'), 'changeit')
      expect(items.map(({ label, hasPrivateKey }) => [label, hasPrivateKey]).toSorted()).toEqual([['crypting', true], ['signing', true]])
    })

    it('says that a Java keystore of the old kind is not read', async () => {
      tool('keytool', '-genkeypair', '-alias', 'x', '-keyalg', 'RSA', '-dname', 'CN=x', '-storetype', 'JKS', '-keystore', 'old.jks', '-storepass', 'changeit', '-keypass', 'changeit')
      expect(await refusal(made.read('old.jks'), 'changeit')).toBe('key.unsupported')
    })
  })

  describe.skipIf(peers.keygen.absent || peers.puttygen.absent)(`SSH keys of ssh-keygen and puttygen${peers.keygen.note}${peers.puttygen.note}`, () => {
    it('tells keys, PuTTY files and known_hosts apart, and exports a private key that ssh-keygen reads', async () => {
      tool('ssh-keygen', '-q', '-t', 'rsa', '-b', '3072', '-N', 'open sesame', '-C', 'batch@acme', '-f', 'id_rsa')
      made.write('old-phrase', 'open sesame')
      made.write('new-phrase', 'another phrase')
      tool('puttygen', 'id_rsa', '--old-passphrase', 'old-phrase', '--new-passphrase', 'new-phrase', '-o', 'id.ppk')
      expect(await refusal(made.read('id.ppk'))).toBe('key.passphrase_needed')
      expect((await preview(made.read('id.ppk'), 'another phrase')).format).toBe('PuTTY private key')
      const [item] = await taken(made.read('id_rsa'), 'open sesame')
      expect(item).toMatchObject({ kind: 'ssh-client', label: 'batch@acme', bits: 3072 })
      expect((await preview(made.read('id.ppk'), 'another phrase')).items[0]?.known?.id).toBe(item?.id)
      const file = await here.trust.exportPrivate({ id: item?.id ?? '', password: 'twelve letters', reason: 'second gateway' }, tester)
      made.write('back', file.text)
      tool('chmod', '600', 'back')
      expect(tool('ssh-keygen', '-y', '-P', 'twelve letters', '-f', 'back').toString().trim()).toBe(item?.publicKey)
      made.write('known', `sftp.acme.example ${readFileSync(made.path('id_rsa.pub'), 'utf8')}`)
      expect(await preview(made.read('known'))).toMatchObject({ format: 'known_hosts', items: [{ kind: 'ssh-host', label: 'sftp.acme.example' }] })
    })
  })

  describe.skipIf(peers.gpg.absent)(`OpenPGP keys of GnuPG${peers.gpg.note}`, () => {
    const gpg = (...args: string[]): Buffer => tool('gpg', '--batch', '--yes', '--pinentry-mode', 'loopback', '--passphrase', 'open sesame', ...args)
    beforeAll(() => {
      mkdirSync(made.path('gnupg'), { mode: 0o700 })
      gpg('--quick-generate-key', 'Acme EDI <edi@acme.example>', 'rsa2048', 'sign', '60d')
      writeFileSync(made.path('print'), /^fpr:+([0-9A-F]{40}):/m.exec(gpg('--list-keys', '--with-colons').toString())?.[1] ?? '')
      gpg('--quick-add-key', readFileSync(made.path('print'), 'utf8'), 'rsa2048', 'encrypt', '30d')
    })
    afterAll(() => void tool('gpgconf', '--kill', 'all'))

    it('shows the subkeys, takes the secret half, renews what its owner prolonged, and gives it back to GnuPG', async () => {
      const print = readFileSync(made.path('print'), 'utf8')
      const publicKey = gpg('--export', '--armor', print)
      const shown = await preview(publicKey)
      expect(shown).toMatchObject({ format: 'OpenPGP', items: [{ kind: 'pgp', label: 'Acme EDI <edi@acme.example>', fingerprint: print, hasPrivateKey: false }] })
      expect(shown.items[0]?.pgp?.parts.map(({ capabilities }) => capabilities.join('+'))).toEqual([expect.stringContaining('sign'), 'encrypt'])
      expect(shown.items[0]?.fitness.map(({ role, problems }) => `${role} ${problems[0]?.code ?? 'fit'}`)).toEqual(['pgp-sign no-private-key', 'pgp-verify fit', 'pgp-encrypt fit', 'pgp-decrypt no-private-key'])
      const [item] = await taken(publicKey)
      const secret = gpg('--export-secret-keys', print)
      expect(await refusal(secret)).toBe('key.passphrase_needed')
      expect((await preview(secret, 'open sesame')).items[0]?.known?.adds).toContain('private-key')
      expect((await taken(secret, 'open sesame'))[0]).toMatchObject({ id: item?.id, hasPrivateKey: true })
      gpg('--quick-set-expire', print, '300d')
      gpg('--quick-set-expire', print, '200d', '*')
      const prolonged = gpg('--export', print)
      expect((await preview(prolonged)).items[0]?.known?.adds).toEqual(['renewal'])
      const [renewed] = await taken(prolonged)
      expect(Date.parse(renewed?.notAfter ?? '') - Date.now()).toBeGreaterThan(299 * DAY)
      expect(renewed).toMatchObject({ id: item?.id, hasPrivateKey: true })
      expect(here.audited).toContain('trust.renewed')
      const keys = here.trust.bind(item?.id ?? '', { partner: 'acme', role: 'pgp-decrypt' }, tester)
      expect(keys.bindings).toHaveLength(1)
      const [usable] = here.trust.materials.of('acme', 'sftp', 'pgp-decrypt')
      expect((await pgpKeyOf({ publicKey: null }, usable?.privateKey ?? null)).summary).toMatchObject({ fingerprint: print, hasSecret: true, isProtected: false })
      const out = await here.trust.exportPrivate({ id: item?.id ?? '', password: 'a new long phrase', reason: 'backup for the notary' }, tester)
      made.write('out.asc', out.text)
      expect(tool('gpg', '--batch', '--show-keys', '--with-colons', 'out.asc').toString()).toContain(print)
      const made2 = await here.trust.generate({ kind: 'pgp', name: 'Example Trading', email: 'edi@example.com', algorithm: 'ed25519', days: 365, bind: [{ role: 'pgp-sign' }] }, tester)
      made.write('ours.asc', here.trust.export(made2.id, 'pem').text)
      expect(tool('gpg', '--batch', '--show-keys', '--with-colons', 'ours.asc').toString()).toContain(made2.fingerprint)
    })
  })
})
