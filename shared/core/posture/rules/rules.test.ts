import { describe, expect, it } from 'vitest'
import { ExpectationDocument } from '../../../contract/expectations.ts'
import type { PartnerFact, PostureFacts } from '../facts.ts'
import { RULES } from './index.ts'
import { as2, codes, day, ends, flow as aFlow, found, ftps, item, judged, KEEPING, KEYS, NOW, partner, PINS, PLATFORM, s3, seen, sftp, traffic, world, x509 } from './test-world.ts'

/** A world that is found, and one that is just not. */
type Case = readonly [code: string, hit: Partial<PostureFacts>, near: Partial<PostureFacts>]

const having = (connections: readonly Record<string, unknown>[], change: Record<string, unknown> = {}, facts: Partial<PartnerFact> = {}): Partial<PostureFacts> => ({ partners: [partner(connections, change, facts)] })
const platform = (change: Partial<typeof PLATFORM>): Partial<PostureFacts> => ({ platform: { ...PLATFORM, ...change } })
const receiver = (change: Partial<(typeof PLATFORM)['receiver']>): Partial<PostureFacts> => platform({ receiver: { ...PLATFORM.receiver, ...change } })
const observed = (...observations: PostureFacts['observations']): Partial<PostureFacts> => ({ observations })
const exception = (allow: string, until: string, change: Record<string, unknown> = {}): Record<string, unknown> => ({ exceptions: [{ allow, reason: 'they update in autumn', owner: 'Ms Ito', until, ...change }] })
const withItems = (...items: PostureFacts['items'][number][]): Partial<PostureFacts> => ({ items: [...KEYS, ...items] })
const pinned = (...items: PostureFacts['items'][number][]): Partial<PostureFacts> => ({ items: [...KEYS.filter((one) => !PINS.includes(one)), ...items] })
const resting = (state: 'unknown' | 'disputed' | 'held' | 'awaiting-receipt', daysAgo: number): Partial<PostureFacts> => ({ traffic: [traffic({ resting: [{ id: 'dlv1', state, since: day(-daysAgo) }] }), traffic({ connection: 'as2' })] })
const failing = (count: number): Partial<PostureFacts> => ({ traffic: [traffic({ failing: Array.from({ length: count }, (_, index) => ({ id: `dlv${index}`, at: day(-index), code: 'net.unreachable' })) }), traffic({ connection: 'as2' })] })
const refused = (daysAgo: number): Partial<PostureFacts> => observed(seen('refused', 'sftp.host_key_changed SHA256:other', 3, daysAgo))
const refusal = (daysAgo: number): PostureFacts['refusals'][number] => ({ partner: 'acme', connection: 'sftp', direction: 'outbound', rule: 'ssh-kex', seen: 'x', asked: 'y', exception: 'ssh-policy', firstAt: day(-daysAgo), lastAt: day(-daysAgo), times: 1, delivery: null })
const pgpKey = (aead: boolean): PostureFacts['items'][number] => item('pgp', ['pgp-encrypt'], { pgp: { version: 4, userIds: [], parts: [], preferences: { aead, seipdV2: false, ciphers: [], hashes: [], compressions: [], cipherSuites: [] }, hasSecret: false, isProtected: false, warnings: [] } })
const withPgp = (pgp: Record<string, unknown>): Partial<PostureFacts> => having([sftp({ pgp }), as2()])

