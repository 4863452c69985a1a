/** What the form holds, and how it becomes a partner document. */
import type { PartnerDocument } from '../../../shared/contract/partner-document.ts'

export interface Draft {
  readonly id: string
  /** The short name follows the name until a person types one. */
  readonly idTyped: boolean
  readonly name: string
  readonly notes: string
  readonly connection: string
  readonly host: string
  readonly port: string
  readonly folder: string
  readonly username: string
  readonly method: 'password' | 'key' | 'generated' | 'agent'
  /** Which key of the SSH agent; empty: any. */
  readonly agentKey: string
  /** Sent after the key, where the server asks for both; empty: as it is. */
  readonly besides: string
  readonly besidesSealed: boolean
  readonly password: string
  readonly privateKey: string
  readonly passphrase: string
  /** Inventory item of the key that was made here or is in use. */
  readonly item: string
  readonly publicKey: string
  /** Empty: none. */
  readonly proxy: '' | 'http' | 'socks5'
  readonly proxyHost: string
  readonly proxyPort: string
  readonly proxyUser: string
  readonly proxyPassword: string
  readonly proxySealed: boolean
  readonly maxConnections: string
  /** A secret for this sign-in is sealed already. */
  readonly sealed: boolean
  /** What the form does not show is kept as it was. */
  readonly kept: PartnerDocument | null
}

export const emptyDraft: Draft = {
  id: '', idTyped: false, name: '', notes: '', connection: 'sftp', host: '', port: '22', folder: '.', username: '',
  method: 'password', password: '', privateKey: '', passphrase: '', item: '', publicKey: '', agentKey: '', besides: '', besidesSealed: false,
  proxy: '', proxyHost: '', proxyPort: '', proxyUser: '', proxyPassword: '', proxySealed: false, maxConnections: '1', sealed: false, kept: null,
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
  const connection = document.connections.find((candidate) => candidate.protocol === 'sftp')
  if (connection === undefined) return { ...emptyDraft, id: document.id, idTyped: true, name: document.name, notes: document.notes ?? '', kept: document }
  return {
    ...emptyDraft,
    id: document.id,
    idTyped: true,
    name: document.name,
    notes: document.notes ?? '',
    connection: connection.id,
    host: connection.host,
    port: String(connection.port),
    folder: connection.folder,
    username: connection.username,
    method: connection.auth.method,
    item: connection.auth.method === 'key' ? (connection.auth.item ?? '') : '',
    agentKey: connection.auth.method === 'agent' ? (connection.auth.key ?? '') : '',
    besidesSealed: connection.auth.method !== 'password' && connection.auth.password !== undefined,
    proxy: connection.proxy?.kind ?? '',
    proxyHost: connection.proxy?.host ?? '',
    proxyPort: connection.proxy === undefined ? '' : String(connection.proxy.port),
    proxyUser: connection.proxy?.username ?? '',
    proxySealed: connection.proxy?.password !== undefined,
    maxConnections: String(connection.maxConnections),
    sealed: true,
    kept: document,
  }
}

/** The core validates it; numbers that are none are passed on as they were typed, so that its message names the field. */
export function documentOf(draft: Draft): Record<string, unknown> {
  const shown = draft.kept?.connections.find((candidate) => candidate.protocol === 'sftp')
  const others = draft.kept?.connections.filter((candidate) => candidate !== shown) ?? []
  const { hostKeys: _, proxy: __, ...keptConnection } = shown ?? {}
  return {
    ...draft.kept,
    id: draft.id,
    name: draft.name,
    ...(draft.notes === '' ? { notes: undefined } : { notes: draft.notes }),
    connections: [
      {
        ...keptConnection,
        id: draft.connection,
        protocol: 'sftp',
        host: draft.host,
        port: numberIn(draft.port),
        folder: draft.folder === '' ? '.' : draft.folder,
        username: draft.username,
        auth: authOf(draft),
        ...(draft.proxy === '' ? {} : { proxy: proxyOf(draft) }),
        maxConnections: numberIn(draft.maxConnections),
      },
      ...others,
    ],
  }
}

function numberIn(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text
}

function proxyOf(draft: Draft): Record<string, unknown> {
  const { proxy: kind, proxyHost: host, proxyUser: username, proxyPassword: password } = draft
  const secret = password !== '' ? { password } : draft.proxySealed ? { password: { sealed: true } } : {}
  return { kind, host, port: numberIn(draft.proxyPort), ...(username === '' ? {} : { username, ...secret }) }
}

function authOf(draft: Draft): Record<string, unknown> {
  if (draft.method === 'password') return { method: 'password', password: draft.password === '' && draft.sealed ? { sealed: true } : draft.password }
  const besides = draft.besides !== '' ? { password: draft.besides } : draft.besidesSealed ? { password: { sealed: true } } : {}
  if (draft.method === 'agent') return { method: 'agent', ...(draft.agentKey === '' ? {} : { key: draft.agentKey }), ...besides }
  if (draft.method === 'generated' || (draft.privateKey === '' && draft.item !== '')) return { method: 'key', item: draft.item, ...besides }
  return { method: 'key', privateKey: draft.privateKey, ...besides, ...(draft.passphrase === '' ? {} : { passphrase: draft.passphrase }) }
}

/** The message for one field of the form out of the core's answer, which names fields by their path. */
export function problemFor(details: Readonly<Record<string, string>> | undefined, field: string): string | undefined {
  return Object.entries(details ?? {}).find(([path]) => path === field || path.endsWith(`.${field}`))?.[1]
}
