/**
 * Each rule of the policy with traffic that breaks it: refused with exit 4 and a finding; the same traffic passes under a dated
 * exception, the delivery names it, and is refused again once its last day is over. A rule without a case fails.
 */
import { generateKeyPairSync } from 'node:crypto'
import * as library from 'openpgp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PolicyChange } from '../../contract/policy-document.ts'
import { POLICY_RULES, type PolicyRule, type Toleration } from '../../contract/policy.ts'
import type { PgpKey } from '../../core/crypto/openpgp/index.ts'
import { generatePgpKey, protect, publicKeyText, readPgpKeys } from '../../core/crypto/openpgp/operations.ts'
import { collect } from '../../core/crypto/cms/opened.ts'
import { generateSelfSigned } from '../../core/crypto/x509/index.ts'
import { as2Partner, context, testStation } from '../../core/messages/conformance/station.ts'
import { arrived, arrivedSignedBy, as2Ground, except, fileName, movableClock, newFolder, put, received, refusals, sent, setPolicy, startSsh, startTaker, type Ground, type Outcome } from './policy-world.ts'

type Try = () => Promise<Outcome>

const covered = new Set<PolicyRule>()

/** The whole course of one rule: broken, tolerated, over. */
async function holds(rule: PolicyRule, ground: Pick<Ground, 'us' | 'clock' | 'partner'>, allow: Toleration, attempt: Try): Promise<void> {
  const { us, clock, partner } = ground
  expect((await attempt()).exit, `${rule}: broken`).toBe(4)
  expect(await refusals(us, partner), `${rule}: finding`).not.toEqual([])
  except(ground, allow)
  const passed = await attempt()
  expect(passed.exit, `${rule}: under the exception`).toBe(0)
  const detail = await us.handlers().deliveries.show({ id: passed.delivery ?? '' }, context)
  expect(detail.exceptions?.map((use) => `${use.rule} ${use.allow}`), `${rule}: named`).toContain(`${rule} ${allow}`)
  expect((await us.handlers().audit.trace({ query: passed.delivery ?? '' }, context)).events.map(({ type }) => type)).toContain('policy.exception_used')
  // Its last day is today.
  clock.advanceDays(1)
  expect((await attempt()).exit, `${rule}: after its end`).toBe(4)
  expect(await refusals(us, partner), `${rule}: finding again`).not.toEqual([])
  covered.add(rule)
}

interface MessageCase {
  readonly rule: PolicyRule
  readonly policy: PolicyChange
  readonly allow: Toleration
  /** Settings of our connection, and of theirs towards us. */
  readonly ours?: Record<string, unknown>
  readonly theirs?: Record<string, unknown>
}