const lifecycle: Case[] = [
  ['certificate_expired', { expiry: [ends(-1)] }, { expiry: [ends(-1, { kind: 'pgp' })] }],
  ['pgp_key_expired', { expiry: [ends(-1, { kind: 'pgp' })] }, { expiry: [ends(-1)] }],
  ['pgp_subkey_expired', { expiry: [ends(-1, { kind: 'pgp', part: 'subkey' })] }, { expiry: [ends(0, { kind: 'pgp', part: 'subkey' })] }],
  ['pgp_subkey_ends_first', { expiry: [ends(59, { kind: 'pgp', part: 'subkey' })] }, { expiry: [ends(61, { kind: 'pgp', part: 'subkey' })] }],
  ['item_expiring', { expiry: [ends(30)] }, { expiry: [ends(31)] }],
  ['no_successor', { expiry: [ends(30)], items: KEYS.filter(({ id }) => id !== 'their-sign') }, { expiry: [ends(30)] }],
  ['chain_expired', { expiry: [ends(-1, { part: 'chain' })] }, { expiry: [ends(0, { part: 'chain' })] }],
  ['chain_expiring', { expiry: [ends(60, { part: 'chain' })] }, { expiry: [ends(61, { part: 'chain' })] }],
  ['not_yet_valid', withItems(item('x509', ['tls-client'], { notBefore: day(1) })), withItems(item('x509', ['tls-client'], { notBefore: day(1) }, { activeFrom: day(1) }))],
  ['rollover_stuck', withItems(item('x509', ['verify'], { id: 'older' }, { activeFrom: day(-400), connection: 'x' }), item('x509', ['verify'], { id: 'newer' }, { activeFrom: day(-90), connection: 'x' })), withItems(item('x509', ['verify'], { id: 'older' }, { activeFrom: day(-400), connection: 'x' }), item('x509', ['verify'], { id: 'newer' }, { activeFrom: day(-89), connection: 'x' }))],
  ['retired_still_seen', { ...withItems(item('x509', [], { state: 'retired', fingerprint: 'sha256:old' })), ...observed(seen('as2.received-signer', 'sha256:old', 100, 30, 'as2')) }, { ...withItems(item('x509', [], { state: 'retired', fingerprint: 'sha256:old' })), ...observed(seen('as2.received-signer', 'sha256:old', 100, 31, 'as2')) }],
  ['own_key_old', withItems(item('x509', ['tls-client'], { hasPrivateKey: true, notBefore: day(-1095) })), withItems(item('x509', ['tls-client'], { hasPrivateKey: true, notBefore: day(-1094) }))],
  ['exception_ending', having([sftp(), as2()], exception('cms-sha1', '2026-06-14')), having([sftp(), as2()], exception('cms-sha1', '2026-06-16'))],
  ['exception_over', having([sftp(), as2()], exception('cms-sha1', '2026-05-31')), having([sftp(), as2()], exception('cms-sha1', '2026-06-01'))],
]

/** What the inventory finds is taken over: the near miss is another of its codes. */
const taken: Case[] = (
  [
    ['key_small', 'trust_key_small'], ['key_unusable_kind', 'trust_key_type'], ['private_key_missing', 'trust_no_private_key'], ['key_revoked', 'trust_revoked'], ['issuer_signature_weak', 'trust_weak_signature'], ['usage_lacking', 'trust_usage'],
    ['purpose_lacking', 'trust_purpose'], ['test_key', 'trust_test_key'], ['one_key_for_two', 'trust_one_key_for_two'], ['shared_by_partners', 'trust_shared_by_partners'], ['messages_and_tls', 'trust_messages_and_tls'], ['trusted_on_first_use', 'trust_first_use'], ['unconfirmed', 'trust_unconfirmed'],
  ] as const
).map(([code, inner]) => [code, { trust: [judged(inner)] }, { trust: [judged('trust_of_another_kind')] }])

