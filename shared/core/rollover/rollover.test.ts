import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PartnerDocument } from '../../contract/partner-document.ts'
import type { Role, TrustItem } from '../../contract/trust.ts'
import { createTestTrust, tester, type TestTrust } from '../trust/test-trust.ts'
import { mailText, mayRetire, startOf, stepOf } from './rules.ts'
import { createRolloverService, type RolloverService } from './service.ts'

const DAY_MS = 86_400_000

describe('a rollover', () => {
  let here: TestTrust
  let rollovers: RolloverService
  let start: number
  let raised: string[]
  /** By fingerprint, then by partner. */
  let traffic: Map<string, Map<string, { first: string; last: string; delivery: string | null }>>

  beforeEach(() => {
    here = createTestTrust(new Date().toISOString())
    start = here.clock.now()
    traffic = new Map()
    raised = []
    for (const id of ['acme', 'beta']) here.documents.push(PartnerDocument.parse({ id, name: id, connections: [{ protocol: 'as2', as2Id: id, url: 'http://127.0.0.1/' }] }))
    rollovers = createRolloverService({
      database: here.database, trust: here.trust, partners: { all: () => here.documents }, flows: () => here.flows, station: () => ({ name: 'Example Trading', contacts: [] }),
      seen: (fingerprint) => traffic.get(fingerprint) ?? new Map(),
      audit: { record: () => undefined }, raise: ({ title, body }) => void raised.push(`${title} | ${body}`), publisher: { publish: () => undefined }, clock: here.clock,
    })
  })
  afterEach(() => here.close())

  const day = (days: number): string => new Date(start + days * DAY_MS).toISOString()
  const on = (days: number): void => here.setTime(day(days))
  const made = async (name: string, ...bind: { partner?: string; role: Role }[]): Promise<TrustItem> => await here.trust.generate({ kind: 'x509', subject: { commonName: name }, key: 'rsa-2048', days: 900, altNames: [], bind }, tester)
  const used = (partner: string, item: TrustItem, days: number): void => {
    const of = traffic.get(item.fingerprint) ?? new Map<string, { first: string; last: string; delivery: string | null }>()
    traffic.set(item.fingerprint, of.set(partner, { first: of.get(partner)?.first ?? day(days), last: day(days), delivery: 'dlv_1' }))
  }
  /** What the protocols get, newest first. */
  const inRole = (partner: string, role: Role): string[] => here.trust.materials.of(partner, 'as2', role).map(({ item }) => item.label)

  it('of our key opens with both from the first day, signs with the next from the switch, and ends the old one in quiet', async () => {
    const old = await made('old', { role: 'sign' }, { role: 'decrypt' })
    const next = await made('next')
    on(0.1)
    const plan = rollovers.plan({ old: old.id, next: next.id, switchAt: day(10), retireAt: day(20) }, tester)
    expect(plan).toMatchObject({ ours: true, state: 'running', partners: [{ partner: 'acme', roles: ['decrypt', 'sign'], step: 'prepared' }, { partner: 'beta' }] })
    expect([inRole('acme', 'sign'), inRole('acme', 'decrypt')]).toEqual([['old'], ['next', 'old']])
    rollovers.mark(plan.id, 'acme', 'sent', tester)
    expect(rollovers.mark(plan.id, 'acme', 'acknowledged', tester).partners.map(({ step }) => step)).toEqual(['acknowledged', 'prepared'])
    on(10.1)
    expect([inRole('acme', 'sign')[0], inRole('beta', 'sign')[0]]).toEqual(['next', 'next'])
    used('acme', next, 11)
    used('beta', old, 19)
    on(21)
    expect(rollovers.show(plan.id).partners.map(({ step }) => step)).toEqual(['in-use', 'prepared'])
    expect(rollovers.check()).toBe(0)
    expect(inRole('beta', 'decrypt')).toEqual(['next', 'old'])
    on(26.1)
    expect(rollovers.check()).toBe(2)
    expect([inRole('beta', 'decrypt'), inRole('acme', 'sign')]).toEqual([['next'], ['next']])
    expect(rollovers.show(plan.id).state).toBe('done')
    expect(here.trust.retire(old.id, undefined, tester).state).toBe('retired')
  })

  it('of a partner’s certificate accepts both, and encrypts to the next as soon as the partner is seen to use it', async () => {
    const old = await made('old', { partner: 'acme', role: 'verify' }, { partner: 'acme', role: 'encrypt' }, { partner: 'beta', role: 'verify' })
    const next = await made('next')
    on(0.1)
    const plan = rollovers.plan({ old: old.id, next: next.id, retireAt: day(5) }, tester)
    expect([inRole('acme', 'verify'), inRole('acme', 'encrypt'), inRole('beta', 'verify')]).toEqual([['next', 'old'], ['old'], ['next', 'old']])
    expect(rollovers.check()).toBe(0)
    used('acme', next, 1)
    on(1.1)
    expect(rollovers.check()).toBe(1)
    expect(inRole('acme', 'encrypt')).toEqual(['next', 'old'])
    on(5.1)
    expect(rollovers.check()).toBe(3)
    expect([inRole('acme', 'encrypt'), inRole('beta', 'verify')]).toEqual([['next'], ['next']])
    expect(rollovers.list(10)).toMatchObject({ total: 1, rollovers: [{ id: plan.id, state: 'done' }] })
  })

  it('never ends the old one while nothing serves in its place', async () => {
    const old = await made('old', { partner: 'acme', role: 'encrypt' })
    const next = await made('next')
    on(0.1)
    rollovers.plan({ old: old.id, next: next.id, retireAt: day(5) }, tester)
    on(30)
    expect(rollovers.check()).toBe(0)
    expect(inRole('acme', 'encrypt')).toEqual(['old'])
  })

  it('is cancelled without a trace in what serves', async () => {
    const old = await made('old', { role: 'sign' }, { role: 'decrypt' })
    const next = await made('next')
    on(0.1)
    const plan = rollovers.plan({ old: old.id, next: next.id, switchAt: day(10) }, tester)
    on(0.2)
    expect(rollovers.cancel(plan.id, tester).state).toBe('cancelled')
    on(11)
    expect([inRole('acme', 'sign'), inRole('acme', 'decrypt')]).toEqual([['old'], ['old']])
    expect(() => rollovers.cancel(plan.id, tester)).toThrow(expect.objectContaining({ code: 'input.conflict' }))
  })

  it('is finished by a person before its dates, and not over partners that were not seen unless told so', async () => {
    const old = await made('old', { role: 'sign' }, { role: 'decrypt' })
    const next = await made('next')
    on(0.1)
    const plan = rollovers.plan({ old: old.id, next: next.id, switchAt: day(10), retireAt: day(20) }, tester)
    used('acme', next, 0.1)
    on(0.2)
    expect(() => rollovers.finish(plan.id, false, tester)).toThrow(expect.objectContaining({ code: 'input.conflict', message: expect.stringContaining('beta') }))
    expect(rollovers.finish(plan.id, true, tester)).toMatchObject({ state: 'done', partners: [{ step: 'retired' }, { step: 'retired' }] })
    on(0.3)
    expect([inRole('beta', 'sign'), inRole('beta', 'decrypt')]).toEqual([['next'], ['next']])
    on(11)
    expect([inRole('beta', 'sign'), rollovers.check()]).toEqual([['next'], 0])
  })

  it('refuses a plan that cannot work, and keeps nothing of it', async () => {
    const old = await made('old', { role: 'sign' })
    const next = await made('next')
    const { items } = await here.trust.import({ content: Buffer.from((await made('other')).publicKey ?? ''), bind: [] }, tester)
    expect(items).toHaveLength(1)
    const refused = (request: Partial<Parameters<RolloverService['plan']>[0]>): string => {
      try {
        return rollovers.plan({ old: old.id, next: next.id, ...request }, tester).id
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(refused({ next: old.id })).toBe('input.invalid')
    expect(refused({ switchAt: day(10), retireAt: day(10) })).toBe('input.invalid')
    expect(refused({ partner: 'acme' })).toBe('input.invalid')
    expect(refused({ old: next.id, next: old.id })).toBe('input.invalid')
    expect(rollovers.list(10).total).toBe(0)
    expect(refused({})).toMatch(/^ro_/)
    expect(refused({})).toBe('input.conflict')
  })

  it('reminds of its dates once each, over restarts and sleep, and only of what is still to be done', async () => {
    const old = await made('old', { role: 'sign' }, { role: 'decrypt' })
    const next = await made('next')
    on(0.1)
    const plan = rollovers.plan({ old: old.id, next: next.id, announceAt: day(3), switchAt: day(20), retireAt: day(40) }, tester)
    expect([rollovers.remind(), raised]).toEqual([0, []])
    on(3.5)
    expect([rollovers.remind(), rollovers.remind()]).toEqual([1, 0])
    expect(raised.at(-1)).toMatch(/^Tell partners of a change: old → next \| .*Not told yet: acme, beta\.$/)
    rollovers.mark(plan.id, undefined, 'sent', tester)
    rollovers.mark(plan.id, 'beta', 'acknowledged', tester)
    on(14)
    expect(rollovers.remind()).toBe(1)
    expect(raised.at(-1)).toContain('Not answered yet: acme.')
    // Asleep from before the switch until after it: the switch is told, not what came before.
    on(23)
    expect(rollovers.remind()).toBe(1)
    expect(raised.at(-1)).toMatch(/^Switched: /)
    used('acme', next, 24)
    on(35)
    expect(rollovers.remind()).toBe(1)
    expect(raised.at(-1)).toContain('Not seen with the next one yet: beta.')
    used('beta', old, 39)
    on(41)
    expect([rollovers.check(), rollovers.remind()]).toEqual([0, 1])
    expect(raised.at(-1)).toContain('It is kept')
    expect([rollovers.remind(), raised.length]).toEqual([0, 5])
  })

  it('has the steps, dates and mail text that its rules say', () => {
    expect([startOf('decrypt', true, 'now', 'later'), startOf('tls-server', false, 'now', 'later')]).toEqual(['now', 'now'])
    expect([startOf('sign', true, 'now', 'later'), startOf('tls-server', true, 'now', 'later'), startOf('encrypt', false, 'now', null)]).toEqual(['later', 'later', null])
    expect([mayRetire({ oldLastSeen: null }, null, start), mayRetire({ oldLastSeen: null }, day(1), start), mayRetire({ oldLastSeen: null }, day(0), start), mayRetire({ oldLastSeen: day(-6.9) }, day(0), start), mayRetire({ oldLastSeen: day(-7) }, day(0), start)]).toEqual([false, false, true, false, true])
    const facts = { partner: 'a', roles: [], prepared: 'p', sent: null, acknowledged: null, firstSeen: null, proof: null, oldLastSeen: null, oldRetired: false }
    expect([stepOf(facts), stepOf({ ...facts, sent: 's' }), stepOf({ ...facts, acknowledged: 'k' }), stepOf({ ...facts, firstSeen: 'f' }), stepOf({ ...facts, oldRetired: true })]).toEqual(['prepared', 'sent', 'acknowledged', 'in-use', 'retired'])
    const { body } = mailText({ station: 'Us', partner: 'Acme', ours: true, next: { label: 'next', fingerprint: 'sha256:ab', notAfter: null, x509: null }, old: { label: 'old', notAfter: '2027-01-01T00:00:00.000Z' }, switchAt: '2026-12-01T08:00:00.000Z', retireAt: null, card: 'us-card.json' })
    expect(body).toContain('"old" ends on 2027-01-01 and is replaced by "next"')
    expect(body).toContain('From 2026-12-01 (08:00 UTC) on we sign with the new one')
    expect(body).toContain('sha256:ab')
    expect(body).toContain('(us-card.json)')
  })
})