const OUTBOUND: readonly MessageCase[] = [
  { rule: 'send-signed', policy: { send: { signed: true } }, allow: 'send-unsigned', ours: { message: { sign: false } }, theirs: { inbound: { requireSigned: false } } },
  { rule: 'send-encrypted', policy: { send: { encrypted: true } }, allow: 'send-unencrypted', ours: { message: { encrypt: false } }, theirs: { inbound: { requireEncrypted: false } } },
  { rule: 'receipt-signed', policy: { receipts: { signed: true } }, allow: 'unsigned-receipt', ours: { receipt: { request: 'unsigned' } } },
  { rule: 'receipt-digest', policy: { receipts: { digests: ['sha512'] } }, allow: 'cms-policy' },
  { rule: 'sign-digest', policy: { roles: { sign: { digests: ['sha512'] } } }, allow: 'cms-policy' },
  { rule: 'sign-scheme', policy: { roles: { sign: { signatures: ['rsa-pss'] } } }, allow: 'cms-policy' },
  { rule: 'sign-key', policy: { roles: { sign: { rsaBits: 3072 } } }, allow: 'rsa-2048' },
  { rule: 'encrypt-cipher', policy: { roles: { encrypt: { ciphers: ['aes-256-gcm'] } } }, allow: 'cms-policy' },
  { rule: 'encrypt-transport', policy: { roles: { encrypt: { keyTransports: ['rsaes-oaep-sha256'] } } }, allow: 'cms-policy' },
  { rule: 'encrypt-key', policy: { roles: { encrypt: { rsaBits: 3072 } } }, allow: 'rsa-2048' },
]
const INBOUND: readonly MessageCase[] = [
  { rule: 'receive-signed', policy: { receive: { signed: true } }, allow: 'receive-unsigned', ours: { inbound: { requireSigned: false } }, theirs: { message: { sign: false } } },
  { rule: 'receive-encrypted', policy: { receive: { encrypted: true } }, allow: 'receive-unencrypted', ours: { inbound: { requireEncrypted: false } }, theirs: { message: { encrypt: false } } },
  { rule: 'verify-digest', policy: { roles: { verify: { digests: ['sha512'] } } }, allow: 'cms-policy' },
  { rule: 'verify-digest', policy: {}, allow: 'cms-sha1', theirs: { message: { digest: 'sha1' } } },
  { rule: 'verify-scheme', policy: { roles: { verify: { signatures: ['rsa-pss'] } } }, allow: 'cms-policy' },
  { rule: 'verify-key', policy: { roles: { verify: { rsaBits: 3072 } } }, allow: 'rsa-2048' },
  { rule: 'decrypt-cipher', policy: { roles: { decrypt: { ciphers: ['aes-256-gcm'] } } }, allow: 'cms-policy' },
  { rule: 'decrypt-cipher', policy: {}, allow: 'cms-3des', theirs: { message: { cipher: 'des-ede3-cbc' } } },
  { rule: 'decrypt-transport', policy: { roles: { decrypt: { keyTransports: ['rsaes-oaep-sha256'] } } }, allow: 'cms-policy' },
  { rule: 'decrypt-key', policy: { roles: { decrypt: { rsaBits: 3072 } } }, allow: 'rsa-2048' },
]

const named = (cases: readonly MessageCase[]): (readonly [string, MessageCase])[] => cases.map((one) => [`${one.rule} (${one.allow})`, one])

describe('AS2', () => {
  let ground: Awaited<ReturnType<typeof as2Ground>>
  beforeAll(async () => {
    ground = await as2Ground()
  })
  afterAll(async () => await ground?.end())

  const ready = ({ policy, ours = {}, theirs = {} }: MessageCase): void => {
    ground.apply(ours, theirs)
    setPolicy(ground.us, 'right', policy)
  }

  it.each(named(OUTBOUND))('what we send: %s', async (_, one) => {
    ready(one)
    await holds(one.rule, ground, one.allow, async () => await sent(ground.us, 'right'))
  })

  it.each(named(INBOUND))('what we receive: %s', async (_, one) => {
    ready(one)
    // They may send what they please: only ours is under test.
    for (const allow of ['cms-sha1', 'cms-3des'] as const) void ground.them.handlers().policy.addException({ partner: 'left', exception: { allow, reason: 'for this test', owner: 'test', until: '2999-01-01' } }, context)
    await holds(one.rule, ground, one.allow, async () => await arrived(ground.us, ground.them))
  })

  it('what was built under an exception does not go out after its end', async () => {
    ready({ rule: 'sign-digest', policy: { roles: { sign: { digests: ['sha512'] } } }, allow: 'cms-policy', ours: { message: { digest: 'sha256' } } })
    except(ground, 'cms-policy')
    const { us, clock } = ground
    us.partner({ ...as2Partner('right', 'THEM', 'http://127.0.0.1:1/as2'), policy: { roles: { sign: { digests: ['sha512'] } } }, exceptions: [{ allow: 'cms-policy', reason: 'for this test', owner: 'test', until: new Date(clock.now()).toISOString().slice(0, 10) }] })
    const name = fileName()
    const delivery = await us.send('right', us.file(name, name))
    expect(delivery).toMatchObject({ state: 'waiting', error: { code: 'net.refused' } })
    clock.advanceDays(1)
    await us.handlers().deliveries.retry({ id: delivery.id }, context)
    const { deliveries } = await us.handlers().deliveries.wait({ ids: [delivery.id] }, context)
    expect(deliveries[0]).toMatchObject({ state: 'failed', error: { code: 'policy.refused', details: { rule: 'sign-digest' } } })
  })

  it('approved: hardened mode blocks sending and receiving, except for a term that was approved beforehand', async () => {
    const { us, them, clock } = ground
    ready({ rule: 'approved', policy: { hardened: true }, allow: 'unapproved-change' })
    const approve = (): void => void us.handlers().policy.approve({ by: 'M. Ito', reason: 'looked at all of it' }, context)
    let changes = 0
    /** Any change that nobody approved. */
    const drift = (): void => setPolicy(us, 'right', { hardened: true, tls: { minimum: changes++ % 2 === 0 ? '1.2' : '1.3' } })
    approve()
    expect((await sent(us, 'right')).exit).toBe(0)
    for (const attempt of [async () => await sent(us, 'right'), async () => await arrivedOrTurnedAway(us, them)]) {
      ready({ rule: 'approved', policy: { hardened: true }, allow: 'unapproved-change' })
      approve()
      drift()
      expect((await attempt()).exit).toBe(4)
      // An exception that is itself a change opens nothing.
      except(ground, 'unapproved-change')
      expect((await attempt()).exit).toBe(4)
      expect(await refusals(us, 'right')).not.toEqual([])
      approve()
      drift()
      const passed = await attempt()
      expect(passed.exit).toBe(0)
      expect((await us.handlers().deliveries.show({ id: passed.delivery ?? '' }, context)).exceptions?.map(({ rule }) => rule)).toContain('approved')
      clock.advanceDays(1)
      expect((await attempt()).exit).toBe(4)
    }
    // Whoever switches it off must have that approved, too.
    setPolicy(us, 'right', {})
    expect((await sent(us, 'right')).exit).toBe(4)
    approve()
    expect((await sent(us, 'right')).exit).toBe(0)
    covered.add('approved')
  })
})

