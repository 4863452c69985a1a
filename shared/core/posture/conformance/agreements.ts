/** Settings that a person enters: real partner documents. */
import { context as CONTEXT } from '../../messages/conformance/station.ts'
import { arranged, as2Over, documents, ftps, over, s3, sftp, type ArtefactCase } from './cases.ts'

const exception = (until: string, allow = 'cms-sha1'): Record<string, unknown> => ({ exceptions: [{ allow, reason: 'they update in autumn', owner: 'Ms Ito', until }] })
const jump = (change: Record<string, unknown> = {}): Record<string, unknown> => ({ jump: { host: 'jump.partner.example', username: 'us', auth: { method: 'agent' }, ...change } })
const pinned = { key: `SHA256:${'D'.repeat(42)}E`, provenance: { source: 'phone', person: 'Ms Ito' } }

export const agreements: readonly ArtefactCase[] = [
  documents('as2_sha1', as2Over('SHA1H', { message: { digest: 'sha1' } }), as2Over('SHA1N', { message: { digest: 'sha1', sign: false } })),
  documents('as2_3des', as2Over('3DESH', { message: { cipher: 'des-ede3-cbc' } }), as2Over('3DESN', { message: { cipher: 'aes-128-cbc' } })),
  documents('as2_not_signed', as2Over('NSIGH', { message: { sign: false } }), as2Over('NSIGN', { url: undefined, message: { sign: false } })),
  documents('as2_not_encrypted', as2Over('NENCH', { message: { encrypt: false } }), as2Over('NENCN', { url: undefined, message: { encrypt: false } })),
  documents('as2_no_proof', as2Over('NPRFH', { receipt: { request: 'unsigned' } }), as2Over('NPRFN', { receipt: { request: 'signed' } })),
  documents('as2_takes_unsigned', as2Over('TUNSH', { inbound: { requireSigned: false } }), as2Over('TUNSN', { inbound: { requireEncrypted: false } })),
  documents('as2_takes_unencrypted', as2Over('TUNEH', { inbound: { requireEncrypted: false } }), as2Over('TUNEN', { inbound: { requireSigned: false } })),
  documents('as2_async_without_address', as2Over('ASYNH', { receipt: { mode: 'async' } }), as2Over('ASYNN', { receipt: { mode: 'async', url: 'https://us.example/as2' } })),
  documents('receiver_needed', as2Over('RNEEH', { receipt: { mode: 'async', url: 'https://us.example/as2' } }), as2Over('RNEEN', { receipt: { mode: 'sync' } })),
  documents('pgp_takes_unsigned', over(sftp({ pgp: { inbound: 'open', requireSignature: false } })), over(sftp({ pgp: { inbound: 'open' } }))),
  arranged('exception_active', (company, id, isHit) => company.apply({ ...over(sftp(), exception(company.day(isHit ? 0 : -1))), id })),
  arranged('exception_ending', (company, id, isHit) => company.apply({ ...over(sftp(), exception(company.day(isHit ? 14 : 16))), id })),
  arranged('exception_over', (company, id, isHit) => company.apply({ ...over(sftp(), exception(company.day(isHit ? -1 : 0))), id })),
  documents('password_only', over(sftp({ auth: { method: 'password', password: 'secret' } })), over(ftps())),
  documents('agent_any_key', over(sftp({ auth: { method: 'agent' } })), over(sftp())),
  documents('anonymous_account', over(ftps({ username: 'Anonymous' })), over(ftps({ username: 'anonymous2' }))),
  documents('basic_auth_plain', as2Over('BASIH', { url: 'http://as2.partner.example/', http: { username: 'u', password: 'p' } }), as2Over('BASIN', { http: { username: 'u', password: 'p' } })),
  documents('s3_whole_bucket', over(s3({ prefix: '' })), over(s3())),
  documents('s3_not_encrypted', over(s3({ endpoint: 'https://s3.partner.example' })), over(s3({ endpoint: 'https://s3.partner.example', encryption: 'AES256' }))),
  documents('s3_boundary_untested', over(s3()), over(s3({ prefix: '' }))),
  documents('plain_http', as2Over('PLAIH', { url: 'http://as2.partner.example/' }), as2Over('PLAIN', { url: 'http://127.0.0.1:9/' })),
  documents('receipts_plain_http', as2Over('RPLAH', { receipt: { mode: 'async', url: 'http://us.example/' } }), as2Over('RPLAN', { receipt: { mode: 'async', url: 'https://us.example/' } })),
  documents('proxy_in_path', over(sftp({ proxy: { kind: 'socks5', host: 'proxy.us.example', port: 1080 } })), over(sftp())),
  documents('proxy_password_plain', over(sftp({ proxy: { kind: 'http', host: 'proxy.us.example', port: 1080, username: 'u', password: 'p' } })), over(sftp({ proxy: { kind: 'http', host: 'proxy.us.example', port: 1080 } }))),
  documents('tls_other_name', over(ftps({ tls: { serverName: 'other.example' } })), over(ftps())),
  documents('tls_pin_missing', over(ftps({ tls: { trust: 'pinned' } })), over(ftps({ tls: { trust: 'pinned', pins: [`sha256:${'a'.repeat(64)}`] } }))),
  documents('host_key_unpinned', over(sftp({ hostKeys: [] })), over(sftp())),
  documents('host_key_single', over(sftp({ hostKeys: [pinned] })), over(sftp())),
  documents('jump_host_unpinned', over(sftp(jump())), over(sftp(jump({ hostKeys: [pinned] })))),
  documents('host_key_fingerprint_only', over(sftp()), over(sftp({ hostKeys: [] }))),
  documents('receive_duplicates', over(sftp({ receive: { sameContent: 'take' } })), over(sftp({ receive: { sameContent: 'take', after: 'delete' } }))),
  documents('receive_unstable', over(sftp({ receive: { stableSeconds: 0 } })), over(sftp({ receive: { stableSeconds: 0, marker: '.done' } }))),
  documents('verify_size_only', over(sftp({ verify: 'size' })), over(sftp())),
  documents('no_contact', over(sftp(), { contacts: [{ name: 'Ms Ito' }] }), over(sftp(), { contacts: [{ name: 'Ms Ito', email: 'ito@partner.example' }] })),
  documents('role_missing', as2Over('ROLEH'), over(sftp())),
  {
    code: 'never_used', hit: 'never.hit', near: 'never.near', seenOn: 31,
    steps: [
      { day: 0, act: (company) => ['never.hit', 'never.near'].map((id) => company.apply({ ...over(sftp()), id })) },
      { day: 2, act: (company) => company.apply({ ...over(sftp(), { notes: 'still to come' }), id: 'never.near' }) },
    ],
  },
  documents('secret_old', over(ftps()), over(sftp()), 366),
  {
    code: 'credentials_shared', hit: 'same-account', near: 'own-account', seenOn: 0,
    steps: [{ day: 0, act: (company) => [company.apply({ ...over(sftp({ username: 'same-account' })), id: 'shared.one' }), company.apply({ ...over(sftp({ username: 'same-account' })), id: 'shared.two' }), company.apply({ ...over(sftp({ username: 'own-account' })), id: 'shared.three' })] }],
  },
  {
    code: 'suspended_for_long', hit: 'suspended.hit', near: 'suspended.near', seenOn: 31,
    steps: [
      { day: 0, act: async (company) => { for (const id of ['suspended.hit', 'suspended.near']) company.apply({ ...over(sftp()), id }); await company.handlers().partners.suspend({ id: 'suspended.hit' }, CONTEXT) } },
      { day: 2, act: async (company) => await company.handlers().partners.suspend({ id: 'suspended.near' }, CONTEXT) },
    ],
  },
]
