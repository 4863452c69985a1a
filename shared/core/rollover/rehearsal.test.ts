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
    expect(all(now)).toEqual({ decrypt: 'works/works', sign: 'works/idle', tls: 'idle/idle', 'check-messages': 'works/works', 'check-receipts': 'works/works', encrypt: 'works/works' })
    expect(all(switched)).toEqual({ ...all(now), sign: 'idle/works' })
    expect(all(retired)).toEqual({ decrypt: 'fails/works', sign: 'idle/works', tls: 'idle/idle', 'check-messages': 'fails/works', 'check-receipts': 'fails/works', encrypt: 'fails/works' })
    expect(now.cells.find(({ use, with: which }) => use === 'decrypt' && which === 'old')).toMatchObject({ proof: 'last-message', message: expect.stringContaining('f2.edi') })
    expect(now.cells.find(({ use, with: which }) => use === 'check-messages' && which === 'next')?.message).toContain('at the second try')
    expect([now.expected, switched.expected]).toEqual([[], []])
    expect(retired.conclusion).toContain('this fails: our decryption, their check of our messages, their check of our receipts, their encryption to us')
    expect(retired.expected).toHaveLength(4)

    // A partner that keeps one certificate only changes when it likes: with either of the two everything arrives, before and after our switch.
    for (const moment of [0, 10.1, 18]) {
      on(moment)
      shifted += 1000
      for (const known of [next, us.identity]) {
        await only(they, 'left', ['verify', 'encrypt'], known)
        expect([moment, await fate(us, 'right'), await fate(they, 'left')]).toEqual([moment, 'delivered', 'delivered'])
      }
    }
    expect(they.received()).toHaveLength(count / 2)
    expect(us.received()).toHaveLength(count / 2)

    // It is not ended while it is in use. At the end the partner still knows only the old one: all four fail, as was predicted.
    on(21)
    await us.handlers().rollover.check({}, context)
    expect(await us.handlers().rollover.show({ id: plan.id }, context)).toMatchObject({ state: 'running', partners: [{ step: 'in-use' }] })
    on(30)
    await us.handlers().rollover.check({}, context)
    expect((await us.handlers().rollover.show({ id: plan.id }, context)).state).toBe('done')
    expect(await fate(us, 'right')).toBe('failed as2.receipt_negative error: decryption-failed')
    expect(await fate(they, 'left')).toMatch(/^disputed as2\.receipt_wrong_signer error: decryption-failed/)
    await only(they, 'left', ['verify'], us.identity, next)
    expect(await fate(they, 'left')).toBe('failed as2.receipt_negative error: decryption-failed')
    await only(they, 'left', ['verify', 'encrypt'], next)
    expect([await fate(us, 'right'), await fate(they, 'left')]).toEqual(['delivered', 'delivered'])
  }, 60_000)

  it('of the partner’s certificate: predicts what we refuse and what the partner cannot open', async () => {
    const before = they.identity
    const next = await generateSelfSigned({ subject: { commonName: 'THEY next' }, key: 'rsa-2048' })
    us.bind({ certificate: next.certificate }, [])
    const plan = await us.handlers().rollover.plan({ old: (await item(us, before)).id, next: (await item(us, next)).id, partner: 'right', switchAt: day(40), retireAt: day(50) }, context)
    shifted += 1000
    const [now, switched, retired] = [await rehearsed(plan, 'now'), await rehearsed(plan, 'switch'), await rehearsed(plan, 'retire')]
    expect(all(now)).toEqual({ decrypt: 'works/works', sign: 'works/works', tls: 'idle/idle', 'check-messages': 'works/works', 'check-receipts': 'works/works', encrypt: 'works/idle' })
    expect(all(switched)).toEqual({ ...all(now), encrypt: 'idle/works' })
    expect(all(retired)).toEqual({ decrypt: 'fails/works', sign: 'works/works', tls: 'idle/idle', 'check-messages': 'fails/works', 'check-receipts': 'fails/works', encrypt: 'idle/works' })
    expect(retired.cells.filter(({ use, with: which }) => use.startsWith('check') && which === 'old').map(({ proof }) => proof)).toEqual(['last-message', 'last-message'])

    for (const moment of [31, 40.1]) {
      on(moment)
      for (const known of [next, before]) {
        await only(they, null, ['sign', 'decrypt'], known)
        expect([moment, await fate(us, 'right'), await fate(they, 'left')]).toEqual([moment, 'delivered', 'delivered'])
      }
    }
    // After the end the partner still works with the old one: all three fail.
    on(60)
    await us.handlers().rollover.check({}, context)
    expect((await us.handlers().rollover.show({ id: plan.id }, context)).state).toBe('done')
    expect(await fate(us, 'right')).toMatch(/^disputed as2\.receipt_wrong_signer error: decryption-failed/)
    expect(await fate(they, 'left')).toBe('failed as2.receipt_negative error: decryption-failed')
    await only(they, null, ['sign'], before)
    await only(they, null, ['decrypt'], next)
    expect(await fate(us, 'right')).toMatch(/^disputed as2\.receipt_wrong_signer/)
    await only(they, null, ['sign', 'decrypt'], next)
  }, 60_000)

  it('planned too late: from the end of the old certificate to the switch nothing can be signed', async () => {
    const next = await generateSelfSigned({ subject: { commonName: 'US again' }, key: 'rsa-2048', validDays: 3000 })
    us.bind(next, [])
    const present = (await us.handlers().trust.list({ limit: 100 }, context)).items.find(({ bindings }) => bindings.some(({ partner, role, activeUntil }) => partner === null && role === 'sign' && activeUntil === null))
    const plan = await us.handlers().rollover.plan({ old: present?.id ?? '', next: (await item(us, next)).id, switchAt: day(1200) }, context)
    const late = await rehearsed(plan, 'at', day(1100))
    expect(outcome(late, 'sign')).toBe('fails/fails')
    expect(late.expected.map(({ use }) => use)).toEqual(expect.arrayContaining(['sign', 'check-messages', 'check-receipts']))
    expect(late.cells.find(({ use }) => use === 'sign')?.message).toMatch(/^we can sign nothing: it was valid until/)
    const returned = shifted
    on(1100)
    await expect(sent(us, 'right')).resolves.toMatchObject({ state: 'failed', error: { code: 'as2.certificate_unfit' } })
    shifted = returned
    await us.handlers().rollover.cancel({ id: plan.id }, context)
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
