import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PartnerDocument } from '../../../contract/partner-document.ts'
import type { Role, TrustItem } from '../../../contract/trust.ts'
import { createTestTrust, tester, type TestTrust } from '../../trust/test-trust.ts'
import { DAY_MS } from '../days.ts'
import { evaluate } from '../evaluate.ts'
import { RULES } from './index.ts'
import { as2, KEEPING, partner, PLATFORM, world } from './test-world.ts'

/** Real certificates and keys, judged by the inventory itself. */
describe('rules over the inventory', () => {
  let here: TestTrust
  beforeEach(() => {
    here = createTestTrust(new Date().toISOString())
    here.documents.push(PartnerDocument.parse({ id: 'acme', name: 'Acme', connections: [as2()] }))
  })
  afterEach(() => here.close())

  const certificate = async (name: string, days: number, roles: readonly Role[], of: { partner?: string } = {}): Promise<TrustItem> =>
    await here.trust.generate({ kind: 'x509', subject: { commonName: name }, key: 'rsa-2048', days, altNames: [], bind: roles.map((role) => ({ ...of, role })) }, tester)

  const findings = () => {
    const now = here.clock.now()
    const { items } = here.trust.list({ limit: 1000 })
    return evaluate(RULES, world({ now, partners: [partner([as2()], {}, { updatedAt: new Date(now).toISOString() })], items, expiry: here.trust.insights.entries(), trust: here.trust.insights.findings(), traffic: [], platform: { ...PLATFORM, builtAt: null }, keeping: { ...KEEPING, backup: null }, audit: { events: 0, firstAt: null, lastAt: null, verified: null } }))
  }
  const codes = (): string[] => [...new Set(findings().map(({ code }) => code))].toSorted()
  const later = (days: number): void => here.setTime(new Date(here.clock.now() + days * DAY_MS).toISOString())

  it('tell missing roles until certificates are there, then their ends, until a successor follows', async () => {
    expect(findings().map(({ code, message }) => `${code} ${/bound as (\w+)/.exec(message)?.[1] ?? ''}`).toSorted()).toEqual(['role_missing decrypt', 'role_missing encrypt', 'role_missing sign', 'role_missing verify'])
    const ours = await certificate('ours', 40, ['sign', 'decrypt'])
    const theirs = await certificate('theirs', 400, ['verify', 'encrypt'], { partner: 'acme' })
    expect(codes()).toEqual(['one_key_for_two'])
    later(20)
    expect(codes()).toEqual(['item_expiring', 'no_successor', 'one_key_for_two'])
    expect(findings().find(({ code }) => code === 'item_expiring')).toMatchObject({ severity: 'warning', subject: { kind: 'item', id: ours.id }, open: { kind: 'trust', id: ours.id } })
    later(15)
    expect(findings().find(({ code }) => code === 'item_expiring')?.severity).toBe('error')
    await certificate('next', 900, ['sign', 'decrypt'])
    expect(codes()).not.toContain('no_successor')
    later(10)
    expect(codes()).toContain('certificate_expired')
    expect(findings().filter(({ subject }) => subject.id === theirs.id).map(({ code }) => code)).toEqual(['one_key_for_two'])
  })

  it('tell a certificate for TLS and messages alike, and an OpenPGP key that has ended', async () => {
    const shared = await certificate('shared', 900, ['sign', 'decrypt', 'tls-client'])
    expect(findings().filter(({ subject }) => subject.id === shared.id).map(({ code }) => code).toSorted()).toEqual(['messages_and_tls', 'one_key_for_two'])
    const key = await here.trust.generate({ kind: 'pgp', name: 'Us', algorithm: 'ed25519', days: 10, bind: [{ role: 'pgp-sign' }] }, tester)
    const ofKey = (): string[] => findings().filter(({ subject }) => subject.id === key.id).map(({ code }) => code)
    expect(ofKey()).toEqual(expect.arrayContaining(['item_expiring', 'no_successor']))
    later(11)
    expect(ofKey()).toEqual(expect.arrayContaining(['pgp_key_expired']))
  })
})