const crypto: Case[] = [
  ...taken,
  ['role_missing', { items: KEYS.filter(({ id }) => id !== 'their-encrypt') }, { items: KEYS.filter(({ id }) => id !== 'their-encrypt'), ...having([sftp(), as2({ message: { encrypt: false } })]) }],
  ['client_auth_ends', withItems(item('x509', ['tls-client'], { x509: x509({ extendedKeyUsage: ['serverAuth', 'clientAuth'] }) })), withItems(item('x509', ['tls-client'], { x509: x509({ extendedKeyUsage: ['clientAuth'] }) }))],
  ['pgp_profile_unproved', { ...withPgp({ outbound: 'encrypt', profile: 'modern' }), ...withItems(pgpKey(false)) }, { ...withPgp({ outbound: 'encrypt', profile: 'modern' }), ...withItems(pgpKey(true)) }],
  ['client_key_shared', withItems(item('ssh-client', ['ssh-client'], { bindings: ['acme', 'beta'].map((id) => ({ id, item: 'k', partner: id, connection: null, role: 'ssh-client', activeFrom: day(-1), activeUntil: null })) })), withItems(item('ssh-client', ['ssh-client'], { bindings: ['acme', 'beta'].map((id) => ({ id, item: 'k', partner: id, connection: null, role: 'ssh-client', activeFrom: day(-9), activeUntil: id === 'beta' ? day(-1) : null })) }))],
  ['as2_sha1', having([as2({ message: { digest: 'sha1' } })]), having([as2({ message: { digest: 'sha1', sign: false } })])],
  ['as2_3des', having([as2({ message: { cipher: 'des-ede3-cbc' } })]), having([as2({ url: undefined, message: { cipher: 'des-ede3-cbc' } })])],
  ['as2_not_signed', having([as2({ message: { sign: false } })]), having([as2({ url: undefined, message: { sign: false } })])],
  ['as2_not_encrypted', having([as2({ message: { encrypt: false } })]), having([as2({ url: undefined, message: { encrypt: false } })])],
  ['as2_no_proof', having([as2({ receipt: { request: 'unsigned' } })]), having([as2({ url: undefined, receipt: { request: 'none' } })])],
  ['as2_takes_unsigned', having([as2({ inbound: { requireSigned: false } })]), having([as2({ inbound: { requireEncrypted: false } })])],
  ['as2_takes_unencrypted', having([as2({ inbound: { requireEncrypted: false } })]), having([as2({ inbound: { requireSigned: false } })])],
  ['as2_async_without_address', { station: null, ...having([as2({ receipt: { mode: 'async' } })]) }, having([as2({ receipt: { mode: 'async' } })])],
  ['pgp_takes_unsigned', withPgp({ inbound: 'open', requireSignature: false }), withPgp({ inbound: 'none', requireSignature: false })],
  ['exception_active', having([sftp(), as2()], exception('cms-sha1', '2026-06-01')), having([sftp(), as2()], exception('cms-sha1', '2026-05-31'))],
  ['exception_unused', { ...having([sftp(), as2()], exception('ssh-cbc', '2026-09-01'), { updatedAt: day(-30) }), ...observed(seen('ssh.cipher', 'aes256-ctr', 40, 1)) }, { ...having([sftp(), as2()], exception('ssh-cbc', '2026-09-01'), { updatedAt: day(-90) }), ...observed(seen('ssh.cipher', 'aes256-ctr', 40, 1), seen('ssh.cipher', 'aes256-cbc', 90, 5)) }],
]

const observedCases: Case[] = [
  ['observed_weak_ssh', observed(seen('ssh.kex', 'diffie-hellman-group14-sha1', 300, 1)), observed(seen('ssh.kex', 'diffie-hellman-group14-sha256', 300, 1))],
  ['observed_weak_tls', observed(seen('tls.version', 'TLSv1.1', 300, 1, 'as2')), observed(seen('tls.version', 'TLSv1.1', 300, 31, 'as2'))],
  ['observed_weak_message', observed(seen('as2.receipt-mic', 'sha1', 300, 1, 'as2')), observed(seen('as2.receipt-mic', 'sha-256', 300, 1, 'as2'))],
  ['observed_weak_pgp', observed(seen('pgp.packet', 'sed', 300, 1)), observed(seen('pgp.packet', 'seipd-v1', 300, 1))],
  ['silent_downgrade', observed(seen('ssh.cipher', 'aes256-gcm@openssh.com', 90, 10), seen('ssh.cipher', 'aes256-ctr', 9, 1)), observed(seen('ssh.cipher', 'aes256-gcm@openssh.com', 90, 1), seen('ssh.cipher', 'aes256-ctr', 120, 10))],
  ['receipt_no_longer_signed', observed(seen('as2.receipt-signed', 'yes', 90, 10, 'as2'), seen('as2.receipt-signed', 'no', 9, 1, 'as2')), observed(seen('as2.receipt-signed', 'no', 90, 10, 'as2'), seen('as2.receipt-signed', 'yes', 9, 1, 'as2'))],
  ['message_no_longer_signed', observed(seen('as2.received-digest', 'sha256', 90, 10, 'as2'), seen('as2.received-digest', 'no', 9, 1, 'as2')), observed(seen('as2.received-digest', 'no', 9, 1, 'as2'))],
  ['message_no_longer_encrypted', observed(seen('as2.received-cipher', 'aes-256-cbc', 90, 10, 'as2'), seen('as2.received-cipher', 'no', 9, 1, 'as2')), observed(seen('as2.received-cipher', 'aes-256-cbc', 90, 1, 'as2'), seen('as2.received-cipher', 'no', 90, 10, 'as2'))],
  ['signer_changed', observed(seen('as2.received-signer', 'sha256:a', 90, 31, 'as2'), seen('as2.received-signer', 'sha256:b', 30, 1, 'as2')), observed(seen('as2.received-signer', 'sha256:a', 90, 32, 'as2'), seen('as2.received-signer', 'sha256:b', 31, 1, 'as2'))],
  ['receipt_signer_changed', observed(seen('as2.receipt-signer', 'sha256:a', 90, 31, 'as2'), seen('as2.receipt-signer', 'sha256:b', 30, 1, 'as2')), observed(seen('as2.receipt-signer', 'sha256:b', 30, 1, 'as2'))],
  ['host_key_replaced', observed(seen('ssh.host-key', 'SHA256:a', 90, 31), seen('ssh.host-key', 'SHA256:b', 30, 1)), observed(seen('ssh.host-key', 'SHA256:a', 90, 1), seen('ssh.host-key', 'SHA256:b', 90, 1))],
  ['tls_certificate_renewed', observed(seen('tls.certificate', 'sha256:a', 90, 31, 'as2'), seen('tls.certificate', 'sha256:b', 30, 1, 'as2')), observed(seen('tls.certificate', 'sha256:a', 90, 31, 'as2'), seen('tls.certificate', 'sha256:b', 30, 1, 'as2'), seen('tls.issuer', 'CN=A', 90, 31, 'as2'), seen('tls.issuer', 'CN=B', 30, 1, 'as2'))],
  ['tls_issuer_changed', observed(seen('tls.issuer', 'CN=A', 90, 31, 'as2'), seen('tls.issuer', 'CN=B', 30, 1, 'as2')), observed(seen('tls.issuer', 'CN=A', 90, 1, 'as2'))],
  ['identity_refused', refused(0.5), refused(2)],
  ['policy_refused', { refusals: [refusal(0.5)] }, { refusals: [refusal(2)] }],
  ['ftps_session_anew', observed(seen('ftps.data-session', 'negotiated anew', 9, 1)), observed(seen('ftps.data-session', 'resumed from the control connection', 9, 1))],
  ['server_outdated', observed(seen('ssh.software', 'SSH-2.0-OpenSSH_7.4', 9, 1)), observed(seen('ssh.software', 'SSH-2.0-OpenSSH_7.5', 9, 1))],
]