/** In hardened mode their message is not even taken: they keep it and come again. */
async function arrivedOrTurnedAway(us: Ground['us'], them: Ground['us']): Promise<Outcome> {
  const before = us.received().length
  const name = fileName()
  const delivery = await them.send('left', them.file(name, name))
  if (us.received().length > before) return { exit: 0, delivery: us.received()[0]?.id ?? null }
  expect(delivery).toMatchObject({ state: 'waiting' })
  await them.handlers().deliveries.cancel({ id: delivery.id }, context)
  return { exit: 4, delivery: null }
}

it('AS2: a signature under an expired certificate counts only by exception, and the exception is for verifying only', async () => {
  const old = await generateSelfSigned({ subject: { commonName: 'THEM' }, key: 'rsa-2048', notBefore: new Date(Date.now() - 30 * 86_400_000), validDays: 31 })
  const ground = await as2Ground()
  try {
    const { us, them } = ground
    // They go on signing with the certificate that has expired; a program of less care than ours would.
    const { items } = await us.handlers().trust.list({ limit: 100 }, context)
    for (const binding of items.flatMap(({ bindings }) => bindings)) if (binding.partner === 'right' && binding.role === 'verify') await us.handlers().trust.unbind({ binding: binding.id }, context)
    us.bind({ certificate: old.certificate }, ['verify'], { partner: 'right', connection: 'as2' })
    ground.clock.advanceDays(2)
    await holds('verify-valid', ground, 'certificate-expired', async () => await arrivedSignedBy(old, us, them))
  } finally {
    await ground.end()
  }
})

