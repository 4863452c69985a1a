/** Each failure that the rehearsal predicts is then provoked for real, between two whole installations; and what it says works, works. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Delivery } from '../../contract/deliveries.ts'
import type { RehearsedMoment, RehearsedUse } from '../../contract/rehearsal.ts'
import type { Rollover } from '../../contract/rollover.ts'
import type { Role, TrustItem } from '../../contract/trust.ts'
import { generateSelfSigned } from '../crypto/x509/index.ts'
import { systemClock, type Clock } from '../kernel/clock.ts'
import { context, pair, testStation, type Identity, type TestStation } from '../messages/conformance/station.ts'

const DAY_MS = 86_400_000

describe('a rehearsal of a rollover', () => {
  let us: TestStation
  let they: TestStation
  let shifted = 0
  const clock: Clock = { now: () => Date.now() + shifted, sleep: systemClock.sleep }
  const start = Date.now()
  const day = (days: number): string => new Date(start + days * DAY_MS).toISOString()
  const on = (days: number): void => void (shifted = days * DAY_MS)
  let count = 0

  beforeAll(async () => {
    us = await testStation('US', { clock })
    they = await testStation('THEY', { clock })
    await pair(us, they)
  })
  afterAll(async () => {
    await us?.close()
    await they?.close()
  })

  const sent = async (from: TestStation, to: string): Promise<Delivery> => await from.send(to, from.file(`f${++count}.edi`, `UNB+${count}'`))
  /** `delivered`, or where it ended and why. */
  const fate = async (from: TestStation, to: string): Promise<string> => {
    const { state, error, receipt } = await sent(from, to)
    return state === 'delivered' ? 'delivered' : `${state} ${error?.code ?? ''} ${receipt?.kind === 'mdn' ? receipt.disposition.replace(/^.*processed\/?/i, '') : ''}`.trim()
  }
  const item = async (at: TestStation, { certificate }: Identity): Promise<TrustItem> =>
    (await at.handlers().trust.list({ limit: 100 }, context)).items.find(({ fingerprint }) => fingerprint === `sha256:${certificate.fingerprintSha256}`) as TrustItem
  /** Makes the bindings of some roles exactly these. */
  const only = async (at: TestStation, partner: string | null, roles: readonly Role[], ...identities: Identity[]): Promise<void> => {
    for (const one of (await at.handlers().trust.list({ limit: 100 }, context)).items)
      for (const binding of one.bindings) if (binding.partner === partner && roles.includes(binding.role) && (binding.activeUntil === null || Date.parse(binding.activeUntil) > clock.now())) await at.handlers().trust.unbind({ binding: binding.id }, context)
    for (const identity of identities) at.bind(partner === null ? identity : { certificate: identity.certificate }, roles, ...(partner === null ? [] : [{ partner, connection: 'as2' }]))
  }
  const rehearsed = async ({ id }: Rollover, moment: RehearsedMoment['moment'], at?: string): Promise<RehearsedMoment> => {
    const { rehearsals } = await us.handlers().rollover.rehearse({ id, ...(at === undefined ? {} : { at }) }, context)
    const found = rehearsals[0]?.moments.find((one) => one.moment === moment)
    if (found === undefined) throw new Error(`no moment ${moment}`)
    return found
  }
  const outcome = ({ cells }: RehearsedMoment, use: RehearsedUse): string => (['old', 'next'] as const).map((which) => cells.find((cell) => cell.use === use && cell.with === which)?.outcome).join('/')
  const all = (moment: RehearsedMoment): Record<string, string> => Object.fromEntries((['decrypt', 'sign', 'tls', 'check-messages', 'check-receipts', 'encrypt'] as const).map((use) => [use, outcome(moment, use)]))

  it('of our certificate: predicts what a partner meets that has only the one or only the other, before and after the switch and at the end', async () => {
    expect([await fate(us, 'right'), await fate(they, 'left')]).toEqual(['delivered', 'delivered'])
    const next = await generateSelfSigned({ subject: { commonName: 'US next' }, key: 'rsa-2048' })
    us.bind(next, [])
    const plan = await us.handlers().rollover.plan({ old: (await item(us, us.identity)).id, next: (await item(us, next)).id, switchAt: day(10), retireAt: day(20) }, context)
    shifted += 1000

    const [now, switched, retired] = [await rehearsed(plan, 'now'), await rehearsed(plan, 'switch'), await rehearsed(plan, 'retire')]
    expect(all(now)).toEqual({ decrypt: 'works/works', sign: 'works/idle', tls: 'idle/idle', 'check-messages': 'works/fails', 'check-receipts': 'works/fails', encrypt: 'works/works' })
    expect(all(switched)).toEqual({ decrypt: 'works/works', sign: 'idle/works', tls: 'idle/idle', 'check-messages': 'fails/works', 'check-receipts': 'fails/works', encrypt: 'works/works' })
    expect(all(retired)).toEqual({ decrypt: 'fails/works', sign: 'idle/works', tls: 'idle/idle', 'check-messages': 'fails/works', 'check-receipts': 'fails/works', encrypt: 'fails/works' })
    expect(now.cells.find(({ use, with: which }) => use === 'decrypt' && which === 'old')).toMatchObject({ proof: 'last-message', message: expect.stringContaining('f2.edi') })
    expect(now.expected).toEqual([])
    expect(switched.conclusion).toContain('this fails: their check of our messages, their check of our receipts')
    expect(switched.expected.map(({ use }) => use)).toEqual(['check-messages', 'check-receipts'])

    // Behind encryption a partner that knows no signer says only decryption-failed (attacks must learn nothing).
    // Now: a partner that replaces instead of adding refuses us and our receipts, but what it encrypts to the next one is opened.
    await only(they, 'left', ['verify', 'encrypt'], next)
    expect(await fate(us, 'right')).toBe('failed as2.receipt_negative error: decryption-failed')
    expect(await fate(they, 'left')).toMatch(/^disputed as2\.receipt_wrong_signer/)
    // With the old one everything works until the switch, and fails after it.
    await only(they, 'left', ['verify', 'encrypt'], us.identity)
    expect([await fate(us, 'right'), await fate(they, 'left')]).toEqual(['delivered', 'delivered'])
    on(10.1)
    expect(await fate(us, 'right')).toBe('failed as2.receipt_negative error: decryption-failed')
    expect(await fate(they, 'left')).toMatch(/^disputed/)
    expect(us.received()).toHaveLength(4)
    // The partner has both: nothing is lost and nobody switches at the same minute.
    await only(they, 'left', ['verify'], us.identity, next)
    await only(they, 'left', ['encrypt'], next)
    expect([await fate(us, 'right'), await fate(they, 'left')]).toEqual(['delivered', 'delivered'])
    const board = await us.handlers().rollover.show({ id: plan.id }, context)
    expect(board.partners).toMatchObject([{ step: 'in-use' }])
    expect((await rehearsed(plan, 'retire')).expected).toEqual([])

    // The old one ends once it was not seen for a week; what still comes encrypted to it is refused, as was predicted.
    on(30)
    await us.handlers().rollover.check({}, context)
    expect((await us.handlers().rollover.show({ id: plan.id }, context)).state).toBe('done')
    expect(await fate(they, 'left')).toBe('delivered')
    await only(they, 'left', ['encrypt'], us.identity)
    expect(await fate(they, 'left')).toBe('failed as2.receipt_negative error: decryption-failed')
    await only(they, 'left', ['verify', 'encrypt'], next)
  }, 60_000)

  it('of the partner’s certificate: predicts what we refuse and what the partner cannot open', async () => {
    const before = they.identity
    const next = await generateSelfSigned({ subject: { commonName: 'THEY next' }, key: 'rsa-2048' })
    us.bind({ certificate: next.certificate }, [])
    await only(they, null, ['sign', 'decrypt'], before)
    expect([await fate(us, 'right'), await fate(they, 'left')]).toEqual(['delivered', 'delivered'])
    const plan = await us.handlers().rollover.plan({ old: (await item(us, before)).id, next: (await item(us, next)).id, partner: 'right', switchAt: day(40), retireAt: day(50) }, context)
    shifted += 1000
    const [now, switched, retired] = [await rehearsed(plan, 'now'), await rehearsed(plan, 'switch'), await rehearsed(plan, 'retire')]
    expect(all(now)).toEqual({ decrypt: 'works/fails', sign: 'works/works', tls: 'idle/idle', 'check-messages': 'works/works', 'check-receipts': 'works/works', encrypt: 'works/idle' })
    expect(all(switched)).toEqual({ decrypt: 'fails/works', sign: 'works/works', tls: 'idle/idle', 'check-messages': 'works/works', 'check-receipts': 'works/works', encrypt: 'idle/works' })
    expect(all(retired)).toEqual({ decrypt: 'fails/works', sign: 'works/works', tls: 'idle/idle', 'check-messages': 'fails/works', 'check-receipts': 'fails/works', encrypt: 'idle/works' })
    expect(retired.cells.filter(({ use, with: which }) => use.startsWith('check') && which === 'old').map(({ proof }) => proof)).toEqual(['last-message', 'last-message'])

    // Now with the next key alone: it signs to our liking, but cannot open what we encrypt to the old one.
    await only(they, null, ['sign', 'decrypt'], next)
    expect([await fate(us, 'right'), await fate(they, 'left')]).toEqual(['failed as2.receipt_negative error: decryption-failed', 'delivered'])
    // After the switch with the old key alone: the other way round.
    on(40.1)
    await only(they, null, ['sign', 'decrypt'], before)
    expect([await fate(us, 'right'), await fate(they, 'left')]).toEqual(['failed as2.receipt_negative error: decryption-failed', 'delivered'])
    await only(they, null, ['sign', 'decrypt'], next)
    expect([await fate(us, 'right'), await fate(they, 'left')]).toEqual(['delivered', 'delivered'])
    // After the end: messages and receipts that the old one signed count no more.
    on(60)
    await us.handlers().rollover.check({}, context)
    await only(they, null, ['sign'], before)
    expect(await fate(us, 'right')).toMatch(/^disputed as2\.receipt_wrong_signer/)
    expect(await fate(they, 'left')).toBe('failed as2.receipt_negative error: decryption-failed')
    await only(they, null, ['sign', 'decrypt'], next)
  }, 60_000)

  it('of the certificate of our HTTPS receiver: it changes at the switch without a restart, and a partner that pinned the old one breaks off', async () => {
    const [old, next] = await Promise.all(['tls old', 'tls next'].map(async (commonName) => await generateSelfSigned({ subject: { commonName }, key: 'ec-p256', usage: 'tls' })))
    if (old === undefined || next === undefined) throw new Error('unreachable')
    us.bind(old, ['tls-server'])
    us.bind(next, [])
    const { address } = await us.handlers().as2.configureReceiver({ enabled: true, host: '127.0.0.1', port: 0, tls: true }, context)
    const pinned = async (...identities: Identity[]): Promise<void> => {
      they.partner({ id: 'left', name: 'left', connections: [{ id: 'as2', protocol: 'as2', as2Id: 'US', url: address, tls: { trust: 'pinned', pins: identities.map(({ certificate }) => certificate.pem()) } }] })
      await Promise.resolve()
    }
    await pinned(old)
    expect(await fate(they, 'left')).toBe('delivered')
    const plan = await us.handlers().rollover.plan({ old: (await item(us, old)).id, next: (await item(us, next)).id, switchAt: day(70) }, context)
    shifted += 1000
    expect([outcome(await rehearsed(plan, 'now'), 'tls'), outcome(await rehearsed(plan, 'switch'), 'tls')]).toEqual(['works/fails', 'fails/works'])
    await pinned(next)
    expect(await fate(they, 'left')).toBe('failed tls.certificate_changed')
    await pinned(old)
    expect(await fate(they, 'left')).toBe('delivered')
    on(70.1)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    they.partner({ id: 'left', name: 'left again', connections: [{ id: 'as2', protocol: 'as2', as2Id: 'US', url: address, tls: { trust: 'pinned' } }] })
    expect(await fate(they, 'left')).toBe('failed tls.certificate_changed')
    await pinned(old, next)
    expect(await fate(they, 'left')).toBe('delivered')
  }, 60_000)
})
