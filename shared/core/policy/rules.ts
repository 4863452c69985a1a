/** Trust and policy as text, and what a connection asks of each role. Pure. */
import { demandsCertificate } from '../../contract/connections/as2.ts'
import type { Connection } from '../../contract/connections/index.ts'
import type { Fact } from '../../contract/common.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { PolicyDiff } from '../../contract/policy-calls.ts'
import type { Policy } from '../../contract/policy-document.ts'
import type { StationDocument } from '../../contract/station.ts'
import type { Binding, Role, TrustItem } from '../../contract/trust.ts'

export interface LockInput {
  readonly station: StationDocument | null
  /** Everyone's policy, complete: another default of a newer Waybill is a change too. */
  readonly everyone: Policy
  readonly partners: readonly PartnerDocument[]
  readonly items: readonly TrustItem[]
  /** Milliseconds: bindings that have ended are left out. */
  readonly now: number
}

const HEADING = '# Waybill: trust and policy, form 1'

/** Sorted by code units, one fact a line, the same for the same facts on every computer. */
export function lockText({ station, everyone, partners, items, now }: LockInput): string {
  const lines = [
    ...flat('policy', everyone),
    ...(station === null ? [] : flat('station', withoutNotes(station))),
    ...partners.flatMap((partner) => partnerLines(partner)),
    ...items.flatMap((item) => item.bindings.filter(({ activeUntil }) => activeUntil === null || now < Date.parse(activeUntil)).map((binding) => bindingLine(item, binding))),
  ]
  return `${[HEADING, ...[...new Set(lines)].toSorted(byCodeUnits)].join('\n')}\n`
}

/** Settings that decide nothing about trust or protection. */
const TUNING: readonly string[] = ['connectTimeoutSeconds', 'idleTimeoutSeconds', 'retry', 'maxConnections']

/** As it stands in the lock file when hardened mode is everyone's policy. */
export const HARDENED_FOR_ALL = 'policy hardened: true'

export function exceptionLine(partner: string, { allow, connection, until, reason, owner }: PartnerDocument['exceptions'][number]): string {
  return `partner ${partner} exception ${allow}${connection === undefined ? '' : ` on ${connection}`} until ${until}: ${reason} (${owner})`
}

function partnerLines({ id, connections, exceptions, limits, policy = {} }: PartnerDocument): string[] {
  return [
    ...flat(`partner ${id} limits`, limits),
    ...flat(`partner ${id} policy`, policy),
    ...exceptions.map((exception) => exceptionLine(id, exception)),
    ...connections.flatMap((connection) => flat(`partner ${id} connection ${connection.id}`, Object.fromEntries(Object.entries(connection).filter(([name]) => !TUNING.includes(name))))),
  ]
}

function bindingLine(item: TrustItem, { partner, connection, role, activeFrom, activeUntil }: Binding): string {
  const where = partner === null ? 'station' : `partner ${partner}${connection === null ? '' : ` connection ${connection}`}`
  return `${where} role ${role}: ${item.kind} ${item.fingerprint} from ${activeFrom}${activeUntil === null ? '' : ` until ${activeUntil}`}`
}

/** `prefix a.b.c: value`, values as JSON. Sealed secrets stand as such. */
function flat(prefix: string, value: unknown, path = ''): string[] {
  if (Array.isArray(value) && value.some((entry) => typeof entry === 'object')) return value.flatMap((entry, index) => flat(prefix, entry, `${path}[${index}]`))
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value).flatMap(([name, inner]) => (inner === undefined ? [] : flat(prefix, inner, path === '' ? name : `${path}.${name}`)))
  return [`${prefix} ${path}: ${JSON.stringify(value)}`]
}

function withoutNotes({ name, as2 }: StationDocument): Record<string, unknown> {
  return { name, as2 }
}

function byCodeUnits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** A binding that has ended by the date that was approved with it: no change that anybody made. */
export function endedAsApproved(text: string, now: number): boolean {
  const until = / role \S+: .* until (\S+)$/.exec(text)?.[1]
  return until !== undefined && Date.parse(until) <= now
}