const tlsPin = (change: Partial<PostureFacts['items'][number]> = {}): PostureFacts['items'][number] => item('x509', ['tls-server'], { fingerprint: 'sha256:pin', x509: x509({ notBefore: day(-30), notAfter: day(368) }), notAfter: day(368), ...change })

const tested = (place: string, daysAgo: number, change: Partial<PostureFacts['tests'][number]> = {}): Partial<PostureFacts> => ({ tests: [{ place, at: day(daysAgo), ok: true, failed: null, boundary: {}, ...change }] })
const noted = (note: string): PostureFacts['items'][number] => item('ssh-host', ['ssh-host'], { provenance: [{ source: 'phone', at: day(-9), recordedAt: day(-9), person: 'Ms Ito', note } as unknown as PostureFacts['items'][number]['provenance'][number]] })

const transport: Case[] = [
  ['host_key_unpinned', pinned(), pinned(item('ssh-ca', ['ssh-host']))],
  ['jump_host_unpinned', having([sftp({ jump: { host: 'jump', username: 'us', auth: { method: 'agent' } } })]), { ...having([sftp({ jump: { host: 'jump', username: 'us', auth: { method: 'agent' } } })]), ...withItems(item('ssh-host', ['ssh-jump'])) }],
  ['host_key_single', pinned(item('ssh-host', ['ssh-host'])), pinned(item('ssh-host', ['ssh-host']), item('ssh-ca', ['ssh-host']))],
  ['host_key_weak', withItems(item('ssh-host', ['ssh-host'], { algorithm: 'ssh-rsa', bits: 2047 })), withItems(item('ssh-host', ['ssh-host'], { algorithm: 'ssh-rsa', bits: 2048 }))],
  ['host_key_fingerprint_only', withItems(item('ssh-host', ['ssh-host'], { publicKey: null })), withItems(item('ssh-host', ['ssh-jump'], { publicKey: null }))],
  ['tls_pin_missing', having([ftps({ tls: { trust: 'pinned' } })]), { ...having([ftps({ tls: { trust: 'pinned' } })]), ...withItems(tlsPin()) }],
  ['tls_pin_short_lived', { ...having([ftps()]), ...withItems(tlsPin()) }, { ...having([ftps()]), ...withItems(tlsPin({ x509: x509({ notBefore: day(-30), notAfter: day(370) }) })) }],
  ['tls_minimum_low', observed(seen('tls.version', 'TLSv1.3', 31, 1, 'as2')), observed(seen('tls.version', 'TLSv1.3', 30, 1, 'as2'))],
  ['tls_other_name', having([as2({ tls: { serverName: 'other.example' } })]), having([as2({ url: 'http://127.0.0.1/', tls: { serverName: 'other.example' } })])],
  ['plain_http', having([as2({ url: 'http://as2.acme.example/' })]), having([as2({ url: 'http://127.0.0.1:8080/' })])],
  ['receipts_plain_http', having([as2({ receipt: { mode: 'async', url: 'http://us.example/' } })]), having([as2({ receipt: { mode: 'sync', url: 'http://us.example/' } })])],
  ['proxy_in_path', having([sftp({ proxy: { kind: 'socks5', host: 'p', port: 1080 } })]), having([as2({ http: {} })])],
  ['proxy_password_plain', having([sftp({ proxy: { kind: 'http', host: 'p', port: 1080, username: 'u' } })]), having([sftp({ proxy: { kind: 'http', host: 'p', port: 1080 } })])],
  ['pin_compared_weakly', pinned(noted('compared by phone, MD5:aa:bb')), pinned(noted('MD5 by mail, then SHA256:abc by phone'))],
  ['connection_test_failed', tested('acme/sftp', 0, { ok: false, failed: 'net.refused' }), tested('acme/sftp', -2, { ok: false, failed: 'net.refused' })],
  ['jump_host_unseen', { ...having([sftp({ jump: { host: 'jump', username: 'us', auth: { method: 'agent' } } })]), ...observed(seen('ssh.kex', 'curve25519-sha256', 9, 1)) }, { ...having([sftp({ jump: { host: 'jump', username: 'us', auth: { method: 'agent' } } })]), ...observed(seen('ssh.kex', 'curve25519-sha256', 9, 1), seen('way.jump-host', 'jump:22', 9, 1)) }],
]

