/** Every format that the import names, as the programs write it whose users will import it; and what comes of it when it is damaged. */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openssl, type Openssl } from '../../../e2e/servers/openssl.ts'
import { findPeer } from '../../../e2e/servers/peers.ts'
import { AppError } from '../kernel/errors.ts'
import { createTestTrust, type TestTrust } from './test-trust.ts'

const peers = [findPeer('openssl'), findPeer('ssh-keygen'), findPeer('puttygen'), findPeer('keytool'), findPeer('gpg')]
const PASSWORD = 'secret words'
/** What a damaged file may be called; anything else is a crash or a wrong word. */
const WORDS = ['key.malformed', 'key.unknown_format', 'key.unsupported', 'key.passphrase_needed', 'key.wrong_passphrase', 'key.weak', 'trust.key_without_certificate']

const ROUNDS = Number(process.env['WAYBILL_FUZZ_ROUNDS'] ?? 16)

/** File, what the import calls it, kinds that it holds, whether it needs the password. */
const FORMATS: readonly (readonly [file: string, format: string, kinds: readonly string[], secret: boolean])[] = [
  ['openssl.pem', 'PEM (certificate)', ['x509'], false],
  ['openssl.der', 'Certificate (DER)', ['x509'], false],
  ['openssl-chain.pem', 'PEM (certificate)', ['x509'], false],
  ['openssl-p7.pem', 'PEM (PKCS#7)', ['x509'], false],
  ['openssl.p7b', 'PKCS#7 (certificates)', ['x509'], false],
  ['openssl-pkcs8.pem', 'PEM (private key, certificate)', ['x509'], false],
  ['openssl-pkcs8-protected.pem', 'PEM (private key, certificate)', ['x509'], true],
  ['openssl-traditional.pem', 'PEM (private key, certificate)', ['x509'], false],
  ['openssl.p12', 'PKCS#12', ['x509'], true],
  ['openssl-old.p12', 'PKCS#12', ['x509'], true],
  ['keytool.p12', 'PKCS#12', ['x509'], true],
  ['keytool.cer', 'Certificate (DER)', ['x509'], false],
  ['keytool.pem', 'PEM (certificate)', ['x509'], false],
  ['id_ed25519', 'SSH private key', ['ssh-client'], false],
  ['id_ed25519_protected', 'SSH private key', ['ssh-client'], true],
  ['id_rsa.pem', 'SSH private key', ['ssh-client'], false],
  ['id_ed25519.pub', 'SSH public keys', ['ssh-host'], false],
  ['v3.ppk', 'PuTTY private key', ['ssh-client'], true],
  ['v2.ppk', 'PuTTY private key', ['ssh-client'], true],
  ['known_hosts', 'known_hosts', ['ssh-host'], false],
  ['gpg.asc', 'OpenPGP', ['pgp'], false],
  ['gpg.pgp', 'OpenPGP', ['pgp'], false],
  ['gpg-secret.asc', 'OpenPGP', ['pgp'], true],
]

