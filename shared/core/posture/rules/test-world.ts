/** A company in which nothing is to be found, and ways to change it: for tests of rules. */
import { PartnerDocument } from '../../../contract/partner-document.ts'
import type { ExpiryEntry, TrustFinding } from '../../../contract/trust-insights.ts'
import type { X509Details } from '../../../contract/trust-details.ts'
import type { Role, TrustItem } from '../../../contract/trust.ts'
import { DAY_MS } from '../days.ts'
import { evaluate, type Found } from '../evaluate.ts'
import { FlowDocument } from '../../../contract/flow-document.ts'
import type { ConnectionTraffic, FlowFact, Observation, PartnerFact, PlatformFacts, PostureFacts } from '../facts.ts'
import type { KeepingFacts } from '../../safekeeping/facts.ts'
import type { Aspect } from '../observations.ts'
import { RULES } from './index.ts'

export const NOW = Date.parse('2026-06-01T12:00:00.000Z')
/** So many days from now. */
export const day = (days: number): string => new Date(NOW + days * DAY_MS).toISOString()

const SFTP = { protocol: 'sftp', host: 'sftp.acme.example', username: 'us', auth: { method: 'agent', key: `SHA256:${'A'.repeat(43)}` } }
const AS2 = { protocol: 'as2', as2Id: 'ACME', url: 'https://as2.acme.example/as2' }

export const sftp = (change: Record<string, unknown> = {}): Record<string, unknown> => ({ ...SFTP, ...change })
export const as2 = (change: Record<string, unknown> = {}): Record<string, unknown> => ({ ...AS2, ...change })
export const ftps = (change: Record<string, unknown> = {}): Record<string, unknown> => ({ protocol: 'ftps', host: 'ftps.acme.example', username: 'us', password: { sealed: true }, ...change })
export const s3 = (change: Record<string, unknown> = {}): Record<string, unknown> => ({ protocol: 's3', bucket: 'shared', prefix: 'acme/', credentials: { kind: 'profile', profile: 'acme' }, ...change })

export function partner(connections: readonly Record<string, unknown>[], change: Record<string, unknown> = {}, facts: Partial<PartnerFact> = {}): PartnerFact {
  const document = PartnerDocument.parse({ id: 'acme', name: 'Acme', contacts: [{ name: 'Ms Ito', phone: '+81 3' }], connections, ...change })
  return { document, suspended: false, practice: false, createdAt: day(-100), updatedAt: day(-10), ...facts }
}

let serial = 0

/** Bound now, since 50 days, for acme: roles; with `ours` for our station. */
export function item(kind: TrustItem['kind'], roles: readonly Role[], change: Partial<TrustItem> = {}, binding: Partial<TrustItem['bindings'][number]> = {}): TrustItem {
  const id = change.id ?? `item${++serial}`
  const bound = roles.map((role, index) => ({ id: `${id}-${index}`, item: id, partner: 'acme', connection: null, role, activeFrom: day(-50), activeUntil: null, ...binding }))
  return {
    id, kind, label: id, algorithm: kind.startsWith('ssh') ? 'ssh-ed25519' : 'rsa', bits: 3072, fingerprint: `SHA256:${id}`, keyId: null, publicKey: 'public', hasPrivateKey: false,
    notBefore: kind === 'x509' ? day(-300) : null, notAfter: kind === 'x509' ? day(700) : null, state: 'active', createdAt: day(-50), x509: null, pgp: null, assurance: 'confirmed', provenance: [], bindings: bound, ...change,
  }
}

export function x509(change: Partial<X509Details> = {}): X509Details {
  return { subject: 'CN=x', issuer: 'CN=Public Web CA', serial: '01', notBefore: day(-30), notAfter: day(60), sha256: 'a', sha1: 'b', commonName: 'x', selfSigned: false, isCa: false, keyType: 'rsa', keyUsage: null, extendedKeyUsage: null, altNames: [], signature: 'sha256WithRSA', chain: [], ...change }
}

/** Seen first and last so many days ago. */
export function seen(aspect: Aspect, value: string, firstDaysAgo: number, lastDaysAgo: number, connection = 'sftp'): Observation {
  return { partner: 'acme', connection, aspect, value, firstSeen: day(-firstDaysAgo), lastSeen: day(-lastDaysAgo), deliveries: [`dlv-${value}`] }
}

