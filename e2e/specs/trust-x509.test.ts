import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Binding, TrustItem, TrustItemDetail } from '../../shared/contract/trust.ts'
import { openssl, type Openssl } from '../servers/openssl.ts'
import { findPeer } from '../servers/peers.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'

const peer = findPeer('openssl')

const partner = (id: string, exceptions: unknown[] = []): unknown => ({
  id,
  name: id,
  connections: [{ id: 'as2', protocol: 'as2', as2Id: id.toUpperCase(), url: 'https://127.0.0.1:1/as2' }],
  exceptions,
})

describe.skipIf(peer.absent)(`certificates at the command line, made by openssl${peer.note}`, () => {
  let made: Openssl
  let here: Installation

  beforeAll(() => {
    made = openssl()
    made.selfSigned('acme')
    made.selfSigned('small', { bits: 1024 })
    made.selfSigned('root', { subject: '/CN=Test Root', extensions: ['keyUsage=critical,keyCertSign,cRLSign'] })
    made.issued('middle', 'root', ['basicConstraints=critical,CA:TRUE', 'keyUsage=keyCertSign,cRLSign'])
    made.issued('leaf', 'middle', ['keyUsage=digitalSignature,keyEncipherment', 'extendedKeyUsage=emailProtection', 'subjectAltName=DNS:leaf.example,email:as2@leaf.example'])
    made.run('x509', '-in', 'acme.crt', '-outform', 'DER', '-out', 'acme.der')
    made.run('crl2pkcs7', '-nocrl', '-certfile', 'leaf.crt', '-certfile', 'root.crt', '-certfile', 'middle.crt', '-outform', 'DER', '-out', 'leaf.p7b')
    made.run('pkcs8', '-topk8', '-in', 'leaf.key', '-out', 'leaf.enc.key', '-passout', 'pass:open sesame', '-v2', 'aes-256-cbc')
    made.write('leaf-all.pem', Buffer.concat(['middle.crt', 'leaf.enc.key', 'root.crt', 'leaf.crt'].map((name) => made.read(name))))
  })
  afterAll(() => made?.remove())
  beforeEach(async () => {
    here = newInstallation()
    await setUp(here, partner('acme'))
    await here.run('partner', 'apply', here.file('beta.json', JSON.stringify(partner('beta'))))
  })
  afterEach(() => here.remove())

  const imported = async (...args: string[]): Promise<TrustItem[]> => {
    const done = await here.run('--json', 'trust', 'import', ...args)
    if (done.exit !== 0) throw new Error(done.err)
    return done.json<{ items: TrustItem[] }>().items
  }
  const refusal = async (...args: string[]): Promise<[number | null, string]> => {
    const done = await here.run('--json', ...args)
    return [done.exit, done.json<{ error?: { code: string } }>().error?.code ?? '']
  }
  const places = (bindings: readonly Binding[]): string[] => bindings.map(({ partner: who, connection, role }) => `${who ?? 'station'}/${connection ?? '*'} ${role}`).sort()

  it('knows PEM, DER and PKCS#7, says what stands in them, and keeps one item for one certificate', async () => {
    const [pem] = await imported(made.path('acme.crt'), '--provenance', 'fingerprint read by phone', '--source', 'phone')
    const truth = new X509Certificate(made.read('acme.crt'))
    expect(pem).toMatchObject({
      kind: 'x509', label: 'acme.example', algorithm: 'RSA', bits: 2048, hasPrivateKey: false,
      fingerprint: `sha256:${truth.fingerprint256.replaceAll(':', '').toLowerCase()}`,
      notAfter: new Date(truth.validTo).toISOString(),
      x509: { subject: 'CN=acme.example, O=acme GmbH, C=DE', selfSigned: true, sha1: truth.fingerprint.replaceAll(':', '').toLowerCase(), serial: expect.stringContaining(truth.serialNumber.toLowerCase()) },
    })
    expect(pem?.provenance[0]).toMatchObject({ source: 'phone', note: 'fingerprint read by phone' })
    expect((await imported(made.path('acme.der')))[0]?.id).toBe(pem?.id)
    const [leaf, ...rest] = await imported(made.path('leaf.p7b'))
    expect(rest).toEqual([])
    expect(leaf).toMatchObject({ kind: 'x509', label: 'leaf', x509: { keyUsage: ['digitalSignature', 'keyEncipherment'], extendedKeyUsage: ['emailProtection'], altNames: ['dns:leaf.example', 'email:as2@leaf.example'], selfSigned: false } })
    expect(leaf?.x509?.chain.map(({ subject }) => subject)).toEqual(['CN=middle', 'CN=Test Root'])
  })

  it('seals a protected private key with its certificate and chain from one file in any order', async () => {
    const file = made.path('leaf-all.pem')
    expect(await refusal('trust', 'import', file)).toEqual([2, 'key.passphrase_needed'])
    expect(await refusal('trust', 'import', file, '--password-file', here.file('wrong', 'sesame'))).toEqual([2, 'key.wrong_passphrase'])
    const items = await imported(file, '--password-file', here.file('password', 'open sesame\n'), '--role', 'sign', '--role', 'decrypt')
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({ label: 'leaf', hasPrivateKey: true, kind: 'x509' })
    expect(items[0]?.x509?.chain).toHaveLength(2)
    expect(places(items[0]?.bindings ?? [])).toEqual(['station/* decrypt', 'station/* sign'])
  })

  it('gives a private key that comes alone to its certificate, and refuses one without', async () => {
    expect(await refusal('trust', 'import', made.path('acme.key'), '--role', 'sign')).toEqual([2, 'trust.key_without_certificate'])
    const [before] = await imported(made.path('acme.crt'))
    const [after] = await imported(made.path('acme.key'))
    expect([after?.id, after?.hasPrivateKey]).toEqual([before?.id, true])
  })

  it('makes each authority of a bundle an item, and tells it from a partner', async () => {
    made.write('bundle.pem', Buffer.concat([made.read('middle.crt'), made.read('root.crt')]))
    const items = await imported(made.path('bundle.pem'), '--partner', 'acme/as2', '--role', 'tls-server')
    expect(items.map(({ kind, label }) => `${kind} ${label}`)).toEqual(['ca middle', 'ca Test Root'])
    expect((await imported(made.path('acme.crt'), '--kind', 'ca'))[0]?.kind).toBe('ca')
  })

  it('binds to several partners in different roles at once, several items a role, and ends what is named', async () => {
    const [item] = await imported(made.path('acme.crt'), '--partner', 'acme', '--connection', 'as2', '--role', 'verify', '--role', 'encrypt', '--partner', 'beta', '--role', 'verify')
    expect(places(item?.bindings ?? [])).toEqual(['acme/as2 encrypt', 'acme/as2 verify', 'beta/* verify'])
    const [next] = await imported(made.path('leaf.crt'), '--partner', 'acme/as2', '--role', 'verify')
    const list = (await here.run('--json', 'trust', 'list', '--partner', 'acme')).json<{ items: TrustItem[] }>().items
    expect(list.filter(({ bindings }) => bindings.some(({ role, partner: who }) => role === 'verify' && who === 'acme'))).toHaveLength(2)
    expect(await refusal('trust', 'retire', next?.id ?? '')).toEqual([2, 'input.in_use'])
    expect((await here.run('trust', 'unbind', item?.id ?? '', '--partner', 'acme', '--role', 'verify')).exit).toBe(0)
    const left = (await here.run('--json', 'trust', 'show', item?.id ?? '')).json<TrustItemDetail>().bindings.filter(({ activeUntil }) => activeUntil === null)
    expect(places(left)).toEqual(['acme/as2 encrypt', 'beta/* verify'])
    expect((await here.run('trust', 'unbind', next?.id ?? '')).exit).toBe(0)
    expect((await here.run('trust', 'retire', next?.id ?? '', '--reason', 'replaced')).exit).toBe(0)
    expect(await refusal('trust', 'bind', next?.id ?? '', '--partner', 'acme', '--role', 'verify')).toEqual([2, 'input.invalid'])
  })

  it('takes a window that begins later, and refuses one that ends before it begins', async () => {
    const [item] = await imported(made.path('acme.crt'))
    const bound = await here.run('--json', 'trust', 'bind', item?.id ?? '', '--partner', 'acme', '--role', 'encrypt', '--from', '2026-12-24', '--until', '2027-01-01')
    expect(bound.json<TrustItem>().bindings).toMatchObject([{ activeFrom: '2026-12-24T00:00:00.000Z', activeUntil: '2027-01-01T00:00:00.000Z' }])
    expect(await refusal('trust', 'bind', item?.id ?? '', '--partner', 'acme', '--role', 'verify', '--from', '2027-01-01', '--until', '2026-12-24')).toEqual([2, 'input.invalid'])
    expect(await refusal('trust', 'retire', item?.id ?? '')).toEqual([2, 'input.in_use'])
  })

  it('refuses unknown partners, connections and roles, and keeps nothing of the import', async () => {
    expect(await refusal('trust', 'import', made.path('acme.crt'), '--partner', 'nobody', '--role', 'verify')).toEqual([2, 'input.not_found'])
    expect(await refusal('trust', 'import', made.path('acme.crt'), '--partner', 'acme/ftp', '--role', 'verify')).toEqual([2, 'input.not_found'])
    expect(await refusal('trust', 'import', made.path('acme.crt'), '--partner', 'acme', '--role', 'seal')).toEqual([2, 'input.invalid'])
    expect(await refusal('trust', 'import', made.path('acme.crt'), '--partner', 'acme')).toEqual([2, 'input.invalid'])
    expect(await refusal('trust', 'import', made.path('acme.crt'), '--role', 'sign')).toEqual([2, 'input.invalid'])
    expect((await here.run('--json', 'trust', 'list')).json<{ total: number }>().total).toBe(0)
  })

  it('refuses a weak key with exit 4, and lets it pass under a dated exception only', async () => {
    const bind = ['trust', 'import', made.path('small.crt'), '--partner', 'acme', '--role', 'verify']
    expect(await refusal(...bind)).toEqual([4, 'trust.unfit'])
    const exception = { allow: 'rsa-1024', reason: 'their old gateway', owner: 'M. Ito', until: '2999-12-31' }
    await here.run('partner', 'apply', here.file('acme.json', JSON.stringify(partner('acme', [exception]))))
    const [item] = await imported(...bind.slice(2))
    const shown = (await here.run('--json', 'trust', 'show', item?.id ?? '')).json<TrustItemDetail>()
    expect(shown.fitness.find(({ role }) => role === 'verify')?.problems).toMatchObject([{ severity: 'error', code: 'key-small' }])
    await here.run('partner', 'apply', here.file('acme.json', JSON.stringify(partner('acme', [{ ...exception, until: '2026-01-01' }]))))
    expect(await refusal('trust', 'bind', item?.id ?? '', '--partner', 'acme', '--role', 'encrypt')).toEqual([4, 'trust.unfit'])
  })

  it('makes a station certificate that openssl accepts, and exports it as PEM, DER and PKCS#7', async () => {
    const done = await here.run('--json', 'trust', 'generate', '--kind', 'x509', '--cn', 'EXAMPLE-TRADING', '--org', 'Example Trading Ltd', '--country', 'DE', '--alt-name', 'as2.example.com', '--key', 'rsa-2048', '--days', '400', '--role', 'sign', '--role', 'decrypt')
    const item = done.json<TrustItem>()
    expect(item).toMatchObject({ label: 'EXAMPLE-TRADING', bits: 2048, hasPrivateKey: true, x509: { altNames: ['dns:as2.example.com'], extendedKeyUsage: ['emailProtection'] } })
    expect(places(item.bindings)).toEqual(['station/* decrypt', 'station/* sign'])
    const pem = (await here.run('trust', 'export', item.id)).out
    made.write('station.pem', pem)
    expect(made.run('verify', '-CAfile', 'station.pem', '-partial_chain', 'station.pem').toString()).toContain('OK')
    expect(pem).not.toContain('PRIVATE')
    expect((await here.run('trust', 'export', item.id, '--der', '--out', made.path('station.cer'))).exit).toBe(0)
    expect(createHash('sha256').update(readFileSync(made.path('station.cer'))).digest('hex')).toBe(item.fingerprint.slice(7))
    expect(await refusal('trust', 'export', item.id, '--der', '--out', made.path('station.cer'))).toEqual([2, 'input.conflict'])
    const [leaf] = await imported(made.path('leaf.p7b'))
    await here.run('trust', 'export', leaf?.id ?? '', '--p7b', '--out', made.path('back.p7b'))
    expect(made.run('pkcs7', '-inform', 'DER', '-in', 'back.p7b', '-print_certs', '-noout').toString().match(/subject=.*/g)).toEqual(['subject=CN = leaf', 'subject=CN = middle', 'subject=CN = Test Root'])
  })

  it('tells what is wrong with a broken file, and survives cut and garbled ones', async () => {
    for (const [name, code, content] of [
      ['empty.crt', 'key.unknown_format', ''],
      ['cut.der', 'key.malformed', made.read('acme.der').subarray(0, 200)],
      ['noise.bin', 'key.unknown_format', Buffer.alloc(500, 0x30)],
      ['random.bin', 'key.unknown_format', Buffer.concat([Buffer.from([0x99, 0xff]), Buffer.alloc(500, 0xee)])],
      ['wrong.pem', 'key.malformed', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    ] as const)
      expect([name, ...(await refusal('trust', 'import', here.file(name, content)))]).toEqual([name, 2, code])
  })
})
