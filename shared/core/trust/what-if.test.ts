/** Deleting, retiring, revoking and expiring answer with exactly the list that what-if predicted, role by role; and what it says stops, stops. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Connection } from '../../contract/connections/index.ts'
import { PartnerDocument } from '../../contract/partner-document.ts'
import type { Role, TrustItem } from '../../contract/trust.ts'
import type { Consequence } from '../../contract/trust-insights.ts'
import { strengthened } from '../deliveries/pgp.ts'
import { createExpiryWatch } from './expiry-watch.ts'
import { createTestTrust, tester, type TestTrust } from './test-trust.ts'

const DAY_MS = 86_400_000
const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'

const X509_ROLES = ['sign', 'verify', 'encrypt', 'decrypt', 'tls-client', 'tls-server', 'tls-caller'] as const
const PGP_ROLES = ['pgp-sign', 'pgp-verify', 'pgp-encrypt', 'pgp-decrypt'] as const
const SSH_ROLES = ['ssh-host', 'ssh-jump', 'ssh-client'] as const
const CASES: readonly (readonly [Role, 'acme' | 'station'])[] = [
  ...X509_ROLES.map((role) => [role, 'acme'] as const),
  ...(['sign', 'decrypt', 'tls-client', 'tls-server'] as const).map((role) => [role, 'station'] as const),
  ...PGP_ROLES.map((role) => [role, 'acme'] as const),
  ...SSH_ROLES.map((role) => [role, 'acme'] as const),
]
const EXPIRING = CASES.filter(([role]) => !role.startsWith('ssh-'))

describe('what-if and what happens', () => {
  let here: TestTrust
  let start: number

  beforeEach(() => {
    here = createTestTrust(new Date().toISOString())
    start = here.clock.now()
    for (const id of ['acme', 'beta'])
      here.documents.push(
        PartnerDocument.parse({
          id,
          name: id,
          connections: [
            { id: 'as2', protocol: 'as2', as2Id: id, url: `https://${id}.example/as2`, inbound: { requireClientCertificate: true } },
            { id: 'sftp', protocol: 'sftp', host: `${id}.example`, username: 'us', auth: { method: 'key', item: 'ti_x' }, jump: { host: `jump.${id}.example`, username: 'us', auth: { method: 'password', password: 'x' } }, pgp: { outbound: 'sign-and-encrypt', inbound: 'open', requireSignature: true } },
          ],
        }),
      )
  })
  afterEach(() => here.close())

  const later = (days: number): string => new Date(start + days * DAY_MS).toISOString()

  const bound = async (role: Role, owner: 'acme' | 'station', days = 40): Promise<TrustItem> => {
    const bind = [{ role, ...(owner === 'acme' ? { partner: 'acme' } : {}) }]
    if (role === 'ssh-client') {
      const made = await here.trust.generate({ kind: 'ssh', algorithm: 'ed25519', label: 'ssh' }, tester)
      return here.trust.bind(made.id, bind[0] ?? { role }, tester)
    }
    if (role.startsWith('ssh-')) {
      const [item] = (await here.trust.import({ content: Buffer.from(HOST_KEY), bind }, tester)).items
      if (item === undefined) throw new Error('no host key')
      return item
    }
    if (role.startsWith('pgp-')) return await here.trust.generate({ kind: 'pgp', name: 'pgp', algorithm: 'ed25519', days, bind }, tester)
    return await here.trust.generate({ kind: 'x509', subject: { commonName: role }, key: 'rsa-2048', days, altNames: [], bind }, tester)
  }

  const texts = (consequences: readonly Consequence[]): string[] => consequences.map(({ partner, connection, role, severity, message }) => `${partner}/${connection} as ${role}: ${severity === 'breaks' ? message : `${severity}, ${message}`}`)
  const refusal = (action: () => unknown): string[] => {
    try {
      action()
      return ['was not refused']
    } catch (error) {
      const { code, details } = error as { code: string; details: Record<string, string> }
      return code === 'input.in_use' ? Object.values(details) : [code]
    }
  }
  /** Whether anything fills a role on a connection now. */
  const filled = (role: Role, partner: string, connection: string): boolean => {
    const { materials, ssh } = here.trust
    if (role === 'tls-server') return materials.tls(partner, connection).pins.length > 0
    if (role === 'tls-client') return materials.tls(partner, connection).client !== null
    if (role === 'ssh-host') return materials.pins(partner, connection).length > 0
    if (role === 'ssh-jump') return ssh.trust(partner, connection).jump.length > 0
    return materials.of(partner, connection, role).length > 0
  }

  it.each(CASES)('%s of %s: deleting and retiring are refused with the predicted list, revoking answers with it, and it is what stops', async (role, owner) => {
    const item = await bound(role, owner)
    const predicted = here.trust.insights.whatIf(item.id, undefined).consequences
    expect(predicted.map(({ severity }) => severity)).toEqual(predicted.map(() => 'breaks'))
    expect(new Set(predicted.map(({ partner }) => partner))).toEqual(new Set(owner === 'acme' ? ['acme'] : ['acme', 'beta']))
    expect(refusal(() => here.trust.remove(item.id, undefined, tester))).toEqual(texts(predicted))
    expect(refusal(() => here.trust.retire(item.id, undefined, tester))).toEqual(texts(predicted))
    if (!(role === 'tls-server' && owner === 'station')) for (const { partner, connection } of predicted) expect([partner, connection, filled(role, partner, connection)]).toEqual([partner, connection, true])

    expect(here.trust.revoke(item.id, 'the key was lost', tester).consequences).toEqual(predicted)
    for (const { partner, connection } of predicted) expect([partner, connection, filled(role, partner, connection)]).toEqual([partner, connection, false])
    expect(here.trust.show(item.id)).toMatchObject({ state: 'retired' })
    expect(here.audited.at(-1)).toBe('trust.revoked')
    expect(here.trust.insights.whatIf(item.id, undefined).consequences).toEqual([])
  })

  it.each(EXPIRING)('%s of %s: what is said when it has expired is the list that was predicted for that day', async (role, owner) => {
    const item = await bound(role, owner, 10)
    const day = later(11)
    const { consequences, cause } = here.trust.insights.whatIf(item.id, day)
    const stillOpens = role === 'decrypt' || role === 'pgp-decrypt'
    expect([consequences.length > 0, cause]).toEqual([!stillOpens, 'expired'])
    expect(here.trust.insights.outlook(day).consequences).toEqual(consequences)
    here.setTime(day)
    const said: string[] = []
    createExpiryWatch({ database: here.database, insights: here.trust.insights, audit: { record: () => undefined }, raise: ({ body }) => void said.push(body), clock: here.clock, logger: { log: () => undefined } }).check()
    expect(said).toHaveLength(1)
    expect(said[0]?.split('\n').slice(1)).toEqual(texts(consequences))
  })

  it('what another one takes over is told as such, and goes on after the act', async () => {
    const item = await bound('encrypt', 'acme')
    await bound('encrypt', 'acme')
    const predicted = here.trust.insights.whatIf(item.id, undefined).consequences
    expect(predicted.map(({ severity }) => severity)).toEqual(['covered'])
    expect(refusal(() => here.trust.retire(item.id, undefined, tester))).toEqual(texts(predicted))
    here.trust.revoke(item.id, 'the key was lost', tester)
    expect(filled('encrypt', 'acme', 'as2')).toBe(true)
  })

  it('names the flows that would fail, with their next runs from that day on', async () => {
    const dueAfter = (after: number, count: number): string[] => Array.from({ length: count }, (_, index) => new Date(after + (index + 1) * 3_600_000).toISOString())
    const flow = { name: 'flow', paused: false, when: 'every hour', dueAfter, protects: false, asUsed: (connection: Connection) => connection }
    here.flows.push(
      { ...flow, id: 'orders', direction: 'outbound', targets: ['acme/as2', 'beta/as2'] },
      { ...flow, id: 'by-default', direction: 'outbound', targets: ['acme'] },
      { ...flow, id: 'collect', direction: 'inbound', targets: ['acme/as2'] },
      { ...flow, id: 'stands', direction: 'outbound', targets: ['acme/as2'], paused: true },
      { ...flow, id: 'elsewhere', direction: 'outbound', targets: ['acme/sftp'] },
    )
    const item = await bound('encrypt', 'acme', 10)
    const day = later(20)
    const { flows } = here.trust.insights.whatIf(item.id, day)
    expect(flows.map(({ flow: id, partner, connection, nextRuns }) => `${id} ${partner}/${connection} ${nextRuns.length}`)).toEqual(['orders acme/as2 3', 'by-default acme/as2 3', 'stands acme/as2 0'])
    expect(flows[0]?.nextRuns[0]).toBe(new Date(Date.parse(day) + 3_600_000).toISOString())
    expect(here.trust.insights.outlook(day).flows).toEqual(flows)
    expect(here.trust.insights.whatIf(item.id, later(5)).flows).toEqual([])
  })

  it('knows the keys that only the steps of a flow need, and which flows those are', async () => {
    const plain = here.documents.find(({ id }) => id === 'acme')
    if (plain === undefined) throw new Error('no partner')
    here.documents.splice(here.documents.indexOf(plain), 1, PartnerDocument.parse({ id: 'acme', name: 'acme', connections: [{ id: 'box', protocol: 'folder', path: '/srv/acme' }, { id: 'other', protocol: 'folder', path: '/srv/other' }] }))
    const flow = { name: 'flow', paused: false, when: 'by hand', dueAfter: () => [] }
    here.flows.push(
      { ...flow, id: 'protected', direction: 'outbound', targets: ['acme'], protects: true, asUsed: (connection) => strengthened(connection, 'encrypt') },
      { ...flow, id: 'as-it-is', direction: 'outbound', targets: ['acme'], protects: false, asUsed: (connection) => connection },
    )
    const key = await bound('pgp-encrypt', 'acme')
    const { consequences, flows } = here.trust.insights.whatIf(key.id, undefined)
    expect(consequences.map(({ connection, role, severity }) => `${connection} ${role} ${severity}`)).toEqual(['box pgp-encrypt breaks'])
    expect(flows.map(({ flow: id }) => id)).toEqual(['protected'])
    expect(refusal(() => here.trust.retire(key.id, undefined, tester))).toEqual(texts(consequences))
    // Nobody signs there.
    const signing = await bound('pgp-sign', 'station')
    expect(here.trust.insights.whatIf(signing.id, undefined).consequences.filter(({ partner }) => partner === 'acme')).toEqual([])
    here.flows[0] = { ...flow, id: 'protected', direction: 'outbound', targets: ['acme'], protects: true, asUsed: (connection) => strengthened(connection, 'sign-and-encrypt') }
    expect(here.trust.insights.whatIf(signing.id, undefined).consequences.filter(({ partner }) => partner === 'acme').map(({ connection, severity }) => `${connection} ${severity}`)).toEqual(['box breaks'])
  })

  it('deletes what was never used, and only that', async () => {
    const [never] = (await here.trust.import({ content: Buffer.from(HOST_KEY), bind: [] }, tester)).items
    here.trust.remove(never?.id ?? '', 'a mistake', tester)
    expect(here.audited.at(-1)).toBe('trust.removed')
    expect(() => here.trust.show(never?.id ?? '')).toThrow(expect.objectContaining({ code: 'input.not_found' }))
    const item = await bound('verify', 'acme')
    here.setTime(later(1))
    here.trust.unbind(item.bindings[0]?.id ?? '', tester)
    expect(refusal(() => here.trust.remove(item.id, undefined, tester))).toEqual(['input.conflict'])
    expect(here.trust.retire(item.id, undefined, tester).state).toBe('retired')
  })

  it('keeps files that show how an item is known, within bounds', async () => {
    const item = await bound('verify', 'acme')
    const kept = here.trust.attach(item.id, { source: 'mail', person: 'Ms Ito', note: 'letter of 3 March' }, { name: 'letter.pdf', content: Buffer.from('%PDF-1.7 letter') }, tester)
    const record = kept.provenance.find(({ file }) => file !== undefined)
    expect(record).toMatchObject({ source: 'mail', person: 'Ms Ito', file: { name: 'letter.pdf', bytes: 15 } })
    expect(Buffer.from(here.trust.attachment(item.id, record?.file?.id ?? '').text, 'base64').toString()).toBe('%PDF-1.7 letter')
    expect(() => here.trust.attachment('ti_other', record?.file?.id ?? '')).toThrow(expect.objectContaining({ code: 'input.not_found' }))
    const refused = (content: Buffer): string[] => refusal(() => here.trust.attach(item.id, { source: 'mail' }, { name: 'x', content }, tester))
    expect([refused(Buffer.alloc(0)), refused(Buffer.alloc(1024 * 1024 + 1))]).toEqual([['input.invalid'], ['input.invalid']])
    for (let count = 1; count < 20; count++) here.trust.attach(item.id, { source: 'mail' }, { name: `${count}`, content: Buffer.from('x') }, tester)
    expect(refused(Buffer.from('x'))).toEqual(['input.invalid'])
  })

  it('gives the calendar out under its own token alone, and under no other once it was renewed or switched off', () => {
    const { feed } = here.trust
    expect(feed.path()).toBeNull()
    expect(() => feed.byToken('')).toThrow(expect.objectContaining({ code: 'input.not_found' }))
    const first = feed.set({ enabled: true, renew: false }, tester) ?? ''
    expect(first).toMatch(/^\/calendar\/[A-Za-z0-9_-]{43}\.ics$/)
    expect(feed.set({ enabled: true, renew: false }, tester)).toBe(first)
    const token = first.slice(10, -4)
    expect(feed.byToken(token)).toMatch(/^BEGIN:VCALENDAR/)
    expect(() => feed.byToken(`${token.slice(0, -1)}_`)).toThrow()
    const second = feed.set({ enabled: true, renew: true }, tester) ?? ''
    expect(second).not.toBe(first)
    expect(() => feed.byToken(token)).toThrow()
    expect(feed.set({ enabled: false, renew: false }, tester)).toBeNull()
    expect(() => feed.byToken(second.slice(10, -4))).toThrow()
  })
})
