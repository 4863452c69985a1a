import { describe, expect, it } from 'vitest'
import type { X509Details } from '../../contract/trust-details.ts'
import { Role } from '../../contract/trust-words.ts'
import { fitnessOf, problemsOfRole, type Circumstances, type Judged } from './fitness.ts'

const NOW = Date.parse('2026-06-01T12:00:00.000Z')
const now: Circumstances = { at: NOW, tolerated: [] }

const x509: X509Details = {
  subject: 'CN=acme', issuer: 'CN=acme', serial: '01', sha256: 'a', sha1: 'b', commonName: 'acme', selfSigned: true, isCa: false, keyType: 'rsa',
  notBefore: '2026-01-01T00:00:00.000Z', notAfter: '2027-01-01T00:00:00.000Z', keyUsage: null, extendedKeyUsage: null, altNames: [], signature: 'sha256WithRSA', chain: [],
}

function item(change: Partial<Omit<Judged, 'x509'>> = {}, details: Partial<X509Details> | null = {}): Judged {
  return {
    kind: 'x509', state: 'active', hasPrivateKey: true, algorithm: 'RSA', bits: 3072, notBefore: x509.notBefore, notAfter: x509.notAfter,
    x509: details === null ? null : { ...x509, ...details }, pgp: null,
    ...change,
  }
}

const told = (judged: Judged, role: Role, circumstances: Circumstances = now): string[] => problemsOfRole(judged, role, circumstances).map(({ severity, code }) => `${severity} ${code}`)

