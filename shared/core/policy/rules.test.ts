import { describe, expect, it } from 'vitest'
import { PartnerDocument } from '../../contract/partner-document.ts'
import { DEFAULT_POLICY } from '../../contract/policy-document.ts'
import { Role, type TrustItem } from '../../contract/trust.ts'
import { askedOf, concerns, differences, lockText, seenFor } from './rules.ts'

const partner = (id: string, connection: Record<string, unknown>, change: Record<string, unknown> = {}): PartnerDocument => PartnerDocument.parse({ id, name: id, connections: [connection], ...change })
const as2 = (change: Record<string, unknown> = {}) => partner('acme', { protocol: 'as2', as2Id: 'ACME', url: 'https://acme.example/as2', ...change })
const connectionOf = ({ connections }: PartnerDocument): PartnerDocument['connections'][number] => {
  const [first] = connections
  if (first === undefined) throw new Error('no connection')
  return first
}
const asked = (document: PartnerDocument): string => Role.options.filter((role) => askedOf(connectionOf(document), role, DEFAULT_POLICY) !== null).join(' ')

const item = (id: string, bindings: Partial<TrustItem['bindings'][number]>[]): TrustItem =>
  ({ id, kind: 'x509', label: id, fingerprint: `sha256:${id}`, bindings: bindings.map((binding, index) => ({ id: `b${index}`, item: id, partner: null, connection: null, role: 'sign', activeFrom: '2026-01-01T00:00:00.000Z', activeUntil: null, ...binding })) }) as unknown as TrustItem

const NOW = Date.parse('2026-06-01T00:00:00.000Z')
const lock = (partners: PartnerDocument[], items: TrustItem[] = []): string => lockText({ station: { name: 'Us', contacts: [] }, everyone: DEFAULT_POLICY, partners, items, now: NOW })

describe('the lock text', () => {
  it('is the same whatever order the facts come in, and ends with a line end', () => {
    const [a, b] = [as2(), partner('beta', { protocol: 'folder', path: '/srv/beta' })]
    const items = [item('one', [{ role: 'sign' }, { role: 'decrypt' }]), item('two', [{ partner: 'acme', role: 'verify' }])]
    expect(lock([a, b], items)).toBe(lock([b, a], items.toReversed()))
    const lines = lock([a, b], items).trimEnd().split('\n')
    expect(lines.slice(1)).toEqual(lines.slice(1).toSorted())
    expect(lock([a]).endsWith('\n')).toBe(true)
  })

  it('has a line for each setting, exception and binding, and none for a binding that has ended', () => {
    const text = lock([as2({ message: { cipher: 'aes-128-cbc' } })], [item('old', [{ activeUntil: '2026-05-31T23:59:59.000Z' }]), item('next', [{ activeFrom: '2026-07-01T00:00:00.000Z' }])])
    expect(text).toContain('partner acme connection as2 message.cipher: "aes-128-cbc"\n')
    expect(text).toContain('station role sign: x509 sha256:next from 2026-07-01T00:00:00.000Z\n')
    expect(text).not.toContain('sha256:old')
    const tolerant = partner('acme', { protocol: 'folder', path: '/srv' }, { exceptions: [{ allow: 'rsa-1024', reason: 'old gateway', owner: 'M. Ito', until: '2026-12-31' }] })
    expect(lock([tolerant])).toContain('partner acme exception rsa-1024 until 2026-12-31: old gateway (M. Ito)\n')
  })

  it('shows what changed, and whom it concerns', () => {
    const before = lock([as2()], [item('one', [{ role: 'sign' }])])
    const after = lock([as2({ message: { encrypt: false } })], [item('one', [{ role: 'sign' }]), item('two', [{ partner: 'acme', role: 'verify' }])])
    const lines = differences(before, after)
    expect(lines).toEqual([
      { change: 'added', text: 'partner acme connection as2 message.encrypt: false' },
      { change: 'removed', text: 'partner acme connection as2 message.encrypt: true' },
      { change: 'added', text: 'partner acme role verify: x509 sha256:two from 2026-01-01T00:00:00.000Z' },
    ])
    expect(differences(before, before)).toEqual([])
    expect(lines.every(({ text }) => concerns(text, 'acme'))).toBe(true)
    expect(lines.some(({ text }) => concerns(text, 'acm') || concerns(text, 'beta'))).toBe(false)
    expect(concerns('station role sign: x509 sha256:one from now', 'beta')).toBe(true)
  })
})

describe('what a connection asks of the roles', () => {
  it('follows the settings of AS2', () => {
    expect(asked(as2())).toBe('sign verify encrypt decrypt')
    expect(asked(as2({ message: { encrypt: false }, inbound: { requireEncrypted: false } }))).toBe('sign verify')
    expect(asked(as2({ receipt: { request: 'none' }, inbound: { requireSigned: false } }))).toBe('sign encrypt decrypt')
    expect(asked(as2({ tls: { trust: 'pinned' } }))).toBe('sign verify encrypt decrypt tls-server')
    expect(asked(partner('acme', { protocol: 'as2', as2Id: 'ACME' }))).toBe('sign verify decrypt')
  })
  it('follows the settings of file protocols and OpenPGP', () => {
    expect(asked(partner('acme', { protocol: 'sftp', host: 'h', username: 'u', auth: { method: 'key', item: 'ti_1' } }))).toBe('ssh-host ssh-client')
    expect(asked(partner('acme', { protocol: 'folder', path: '/srv', pgp: { outbound: 'sign-and-encrypt', inbound: 'open' } }))).toBe('pgp-sign pgp-verify pgp-encrypt pgp-decrypt')
    expect(asked(partner('acme', { protocol: 'folder', path: '/srv', pgp: { inbound: 'open', requireSignature: false } }))).toBe('pgp-decrypt')
  })
  it('picks what traffic showed for a role', () => {
    expect(seenFor('ssh-host', { hostKeyAlgorithm: 'ssh-ed25519', cipher: 'aes256-gcm', bytes: '1' })).toEqual([{ label: 'hostKeyAlgorithm', value: 'ssh-ed25519' }, { label: 'cipher', value: 'aes256-gcm' }])
    expect(seenFor('pgp-sign', { tls: 'TLSv1.3' })).toEqual([])
  })
})
