import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { isCertificate, problemOfHostCertificate, readCertificate, readPublicKey, type SshCertificate } from './index.ts'

const keygen = findPeer('ssh-keygen')
const HOST = 'sftp.acme.example'
const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error

describe.skipIf(keygen.absent)(`host certificates made by ssh-keygen${keygen.note}`, () => {
  let folder: string
  let count = 0
  const run = (...args: string[]): string => execFileSync('ssh-keygen', args, { cwd: folder, encoding: 'utf8' })
  const make = (name: string, ...args: string[]): void => void run('-q', '-N', '', '-f', name, ...args)
  const publicKey = (name: string) => readPublicKey(readFileSync(join(folder, `${name}.pub`), 'utf8'))

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-certificates-'))
    make('ca', '-t', 'ed25519')
    make('other-ca', '-t', 'ed25519')
    make('host', '-t', 'ed25519')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const blobOf = (options: { ca?: string; key?: string; args?: readonly string[] } = {}): Buffer => {
    const { ca = 'ca', key = 'host', args = ['-h', '-n', HOST] } = options
    run('-q', '-s', ca, '-I', `certificate ${++count}`, '-z', String(count), ...args, `${key}.pub`)
    return Buffer.from(readFileSync(join(folder, `${key}-cert.pub`), 'utf8').split(' ')[1] ?? '', 'base64')
  }
  const problem = (certificate: SshCertificate, host = HOST, now = Date.now()) => problemOfHostCertificate(certificate, host, [publicKey('ca').fingerprint], now)

  it.each(['ed25519', 'ecdsa-256', 'ecdsa-384', 'ecdsa-521', 'rsa-2048'])('an authority and a host key of the kind %s: read as ssh-keygen reads them, and accepted', (kind) => {
    const [type = '', bits] = kind.split('-')
    const args = ['-t', type, ...(bits === undefined ? [] : ['-b', bits])]
    make(`ca-${kind}`, ...args)
    make(`host-${kind}`, ...args)
    const blob = blobOf({ ca: `ca-${kind}`, key: `host-${kind}`, args: ['-h', '-n', `${HOST},sftp2.acme.example`, '-V', '20200101:20990101'] })
    expect(isCertificate(blob)).toBe(true)
    const certificate = readCertificate(blob)
    const authority = publicKey(`ca-${kind}`)
    expect(certificate).toMatchObject({ kind: 'host', serial: String(count), keyId: `certificate ${count}`, principals: [HOST, 'sftp2.acme.example'], criticalOptions: [], signed: true })
    expect(certificate.key.publicKey).toBe(publicKey(`host-${kind}`).publicKey)
    expect(certificate.authority.fingerprint).toBe(authority.fingerprint)
    const shown = run('-L', '-f', `host-${kind}-cert.pub`)
    expect(shown).toContain(`${authority.fingerprint} (using ${certificate.signatureAlgorithm})`)
    expect(problemOfHostCertificate(certificate, HOST.toUpperCase(), [authority.fingerprint], Date.now())).toBeNull()
    const signatureAt = blob.length - 5
    blob[signatureAt] = (blob[signatureAt] ?? 0) ^ 1
    expect(problemOfHostCertificate(readCertificate(blob), HOST, [authority.fingerprint], Date.now())).toBe('signature-invalid')
  })

  it('refuses an unknown authority, another host, and a user certificate', () => {
    expect(problem(readCertificate(blobOf({ ca: 'other-ca' })))).toBe('authority-unknown')
    expect(problem(readCertificate(blobOf()), 'other.example')).toBe('other-host')
    expect(problem(readCertificate(blobOf({ args: ['-n', HOST] })))).toBe('not-for-hosts')
  })

  it('holds to the time of validity, to the second', () => {
    const certificate = readCertificate(blobOf({ args: ['-h', '-n', HOST, '-V', '20260101000000Z:20260201000000Z'] }))
    const [from, until] = [Date.parse('2026-01-01T00:00:00Z'), Date.parse('2026-02-01T00:00:00Z')]
    expect([certificate.validFrom, certificate.validUntil]).toEqual([from, until])
    expect(problem(certificate, HOST, from - 1)).toBe('not-yet-valid')
    expect(problem(certificate, HOST, from)).toBeNull()
    expect(problem(certificate, HOST, until - 1)).toBeNull()
    expect(problem(certificate, HOST, until)).toBe('expired')
    expect(readCertificate(blobOf({ args: ['-h', '-n', HOST, '-V', 'always:forever'] }))).toMatchObject({ validFrom: null, validUntil: null })
  })

  it('refuses a certificate that names nobody, accepts names with wildcards', () => {
    expect(problem(readCertificate(blobOf({ args: ['-h'] })))).toBe('no-names')
    expect(problem(readCertificate(blobOf({ args: ['-h', '-n', '*.acme.example'] })))).toBeNull()
    expect(problem(readCertificate(blobOf({ args: ['-h', '-n', '*.acme.example'] })), 'acme.example')).toBe('other-host')
  })

  it('refuses restrictions that it does not know', () => {
    expect(problem(readCertificate(blobOf({ args: ['-h', '-n', HOST, '-O', 'critical:only-on@mondays=yes'] })))).toBe('unknown-restriction')
  })

  it('refuses SHA-1 signatures and short RSA authorities', () => {
    make('ca-rsa', '-t', 'rsa', '-b', '2048')
    make('ca-small', '-t', 'rsa', '-b', '1024')
    const sha1 = readCertificate(blobOf({ ca: 'ca-rsa', args: ['-t', 'ssh-rsa', '-h', '-n', HOST] }))
    expect(problemOfHostCertificate(sha1, HOST, [publicKey('ca-rsa').fingerprint], Date.now())).toBe('signature-invalid')
    const small = readCertificate(blobOf({ ca: 'ca-small' }))
    expect(problemOfHostCertificate(small, HOST, [publicKey('ca-small').fingerprint], Date.now())).toBe('authority-weak')
  })

  it('refuses any one changed byte, wherever it is', () => {
    const blob = blobOf()
    const now = Date.now()
    for (let at = 0; at < blob.length; at++) {
      const changed = Buffer.from(blob)
      changed[at] = (changed[at] ?? 0) ^ 0x41
      const accepted = ((): boolean => {
        try {
          return problem(readCertificate(changed), HOST, now) === null
        } catch {
          return false
        }
      })()
      expect(accepted, `byte ${at}`).toBe(false)
    }
  })

  it('calls what is cut off or followed by something malformed', () => {
    const blob = blobOf()
    for (const length of [0, 3, 20, 100, blob.length - 1]) expect(() => readCertificate(blob.subarray(0, length))).toThrow()
    expect(() => readCertificate(Buffer.concat([blob, Buffer.of(0)]))).toThrow(code('key.malformed'))
  })
})