export function traffic(change: Partial<ConnectionTraffic> = {}): ConnectionTraffic {
  return { partner: 'acme', connection: 'sftp', total: 20, firstAt: day(-40), lastAt: day(-1), lastDeliveredAt: day(-1), failing: [], resting: [], ...change }
}

export function flow(change: Partial<FlowFact> = {}, document: Record<string, unknown> = {}): FlowFact {
  return { document: FlowDocument.parse({ id: 'orders', name: 'Orders', direction: 'outbound', source: { kind: 'folder', folder: '/out' }, targets: ['acme'], trigger: { kind: 'watch' }, ...document }), paused: null, updatedAt: day(-30), recent: ['delivered'], missedThisWeek: 0, pending: 0, ...change }
}

export function ends(daysLeft: number, change: Partial<ExpiryEntry> = {}): ExpiryEntry {
  const state = daysLeft < 0 ? 'expired' : daysLeft <= 30 ? 'due' : daysLeft <= 60 ? 'soon' : 'later'
  return { item: 'ending', label: 'Ending', kind: 'x509', part: 'own', name: 'CN=Ending', endsAt: day(daysLeft), daysLeft, leadDays: 30, state, uses: [{ partner: 'acme', connection: null, role: 'verify' }], ...change }
}

export function judged(code: string, change: Partial<TrustFinding> = {}): TrustFinding {
  return { code, severity: 'error', message: `${code} is the case`, suggestion: '', items: [{ id: 'one', label: 'One' }], partners: ['acme'], ...change }
}

export const PLATFORM: PlatformFacts = {
  nodeVersion: '24.21.0', keyInKeychain: true, keychainAnswered: true, builtAt: day(-20), shellVersion: null, secretFiles: [], grownBytes: 1024 ** 2, folder: '/home/us/waybill', folderMode: 0o700, freeBytes: 50 * 1024 ** 3, failedPrimitives: [], clockSkewMs: 0,
  receiver: { enabled: false, listening: false, host: '127.0.0.1', port: 10080, tls: false, oldHttp: false, problem: null, queuedReceipts: 0 },
}

export const KEEPING: KeepingFacts = {
  settings: { folder: '/mnt/safe', everyDays: 7, keep: 8, anchorFolder: null, leastFreeBytes: 1024 ** 3 },
  backup: { file: '/mnt/safe/one.waybill-backup', at: day(-3), bytes: 100, sha256: 'a'.repeat(64), payloads: 1, records: 9, state: 'there', sameDisk: false },
  plainCopies: [],
  anchor: { at: day(-3), seq: 9 },
}

const ours = { partner: null }
const ofAs2 = [item('x509', ['sign'], { id: 'our-sign', hasPrivateKey: true }, ours), item('x509', ['decrypt'], { id: 'our-decrypt', hasPrivateKey: true }, ours), item('x509', ['verify'], { id: 'their-sign' }), item('x509', ['encrypt'], { id: 'their-encrypt' })]
/** The keys that an SFTP connection and an AS2 connection need. */
export const PINS = [item('ssh-host', ['ssh-host'], { id: 'pin1' }), item('ssh-host', ['ssh-host'], { id: 'pin2', algorithm: 'ecdsa-sha2-nistp256' })]
export const KEYS: readonly TrustItem[] = [...ofAs2, ...PINS]

/** Nothing to be found, but for what is changed. */
export function world(change: Partial<PostureFacts> = {}): PostureFacts {
  return {
    now: NOW,
    station: { name: 'Us', contacts: [], as2: { id: 'US', url: 'https://us.example/as2' } },
    partners: [partner([sftp(), as2()])],
    items: KEYS,
    expiry: [],
    trust: [],
    observations: [],
    traffic: [traffic(), traffic({ connection: 'as2' })],
    refusals: [],
    flows: [],
    secrets: [],
    platform: PLATFORM,
    audit: { events: 10, firstAt: day(-60), lastAt: day(0), verified: { at: day(-5), ok: true } },
    keeping: KEEPING,
    tests: [],
    retention: [],
    approval: { hardened: false, approved: { at: day(-20), by: 'Ms Ito', reason: 'yearly review' }, signatureValid: true, lines: [] },
    notices: { native: true, sent: false },
    expectations: [],
    ...change,
  }
}

export const found = (facts: PostureFacts): Found[] => evaluate(RULES, facts)
export const codes = (facts: PostureFacts): string[] => [...new Set(found(facts).map(({ code }) => code))].toSorted()
