import { assert, integer, property } from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PartnerDocument } from '../../contract/partner-document.ts'
import type { TrustItem } from '../../contract/trust.ts'
import { assuranceOf, namesItem } from './assurance.ts'
import { calendarOf } from './calendar.ts'
import { createExpiryWatch } from './expiry-watch.ts'
import { DAY_MS, stepOf, THRESHOLDS } from './expiry-rules.ts'
import { createTestTrust, tester, type TestTrust } from './test-trust.ts'

const START = '2026-06-01T12:00:00.000Z'
const at = (days: number): string => new Date(Date.parse(START) + days * DAY_MS).toISOString()

const partner = (id: string, change: Record<string, unknown> = {}, as2: Record<string, unknown> = {}): PartnerDocument =>
  PartnerDocument.parse({ id, name: id, connections: [{ protocol: 'as2', as2Id: id, url: 'http://127.0.0.1/as2', ...as2 }], ...change })

describe('the step at which an expiry is said', () => {
  const entry = (daysLeft: number, leadDays = 30): string | null => stepOf({ daysLeft, leadDays, endsAt: 'E' }, Date.parse(START))

  it('is the smallest threshold that is reached: at most, not equal', () => {
    expect([61, 60, 59, 31, 30, 15, 14, 8, 7, 4, 3, 2, 1].map((days) => entry(days)?.split(' ')[0] ?? '-')).toEqual(['-', '60', '60', '60', '30', '30', '14', '14', '7', '7', '3', '3', '1'])
  })
  it('is daily below the last one, and after the end', () => {
    expect([0, -1, -40].map((days) => entry(days))).toEqual(Array.from({ length: 3 }, () => 'day 2026-06-01 of E'))
  })
  it('begins with the lead time of a partner who needs longer', () => {
    expect([91, 90, 61, 60].map((days) => entry(days, 90)?.split(' ')[0] ?? '-')).toEqual(['-', '90', '90', '60'])
  })
  it('never goes back while days pass', () => {
    assert(
      property(integer({ min: 1, max: 400 }), integer({ min: 1, max: 365 }), (days, lead) => {
        const step = (left: number): number => Number(entry(left, lead)?.split(' ')[0] ?? Number.POSITIVE_INFINITY)
        expect(step(days)).toBeLessThanOrEqual(step(days + 1))
        if (days <= Math.max(lead, THRESHOLDS[0] ?? 0)) expect(step(days)).toBeGreaterThanOrEqual(days)
      }),
    )
  })
})

describe('how sure it is that an item is genuine', () => {
  const record = (source: string, change: Record<string, unknown> = {}) => ({ source, at: START, recordedBy: 'cli:x', ...change }) as TrustItem['provenance'][number]
  it('counts what came over a second channel, and keeps first use flagged until then', () => {
    expect(assuranceOf([], false)).toBe('unconfirmed')
    expect(assuranceOf([], true)).toBe('own')
    expect(assuranceOf([record('partner-file')], false)).toBe('unconfirmed')
    expect(assuranceOf([record('mail')], false)).toBe('unconfirmed')
    expect(assuranceOf([record('mail', { compared: 'x', person: 'Ms Ito' })], false)).toBe('confirmed')
    expect(assuranceOf([record('phone')], false)).toBe('confirmed')
    expect(assuranceOf([record('first-use', { compared: 'x', person: 'me' })], false)).toBe('first-use')
    expect(assuranceOf([record('first-use'), record('phone')], false)).toBe('confirmed')
  })
  it('knows a fingerprint in every form that is read out, and no part of one', () => {
    const sha256 = 'ab'.repeat(32)
    const item = { fingerprint: `sha256:${sha256}`, keyId: null, x509: { sha1: 'cd'.repeat(20) } }
    for (const told of [sha256, `SHA256: ${'AB:'.repeat(31)}AB`, `SHA-1 ${'CD '.repeat(20)}`, 'cd'.repeat(20)]) expect([told, namesItem(told, item)]).toEqual([told, true])
    for (const told of ['ab'.repeat(31), 'cd'.repeat(8), 'ef'.repeat(32), '', 'SHA256:']) expect([told, namesItem(told, item)]).toEqual([told, false])
    expect(namesItem(`SHA256:${'A'.repeat(43)}=`, { fingerprint: `SHA256:${'A'.repeat(43)}`, keyId: null, x509: null })).toBe(true)
  })
})

const MORNING = '2026-06-01T06:00:00.000Z'

