import { describe, expect, it } from 'vitest'
import { CONNECTION_SCHEMAS, PROTOCOLS, type Protocol } from '../../../shared/contract/connections/index.ts'
import { PartnerDocument } from '../../../shared/contract/partner-document.ts'
import { CONNECTION_FIELDS, documentOf, draftOf, emptyDraft, KEY_LISTS, newConnection, problemsOf, slugOf, type Draft, type KeyList } from './draft.ts'
import type { Field } from './form/fields.ts'
import type { GroupValue, SecretValue, VariantValue } from './form/values.ts'

const sealed = { sealed: true } as const
const receive = { folder: '/out', patterns: ['*.edi', 'ORD*'], except: ['*.bak'], stableSeconds: 3, marker: '.done', sameContent: 'take', after: 'move', moveTo: '/done' }
const pgp = { outbound: 'sign-and-encrypt', inbound: 'open', requireSignature: false, encryptToSelf: true, profile: 'modern', armor: true, suffix: '' }
const proxy = { kind: 'socks5', host: 'proxy.example', port: 1080, username: 'us', password: sealed }
const tls = { trust: 'pinned', minimum: '1.3', serverName: 'other.example' }
const pin = `SHA256:${'A'.repeat(43)}`

/** Everything that each protocol can be told, with other values than the defaults. */
const FULL: Readonly<Record<Protocol, object>> = {
  sftp: {
    id: 'main', label: 'Main', protocol: 'sftp', host: 'h', port: 2222, username: 'u', folder: '/in', verify: 'read-back', maxConnections: 3, connectTimeoutSeconds: 5, idleTimeoutSeconds: 6, proxy, receive, pgp,
    auth: { method: 'key', item: 'ti_1', password: sealed },
    jump: { host: 'j', port: 23, username: 'k', auth: { method: 'agent', key: pin } },
  },
  ftps: { id: 'ftps', protocol: 'ftps', mode: 'implicit', host: 'h', port: 9990, username: 'u', password: sealed, folder: '/in', tls, passive: 'pasv', verify: 'size', maxConnections: 2, proxy, connectTimeoutSeconds: 5, idleTimeoutSeconds: 6, receive, pgp },
  s3: {
    id: 's3', protocol: 's3', endpoint: 'https://s3.example.com', region: 'eu', bucket: 'acme', prefix: 'acme/in/', pathStyle: false, folder: 'x', checksums: 'when-supported', partMiB: 16, encryption: 'aws:kms', kmsKey: 'k', doneMarker: '.done', objectsStay: true, tls, verify: 'size', maxConnections: 2, proxy, connectTimeoutSeconds: 5, idleTimeoutSeconds: 6, receive, pgp,
    credentials: { kind: 'static', accessKeyId: 'AK', secretAccessKey: sealed, sessionToken: sealed },
  },
  folder: { id: 'folder', protocol: 'folder', path: '/mnt/acme', folder: 'in', verify: 'hash', receive, pgp },
  as2: {
    id: 'as2', protocol: 'as2', as2Id: 'ACME EDI', url: 'https://as2.example.com/', ourAs2Id: 'US',
    message: { sign: false, encrypt: false, compress: 'after-signing', digest: 'sha512', signature: 'rsa-pss', cipher: 'aes-128-gcm', keyTransport: 'rsaes-oaep-sha256', copyToSelf: true, contentType: 'application/edifact', subject: 'Orders' },
    receipt: { request: 'unsigned', mode: 'async', url: 'https://us.example.com/', warnAfterMinutes: 1, failAfterHours: 2 },
    inbound: { requireSigned: false, requireEncrypted: false, requireClientCertificate: true, receiptUrl: 'https://as2.example.com/mdn', maxBytes: 1000, maxParallel: 1 },
    http: { username: 'u', password: sealed, proxy, chunked: true },
    quirks: { base64Signature: false, oldDigestNames: true, algorithmProtection: true, plainFileName: true, omitFileName: true, compressedOnlyMic: 'without-headers', unsignedMicDigest: 'sha1' },
    tls, maxConnections: 2, connectTimeoutSeconds: 5, idleTimeoutSeconds: 6, retry: { giveUpAfterHours: 1 },
  },
}

function named(fields: readonly Field[], name: string): Field {
  const found = fields.find((field) => field.name === name)
  if (found === undefined) throw new Error(`no field ${name}`)
  return found
}