describe('TLS', () => {
  const clock = movableClock()
  let us: Ground['us']
  beforeAll(async () => {
    us = await testStation('US', { clock })
  })
  afterAll(async () => await us?.close())

  const course = async (rule: PolicyRule, policy: PolicyChange, allow: Toleration, server: Parameters<typeof startTaker>[0], prepare: () => Promise<void> = async () => await Promise.resolve()): Promise<void> => {
    const taker = await startTaker(server)
    try {
      const tls = taker.url.startsWith('https') ? { tls: { trust: 'pinned', pins: [taker.certificate] } } : {}
      us.partner(as2Partner(rule, 'TAKER', taker.url, { receipt: { request: 'none' }, ...tls }))
      const { certificate } = await generateSelfSigned({ subject: { commonName: 'taker' }, key: 'rsa-2048' })
      us.bind({ certificate }, ['encrypt'], { partner: rule, connection: 'as2' })
      await prepare()
      setPolicy(us, rule, policy)
      await holds(rule, { us, clock, partner: rule }, allow, async () => await sent(us, rule))
    } finally {
      taker.close()
    }
  }

  it('transport-encrypted', async () => await course('transport-encrypted', {}, 'plain-http', 'plain'))
  it('tls-version', async () => await course('tls-version', { tls: { minimum: '1.3' } }, 'tls-1.2', { maxVersion: 'TLSv1.2' }))
  it('tls-forward-secrecy', async () => await course('tls-forward-secrecy', {}, 'tls-static-keys', { maxVersion: 'TLSv1.2', ciphers: 'AES256-GCM-SHA384' }))
  it('tls-server-key', async () => await course('tls-server-key', { roles: { 'tls-server': { rsaBits: 3072 } } }, 'rsa-2048', {}))
  it('tls-client-key', async () => {
    const client = await generateSelfSigned({ subject: { commonName: 'our client' }, key: 'rsa-2048' })
    await course('tls-client-key', { roles: { 'tls-client': { rsaBits: 3072 } } }, 'rsa-2048', { asksForCertificate: true }, async () => await Promise.resolve(us.bind(client, ['tls-client'], { partner: 'tls-client-key', connection: 'as2' })))
  })
})

describe('SSH', () => {
  const clock = movableClock()
  let us: Ground['us']
  beforeAll(async () => {
    us = await testStation('US', { clock })
  })
  afterAll(async () => await us?.close())

  const course = async (rule: PolicyRule, policy: PolicyChange, allow: Toleration, server: Parameters<typeof startSsh>[1], auth: Record<string, unknown> = { method: 'password', password: 'x' }): Promise<void> => {
    const partner = `${rule}-${allow}`
    const ssh = await startSsh(newFolder(us, partner), server)
    try {
      us.partner({ id: partner, name: rule, connections: [{ protocol: 'sftp', host: '127.0.0.1', port: ssh.port, username: 'us', auth, hostKeys: [ssh.hostKey] }] })
      setPolicy(us, partner, policy)
      await holds(rule, { us, clock, partner }, allow, async () => await sent(us, partner))
    } finally {
      await us.handlers().partners.suspend({ id: partner }, context)
      await ssh.close()
    }
  }

  it('ssh-kex', async () => await course('ssh-kex', { ssh: { kex: ['curve25519-sha256'] } }, 'ssh-policy', { algorithms: { kex: ['ecdh-sha2-nistp256'] } }))
  it('ssh-kex by SHA-1', async () => await course('ssh-kex', {}, 'ssh-kex-sha1', { algorithms: { kex: ['diffie-hellman-group14-sha1'] } }))
  it('ssh-cipher', async () => await course('ssh-cipher', { ssh: { ciphers: ['aes256-gcm@openssh.com'] } }, 'ssh-policy', { algorithms: { cipher: ['aes128-ctr'] } }))
  it('ssh-mac', async () => await course('ssh-mac', { ssh: { macs: ['hmac-sha2-512'] } }, 'ssh-policy', { algorithms: { cipher: ['aes128-ctr'], hmac: ['hmac-sha2-256'] } }))
  it('ssh-host-key', async () => await course('ssh-host-key', { roles: { 'ssh-host': { algorithms: ['ecdsa-sha2-nistp256'] } } }, 'ssh-policy', {}))
  it('ssh-host-key-size', async () => await course('ssh-host-key-size', { roles: { 'ssh-host': { rsaBits: 3072 } } }, 'rsa-2048', { rsaHostKey: true }))
  it('ssh-client-key-size', async () => {
    const privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    await course('ssh-client-key-size', { roles: { 'ssh-client': { rsaBits: 3072 } } }, 'rsa-2048', {}, { method: 'key', privateKey })
  })
  it('takes what both can do when the policy leaves the server\'s first choice out', async () => {
    const ssh = await startSsh(newFolder(us, 'both'), { algorithms: { kex: ['ecdh-sha2-nistp256', 'curve25519-sha256'] } })
    try {
      us.partner({ id: 'both', name: 'both', policy: { ssh: { kex: ['curve25519-sha256'] } }, connections: [{ protocol: 'sftp', host: '127.0.0.1', port: ssh.port, username: 'us', auth: { method: 'password', password: 'x' }, hostKeys: [ssh.hostKey] }] })
      expect((await sent(us, 'both')).exit).toBe(0)
    } finally {
      await us.handlers().partners.suspend({ id: 'both' }, context)
      await ssh.close()
    }
  })
})