describe('what ends, what would break, what deserves attention', () => {
  let here: TestTrust
  beforeEach(() => {
    // Certificates are made with the real clock; and what is said once a day is once a date.
    vi.useFakeTimers({ now: Date.parse(MORNING), toFake: ['Date'] })
    here = createTestTrust(MORNING)
  })
  afterEach(() => {
    here.close()
    vi.useRealTimers()
  })

  const certificate = async (name: string, days: number, bind: { partner?: string; connection?: string; role: TrustItem['bindings'][number]['role'] }[]): Promise<TrustItem> =>
    await here.trust.generate({ kind: 'x509', subject: { commonName: name }, key: 'rsa-2048', days, altNames: [], bind }, tester)
  const whatIf = (item: TrustItem, when?: string): string[] => here.trust.insights.whatIf(item.id, when).consequences.map(({ partner: who, role, severity, direction }) => `${who} ${role} ${severity} ${direction}`)
  const later = (days: number): string => new Date(here.clock.now() + days * DAY_MS).toISOString()

  it('lists bound items only, soonest first, with the lead time of who is concerned', async () => {
    here.documents.push(partner('acme', { leadDays: 90 }), partner('beta'))
    await certificate('unbound', 5, [])
    const far = await certificate('far', 400, [{ role: 'sign' }])
    const near = await certificate('near', 40, [{ partner: 'beta', role: 'verify' }, { partner: 'beta', role: 'encrypt' }])
    const mid = await certificate('mid', 80, [{ partner: 'acme', role: 'verify' }])
    expect(here.trust.insights.expiry({ limit: 10 }).entries.map(({ label, daysLeft, leadDays, state, uses }) => [label, daysLeft, leadDays, state, uses.length])).toEqual([
      ['near', 39, 30, 'soon', 2],
      ['mid', 79, 90, 'due', 1],
      ['far', 399, 90, 'later', 1],
    ])
    expect(here.trust.insights.expiry({ limit: 10, partner: 'acme' }).entries.map(({ item }) => item)).toEqual([mid.id, far.id])
    expect(here.trust.insights.expiry({ limit: 1, within: 80 })).toMatchObject({ total: 2, entries: [{ item: near.id }] })
    here.trust.unbind(near.bindings[0]?.id ?? '', tester)
    here.trust.unbind(near.bindings[1]?.id ?? '', tester)
    expect(here.trust.insights.expiry({ limit: 10 }).total).toBe(2)
  })

  it('leaves out a binding that ends before its item does', async () => {
    const item = await certificate('old', 40, [])
    here.trust.bind(item.id, { partner: 'acme', role: 'verify', activeUntil: later(10) }, tester)
    expect(here.trust.insights.expiry({ limit: 10 }).total).toBe(0)
  })

  it('says each step once, over restarts and sleep, and daily at the end', async () => {
    const raised: string[] = []
    const item = await certificate('near', 20, [{ partner: 'acme', role: 'verify' }])
    const start = here.clock.now()
    const watch = (): number =>
      createExpiryWatch({ database: here.database, insights: here.trust.insights, audit: { record: () => undefined }, raise: ({ title }) => void raised.push(title), clock: here.clock, logger: { log: () => undefined } }).check()
    const on = (day: number): number => {
      here.setTime(new Date(start + day * DAY_MS).toISOString())
      return watch()
    }
    expect([on(0), watch(), on(1), on(5.9), on(6)]).toEqual([1, 0, 0, 1, 0])
    // Asleep over the thresholds 7 and 3: one notice, for where it stands now.
    expect([on(18), on(18.5), on(19.2), on(19.5), on(20.5), on(21.5), on(21.6)]).toEqual([1, 0, 1, 0, 1, 1, 0])
    expect(raised.at(-1)).toMatch(/^near expired on /)
    here.trust.unbind(item.bindings[0]?.id ?? '', tester)
    expect(on(30)).toBe(0)
  })

  it('predicts what retiring refuses: the partner’s own items, and our station’s for all who have none of their own', async () => {
    here.documents.push(partner('acme'), partner('beta'), partner('gamma', {}, { message: { sign: false, encrypt: false }, receipt: { request: 'none' }, inbound: { requireSigned: false } }))
    const ours = await certificate('ours', 300, [{ role: 'sign' }, { role: 'decrypt' }])
    await certificate('special', 300, [{ partner: 'beta', role: 'sign' }])
    const theirs = await certificate('theirs', 300, [{ partner: 'acme', role: 'verify' }, { partner: 'acme', role: 'encrypt' }])
    expect(whatIf(theirs)).toEqual(['acme encrypt breaks outbound', 'acme verify breaks both'])
    expect(whatIf(ours).toSorted()).toEqual(['acme decrypt breaks inbound', 'acme sign breaks both', 'beta decrypt breaks inbound', 'gamma decrypt breaks inbound', 'gamma sign breaks inbound'])
    const refused = (() => {
      try {
        here.trust.retire(theirs.id, undefined, tester)
        return null
      } catch (error) {
        return error as { code: string; details: Record<string, string> }
      }
    })()
    expect(refused?.code).toBe('input.in_use')
    expect(Object.values(refused?.details ?? {})).toEqual(here.trust.insights.whatIf(theirs.id, undefined).consequences.map(({ partner: who, connection, role, message }) => `${who}/${connection} as ${role}: ${message}`))
    await certificate('theirs too', 300, [{ partner: 'acme', role: 'verify' }, { partner: 'acme', role: 'encrypt' }])
    expect(whatIf(theirs)).toEqual(['acme encrypt covered outbound', 'acme verify partly both'])
  })

  it('sees what has expired at a date, and that an exception or a later item helps', async () => {
    here.documents.push(partner('acme'))
    const item = await certificate('theirs', 40, [{ partner: 'acme', role: 'verify' }, { partner: 'acme', role: 'encrypt' }])
    const ours = await certificate('ours', 40, [{ role: 'decrypt' }])
    expect(here.trust.insights.whatIf(item.id, later(30))).toMatchObject({ cause: 'still-valid', consequences: [] })
    expect(whatIf(item, later(50))).toEqual(['acme encrypt breaks outbound', 'acme verify breaks both'])
    expect(here.trust.insights.whatIf(ours.id, later(50))).toMatchObject({ cause: 'expired', consequences: [] })
    expect(here.trust.insights.outlook(later(50)).consequences.map(({ label, role }) => `${label} ${role}`)).toEqual(['theirs encrypt', 'theirs verify'])
    here.tolerated.set('acme', ['certificate-expired'])
    expect(whatIf(item, later(50))).toEqual(['acme encrypt breaks outbound'])
    const next = await certificate('next', 400, [])
    here.trust.bind(next.id, { partner: 'acme', role: 'encrypt', activeFrom: later(35) }, tester)
    expect(whatIf(item, later(50))).toEqual(['acme encrypt covered outbound'])
  })

  it('finds one key for two purposes, a key of two partners, and what nobody confirmed', async () => {
    here.documents.push(partner('acme'), partner('beta'))
    const both = await certificate('both', 300, [{ role: 'sign' }, { role: 'decrypt' }, { role: 'tls-client' }])
    await certificate('shared', 300, [{ partner: 'acme', role: 'verify' }, { partner: 'beta', role: 'encrypt' }])
    const found = here.trust.insights.findings().map(({ code, severity, partners }) => `${severity} ${code} ${partners.join('+')}`)
    expect(found.toSorted()).toEqual(['info trust_messages_and_tls ', 'info trust_one_key_for_two ', 'info trust_one_key_for_two acme+beta', 'warning trust_shared_by_partners acme+beta'].toSorted())
    expect(both.assurance).toBe('own')
  })

  it('keeps first use flagged until a person compared it over a second channel', async () => {
    here.documents.push(partner('acme'))
    const line = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'
    const { items } = await here.trust.import({ content: Buffer.from(line), bind: [{ partner: 'acme', role: 'ssh-host' }], provenance: { source: 'first-use' } }, tester)
    const [item] = items
    expect(item?.assurance).toBe('first-use')
    expect(here.trust.insights.findings().map(({ code, severity }) => `${severity} ${code}`)).toEqual(['error trust_first_use'])
    expect(() => here.trust.confirm({ id: item?.id ?? '', compared: `SHA256:${'x'.repeat(43)}`, source: 'phone', person: 'Ms Ito' }, tester)).toThrow(expect.objectContaining({ code: 'trust.differs' }))
    expect(here.trust.confirm({ id: item?.id ?? '', compared: item?.fingerprint ?? '', source: 'phone', person: 'Ms Ito' }, tester).assurance).toBe('confirmed')
    expect(here.trust.insights.findings()).toEqual([])
    expect(here.audited.at(-1)).toBe('trust.confirmed')
  })

  it('writes a calendar that keeps to its line lengths, whatever the names are', async () => {
    await certificate(`Übergrößenträger, ${'ß'.repeat(40)}`, 40, [{ role: 'sign' }])
    const text = calendarOf(here.trust.insights.entries(), START)
    expect(text.split('\r\n').every((line) => Buffer.byteLength(line) <= 75)).toBe(true)
    expect(text.replaceAll('\r\n ', '')).toContain(String.raw`SUMMARY:Übergrößenträger\, ßß`)
    expect(text).toMatch(/^BEGIN:VCALENDAR\r\n[^]*TRIGGER:-P30D\r\n[^]*END:VCALENDAR\r\n$/)
    expect(at(0)).toBe(START)
  })
})