describe('what an item is fit for', () => {
  it('lists the roles of each kind and no others', () => {
    const roles = (kind: Judged['kind']): string => fitnessOf(item({ kind }), now).map(({ role }) => role).join(' ')
    expect(roles('x509')).toBe('sign verify encrypt decrypt tls-client tls-server tls-caller')
    expect(roles('ca')).toBe('tls-server verify')
    expect(roles('ssh-host')).toBe('ssh-host ssh-jump')
    expect(roles('ssh-ca')).toBe('ssh-host')
    expect(roles('ssh-client')).toBe('ssh-client')
    expect(roles('pgp')).toBe('pgp-sign pgp-verify pgp-encrypt pgp-decrypt')
  })

  it('finds nothing against a sound certificate with its key in any role of its kind', () => {
    expect(fitnessOf(item(), now).flatMap(({ problems }) => problems)).toEqual([])
  })

  it.each(Role.options)('refuses a retired item as %s, and one of the wrong kind', (role) => {
    expect(told(item({ state: 'retired' }), role)).toEqual(['error retired'])
    const kind = role.startsWith('ssh-') ? 'x509' : 'ssh-host'
    expect(told(item({ kind }, null), role)).toEqual(['error wrong-kind'])
  })

  it.each(['sign', 'decrypt', 'tls-client'] as const)('needs the private key to %s', (role) => {
    expect(told(item({ hasPrivateKey: false }), role)).toEqual(['error no-private-key'])
  })

  it.each(['verify', 'encrypt', 'tls-server'] as const)('needs no private key to %s', (role) => {
    expect(told(item({ hasPrivateKey: false }), role)).toEqual([])
  })

  it('refuses RSA below 2048 bits, down to 1024 only under an exception, below it never', () => {
    const tolerated = { at: NOW, tolerated: ['rsa-1024'] }
    expect([2048, 2047, 1024, 1023].map((bits) => told(item({ bits }), 'verify').join())).toEqual(['', 'error key-small', 'error key-small', 'error key-small'])
    expect([2047, 1024, 1023, 512].map((bits) => told(item({ bits }), 'verify', tolerated).join())).toEqual(['warning key-small', 'warning key-small', 'error key-small', 'error key-small'])
    expect(told(item({ bits: 256 }, { keyType: 'ec' }), 'verify')).toEqual([])
  })

  it('refuses to use what has expired, except to open what is old, and to verify by exception', () => {
    const late = { at: Date.parse(x509.notAfter), tolerated: [] }
    const just = { at: Date.parse(x509.notAfter) - 1, tolerated: [] }
    const byException = { ...late, tolerated: ['certificate-expired'] }
    for (const role of ['sign', 'verify', 'encrypt', 'tls-client', 'tls-server'] as const) {
      expect(told(item(), role, late)).toEqual(['error expired'])
      expect(told(item(), role, just)).toEqual([])
    }
    expect(told(item(), 'decrypt', late)).toEqual(['warning expired'])
    expect(told(item(), 'verify', byException)).toEqual(['warning expired'])
    expect(told(item(), 'encrypt', byException)).toEqual(['error expired'])
    expect(told(item({ hasPrivateKey: false }), 'tls-server', late)).toEqual(['warning expired'])
  })

  it('says when it is not valid yet', () => {
    expect(told(item(), 'sign', { at: Date.parse(x509.notBefore) - 1, tolerated: [] })).toEqual(['warning not-yet-valid'])
    expect(told(item(), 'sign', { at: Date.parse(x509.notBefore), tolerated: [] })).toEqual([])
  })

  it('encrypts to RSA keys only', () => {
    for (const role of ['encrypt', 'decrypt'] as const) {
      expect(told(item({ bits: 256 }, { keyType: 'ec' }), role)).toEqual(['error key-type'])
      expect(told(item({}, { keyType: 'rsa-pss' }), role)).toEqual(['error key-type'])
    }
    expect(told(item({}, { keyType: 'rsa-pss' }), 'sign')).toEqual([])
    expect(told(item({ bits: null }, { keyType: 'other' }), 'tls-server')).toEqual(['error key-type'])
  })

  it('warns of a usage or purpose that does not fit the role', () => {
    expect(told(item({}, { keyUsage: ['keyEncipherment'] }), 'sign')).toEqual(['warning usage'])
    expect(told(item({}, { keyUsage: ['digitalSignature'] }), 'encrypt')).toEqual(['warning usage'])
    expect(told(item({}, { keyUsage: ['dataEncipherment'] }), 'decrypt')).toEqual([])
    expect(told(item({}, { keyUsage: ['nonRepudiation'] }), 'verify')).toEqual([])
    expect(told(item({}, { keyUsage: [] }), 'tls-server')).toEqual(['warning usage'])
    expect(told(item({}, { extendedKeyUsage: ['serverAuth'] }), 'tls-server')).toEqual([])
    expect(told(item({}, { extendedKeyUsage: ['serverAuth'] }), 'tls-client')).toEqual(['warning purpose'])
    expect(told(item({}, { extendedKeyUsage: ['clientAuth'] }), 'sign')).toEqual(['warning purpose'])
    expect(told(item({}, { extendedKeyUsage: ['any'] }), 'sign')).toEqual([])
  })

  it('warns of a forgeable signature of an issuer, not of one of its own', () => {
    expect(told(item({}, { selfSigned: false, signature: 'sha1WithRSA' }), 'verify')).toEqual(['warning weak-signature'])
    expect(told(item({}, { selfSigned: false, signature: 'ecdsaWithSHA1' }), 'verify')).toEqual(['warning weak-signature'])
    expect(told(item({}, { selfSigned: true, signature: 'md5WithRSA' }), 'verify')).toEqual([])
  })

  it('warns of an authority that is none', () => {
    expect(told(item({ kind: 'ca', hasPrivateKey: false }, { isCa: true, keyUsage: ['keyCertSign'] }), 'tls-server')).toEqual([])
    expect(told(item({ kind: 'ca', hasPrivateKey: false }, { isCa: false }), 'tls-server')).toEqual(['warning not-a-ca'])
    expect(told(item({ kind: 'ca', hasPrivateKey: false }, { isCa: true, keyUsage: ['digitalSignature'] }), 'verify')).toEqual(['warning usage'])
  })

  it('judges a pin of which only the fingerprint is known by its kind alone', () => {
    expect(told(item({ hasPrivateKey: false, bits: null, notBefore: null, notAfter: null }, null), 'tls-server')).toEqual([])
  })
})