const auth: Case[] = [
  ['password_only', having([sftp({ auth: { method: 'password', password: { sealed: true } } })]), having([ftps()])],
  ['secret_old', { secrets: [{ partner: 'acme', connection: 'sftp', field: 'password', sealedAt: day(-366) }] }, { secrets: [{ partner: 'acme', connection: 'sftp', field: 'password', sealedAt: day(-365) }] }],
  ['agent_any_key', having([sftp({ auth: { method: 'agent' } })]), having([sftp()])],
  ['anonymous_account', having([ftps({ username: 'Anonymous' })]), having([ftps({ username: 'anonymous2' })])],
  ['basic_auth_plain', having([as2({ url: 'http://as2.acme.example/', http: { username: 'u' } })]), having([as2({ url: 'https://as2.acme.example/', http: { username: 'u' } })])],
  ['s3_whole_bucket', having([s3({ prefix: '' })]), having([s3()])],
  ['s3_key_too_wide', { ...having([s3()]), ...tested('acme/s3', -1, { boundary: { 'Listing outside the prefix': 'refused by the server, as it should be', 'Writing outside the prefix': 'PERMITTED: the credential reaches beyond this partner' } }) }, { ...having([s3()]), ...tested('acme/s3', -1, { boundary: { 'Writing outside the prefix': 'refused by the server, as it should be' } }) }],
  ['s3_boundary_untested', { ...having([s3()]), ...tested('acme/s3', -366, { boundary: { 'Writing outside the prefix': 'refused' } }) }, { ...having([s3()]), ...tested('acme/s3', -365, { boundary: { 'Writing outside the prefix': 'refused' } }) }],
  ['s3_not_encrypted', having([s3({ endpoint: 'https://s3.example.com' })]), having([s3({ endpoint: 'https://s3.example.com', encryption: 'AES256' })])],
  ['credentials_shared', { partners: [partner([sftp()]), partner([sftp()], { id: 'beta' })] }, { partners: [partner([sftp(), sftp({ id: 'second' })]), partner([sftp({ username: 'other' })], { id: 'beta' })] }],
]

const keeping = (change: Partial<PostureFacts['keeping']>): Partial<PostureFacts> => ({ keeping: { ...KEEPING, ...change } })
const backup = (change: Partial<NonNullable<PostureFacts['keeping']['backup']>>): Partial<PostureFacts> => keeping({ backup: KEEPING.backup === null ? null : { ...KEEPING.backup, ...change } })
const chain = (days: number): PostureFacts['audit'] => ({ events: 10, firstAt: day(days), lastAt: day(0), verified: { at: day(-1), ok: true } })
const approval = (change: Partial<PostureFacts['approval']>): Partial<PostureFacts> => ({ approval: { hardened: false, approved: { at: day(-9), by: 'Ms Ito', reason: 'yearly' }, signatureValid: true, lines: [], ...change } })