/** Lines that only one of the texts has, in their order. */
export function differences(before: string, after: string): PolicyDiff['lines'] {
  const old = new Set(before.split('\n'))
  const now = new Set(after.split('\n'))
  return [
    ...[...old].filter((text) => text !== '' && !now.has(text)).map((text) => ({ change: 'removed' as const, text })),
    ...[...now].filter((text) => text !== '' && !old.has(text)).map((text) => ({ change: 'added' as const, text })),
  ].toSorted((left, right) => byCodeUnits(left.text, right.text))
}

/** Whether a changed line concerns a partner: its own lines, those of our station and those of everyone's policy. */
export function concerns(text: string, partner: string): boolean {
  return text.startsWith('station ') || text.startsWith('policy ') || text.startsWith(`partner ${partner} `)
}

/** What a connection's settings and the policy ask of a role; null when nothing is needed in it. */
export function askedOf(connection: Connection, role: Role, policy: Policy): string | null {
  const needed = neededFor(connection, role, policy)
  const permitted = needed === null ? '' : permittedIn(role, policy)
  return permitted === '' ? needed : `${needed}; ${permitted}`
}

/** What the policy permits in a role, in words. */
function permittedIn(role: Role, { roles }: Policy): string {
  if (role === 'ssh-jump') return permittedIn('ssh-host', { roles } as Policy)
  if (role === 'tls-caller') return ''
  const { rsaBits, ...lists } = roles[role]
  return [...Object.values(lists).map((names) => (names as readonly string[]).join(', ')), `RSA from ${rsaBits} bit`].join('; ')
}

function neededFor(connection: Connection, role: Role, policy: Policy): string | null {
  switch (connection.protocol) {
    case 'as2':
      return neededForAs2(connection, role, policy)
    case 'sftp':
      if (role === 'ssh-host') return 'the server shows a key that is pinned, or a certificate of a pinned authority'
      if (role === 'ssh-jump') return connection.jump === undefined ? null : 'the jump host shows a pinned key'
      if (role === 'ssh-client') return connection.auth.method === 'key' ? 'we sign in with a key' : null
      return neededForPgp(connection, role, policy)
    case 'ftps':
    case 's3':
      if (role === 'tls-server') return connection.tls.trust === 'pinned' ? `a pinned certificate; TLS ${laterOf(connection.tls.minimum, policy)} or later` : null
      return neededForPgp(connection, role, policy)
    case 'folder':
      return neededForPgp(connection, role, policy)
  }
}

function neededForAs2(connection: Extract<Connection, { protocol: 'as2' }>, role: Role, { receive }: Policy): string | null {
  const { message, receipt, inbound, tls } = connection
  const [mustBeSigned, mustBeEncrypted] = [inbound.requireSigned || receive.signed, inbound.requireEncrypted || receive.encrypted]
  const outbound = connection.url !== undefined
  switch (role) {
    case 'sign':
      return outbound && message.sign ? `messages are signed (${message.digest}); receipts too when asked for` : 'receipts are signed when asked for'
    case 'tls-caller':
      return demandsCertificate(connection) ? 'whoever posts to our receiver shows a certificate that is bound' : null
    case 'encrypt':
      return outbound && message.encrypt ? `messages are encrypted (${message.cipher}, ${message.keyTransport})` : null
    case 'verify':
      return mustBeSigned || (outbound && receipt.request === 'signed') ? [mustBeSigned ? 'received messages must be signed' : '', outbound && receipt.request === 'signed' ? 'receipts must be signed' : ''].filter((text) => text !== '').join('; ') : null
    case 'decrypt':
      return mustBeEncrypted ? 'received messages must be encrypted' : null
    case 'tls-server':
      return connection.url?.startsWith('https:') === true && tls.trust === 'pinned' ? 'a pinned certificate' : null
    default:
      return null
  }
}

function neededForPgp(connection: Connection, role: Role, { receive }: Policy): string | null {
  const pgp = 'pgp' in connection ? connection.pgp : undefined
  if (pgp === undefined) return null
  if (role === 'pgp-sign') return pgp.outbound.includes('sign') ? 'files are signed' : null
  if (role === 'pgp-encrypt') return pgp.outbound.includes('encrypt') ? `files are encrypted (${pgp.profile})` : null
  if (role === 'pgp-verify') return pgp.inbound === 'open' && (pgp.requireSignature || receive.signed) ? 'received files must be signed' : null
  if (role === 'pgp-decrypt') return pgp.inbound === 'open' ? 'received files are decrypted' : null
  return null
}

