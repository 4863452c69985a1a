/** PKCS#12 and certification requests in both directions against `openssl` and, where Java is there, `keytool`. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { createCertificateRequest, generateSelfSigned, privateKeyPem, readIssuedCertificate, readPkcs12, writePkcs12, type Certificate } from './index.ts'
import type { KeyObject } from 'node:crypto'

const peer = findPeer('openssl')
const password = 'pässwörd 1'
const java = findPeer('keytool')

describe.skipIf(peer.absent)(`PKCS#12 and openssl${peer.note}`, () => {
  let folder: string
  const at = (name: string): string => join(folder, name)
  const openssl = (...args: string[]): string => execFileSync('openssl', args, { timeout: 30_000, stdio: ['ignore', 'pipe', 'pipe'] }).toString()
  const made = new Map<string, { certificate: Certificate; privateKey: KeyObject }>()
  const of = (kind: string): { certificate: Certificate; privateKey: KeyObject } => made.get(kind)!

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-p12-'))
    for (const [kind, key] of [['rsa', 'rsa-2048'], ['ec', 'ec-p256']] as const) {
      const pair = await generateSelfSigned({ subject: { commonName: `${kind} of Ä & B` }, key })
      made.set(kind, pair)
      writeFileSync(at(`${kind}.pem`), pair.certificate.pem())
      writeFileSync(at(`${kind}.key`), privateKeyPem(pair.privateKey))
    }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const flavours: [string, string[]][] = [
    ['AES-256', []],
    ['AES-128, SHA-512', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC', '-macalg', 'sha512']],
    ['RC2-40 and 3DES', ['-legacy']],
    ['RC2-128', ['-legacy', '-keypbe', 'PBE-SHA1-RC2-128', '-certpbe', 'PBE-SHA1-RC2-128']],
    ['two-key 3DES', ['-legacy', '-keypbe', 'PBE-SHA1-2DES', '-certpbe', 'PBE-SHA1-2DES']],
    ['many iterations', ['-iter', '50000']],
    ['one iteration without MAC', ['-noiter', '-nomac']],
    ['keys that are not encrypted', ['-keypbe', 'NONE']],
  ]

  it.each(flavours)('opens what openssl writes: %s', (_, more) => {
    for (const kind of ['rsa', 'ec']) {
      openssl('pkcs12', '-export', '-in', at(`${kind}.pem`), '-inkey', at(`${kind}.key`), '-name', 'the name', '-passout', `pass:${password}`, '-out', at('theirs.p12'), ...more)
      const { entries, certificates } = readPkcs12(readFileSync(at('theirs.p12')), password)
      expect(entries).toHaveLength(1)
      expect(entries[0]!.certificate!.fingerprintSha256).toBe(of(kind).certificate.fingerprintSha256)
      expect(entries[0]!.privateKey.equals(of(kind).privateKey)).toBe(true)
      expect(entries[0]!.friendlyName).toBe('the name')
      expect(certificates).toEqual([])
      expect(() => readPkcs12(readFileSync(at('theirs.p12')), 'wrong')).toThrow(expect.objectContaining({ code: 'cms.wrong_password' }) as Error)
    }
  })

  it('opens a container with an empty password, and one without a key', () => {
    openssl('pkcs12', '-export', '-in', at('rsa.pem'), '-inkey', at('rsa.key'), '-passout', 'pass:', '-out', at('empty.p12'))
    expect(readPkcs12(readFileSync(at('empty.p12')), '').entries).toHaveLength(1)
    openssl('pkcs12', '-export', '-nokeys', '-in', at('rsa.pem'), '-passout', 'pass:x', '-out', at('nokey.p12'))
    expect(readPkcs12(readFileSync(at('nokey.p12')), 'x').certificates).toHaveLength(1)
    expect(() => readPkcs12(readFileSync(at('nokey.p12')), 'x', { requireKey: true })).toThrow(expect.objectContaining({ code: 'cms.no_private_key' }) as Error)
  })

  it('finds the chain above the certificate of a key', () => {
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', at('root.key'), '-out', at('root.pem'), '-subj', '/CN=root', '-days', '9')
    openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', at('leaf.key'), '-out', at('leaf.csr'), '-subj', '/CN=leaf')
    openssl('x509', '-req', '-in', at('leaf.csr'), '-CA', at('root.pem'), '-CAkey', at('root.key'), '-CAcreateserial', '-out', at('leaf.pem'), '-days', '9')
    writeFileSync(at('others.pem'), readFileSync(at('root.pem'), 'utf8') + of('ec').certificate.pem())
    openssl('pkcs12', '-export', '-in', at('leaf.pem'), '-inkey', at('leaf.key'), '-certfile', at('others.pem'), '-passout', 'pass:x', '-out', at('chain.p12'))
    const { entries, certificates } = readPkcs12(readFileSync(at('chain.p12')), 'x')
    expect(entries.map(({ certificate, chain }) => [certificate!.commonName, chain.map(({ commonName }) => commonName)])).toEqual([['leaf', ['root']]])
    expect(certificates.map(({ commonName }) => commonName)).toEqual(['ec of Ä & B'])
  })

  it.each(['modern', 'compatible'] as const)('writes %s containers that openssl opens', (form) => {
    const entries = [{ ...of('rsa'), friendlyName: 'first Ü' }, of('ec')]
    writeFileSync(at('ours.p12'), writePkcs12({ entries, password, form }))
    // what `compatible` is made of is still in the default provider of OpenSSL 3; RC2 is not written
    const text = openssl('pkcs12', '-in', at('ours.p12'), '-passin', `pass:${password}`, '-nodes', '-info')
    for (const kind of ['rsa', 'ec']) {
      expect(text).toContain(of(kind).certificate.pem().split('\n')[1]!)
      expect(text).toContain(privateKeyPem(of(kind).privateKey).split('\n')[1]!)
    }
    expect(spawnSync('openssl', ['pkcs12', '-in', at('ours.p12'), '-passin', 'pass:wrong', '-nodes']).status).not.toBe(0)
    const back = readPkcs12(readFileSync(at('ours.p12')), password)
    expect(back.entries.map(({ friendlyName, certificate }) => [friendlyName, certificate?.fingerprintSha256])).toEqual([['first Ü', of('rsa').certificate.fingerprintSha256], ['ec of Ä & B', of('ec').certificate.fingerprintSha256]])
  })

  it.skipIf(java.absent).each(['modern', 'compatible'] as const)(`exchanges %s containers with Java${java.note}`, (form) => {
    const keytool = (...args: string[]): string => execFileSync('keytool', args, { timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] }).toString()
    writeFileSync(at('java.p12'), writePkcs12({ entries: [{ ...of('rsa'), friendlyName: 'waybill' }], password: 'changeit', form }))
    const listed = keytool('-list', '-v', '-storetype', 'PKCS12', '-keystore', at('java.p12'), '-storepass', 'changeit')
    expect(listed).toContain('PrivateKeyEntry')
    expect(listed.replaceAll(':', '').toLowerCase()).toContain(of('rsa').certificate.fingerprintSha256)
    const legacy = form === 'compatible' ? ['-J-Dkeystore.pkcs12.legacy'] : []
    rmSync(at('theirs.jks.p12'), { force: true })
    keytool('-genkeypair', '-alias', 'theirs', '-keyalg', 'RSA', '-keysize', '2048', '-dname', 'CN=java', '-storetype', 'PKCS12', '-keystore', at('theirs.jks.p12'), '-storepass', 'changeit', ...legacy)
    const { entries } = readPkcs12(readFileSync(at('theirs.jks.p12')), 'changeit', { requireKey: true })
    expect(entries.map(({ friendlyName, certificate }) => [friendlyName, certificate?.commonName])).toEqual([['theirs', 'java']])
  })
})

describe.skipIf(peer.absent)(`certification requests and openssl${peer.note}`, () => {
  it('are taken by an authority, whose answer we read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'waybill-csr-'))
    const openssl = (...args: string[]): string => execFileSync('openssl', args, { cwd: folder, timeout: 30_000, stdio: ['ignore', 'pipe', 'pipe'] }).toString()
    try {
      openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=authority', '-days', '9')
      for (const key of ['rsa-2048', 'ec-p256'] as const) {
        const { privateKey } = await generateSelfSigned({ subject: { commonName: 'unused' }, key })
        writeFileSync(join(folder, 'csr.pem'), createCertificateRequest({ subject: { commonName: 'Ä station', country: 'DE' }, altNames: [{ type: 'dns', value: 'as2.example' }], usage: 'all' }, privateKey).pem())
        const text = openssl('req', '-in', 'csr.pem', '-verify', '-noout', '-text', '-nameopt', 'utf8')
        expect(text).toMatch(/CN ?= ?Ä station/)
        expect(text).toContain('DNS:as2.example')
        expect(text).toContain('TLS Web Server Authentication')
        openssl('x509', '-req', '-in', 'csr.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copyall', '-out', 'leaf.pem', '-days', '9')
        openssl('crl2pkcs7', '-nocrl', '-certfile', 'ca.pem', '-certfile', 'leaf.pem', '-outform', 'DER', '-out', 'answer.p7b')
        const { certificate, chain } = readIssuedCertificate(readFileSync(join(folder, 'answer.p7b')), privateKey)
        expect([certificate.commonName, ...chain.map(({ commonName }) => commonName)]).toEqual(['Ä station', 'authority'])
        expect(certificate.altNames).toEqual([{ type: 'dns', value: 'as2.example' }])
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