const ofPlatform: Case[] = [
  ['keychain_missing', platform({ keyInKeychain: false, keychainAnswered: null }), platform({ keychainAnswered: false })],
  ['keychain_fallback', platform({ keychainAnswered: false }), platform({ keychainAnswered: null })],
  ['secret_file_readable', platform({ secretFiles: [{ what: 'passphrase', file: '/home/us/secret', mode: 0o640 }] }), platform({ secretFiles: [{ what: 's3-profile', file: '/home/us/.aws/credentials', mode: 0o640 }] })],
  ['waybill_outdated', platform({ builtAt: day(-180) }), platform({ builtAt: day(-179) })],
  ['shell_outdated', { ...platform({ shellVersion: '44.0.0' }), now: Date.parse('2027-03-04T00:00:00.000Z') }, { ...platform({ shellVersion: '45.0.0' }), now: Date.parse('2027-03-04T00:00:00.000Z') }],
  ['receiver_anonymous', { ...having([as2({ inbound: { requireSigned: false } })]), ...receiver({ enabled: true, listening: true, host: '0.0.0.0' }) }, { ...having([as2({ inbound: { requireSigned: false } })]), ...receiver({ enabled: true, listening: true, host: '127.0.0.1' }) }],
  ['backup_missing', { ...keeping({ backup: null }), audit: chain(-7) }, { ...keeping({ backup: null }), audit: chain(-6) }],
  ['backup_old', backup({ at: day(-15) }), backup({ at: day(-14) })],
  ['backup_lost', backup({ state: 'changed' }), backup({ state: 'unseen' })],
  ['backup_unsealed', keeping({ plainCopies: ['/home/us/waybill/copy.db'] }), keeping({ plainCopies: [] })],
  ['backup_same_disk', backup({ sameDisk: true }), backup({ sameDisk: true, state: 'unseen' })],
  ['audit_not_anchored', { ...keeping({ anchor: null }), audit: chain(-30) }, { ...keeping({ anchor: null }), audit: chain(-29) }],
  ['disk_filling', platform({ freeBytes: 2 * 1024 ** 3, grownBytes: 1024 ** 3 + 1 }), platform({ freeBytes: 2 * 1024 ** 3, grownBytes: 1024 ** 3 })],
  ['retention_below_agreed', { retention: [{ partner: 'acme', days: 90, looked: 3, missing: [{ id: 'dlv1', at: day(-80) }] }] }, { retention: [{ partner: 'acme', days: 90, looked: 3, missing: [] }] }],
  ['policy_drift', approval({ lines: [{ change: 'added', text: 'partner acme exception cms-sha1 until 2026-12-31: old (Ms Ito)' }] }), approval({ lines: [{ change: 'added', text: 'partner acme2 limits maxConnections: 2' }] })],
  ['policy_station_drift', approval({ lines: [{ change: 'removed', text: 'station name: "Us"' }] }), approval({ lines: [{ change: 'removed', text: 'partner acme limits maxConnections: 2' }] })],
  ['policy_unapproved', approval({ approved: null, signatureValid: false }), { ...approval({ approved: null, signatureValid: false }), ...having([sftp()], {}, { practice: true }) }],
  ['policy_signature_bad', approval({ signatureValid: false }), approval({ approved: null, signatureValid: false })],
  ['workspace_readable', platform({ folderMode: 0o750 }), platform({ folderMode: null })],
  ['workspace_synced', platform({ folder: '/home/us/OneDrive - Us/waybill' }), platform({ folder: '/home/us/onedriver/waybill-dropboxes' })],
  ['disk_low', platform({ freeBytes: 1024 ** 3 - 1 }), platform({ freeBytes: 1024 ** 3 })],
  ['runtime_outdated', { now: Date.parse('2028-05-02T00:00:00.000Z') }, { now: Date.parse('2028-04-30T12:00:00.000Z') }],
  ['primitives_failed', platform({ failedPrimitives: ['aes-256-gcm'] }), platform({ failedPrimitives: [] })],
  ['clock_skew', platform({ clockSkewMs: -60_001 }), platform({ clockSkewMs: 60_000 })],
  ['receiver_exposed', receiver({ enabled: true, listening: true, host: '0.0.0.0' }), receiver({ host: '0.0.0.0' })],
  ['receiver_plain', receiver({ enabled: true, listening: true, host: '10.0.0.4' }), receiver({ enabled: true, listening: true, host: '10.0.0.4', tls: true })],
  ['receiver_old_http', receiver({ enabled: true, listening: true, oldHttp: true }), receiver({ oldHttp: true })],
  ['receiver_down', receiver({ enabled: true, problem: 'the port is taken' }), receiver({ enabled: true, listening: true, problem: 'it was taken' })],
  ['receiver_needed', having([as2({ receipt: { mode: 'async' } })]), { ...having([as2({ receipt: { mode: 'async' } })]), ...receiver({ enabled: true, listening: true }) }],
  ['receipts_not_posted', receiver({ queuedReceipts: 3 }), receiver({ queuedReceipts: 2 })],
  ['station_missing', { station: null }, { station: null, ...having([as2({ ourAs2Id: 'US' })]) }],
  ['audit_not_verified', { audit: { events: 10, firstAt: day(-60), lastAt: day(0), verified: { at: day(-30), ok: true } } }, { audit: { events: 10, firstAt: day(-29), lastAt: day(0), verified: null } }],
  ['audit_broken', { audit: { events: 10, firstAt: day(-60), lastAt: day(0), verified: { at: day(-1), ok: false } } }, { audit: { events: 0, firstAt: null, lastAt: null, verified: null } }],
]

