import { describe, expect, it } from 'vitest'
import { Connection } from '../../../shared/contract/connections/index.ts'
import type { TrustItem } from '../../../shared/contract/trust.ts'
import type { Role } from '../../../shared/contract/trust-words.ts'
import { missingFor, type Known } from './readiness.ts'

const now = Date.parse('2026-11-25T12:00:00.000Z')
const known: Known = { trusted: true, items: [], stationAs2: { id: 'US' }, receiverListens: true, now }

function item(bindings: readonly { readonly partner: string | null; readonly connection?: string; readonly role: Role; readonly until?: string }[], hasPrivateKey = false): TrustItem {
  return {
    id: 'ti', kind: 'x509', label: 'l', algorithm: 'RSA', bits: 3072, fingerprint: 'sha256:x', keyId: null, publicKey: null, hasPrivateKey, notBefore: null, notAfter: null, state: 'active', createdAt: '2026-01-01T00:00:00.000Z', x509: null, pgp: null, assurance: 'confirmed', provenance: [],
    bindings: bindings.map(({ partner, connection = null, role, until = null }) => ({ id: `b-${role}`, item: 'ti', partner, connection, role, activeFrom: '2026-01-01T00:00:00.000Z', activeUntil: until })),
  }
}

const as2 = Connection.parse({ protocol: 'as2', as2Id: 'ACME', url: 'https://as2.example.com/' })
const titles = (connection: Connection, change: Partial<Known>): string[] => missingFor('acme', connection, { ...known, ...change }).map(({ title }) => title)

describe('what is missing before the first exchange', () => {
  it('is everything for a new AS2 partner', () => {
    expect(titles(as2, { trusted: false, stationAs2: null, receiverListens: false })).toEqual([
      'The server’s certificate is not confirmed',
      'We have no AS2 identifier',
      'Their certificate is missing',
      'Our certificate is missing',
      'Our receiver is off',
    ])
  })

  it('is nothing once both have certificates for every role', () => {
    const theirs = item([{ partner: 'acme', role: 'verify' }, { partner: 'acme', connection: 'as2', role: 'encrypt' }])
    const ours = item([{ partner: null, role: 'sign' }, { partner: null, role: 'decrypt' }], true)
    expect(titles(as2, { items: [theirs, ours] })).toEqual([])
  })

  it.each([
    ['bound to another connection', item([{ partner: 'acme', connection: 'other', role: 'verify' }, { partner: 'acme', role: 'encrypt' }])],
    ['bound to our station, which would speak for everybody', item([{ partner: null, role: 'verify' }, { partner: 'acme', role: 'encrypt' }])],
    ['bound until yesterday', item([{ partner: 'acme', role: 'verify', until: '2026-11-24T00:00:00.000Z' }, { partner: 'acme', role: 'encrypt' }])],
  ])('is a certificate that is %s', (_, theirs) => {
    const need = missingFor('acme', as2, { ...known, items: [theirs] }).find(({ title }) => title === 'Their certificate is missing')
    expect(need?.act).toEqual({ kind: 'bind', whose: 'theirs', material: 'x509', roles: ['verify'] })
  })

  it('is our certificate when its private key is elsewhere', () => {
    expect(titles(as2, { items: [item([{ partner: null, role: 'sign' }, { partner: null, role: 'decrypt' }])] })).toContain('Our certificate is missing')
  })

  it('is our address when receipts come later', () => {
    const later = Connection.parse({ protocol: 'as2', as2Id: 'ACME', url: 'https://as2.example.com/', receipt: { mode: 'async' } })
    expect(titles(later, {})).toContain('Our address for receipts is missing')
    expect(titles(later, { stationAs2: { id: 'US', url: 'https://us.example.com/' } })).not.toContain('Our address for receipts is missing')
  })

  it('is the certificate that their program shows, where it must show one', () => {
    const demanding = Connection.parse({ protocol: 'as2', as2Id: 'ACME', url: 'https://as2.example.com/', inbound: { requireClientCertificate: true } })
    const need = missingFor('acme', demanding, known).find(({ title }) => title === 'Their TLS client certificate is missing')
    expect(need?.act).toEqual({ kind: 'bind', whose: 'theirs', material: 'x509', roles: ['tls-caller'] })
    expect(titles(demanding, { items: [item([{ partner: 'acme', role: 'tls-caller' }])] })).not.toContain('Their TLS client certificate is missing')
    expect(titles(demanding, { items: [item([{ partner: null, role: 'tls-caller' }])] })).toContain('Their TLS client certificate is missing')
  })

  it('asks for OpenPGP keys by what is agreed', () => {
    const folder = (pgp: object) => Connection.parse({ protocol: 'folder', path: '/mnt/acme', pgp })
    expect(titles(folder({ outbound: 'none', inbound: 'none' }), {})).toEqual([])
    expect(missingFor('acme', folder({ outbound: 'encrypt', inbound: 'open' }), known).map(({ act }) => act)).toMatchObject([{ roles: ['pgp-encrypt', 'pgp-verify'] }, { roles: ['pgp-decrypt'] }])
  })

  it('is the host key of an SFTP server', () => {
    const sftp = Connection.parse({ protocol: 'sftp', host: 'h', username: 'u', auth: { method: 'password', password: 'p' } })
    expect(titles(sftp, { trusted: false })).toEqual(['The server’s host key is not confirmed'])
  })
})