/** A draft with one new connection whose plain texts are filled in. */
function filled(protocol: Protocol, texts: Readonly<Record<string, string | boolean>>): Draft {
  const connection = newConnection(protocol, [])
  return { ...emptyDraft(), id: 'acme', name: 'Acme', connections: [{ ...connection, values: { ...connection.values, ...texts } }] }
}

function withSecret(draft: Draft, name: string, typed: string): Draft {
  const [connection] = draft.connections
  if (connection === undefined) throw new Error('no connection')
  return { ...draft, connections: [{ ...connection, values: { ...connection.values, [name]: { typed, sealed: false } } }] }
}

describe('the partner form', () => {
  it.each([
    ['Müller & Söhne GmbH', 'muller-sohne-gmbh'],
    ['  Acme!! ', 'acme'],
    ['名前', ''],
  ])('names %j %j', (name, slug) => expect(slugOf(name)).toBe(slug))

  it.each(PROTOCOLS)('gives back every setting of %s as it was, and never a secret', (protocol) => {
    const document = PartnerDocument.parse({
      id: 'acme', name: 'Acme', notes: 'n', contacts: [{ name: 'Ms Ito', email: 'ito@example.com', phone: '1', role: 'EDI' }], inbox: '/srv/in',
      limits: { maxFileBytes: 5, maxConnections: 2, extensions: ['.edi'] },
      exceptions: [{ allow: 'ssh-rsa', connection: FULL[protocol] && 'id' in FULL[protocol] ? FULL[protocol].id : '', reason: 'old server', owner: 'Mia', until: '2027-01-31' }],
      connections: [FULL[protocol]],
    })
    expect(PartnerDocument.parse(documentOf(draftOf(document)))).toEqual(document)
  })

  it.each(PROTOCOLS)('has every setting of %s at its default when nothing was touched', (protocol) => {
    const needed = { sftp: { host: 'h', username: 'u' }, ftps: { host: 'h', username: 'u' }, s3: { bucket: 'acme' }, folder: { path: '/x' }, as2: { as2Id: 'ACME' } }[protocol]
    const document = documentOf(filled(protocol, needed))
    const { connections } = document as { connections: Record<string, unknown>[] }
    const least = { protocol, ...needed, ...(protocol === 'sftp' ? { auth: { method: 'password', password: 'p' } } : {}), ...(protocol === 'ftps' ? { password: 'p' } : {}), ...(protocol === 's3' ? { credentials: { kind: 'profile', profile: 'x' } } : {}) }
    const secrets = Object.fromEntries(['auth', 'password', 'credentials'].flatMap((name) => (name in least ? [[name, least[name as keyof typeof least]]] : [])))
    expect(PartnerDocument.parse({ ...document, connections: [{ ...connections[0], ...secrets }] })).toEqual(PartnerDocument.parse({ id: 'acme', name: 'Acme', connections: [least] }))
  })

  it('keeps pins by leaving them out, and adds to them', () => {
    const document = PartnerDocument.parse({ id: 'acme', name: 'Acme', connections: [{ ...FULL.sftp, hostKeys: [{ key: pin, provenance: { source: 'phone' } }] }] })
    const draft = draftOf(document)
    expect((documentOf(draft)['connections'] as object[])[0]).not.toHaveProperty('hostKeys')
    const [connection] = draft.connections
    const other = `SHA256:${'B'.repeat(43)}`
    const added = documentOf({ ...draft, connections: connection === undefined ? [] : [{ ...connection, newPins: `\n${other}\n` }] })
    expect((PartnerDocument.parse(added).connections[0] as { hostKeys: unknown }).hostKeys).toEqual([{ key: pin, provenance: { source: 'phone' } }, other])
  })

  it('adds authorities, revoked keys and keys of the jump host to those that are held', () => {
    const other = `SHA256:${'B'.repeat(43)}`
    const held = { ...FULL.sftp, revokedHostKeys: [pin], jump: { host: 'j', username: 'k', auth: { method: 'agent' }, hostKeys: [pin] } }
    const draft = draftOf(PartnerDocument.parse({ id: 'acme', name: 'Acme', connections: [held] }))
    const newKeys = { revokedHostKeys: other, 'jump.hostKeys': `${other}\n`, hostAuthorities: 'ssh-ed25519 AAAA ca' }
    const added = documentOf({ ...draft, connections: draft.connections.map((connection) => ({ ...connection, newKeys })) })
    expect(PartnerDocument.parse(added).connections[0]).toMatchObject({ revokedHostKeys: [pin, other], hostAuthorities: ['ssh-ed25519 AAAA ca'], jump: { hostKeys: [pin, other] } })
  })

  it.each(PROTOCOLS)('reaches every setting of %s', (protocol) => {
    const own = ['protocol', 'id', 'label', 'hostKeys', ...KEY_LISTS]
    const settings = Object.keys((CONNECTION_SCHEMAS[protocol] as unknown as { shape: object }).shape)
    const shown = CONNECTION_FIELDS[protocol].map(({ name }) => name)
    expect(settings.filter((name) => !own.includes(name as KeyList) && !shown.includes(name))).toEqual([])
    // And the document above, which comes back as it was, has all of them.
    expect(settings.filter((name) => !own.includes(name as KeyList) && !(name in FULL[protocol]))).toEqual([])
  })

  it('takes certificates in PEM and fingerprints side by side', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----'
    const draft = withSecret(filled('ftps', { host: 'h', username: 'u' }), 'password', 'p')
    const document = documentOf({ ...draft, connections: draft.connections.map((connection) => ({ ...connection, newPins: `sha256:${'a'.repeat(64)}\n${pem}` })) })
    expect((PartnerDocument.parse(document).connections[0] as { tls: { pins: unknown } }).tls.pins).toEqual([pem, `sha256:${'a'.repeat(64)}`])
  })

  it('writes the secret that was typed and says of the others that they are sealed', () => {
    const document = PartnerDocument.parse({ id: 'acme', name: 'Acme', connections: [FULL.ftps] })
    const draft = draftOf(document)
    expect(draft.connections[0]?.values['password']).toEqual<SecretValue>({ typed: '', sealed: true })
    const changed = { ...draft, connections: draft.connections.map((connection) => ({ ...connection, values: { ...connection.values, password: { typed: 'new', sealed: true } } })) }
    expect(documentOf(changed)['connections']).toMatchObject([{ password: 'new' }])
  })

  it('leaves out what has no meaning now, and what was switched off', () => {
    const document = PartnerDocument.parse({ id: 'acme', name: 'Acme', connections: [FULL.folder] })
    const draft = draftOf(document)
    const off = { ...draft, connections: draft.connections.map((connection) => {
      const group = connection.values['receive'] as GroupValue
      return { ...connection, values: { ...connection.values, pgp: { ...(connection.values['pgp'] as GroupValue), on: false }, receive: { on: true, values: { ...group.values, after: 'delete' } } } }
    }) }
    const [connection] = documentOf(off)['connections'] as Record<string, object>[]
    expect(connection).not.toHaveProperty('pgp')
    expect(connection?.['receive']).not.toHaveProperty('moveTo')
  })

  it('keeps what was typed for one sign-in while another is chosen', () => {
    const draft = newConnection('sftp', [])
    const auth = draft.values['auth'] as VariantValue
    expect(Object.keys(auth.cases)).toEqual(['password', 'key', 'agent'])
  })

  it('numbers a second connection of one protocol', () => {
    const first = newConnection('sftp', [])
    expect(newConnection('sftp', [first]).id).toBe('sftp-2')
  })

  it('marks what is needed only sometimes as advanced, and secrets as secrets', () => {
    expect(named(CONNECTION_FIELDS.s3, 'partMiB')).toMatchObject({ kind: 'number', advanced: true })
    expect(named(CONNECTION_FIELDS.ftps, 'password')).toMatchObject({ kind: 'secret', required: true, advanced: false })
    expect(named(CONNECTION_FIELDS.sftp, 'receive')).toMatchObject({ kind: 'group', ask: 'Collect files from the partner' })
    expect(named(CONNECTION_FIELDS.as2, 'message')).toMatchObject({ kind: 'group', ask: undefined })
  })

  it('finds the message of a field by its path, also of a secret that is missing', () => {
    const problems = problemsOf({ message: '', details: { 'connections[0].port': 'must be at most 65535' } }, [])
    expect(problems.at('connections[0].port')).toBe('must be at most 65535')
    expect(problems.at('connections[1].port')).toBeUndefined()
    expect([problems.below('connections[0]'), problems.below('connections')]).toEqual([true, true])
    const missing = problemsOf({ message: 'connections.ftps.password: nothing is sealed yet; give the value' }, [newConnection('ftps', [])])
    expect(missing.at('connections[0].password')).toBe('nothing is sealed yet; give the value')
  })
})