function laterOf(minimum: '1.2' | '1.3', { tls }: Policy): string {
  return minimum === '1.3' ? minimum : tls.minimum
}

/** What is agreed on a connection, for people: by its settings, and by the policy besides. */
export function rulesOf(connection: Connection, policy: Policy): Fact[] {
  return [...agreedOn(connection, policy), ...demandedBesides(connection, policy)]
}

function demandedBesides({ protocol }: Connection, { send, receive, receipts, tls, ssh }: Policy): Fact[] {
  const both = ({ signed, encrypted }: Policy['send']): string => [signed ? 'signed' : '', encrypted ? 'encrypted' : ''].filter((word) => word !== '').join(' and ')
  const fact = (label: string, value: string): Fact[] => (value === '' ? [] : [{ label, value }])
  return [
    ...fact('The policy wants what we send', both(send)),
    ...fact('The policy wants what we receive', both(receive)),
    ...(protocol === 'as2' ? fact('The policy wants receipts', `${receipts.signed ? 'signed, ' : ''}with ${receipts.digests.join(', ')}`) : []),
    ...(protocol === 'sftp' ? fact('SSH', [...ssh.kex, ...ssh.ciphers, ...ssh.macs].join(', ')) : []),
    ...(protocol === 'as2' || protocol === 'ftps' || protocol === 's3' ? fact('Forward secrecy', tls.forwardSecrecy ? 'needed' : 'not asked for') : []),
  ]
}

function agreedOn(connection: Connection, policy: Policy): Fact[] {
  const fact = (label: string, value: string): Fact => ({ label, value })
  const pgp = 'pgp' in connection && connection.pgp !== undefined ? [fact('OpenPGP, what we send', connection.pgp.outbound), fact('OpenPGP, what we receive', connection.pgp.inbound === 'open' ? `opened${connection.pgp.requireSignature ? ', must be signed' : ''}` : 'as it comes')] : []
  const tls = 'tls' in connection ? [fact('Server identity', connection.tls.trust === 'pinned' ? 'pinned certificates only' : 'an authority and the right name; pinned ones besides must match'), fact('TLS', `${laterOf(connection.tls.minimum, policy)} or later`)] : []
  switch (connection.protocol) {
    case 'as2':
      return [
        fact('What we send', [connection.message.sign ? `signed (${connection.message.digest}, ${connection.message.signature})` : 'not signed', connection.message.encrypt ? `encrypted (${connection.message.cipher}, ${connection.message.keyTransport})` : 'not encrypted'].join(', ')),
        fact('What we receive', [connection.inbound.requireSigned ? 'must be signed' : 'signature not required', connection.inbound.requireEncrypted ? 'must be encrypted' : 'encryption not required'].join(', ')),
        fact('Receipts', `${connection.receipt.request}, ${connection.receipt.mode}`),
        ...tls,
      ]
    case 'sftp':
      return [fact('Server identity', 'pinned host keys'), fact('Sign in', connection.auth.method), ...pgp]
    case 'ftps':
    case 's3':
      return [...tls, ...pgp]
    case 'folder':
      return pgp
  }
}

/** Which observed facts speak about a role. */
export function seenFor(role: Role, observed: Readonly<Record<string, string>>): Fact[] {
  const about: Readonly<Record<string, RegExp>> = {
    sign: /sign|digest|mic/i, verify: /sign|mdn|receipt|mic|digest/i, encrypt: /cipher|encrypt|recipient|keyTransport/i, decrypt: /cipher|encrypt|recipient/i,
    'tls-server': /tls|certificate/i, 'tls-client': /tls/i, 'ssh-host': /hostKey|kex|cipher|mac/i, 'ssh-jump': /jump/i, 'ssh-client': /auth|user|key/i,
  }
  const pattern = role.startsWith('pgp-') ? /pgp/i : about[role]
  return pattern === undefined ? [] : Object.entries(observed).filter(([name]) => pattern.test(name)).map(([label, value]) => ({ label, value }))
}
