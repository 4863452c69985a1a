/** Both directions against `openssl cms`, for every algorithm that we claim. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { generateSelfSigned, privateKeyPem, readCertificate, readPrivateKey, type Certificate } from '../x509/index.ts'
import { candidatesOf, collect, createDetachedSignature, decrypt, encrypt, parseSignedData, signOpaque, verifyOpaque, verifySignedData, type ContentCipher, type KeyTransport, type SignatureScheme } from './index.ts'

const peer = findPeer('openssl')
const content = Buffer.concat([Buffer.from('UNB+UNOA:1\r\nlone\nline\rends'), randomBytes(200_000)])

async function* chunked(bytes: Uint8Array, size = 10_000): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

describe.skipIf(peer.absent)(`openssl cms${peer.note}`, () => {
  let folder: string
  const keys = new Map<string, { certificate: Certificate; privateKey: ReturnType<typeof readPrivateKey> }>()
  const at = (name: string): string => join(folder, name)
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { maxBuffer: 2 ** 26, timeout: 30_000, stdio: ['ignore', 'pipe', 'pipe'] })
  const pair = (kind: 'rsa' | 'ec') => keys.get(kind)!

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-cms-'))
    writeFileSync(at('content'), content)
    for (const [kind, key] of [['rsa', 'rsa-2048'], ['ec', 'ec-p256']] as const) {
      const made = await generateSelfSigned({ subject: { commonName: `${kind} of ours` }, key })
      keys.set(kind, made)
      writeFileSync(at(`${kind}.pem`), made.certificate.pem())
      writeFileSync(at(`${kind}.key`), privateKeyPem(made.privateKey))
    }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const signatures = (['sha256', 'sha384', 'sha512', 'sha1'] as const).flatMap((digest) => (['rsa-pkcs1', 'rsa-pss', 'ecdsa'] as const).map((scheme) => [digest, scheme] as const))
  const kindOf = (scheme: SignatureScheme): 'rsa' | 'ec' => (scheme === 'ecdsa' ? 'ec' : 'rsa')

  it.each(signatures)('verifies our detached %s %s signature, and we verify its own, with and without attributes', (digestAlgorithm, scheme) => {
    const { certificate, privateKey } = pair(kindOf(scheme))
    const allow = { sha1: digestAlgorithm === 'sha1' }
    const digest = candidatesOf(content, [digestAlgorithm])[0]!.digest
    writeFileSync(at('ours.p7s'), createDetachedSignature({ signer: { certificate, privateKey }, digestAlgorithm, digest, scheme, allow, algorithmProtection: true }))
    openssl('cms', '-verify', '-binary', '-inform', 'DER', '-in', at('ours.p7s'), '-content', at('content'), '-CAfile', at(`${kindOf(scheme)}.pem`), '-purpose', 'any', '-out', at('out'))
    expect(readFileSync(at('out')).equals(content)).toBe(true)

    for (const more of [[], ['-noattr'], ['-nocerts'], ['-keyid']]) {
      const pss = scheme === 'rsa-pss' ? ['-keyopt', 'rsa_padding_mode:pss'] : []
      openssl('cms', '-sign', '-binary', '-in', at('content'), '-signer', at(`${kindOf(scheme)}.pem`), '-inkey', at(`${kindOf(scheme)}.key`), '-md', digestAlgorithm, '-outform', 'DER', '-out', at('theirs.p7s'), ...pss, ...more)
      const info = parseSignedData(readFileSync(at('theirs.p7s')))
      const report = verifySignedData(info, { digests: candidatesOf(content, info.digestAlgorithms), trusted: [{ certificate }], allow })
      expect(report).toMatchObject({ digestAlgorithm, scheme, attributes: more[0] === '-noattr' ? 'none' : 'as-received' })
      expect(() => verifySignedData(info, { digests: candidatesOf(Buffer.from('other'), info.digestAlgorithms), trusted: [{ certificate }], allow })).toThrow(expect.objectContaining({ code: more[0] === '-noattr' ? 'cms.signature_invalid' : 'cms.content_changed' }) as Error)
      expect(() => verifySignedData(info, { digests: [], trusted: [], allow })).toThrow(expect.objectContaining({ code: 'cms.signer_unknown' }) as Error)
    }
    if (digestAlgorithm === 'sha1') {
      const info = parseSignedData(readFileSync(at('theirs.p7s')))
      expect(() => verifySignedData(info, { digests: candidatesOf(content, ['sha1']), trusted: [{ certificate }] })).toThrow(expect.objectContaining({ code: 'cms.algorithm_refused' }) as Error)
    }
  })

  it.each(['definite', 'indefinite'] as const)('opens our opaque signature with %s lengths, and we open its own', async (form) => {
    const { certificate, privateKey } = pair('rsa')
    const encoding = form === 'definite' ? { form, contentLength: content.length } : { form }
    writeFileSync(at('ours.p7m'), await collect(signOpaque(chunked(content), { signer: { certificate, privateKey }, digestAlgorithm: 'sha256', encoding }), 2 ** 24))
    openssl('cms', '-verify', '-binary', '-inform', 'DER', '-in', at('ours.p7m'), '-CAfile', at('rsa.pem'), '-purpose', 'any', '-out', at('out'))
    expect(readFileSync(at('out')).equals(content)).toBe(true)
    openssl('cms', '-sign', '-binary', '-nodetach', ...(form === 'definite' ? [] : ['-stream', '-indef']), '-in', at('content'), '-signer', at('rsa.pem'), '-inkey', at('rsa.key'), '-md', 'sha384', '-outform', 'DER', '-out', at('theirs.p7m'))
    const opened = verifyOpaque(chunked(readFileSync(at('theirs.p7m')), 777), { trusted: [{ certificate }] })
    expect(Buffer.from(await collect(opened.content, 2 ** 24)).equals(content)).toBe(true)
    expect((await opened.result).digestAlgorithm).toBe('sha384')
  })

  const transports: KeyTransport[] = [{ scheme: 'rsaes-pkcs1' }, { scheme: 'rsaes-oaep', hash: 'sha1' }, { scheme: 'rsaes-oaep', hash: 'sha256' }, { scheme: 'rsaes-oaep', hash: 'sha512', mgf1Hash: 'sha256' }]
  const ciphers: [ContentCipher, string][] = [['aes-128-cbc', '-aes-128-cbc'], ['aes-192-cbc', '-aes-192-cbc'], ['aes-256-cbc', '-aes-256-cbc'], ['des-ede3-cbc', '-des3'], ['aes-128-gcm', '-aes-128-gcm'], ['aes-256-gcm', '-aes-256-gcm']]

  it.each(ciphers)('opens what we encrypt with %s, and we open its own, in every key transport, encoding and naming', async (cipher, flag) => {
    const { certificate, privateKey } = pair('rsa')
    const allow = { tripleDes: cipher === 'des-ede3-cbc' }
    const open = async (bytes: Uint8Array): Promise<Uint8Array> => {
      const opened = decrypt(chunked(bytes, 1234), { keys: [{ certificate, privateKey }], allow })
      const plain = await collect(opened.content, 2 ** 24)
      expect((await opened.result).cipher).toBe(cipher)
      return plain
    }
    for (const transport of transports)
      for (const encoding of [{ form: 'indefinite' }, { form: 'definite', contentLength: content.length }] as const)
        for (const identifyBy of ['issuer-serial', 'ski'] as const) {
          const made = await collect(encrypt(chunked(content), { recipients: [{ certificate, transport, identifyBy }], cipher, encoding, allow }), 2 ** 24)
          writeFileSync(at('ours.p7m'), made)
          openssl('cms', '-decrypt', '-binary', '-inform', 'DER', '-in', at('ours.p7m'), '-inkey', at('rsa.key'), '-recip', at('rsa.pem'), '-out', at('out'))
          expect(readFileSync(at('out')).equals(content)).toBe(true)
          expect(Buffer.from(await open(made)).equals(content)).toBe(true)
        }
    for (const more of [[], ['-stream', '-indef'], ['-keyid'], ['-recip', at('rsa.pem'), '-keyopt', 'rsa_padding_mode:oaep', '-keyopt', 'rsa_oaep_md:sha256']]) {
      openssl('cms', '-encrypt', '-binary', flag, '-in', at('content'), '-outform', 'DER', '-out', at('theirs.p7m'), ...more, ...(more.includes('-recip') ? [] : [at('rsa.pem')]))
      expect(Buffer.from(await open(readFileSync(at('theirs.p7m')))).equals(content)).toBe(true)
    }
  })

  it('answers every way to damage a ciphertext with one and the same outcome', async () => {
    const { certificate, privateKey } = pair('rsa')
    for (const cipher of ['aes-256-cbc', 'aes-256-gcm'] as const) {
      const made = Buffer.from(await collect(encrypt(chunked(content.subarray(0, 5000)), { recipients: [{ certificate }], cipher, encoding: { form: 'definite', contentLength: 5000 } }), 2 ** 24))
      const wrappedAt = made.indexOf(certificate.serial) + certificate.serial.length + 30
      const outcomes = new Set<string>()
      // In CBC only the padding shows damage for certain: the octet before the last block changes its last one.
      for (const place of cipher === 'aes-256-cbc' ? [made.length - 17] : [wrappedAt, made.length - 5, made.length - 40]) {
        const broken = Buffer.from(made)
        broken[place]! ^= 0x55
        const opened = decrypt([broken], { keys: [{ certificate, privateKey }] })
        await collect(opened.content, 2 ** 24).catch(() => undefined)
        outcomes.add(await opened.result.then(() => 'opened', (error: unknown) => `${String(Reflect.get(error as object, 'code'))}: ${(error as Error).message}`))
      }
      expect([...outcomes]).toEqual(['cms.decryption_failed: the content could not be decrypted'])
    }
  })

  it('reads the certificate as openssl does', () => {
    for (const kind of ['rsa', 'ec'] as const) {
      const text = openssl('x509', '-in', at(`${kind}.pem`), '-noout', '-fingerprint', '-sha256', '-serial', '-enddate').toString()
      const { certificate } = pair(kind)
      expect(text).toContain(certificate.fingerprintSha256.toUpperCase().replaceAll(/(..)(?!$)/g, '$1:'))
      expect(text.toLowerCase()).toContain(`serial=${certificate.serialHex}`)
      expect(Date.parse(/notAfter=(.*)/.exec(text)![1]!)).toBe(certificate.notAfter.getTime())
    }
    expect(() => readCertificate(Buffer.from('not a certificate'))).toThrow(expect.objectContaining({ code: 'cms.certificate_unreadable' }) as Error)
  })
})

