/** Trust and policy as text, and what a connection asks of each role. Pure. */
import type { Connection } from '../../contract/connections/index.ts'
import type { Fact } from '../../contract/common.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { PolicyDiff } from '../../contract/policy-calls.ts'
import type { StationDocument } from '../../contract/station.ts'
import type { Binding, Role, TrustItem } from '../../contract/trust.ts'

export interface LockInput {
  readonly station: StationDocument | null
  readonly partners: readonly PartnerDocument[]
  readonly items: readonly TrustItem[]
  /** Milliseconds: bindings that have ended are left out. */
  readonly now: number
}

const HEADING = '# Waybill: trust and policy, form 1'

/** Sorted by code units, one fact a line, the same for the same facts on every computer. */
export function lockText({ station, partners, items, now }: LockInput): string {
  const lines = [
    ...(station === null ? [] : flat('station', withoutNotes(station))),
    ...partners.flatMap((partner) => partnerLines(partner)),
    ...items.flatMap((item) => item.bindings.filter(({ activeUntil }) => activeUntil === null || now < Date.parse(activeUntil)).map((binding) => bindingLine(item, binding))),
  ]
  return `${[HEADING, ...[...new Set(lines)].toSorted(byCodeUnits)].join('\n')}\n`
}

/** Settings that decide nothing about trust or protection. */
const TUNING: readonly string[] = ['connectTimeoutSeconds', 'idleTimeoutSeconds', 'retry', 'maxConnections']

function partnerLines({ id, connections, exceptions, limits }: PartnerDocument): string[] {
  return [
    ...flat(`partner ${id} limits`, limits),
    ...exceptions.map((exception) => `partner ${id} exception ${exception.allow}${exception.connection === undefined ? '' : ` on ${exception.connection}`} until ${exception.until}: ${exception.reason} (${exception.owner})`),
    ...connections.flatMap((connection) => flat(`partner ${id} connection ${connection.id}`, Object.fromEntries(Object.entries(connection).filter(([name]) => !TUNING.includes(name))))),
  ]
}

function bindingLine(item: TrustItem, { partner, connection, role, activeFrom, activeUntil }: Binding): string {
  const where = partner === null ? 'station' : `partner ${partner}${connection === null ? '' : ` connection ${connection}`}`
  return `${where} role ${role}: ${item.kind} ${item.fingerprint} from ${activeFrom}${activeUntil === null ? '' : ` until ${activeUntil}`}`
}

/** `prefix a.b.c: value`, values as JSON. Sealed secrets stand as such. */
function flat(prefix: string, value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((entry, index) => flat(prefix, entry, `${path}[${index}]`))
  if (typeof value === 'object' && value !== null) return Object.entries(value).flatMap(([name, inner]) => (inner === undefined ? [] : flat(prefix, inner, path === '' ? name : `${path}.${name}`)))
  return [`${prefix} ${path}: ${JSON.stringify(value)}`]
}

function withoutNotes({ name, as2 }: StationDocument): Record<string, unknown> {
  return { name, as2 }
}

function byCodeUnits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
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

/** Whether a changed line concerns a partner: its own lines, and those of our station. */
export function concerns(text: string, partner: string): boolean {
  return text.startsWith('station ') || text.startsWith(`partner ${partner} `)
}

/** Why a connection needs something in a role, or null when it does not. */
export function askedOf(connection: Connection, role: Role): string | null {
  switch (connection.protocol) {
    case 'as2':
      return askedOfAs2(connection, role)
    case 'sftp':
      if (role === 'ssh-host') return 'the server shows a key that is pinned, or a certificate of a pinned authority'
      if (role === 'ssh-jump') return connection.jump === undefined ? null : 'the jump host shows a pinned key'
      if (role === 'ssh-client') return connection.auth.method === 'key' ? 'we sign in with a key' : null
      return askedOfPgp(connection, role)
    case 'ftps':
    case 's3':
      if (role === 'tls-server') return connection.tls.trust === 'pinned' ? `a pinned certificate; TLS ${connection.tls.minimum} or later` : null
      return askedOfPgp(connection, role)
    case 'folder':
      return askedOfPgp(connection, role)
  }
}

function askedOfAs2(connection: Extract<Connection, { protocol: 'as2' }>, role: Role): string | null {
  const { message, receipt, inbound, tls } = connection
  const outbound = connection.url !== undefined
  switch (role) {
    case 'sign':
      return outbound && message.sign ? `messages are signed (${message.digest}); receipts too when asked for` : 'receipts are signed when asked for'
    case 'encrypt':
      return outbound && message.encrypt ? `messages are encrypted (${message.cipher}, ${message.keyTransport})` : null
    case 'verify':
      return inbound.requireSigned || (outbound && receipt.request === 'signed') ? [inbound.requireSigned ? 'received messages must be signed' : '', outbound && receipt.request === 'signed' ? 'receipts must be signed' : ''].filter((text) => text !== '').join('; ') : null
    case 'decrypt':
      return inbound.requireEncrypted ? 'received messages must be encrypted' : null
    case 'tls-server':
      return connection.url?.startsWith('https:') === true && tls.trust === 'pinned' ? `a pinned certificate; TLS ${tls.minimum} or later` : null
    default:
      return null
  }
}

function askedOfPgp(connection: Connection, role: Role): string | null {
  const pgp = 'pgp' in connection ? connection.pgp : undefined
  if (pgp === undefined) return null
  if (role === 'pgp-sign') return pgp.outbound.includes('sign') ? 'files are signed' : null
  if (role === 'pgp-encrypt') return pgp.outbound.includes('encrypt') ? `files are encrypted (${pgp.profile})` : null
  if (role === 'pgp-verify') return pgp.inbound === 'open' && pgp.requireSignature ? 'received files must be signed' : null
  if (role === 'pgp-decrypt') return pgp.inbound === 'open' ? 'received files are decrypted' : null
  return null
}

/** What is agreed on a connection, for people. */
export function rulesOf(connection: Connection): Fact[] {
  const fact = (label: string, value: string): Fact => ({ label, value })
  const pgp = 'pgp' in connection && connection.pgp !== undefined ? [fact('OpenPGP, what we send', connection.pgp.outbound), fact('OpenPGP, what we receive', connection.pgp.inbound === 'open' ? `opened${connection.pgp.requireSignature ? ', must be signed' : ''}` : 'as it comes')] : []
  const tls = 'tls' in connection ? [fact('Server identity', connection.tls.trust === 'pinned' ? 'pinned certificates only' : 'an authority and the right name; pinned ones besides must match'), fact('TLS', `${connection.tls.minimum} or later`)] : []
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
