/** What the partner form holds, and how it becomes a partner document. Pure. */
import { CONNECTION_SCHEMAS, type Connection, type Protocol } from '../../../shared/contract/connections/index.ts'
import { PartnerDocument } from '../../../shared/contract/partner-document.ts'
import { fieldsOf, type Field } from './form/fields.ts'
import { objectOf, valuesOf, type Values } from './form/values.ts'

/** Lists of SSH keys besides the pins of the server; in the form they only grow, since ending trust is an act of its own. */
export const KEY_LISTS = ['jump.hostKeys', 'hostAuthorities', 'revokedHostKeys'] as const
export type KeyList = (typeof KEY_LISTS)[number]

export interface ConnectionDraft {
  /** Keeps a connection its own while others come and go. */
  readonly key: string
  readonly id: string
  readonly protocol: Protocol
  readonly values: Values
  /** Pins to add, one in a line: host keys, or certificates of the server. */
  readonly newPins: string
  /** SFTP: further keys to add, one in a line. */
  readonly newKeys: Readonly<Partial<Record<KeyList, string>>>
  /** As it is stored; null while it is new. */
  readonly stored: Connection | null
}

export interface Draft {
  readonly id: string
  /** The short name follows the name until a person types one. */
  readonly idTyped: boolean
  readonly name: string
  readonly notes: string
  /** Contacts, limits, Inbox, exceptions. */
  readonly values: Values
  /** Kept as it is. */
  readonly policy: PartnerDocument['policy']
  readonly connections: readonly ConnectionDraft[]
}

/** What has controls of its own; pins and revoked keys that are left out stay as they are. */
const OWN_CONTROLS = ['id', 'hostKeys', ...KEY_LISTS, 'tls.pins', 'inbound.clientCertificates']

export const CONNECTION_FIELDS: Readonly<Record<Protocol, readonly Field[]>> = {
  sftp: fieldsOf(CONNECTION_SCHEMAS.sftp, OWN_CONTROLS),
  ftps: fieldsOf(CONNECTION_SCHEMAS.ftps, OWN_CONTROLS),
  s3: fieldsOf(CONNECTION_SCHEMAS.s3, OWN_CONTROLS),
  folder: fieldsOf(CONNECTION_SCHEMAS.folder, OWN_CONTROLS),
  as2: fieldsOf(CONNECTION_SCHEMAS.as2, OWN_CONTROLS),
}

/** The policy has a page of its own. */
export const PARTNER_FIELDS = fieldsOf(PartnerDocument, ['$schema', 'id', 'name', 'notes', 'policy', 'connections'])

export function emptyDraft(): Draft {
  return { id: '', idTyped: false, name: '', notes: '', values: valuesOf(PARTNER_FIELDS, undefined), policy: undefined, connections: [] }
}

/** A connection to fill in; its short name is the protocol's, numbered where that is taken. */
export function newConnection(protocol: Protocol, others: readonly ConnectionDraft[]): ConnectionDraft {
  const taken = new Set(others.map(({ id }) => id))
  let id: string = protocol
  for (let number = 2; taken.has(id); number++) id = `${protocol}-${number}`
  return { key: crypto.randomUUID(), id, protocol, values: valuesOf(CONNECTION_FIELDS[protocol], undefined), newPins: '', newKeys: {}, stored: null }
}

/** `Müller & Söhne GmbH` → `muller-sohne-gmbh`. */
export function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40)
}

export function draftOf(document: PartnerDocument): Draft {
  return {
    id: document.id,
    idTyped: true,
    name: document.name,
    notes: document.notes ?? '',
    values: valuesOf(PARTNER_FIELDS, document),
    policy: document.policy,
    connections: document.connections.map((stored) => ({
      key: stored.id,
      id: stored.id,
      protocol: stored.protocol,
      values: valuesOf(CONNECTION_FIELDS[stored.protocol], stored),
      newPins: '',
      newKeys: {},
      stored,
    })),
  }
}

export function documentOf(draft: Draft): Record<string, unknown> {
  return {
    id: draft.id,
    name: draft.name,
    ...(draft.notes === '' ? {} : { notes: draft.notes }),
    ...objectOf(PARTNER_FIELDS, draft.values),
    ...(draft.policy === undefined ? {} : { policy: draft.policy }),
    connections: draft.connections.map(connectionOf),
  }
}

/** The keys of a list that hold already. */
export function keysHeld(stored: Connection | null, list: KeyList): readonly unknown[] {
  if (stored?.protocol !== 'sftp') return []
  return (list === 'jump.hostKeys' ? stored.jump?.hostKeys : stored[list]) ?? []
}

function connectionOf(draft: ConnectionDraft): Record<string, unknown> {
  const { id, protocol, values, newPins, stored } = draft
  const connection = withKeys({ id, protocol, ...objectOf(CONNECTION_FIELDS[protocol], values) }, draft)
  const pins = pinsIn(newPins)
  if (pins.length === 0) return connection
  if (protocol === 'sftp') return { ...connection, hostKeys: [...(stored?.protocol === 'sftp' ? (stored.hostKeys ?? []) : []), ...pins] }
  const before = stored !== null && 'tls' in stored ? (stored.tls.pins ?? []) : []
  return { ...connection, tls: { ...(connection as { tls?: object }).tls, pins: [...before, ...pins] } }
}

function withKeys(connection: Record<string, unknown>, { newKeys, stored }: ConnectionDraft): Record<string, unknown> {
  return KEY_LISTS.reduce<Record<string, unknown>>((made, list) => {
    const added = pinsIn(newKeys[list] ?? '')
    if (added.length === 0) return made
    const all = [...keysHeld(stored, list), ...added]
    if (list !== 'jump.hostKeys') return { ...made, [list]: all }
    return made['jump'] === undefined ? made : { ...made, jump: { ...(made['jump'] as object), hostKeys: all } }
  }, connection)
}

/** One in a line; a certificate in PEM is one, however many lines it has. */
function pinsIn(text: string): string[] {
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  const rest = certificates.reduce((left, certificate) => left.replace(certificate, ''), text)
  return [...certificates, ...rest.split('\n').map((line) => line.trim()).filter((line) => line !== '')]
}

/** What the core found wrong, by the path of the field (`connections[0].auth.password`). */
export interface Problems {
  at(path: string): string | undefined
  /** Whether anything at or below the path is wrong. */
  below(path: string): boolean
}

/** Reads the core's answer; a missing secret is told by the connection's short name and in the message alone. */
export function problemsOf(error: { readonly message: string; readonly details?: Readonly<Record<string, string>> | undefined } | undefined, connections: readonly ConnectionDraft[]): Problems {
  const found = new Map(Object.entries(error?.details ?? {}))
  const told = /^connections\.([a-z0-9][a-z0-9._-]*?)\.((?:auth|jump|proxy|http|credentials|password)[\w.]*): (.+)$/s.exec(error?.message ?? '')
  const index = connections.findIndex(({ id }) => id === told?.[1])
  if (told?.[2] !== undefined && told[3] !== undefined && index >= 0) found.set(`connections[${index}].${told[2]}`, told[3])
  return {
    at: (path) => found.get(path),
    below: (path) => [...found.keys()].some((key) => key === path || key.startsWith(`${path}.`) || key.startsWith(`${path}[`)),
  }
}