describe('OpenPGP', () => {
  const clock = movableClock()
  let us: Ground['us']
  let theirs: PgpKey
  let ours: PgpKey
  beforeAll(async () => {
    us = await testStation('US', { clock })
    theirs = await generatePgpKey({ name: 'Theirs', algorithm: 'rsa-3072', expires: null })
    ours = await generatePgpKey({ name: 'Ours', algorithm: 'rsa-3072', expires: null })
  })
  afterAll(async () => await us?.close())

  /** A folder as the partner, both keys bound. */
  const folderPartner = async (id: string, policy: PolicyChange, pgp: Record<string, unknown>): Promise<string> => {
    const folder = newFolder(us, id)
    us.partner({ id, name: id, connections: [{ protocol: 'folder', path: folder, pgp, receive: { stableSeconds: 0, after: 'delete' } }] })
    const bind = async (text: string, partner: string | undefined, roles: readonly string[]): Promise<void> => {
      await us.handlers().trust.import({ source: { path: us.file(`${id}.asc`, text) }, bind: roles.map((role) => ({ role, ...(partner === undefined ? {} : { partner }) })) as never, provenance: { source: 'in-person' } }, context)
    }
    await bind(publicKeyText(theirs), id, ['pgp-verify', 'pgp-encrypt'])
    await bind(await secretText(ours), undefined, ['pgp-sign', 'pgp-decrypt'])
    setPolicy(us, id, policy)
    return folder
  }
  const secretText = async (key: PgpKey): Promise<string> => (await library.readPrivateKey({ binaryKey: key.library.write() })).armor()

  const SIGNED = { outbound: 'sign-and-encrypt', inbound: 'open' }

  it.each<readonly [PolicyRule, PolicyChange, Toleration, Record<string, unknown>]>([
    ['send-signed', { send: { signed: true } }, 'send-unsigned', { outbound: 'encrypt' }],
    ['send-encrypted', { send: { encrypted: true } }, 'send-unencrypted', { outbound: 'sign' }],
    ['pgp-sign-hash', { roles: { 'pgp-sign': { hashes: ['SHA-512'] } } }, 'pgp-policy', SIGNED],
    ['pgp-sign-key', { roles: { 'pgp-sign': { rsaBits: 4096 } } }, 'rsa-2048', SIGNED],
    ['pgp-encrypt-cipher', { roles: { 'pgp-encrypt': { ciphers: ['aes128'] } } }, 'pgp-policy', SIGNED],
    ['pgp-encrypt-key', { roles: { 'pgp-encrypt': { rsaBits: 4096 } } }, 'rsa-2048', SIGNED],
  ])('what we send: %s', async (rule, policy, allow, pgp) => {
    await folderPartner(rule, policy, pgp)
    await holds(rule, { us, clock, partner: rule }, allow, async () => await sent(us, rule))
  })

  const message = async (): Promise<Uint8Array> => {
    const [ourPublic] = await readPgpKeys(publicKeyText(ours))
    const { content, result } = await protect([Buffer.from(fileName())], { signWith: [theirs], encryptTo: [ourPublic as PgpKey], at: new Date(clock.now()) })
    const bytes = await collect(content, 2 ** 20)
    await result
    return bytes
  }
  const onlySigned = async (): Promise<Uint8Array> => await collect((await protect([Buffer.from(fileName())], { signWith: [theirs], at: new Date(clock.now()) })).content, 2 ** 20)
  const onlyEncrypted = async (): Promise<Uint8Array> => {
    const [ourPublic] = await readPgpKeys(publicKeyText(ours))
    return await collect((await protect([Buffer.from(fileName())], { encryptTo: [ourPublic as PgpKey], at: new Date(clock.now()) })).content, 2 ** 20)
  }
  /** Encrypted data without a modification detection code (RFC 4880 §5.7), as programs of the nineties write it. */
  const withoutIntegrity = async (): Promise<Uint8Array> => {
    const inner = await onlySigned()
    const sessionKey = { data: new Uint8Array(32).map((_, index) => (index * 37 + 11) & 0xff), algorithm: 'aes256' as const }
    const packet = new library.SymmetricallyEncryptedDataPacket()
    // What the library hides: it writes such packets only when told to.
    const hidden = packet as unknown as { packets: { write(): Uint8Array }; encrypt(cipher: number, key: Uint8Array, config: library.Config): Promise<void> }
    hidden.packets = { write: () => inner }
    await hidden.encrypt(library.enums.symmetric.aes256, sessionKey.data, library.config)
    const keys = await library.encryptSessionKey({ ...sessionKey, encryptionKeys: await library.readKey({ armoredKey: publicKeyText(ours) }), format: 'binary' })
    const list = new library.PacketList()
    list.push(packet as never)
    return Buffer.concat([keys, list.write()])
  }

  it.each<readonly [PolicyRule, PolicyChange, Toleration, Record<string, unknown>, () => Promise<Uint8Array>]>([
    ['receive-signed', { receive: { signed: true } }, 'receive-unsigned', { inbound: 'open', requireSignature: false }, onlyEncrypted],
    ['receive-encrypted', { receive: { encrypted: true } }, 'receive-unencrypted', { inbound: 'open' }, onlySigned],
    ['pgp-verify-hash', { roles: { 'pgp-verify': { hashes: ['SHA-512'] } } }, 'pgp-policy', SIGNED, message],
    ['pgp-verify-key', { roles: { 'pgp-verify': { rsaBits: 4096 } } }, 'rsa-2048', SIGNED, message],
    ['pgp-decrypt-cipher', { roles: { 'pgp-decrypt': { ciphers: ['aes128'] } } }, 'pgp-policy', SIGNED, message],
    ['pgp-decrypt-key', { roles: { 'pgp-decrypt': { rsaBits: 4096 } } }, 'rsa-2048', SIGNED, message],
    ['pgp-integrity', {}, 'pgp-legacy', { inbound: 'open' }, withoutIntegrity],
  ])('what we receive: %s', async (rule, policy, allow, pgp, make) => {
    const id = `in-${rule}`
    const folder = await folderPartner(id, policy, pgp)
    await holds(rule, { us, clock, partner: id }, allow, async () => {
      put(folder, await make())
      return await received(us, id)
    })
  })

  it('a file that was held for the policy is released by a person only under an exception', async () => {
    const folder = await folderPartner('held', { receive: { signed: true } }, { inbound: 'open', requireSignature: false })
    put(folder, await onlyEncrypted())
    const { delivery } = await received(us, 'held')
    expect(await us.handlers().deliveries.retry({ id: delivery ?? '' }, context)).toMatchObject({ state: 'held', error: { code: 'policy.refused' } })
    except({ us, clock, partner: 'held' }, 'receive-unsigned')
    expect(await us.handlers().deliveries.retry({ id: delivery ?? '' }, context)).toMatchObject({ state: 'delivered' })
  })
})

it('no rule is without its case', () => {
  expect(Object.keys(POLICY_RULES).filter((rule) => !covered.has(rule as PolicyRule))).toEqual([])
})