const receive = (change: Record<string, unknown>): Partial<PostureFacts> => having([sftp({ receive: change }), as2()])

const flow: Case[] = [
  ['failing_repeatedly', failing(3), failing(2)],
  ['outcome_unknown', resting('unknown', 1), resting('unknown', 0.9)],
  ['disputed_resting', resting('disputed', 0), resting('held', 0)],
  ['held_for_long', resting('held', 2), resting('held', 1.9)],
  ['receipts_overdue', resting('awaiting-receipt', 0.51), resting('awaiting-receipt', 0.5)],
  ['gone_quiet', { traffic: [traffic({ firstAt: day(-27), lastAt: day(-8) }), traffic({ connection: 'as2' })] }, { traffic: [traffic({ firstAt: day(-25), lastAt: day(-6) }), traffic({ connection: 'as2' })] }],
  ['never_used', { ...having([sftp()], {}, { updatedAt: day(-30) }), traffic: [] }, { ...having([sftp()], {}, { updatedAt: day(-29) }), traffic: [] }],
  ['receive_duplicates', receive({ sameContent: 'take' }), receive({ sameContent: 'take', after: 'delete' })],
  ['receive_unstable', receive({ stableSeconds: 0 }), receive({ stableSeconds: 0, marker: '.done' })],
  ['verify_size_only', having([sftp({ verify: 'size' })]), having([sftp({ verify: 'auto' })])],
  ['suspended_for_long', having([sftp()], {}, { suspended: true, updatedAt: day(-30) }), having([sftp()], {}, { suspended: true, updatedAt: day(-29) })],
  ['no_contact', having([sftp()], { contacts: [{ name: 'Ms Ito' }] }), having([sftp()], { contacts: [{ name: 'Ms Ito', email: 'ito@acme.example' }] })],
]

const flows = (change: Parameters<typeof aFlow>[0], document?: Record<string, unknown>): Partial<PostureFacts> => ({ flows: [aFlow(change, document)] })
const atTimes = { trigger: { kind: 'after', flow: 'other' } }

const outage = (minutes: number): PostureFacts['observations'][number] => ({ ...seen('outage', day(-9), 9, 9), lastSeen: new Date(Date.parse(day(-9)) + minutes * 60_000).toISOString() })

const daily = (days: readonly string[]): Record<string, unknown> => ({ trigger: { kind: 'schedule', schedule: { kind: 'at', times: ['07:00'], days, zone: 'UTC' } } })