describe.skipIf(peers.some(({ absent }) => absent))(`the formats of openssl, ssh-keygen, puttygen, keytool and gpg${peers.map(({ note }) => note).join('')}`, () => {
  let made: Openssl
  let here: TestTrust

  const tool = (program: string, ...args: string[]): Buffer => execFileSync(program, args, { cwd: made.folder, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: made.folder, GNUPGHOME: made.path('gnupg') } })
  const outcome = async (content: Buffer, passphrase?: string): Promise<string> =>
    await here.trust.preview({ content, passphrase }).then(
      ({ format, items }) => `${format}: ${items.map(({ kind }) => kind).join(' ')}`,
      (error: unknown) => (error instanceof AppError ? error.code : `CRASH ${String(error)}`),
    )

  beforeAll(() => {
    made = openssl()
    made.selfSigned('root', { subject: '/CN=Root', extensions: ['keyUsage=critical,keyCertSign,cRLSign'] })
    made.issued('own', 'root', ['keyUsage=digitalSignature,keyEncipherment'])
    const join = (name: string, ...parts: string[]): void => void made.write(name, Buffer.concat(parts.map((part) => made.read(part))))
    join('openssl.pem', 'own.crt')
    join('openssl-chain.pem', 'own.crt', 'root.crt')
    made.run('x509', '-in', 'own.crt', '-outform', 'DER', '-out', 'openssl.der')
    made.run('crl2pkcs7', '-nocrl', '-certfile', 'own.crt', '-certfile', 'root.crt', '-out', 'openssl-p7.pem')
    made.run('crl2pkcs7', '-nocrl', '-certfile', 'own.crt', '-certfile', 'root.crt', '-outform', 'DER', '-out', 'openssl.p7b')
    made.run('pkcs8', '-topk8', '-nocrypt', '-in', 'own.key', '-out', 'plain.p8')
    made.run('pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-passout', `pass:${PASSWORD}`, '-in', 'own.key', '-out', 'protected.p8')
    made.run('rsa', '-traditional', '-in', 'own.key', '-out', 'traditional.key')
    join('openssl-pkcs8.pem', 'plain.p8', 'own.crt')
    join('openssl-pkcs8-protected.pem', 'protected.p8', 'own.crt')
    join('openssl-traditional.pem', 'traditional.key', 'own.crt')
    const pack = (name: string, ...more: string[]): void => void made.run('pkcs12', '-export', '-in', 'own.crt', '-inkey', 'own.key', '-certfile', 'root.crt', '-name', 'our key', '-passout', `pass:${PASSWORD}`, '-out', name, ...more)
    pack('openssl.p12')
    pack('openssl-old.p12', '-legacy', '-certpbe', 'PBE-SHA1-RC2-40', '-keypbe', 'PBE-SHA1-3DES')
    const store = ['-keystore', 'keytool.p12', '-storetype', 'PKCS12', '-storepass', PASSWORD]
    tool('keytool', '-genkeypair', '-alias', 'one', '-keyalg', 'RSA', '-keysize', '2048', '-dname', 'CN=keytool', '-validity', '100', ...store)
    tool('keytool', '-exportcert', '-alias', 'one', '-file', 'keytool.cer', ...store)
    tool('keytool', '-exportcert', '-rfc', '-alias', 'one', '-file', 'keytool.pem', ...store)
    tool('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'batch@acme', '-f', 'id_ed25519')
    tool('ssh-keygen', '-q', '-t', 'ed25519', '-N', PASSWORD, '-f', 'id_ed25519_protected')
    tool('ssh-keygen', '-q', '-t', 'rsa', '-b', '3072', '-m', 'PEM', '-N', '', '-f', 'id_rsa.pem')
    made.write('known_hosts', `sftp.acme.example ${made.read('id_ed25519.pub').toString()}`)
    made.write('phrase', PASSWORD)
    for (const version of ['2', '3']) tool('puttygen', 'id_ed25519', '--ppk-param', `version=${version}`, '--new-passphrase', 'phrase', '-o', `v${version}.ppk`)
    mkdirSync(made.path('gnupg'), { mode: 0o700 })
    const gpg = (...args: string[]): Buffer => tool('gpg', '--batch', '--yes', '--pinentry-mode', 'loopback', '--passphrase', PASSWORD, ...args)
    gpg('--quick-generate-key', 'Acme <edi@acme.example>', 'ed25519', 'sign', '60d')
    made.write('gpg.asc', gpg('--armor', '--export'))
    made.write('gpg.pgp', gpg('--export'))
    made.write('gpg-secret.asc', gpg('--armor', '--export-secret-keys'))
    tool('gpgconf', '--kill', 'all')
  })
  afterAll(() => made?.remove())
  beforeEach(() => {
    here = createTestTrust(new Date().toISOString())
  })
  afterEach(() => here.close())

  it.each(FORMATS)('%s is %s', async (file, format, kinds, secret) => {
    const content = made.read(file)
    expect(await outcome(content, secret ? PASSWORD : undefined)).toBe(`${format}: ${kinds.join(' ')}`)
    if (!secret) return
    expect(await outcome(content)).toBe('key.passphrase_needed')
    expect(await outcome(content, 'other words')).toBe('key.wrong_passphrase')
  })

  it.each(FORMATS)('%s, cut and changed in many places, is named in words and never crashes the import', async (file, _, __, secret) => {
    const whole = made.read(file)
    const strange: string[] = []
    let read = 0
    for (let round = 0; round < ROUNDS; round++) {
      const changed = Buffer.from(round % 2 === 0 ? whole : whole.subarray(0, Math.floor((whole.length * round) / ROUNDS)))
      // Headers first: tags and lengths of the encodings, labels and fields of the texts.
      for (let at = round % 7; at < Math.min(changed.length, 160); at += 13 + (round % 29)) changed[at] = (changed[at] ?? 0) ^ (1 << round % 8)
      // A slow derivation is tried a few times only.
      const found = await outcome(changed, secret && round < 4 ? PASSWORD : undefined)
      if (found.includes(': ')) read += 1
      else if (!WORDS.includes(found)) strange.push(`${round}: ${found}`)
    }
    expect(strange).toEqual([])
    expect(read).toBeLessThan(ROUNDS)
  })

  it('says of what it does not read that it does not, by name', async () => {
    tool('keytool', '-genkeypair', '-alias', 'x', '-keyalg', 'RSA', '-dname', 'CN=x', '-storetype', 'JKS', '-keystore', 'old.jks', '-storepass', 'changeit', '-keypass', 'changeit')
    made.run('req', '-new', '-key', 'own.key', '-subj', '/CN=own', '-out', 'own.csr')
    expect([await outcome(made.read('old.jks'), 'changeit'), await outcome(made.read('own.csr')), await outcome(Buffer.alloc(0)), await outcome(Buffer.from('hello'))]).toEqual(['key.unsupported', 'key.malformed', 'key.unknown_format', 'key.unknown_format'])
  })
})