const flowRuns: Case[] = [
  ['flow_paused_long', flows({ paused: { at: day(-7), until: null, reason: null } }), flows({ paused: { at: day(-7), until: day(1), reason: null } })],
  ['flow_never_ran', flows({ recent: [], updatedAt: day(-7) }), flows({ recent: [], updatedAt: day(-30) }, { trigger: { kind: 'manual' } })],
  ['flow_always_empty', flows({ recent: ['nothing', 'nothing', 'nothing', 'nothing', 'nothing'] }, atTimes), flows({ recent: ['nothing', 'nothing', 'nothing', 'nothing', 'delivered'] }, atTimes)],
  ['flow_failing', flows({ recent: ['failed', 'refused', 'failed'] }), flows({ recent: ['failed', 'failed', 'partly'] })],
  ['flow_missed', flows({ missedThisWeek: 3 }), flows({ missedThisWeek: 2 })],
  ['flow_undecided', flows({ pending: 1 }), flows({ pending: 0 })],
  ['flow_duplicates_weak', flows({}, { duplicates: { windowDays: 6 } }), flows({}, { duplicates: { windowDays: 7 } })],
  ['flow_no_expectation', flows({}, daily(['mon', 'tue', 'wed', 'thu', 'fri'])), { ...flows({}, daily(['mon', 'tue', 'wed', 'thu', 'fri'])), expectations: [ExpectationDocument.parse({ id: 'orders', name: 'Orders', direction: 'outbound', partner: 'acme', by: { kind: 'at', times: ['08:00'], zone: 'UTC' } })] }],
  ['flow_no_notification', { ...flows({}), notices: { native: false, sent: false } }, { ...flows({}), notices: { native: false, sent: true } }],
  ['flow_retry_below_outages', { ...flows({}), ...observed(outage(46)) }, { ...flows({}), ...observed(outage(45)) }],
  ['flow_retry_short', flows({}, { retry: { windowMinutes: 59 } }), flows({}, { retry: { windowMinutes: 60 } })],
]

const ALL: Case[] = [...lifecycle, ...crypto, ...observedCases, ...transport, ...auth, ...ofPlatform, ...flow, ...flowRuns]

describe('rules', () => {
  it('find nothing where all is well', () => {
    expect(found(world({ flows: [aFlow()] }))).toEqual([])
  })

  it.each(ALL)('%s: found, and not where it just is not the case', (code, hit, near) => {
    expect(codes(world(hit))).toContain(code)
    expect(codes(world(near))).not.toContain(code)
    expect(codes(world({ flows: [aFlow()] }))).not.toContain(code)
  })

  it('knows the key that only a step of a flow needs', () => {
    const protecting = flows({}, { steps: [{ kind: 'protect', with: 'encrypt' }] })
    expect(codes(world(protecting))).toContain('role_missing')
    expect(codes(world({ ...protecting, ...withItems(pgpKey(true)) }))).not.toContain('role_missing')
  })

  it('each have a case, a code of their own, reasons, sources, and a suggestion that says what to do', () => {
    expect(ALL.map(([code]) => code).toSorted()).toEqual(RULES.map(({ code }) => code).toSorted())
    expect(new Set(RULES.map(({ code }) => code)).size).toBe(RULES.length)
    expect(RULES.length).toBeGreaterThanOrEqual(60)
    for (const { code, title, rationale, sources, suggestion } of RULES) {
      expect(code).toMatch(/^[a-z0-9_]+$/)
      expect(sources.length, code).toBeGreaterThan(0)
      expect(rationale, code).toMatch(/^[A-Z].{30,}\.$/s)
      expect(suggestion, code).toMatch(/^[A-Z].{10,}\.$/s)
      expect(title, code).toMatch(/^[A-Z].{8,}[^.]$/)
    }
  })

  it('say nothing of the connections of suspended partners', () => {
    expect(codes(world({ ...pinned(), ...having([sftp(), as2()], {}, { suspended: true }) }))).toEqual([])
  })

  it('keep a finding\'s id over time and tell two of one code apart', () => {
    const [first, second] = found(world(observed(seen('ssh.kex', 'diffie-hellman-group14-sha1', 9, 1), seen('ssh.cipher', 'aes256-cbc', 9, 1))))
    expect(first?.id).not.toBe(second?.id)
    expect(found({ ...world(observed(seen('ssh.kex', 'diffie-hellman-group14-sha1', 9, 1))), now: NOW + 1000 })[0]?.id).toBe(first?.id)
  })

  it('put the deliveries that prove it with a downgrade', () => {
    const [downgrade] = found(world(observed(seen('ssh.kex', 'curve25519-sha256', 90, 10), seen('ssh.kex', 'diffie-hellman-group14-sha1', 9, 1)))).filter(({ code }) => code === 'silent_downgrade')
    expect(downgrade).toMatchObject({ severity: 'error', partner: 'acme', connection: 'sftp', subject: { id: 'acme/sftp' }, deliveries: ['dlv-diffie-hellman-group14-sha1'], evidence: expect.arrayContaining([{ label: 'Before', value: 'curve25519-sha256' }]) as unknown })
  })
})
