/** OpenPGP from the command line; the partner is GnuPG. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startGnupg, type Gnupg } from '../servers/gpg.ts'
import { findPeer } from '../servers/peers.ts'
import { startSshd } from '../servers/sshd.ts'
import { newInstallation, partnerFor, setUp, type CommandResult, type Installation } from '../servers/waybill.ts'

interface Delivered {
  id: string
  state: string
  fileName: string
  sha256: string
  wire: { sha256: string; facts: Record<string, string> } | null
  error: { code: string } | null
  receipt: { releasedTo: string | null; afterwards: string; facts: Record<string, string> } | null
}
interface Sent {
  results: { delivery: Delivered | null; error: { code: string; details?: Record<string, string> } | null }[]
}
interface Received {
  taken: Delivered[]
  tidied: number
}

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const PGP = { outbound: 'sign-and-encrypt', inbound: 'open' }
const ELLIPTIC = 'Key-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: sign\nSubkey-Type: ecdh\nSubkey-Curve: cv25519\nSubkey-Usage: encrypt'
const RSA = 'Key-Type: RSA\nKey-Length: 3072\nKey-Usage: sign\nSubkey-Type: RSA\nSubkey-Length: 3072\nSubkey-Usage: encrypt'
const KINDS = [
  { kind: 'RSA', theirs: RSA, ours: 'rsa-3072' },
  { kind: 'elliptic keys', theirs: ELLIPTIC, ours: 'ed25519' },
] as const

const gpgPeer = findPeer('gpg')
const sshdPeer = findPeer('sshd')

describe.skipIf(gpgPeer.absent)(`OpenPGP from the command line, with GnuPG as the partner${gpgPeer.note}`, () => {
  let gpg: Gnupg
  beforeAll(() => {
    gpg = startGnupg()
  })
  afterAll(() => gpg?.stop())

  let here: Installation
  let share: string
  beforeEach(() => {
    here = newInstallation()
    share = join(here.files, 'share')
    for (const folder of [share, join(share, 'in'), join(share, 'out')]) mkdirSync(folder)
  })
  afterEach(() => here.remove())

  const folderPartner = (pgp: Record<string, unknown> = {}): unknown => ({
    id: 'acme', name: 'Acme GmbH',
    connections: [{ id: 'folder', protocol: 'folder', path: share, folder: 'in', receive: { folder: 'out', stableSeconds: 0, after: 'delete' }, pgp: { ...PGP, ...pgp } }],
  })
  const ok = async (...args: string[]): Promise<CommandResult> => {
    const done = await here.run(...args)
    expect(done.exit, `${args.join(' ')}: ${done.err}`).toBe(0)
    return done
  }
  const agree = async (pgp: Record<string, unknown>): Promise<void> => void (await ok('partner', 'apply', here.file('partner.json', JSON.stringify(folderPartner(pgp)))))
  /** Makes our key and gives its public half to the partner; answers its fingerprint. */
  const giveOurs = async (algorithm: string): Promise<string> => {
    const { id, fingerprint } = (await ok('--json', 'trust', 'generate', '--kind', 'pgp', '--name', 'Us', '--email', 'edi@us.example', '--algorithm', algorithm, '--role', 'pgp-sign', '--role', 'pgp-decrypt')).json<{ id: string; fingerprint: string }>()
    await ok('trust', 'export', id, '--out', join(here.files, 'us.asc'))
    gpg.run(['--import', join(here.files, 'us.asc')])
    return fingerprint
  }
  const exported = (fingerprint: string): string => here.file(`${fingerprint}.asc`, gpg.run(['--armor', '--export', fingerprint]))
  const importTheirs = async (fingerprint: string, ...roles: string[]): Promise<CommandResult> =>
    await here.run('trust', 'import', exported(fingerprint), ...(roles.length === 0 ? [] : ['--partner', 'acme', '--role', ...roles]), '--provenance', 'read by phone by Ms Ito', '--source', 'phone')
  const exchangeKeys = async (theirs: string, algorithm: string): Promise<{ ours: string; theirs: string }> => {
    const ours = await giveOurs(algorithm)
    const fingerprint = gpg.generate(`${theirs}\nName-Real: Acme ${randomBytes(3).toString('hex')}\nExpire-Date: 0`)
    const done = await importTheirs(fingerprint, 'pgp-encrypt', 'pgp-verify')
    expect(done.exit, done.err).toBe(0)
    return { ours, theirs: fingerprint }
  }
  const there = (folder: 'in' | 'out'): string[] => readdirSync(join(share, folder)).toSorted()
  const put = (name: string, content: Uint8Array): void => writeFileSync(join(share, 'out', name), content)
  const inbox = (): string[] => {
    const folder = join(here.workspace, 'partners', 'acme', 'Inbox')
    return existsSync(folder) ? readdirSync(folder).toSorted() : []
  }
  const byGpg = (signer: string | null, recipient: string | null, content: Uint8Array, ...more: string[]): Buffer =>
    gpg.run([...more, ...(signer === null ? [] : ['--local-user', signer, '--sign']), ...(recipient === null ? [] : ['--recipient', recipient, '--encrypt'])], content)
  const openedByGpg = (message: Uint8Array): { output: Buffer; said: string } => {
    const { output, said, status } = gpg.ask(['--status-fd', '2', '--decrypt'], message)
    expect(status, said).toBe(0)
    return { output, said }
  }
  const receive = async (): Promise<CommandResult & { report: Received }> => {
    const done = await here.run('--json', 'receive', 'acme')
    return { ...done, report: done.json<Received>() }
  }
  /** Nothing released, nothing deleted at the partner, and a text that says why and what to do. */
  const expectHeld = ({ exit, err, report }: CommandResult & { report: Received }, code: string, exits = 4): Delivered => {
    expect([exit, report.tidied, report.taken.map(({ state, error }) => [state, error?.code])], err).toEqual([exits, 0, [['held', code]]])
    expect(err).toContain('What to do')
    expect(inbox()).toEqual([])
    expect(there('out')).toHaveLength(1)
    return report.taken[0]!
  }

  describe.each(KINDS)('$kind', ({ theirs, ours }) => {
    it('what we send is opened and verified by gpg, and recorded with its algorithms and keys', async () => {
      await setUp(here, folderPartner())
      const keys = await exchangeKeys(theirs, ours)
      const content = randomBytes(700_000)
      const sent = await ok('--json', 'send', 'acme', here.file('orders.edi', content))
      const delivery = sent.json<Sent>().results[0]?.delivery
      expect(delivery).toMatchObject({ state: 'delivered', sha256: sha(content) })
      expect(there('in')).toEqual(['orders.edi.pgp'])
      const wire = readFileSync(join(share, 'in', 'orders.edi.pgp'))
      expect(sha(wire)).toBe(delivery?.wire?.sha256)
      const opened = openedByGpg(wire)
      expect(sha(opened.output)).toBe(sha(content))
      expect(opened.said).toMatch(new RegExp(`VALIDSIG ${keys.ours}`, 'i'))
      expect(opened.said).toContain('GOODMDC')

      const shown = (await ok('--json', 'deliveries', 'show', delivery?.id ?? '')).json<{ attempts: { observed: Record<string, string> }[] }>()
      expect(shown.attempts[0]?.observed).toMatchObject({ pgpPacket: 'seipd-v1', pgpCipher: expect.stringMatching(/aes256/i) as string, pgpRecipients: expect.stringMatching(new RegExp(keys.theirs, 'i')) as string, pgpSignedWith: expect.stringMatching(new RegExp(keys.ours, 'i')) as string })
      expect((await ok('deliveries', 'show', delivery?.id ?? '')).out).toContain('pgpSignedWith')
    })

    it.each([
      ['signed, encrypted and compressed', (us: string, acme: string, content: Uint8Array) => byGpg(acme, us, content)],
      ['signed and encrypted, not compressed', (us: string, acme: string, content: Uint8Array) => byGpg(acme, us, content, '-z0')],
      ['signed only, as text', (_: string, acme: string, content: Uint8Array) => byGpg(acme, null, content, '--armor')],
    ])('opens what gpg made: %s', async (_, make) => {
      await setUp(here, folderPartner())
      const keys = await exchangeKeys(theirs, ours)
      const content = Buffer.concat([randomBytes(200_000), Buffer.alloc(300_000, 'EDI')])
      put('invoice.edi.gpg', make(keys.ours, keys.theirs, content))
      const { exit, err, report } = await receive()
      expect(exit, err).toBe(0)
      expect(report.taken[0]).toMatchObject({ state: 'delivered', fileName: 'invoice.edi', sha256: sha(content), receipt: { afterwards: 'deleted', facts: { pgpSignedBy: expect.stringMatching(new RegExp(keys.theirs, 'i')) as string } } })
      expect(inbox()).toEqual(['invoice.edi'])
      expect(sha(readFileSync(report.taken[0]?.receipt?.releasedTo ?? ''))).toBe(sha(content))
      expect(there('out')).toEqual([])
      expect((await ok('deliveries', 'show', report.taken[0]?.id ?? '')).out).toContain('pgpEncryption')
    })
  })

  it('a flow asks for more than the connection: packed, then signed and encrypted for gpg; opened, then unpacked from it', async () => {
    await setUp(here, folderPartner({ outbound: 'none', inbound: 'none' }))
    const keys = await exchangeKeys(ELLIPTIC, 'ed25519')
    const outbox = join(here.files, 'Outbox')
    mkdirSync(outbox)
    for (const name of ['a.edi', 'b.edi']) writeFileSync(join(outbox, name), `ORDER ${name}`)
    await ok('flow', 'apply', here.file('day.json', JSON.stringify({ direction: 'outbound', id: 'day', name: 'Day', source: { kind: 'folder', folder: outbox }, selection: { stableSeconds: 0 }, targets: ['acme/folder'], steps: [{ kind: 'zip', files: 'together', template: 'day.zip' }, { kind: 'protect' }] })))
    const dry = await ok('flow', 'dry-run', 'day')
    expect(dry.out).toMatch(/2\. acme\/folder: OpenPGP: signed with .*, encrypted to /)
    await ok('flow', 'run', 'day')
    expect(there('in')).toEqual(['day.zip.pgp'])
    const { output: zip, said } = openedByGpg(readFileSync(join(share, 'in', 'day.zip.pgp')))
    expect(said).toMatch(new RegExp(`VALIDSIG ${keys.ours}`, 'i'))
    expect(zip.subarray(0, 2).toString()).toBe('PK')

    await ok('flow', 'apply', here.file('in.json', JSON.stringify({ direction: 'inbound', id: 'collect', name: 'Collect', targets: ['acme'], steps: [{ kind: 'open' }, { kind: 'unzip' }] })))
    put('day.zip.gpg', byGpg(keys.theirs, keys.ours, zip))
    await ok('flow', 'run', 'collect')
    expect(inbox().map((name) => readFileSync(join(here.workspace, 'partners', 'acme', 'Inbox', name), 'utf8'))).toEqual(['ORDER a.edi', 'ORDER b.edi'])
    // Not signed: kept whole, though the connection would have taken it.
    put('next.zip.gpg', byGpg(null, keys.ours, zip))
    const held = await here.run('--json', 'flow', 'run', 'collect')
    expect([held.exit, held.json<{ files: { state: string; error: { code: string } | null }[] }>().files.map(({ state, error }) => [state, error?.code])]).toEqual([3, [['held', 'pgp.not_signed']]])
    expect([inbox().length, there('out')]).toEqual([2, ['next.zip.gpg']])
  })

  describe('what must not be released', () => {
    let keys: { ours: string; theirs: string }
    beforeEach(async () => {
      await setUp(here, folderPartner())
      keys = await exchangeKeys(ELLIPTIC, 'ed25519')
    })

    it.each([
      ['was changed on its way', 'pgp.tampered', () => flipped(byGpg(keys.theirs, keys.ours, randomBytes(50_000)))],
      ['is not signed', 'pgp.not_signed', () => byGpg(null, keys.ours, Buffer.from('anybody'))],
      ['is signed by a stranger', 'pgp.signer_unknown', () => byGpg(stranger(gpg), keys.ours, Buffer.from('Mallory'))],
    ])('a file that %s is held with %s, stays at the partner, and retry does not release it either', async (_, code, make) => {
      put('a.edi.gpg', make())
      const held = expectHeld(await receive(), code)
      const again = await here.run('--json', 'deliveries', 'retry', held.id)
      expect([again.exit, again.json<Delivered>().state, again.json<Delivered>().error?.code]).toEqual([4, 'held', code])
      expect(inbox()).toEqual([])
      // It was taken, so another run does not take it again.
      expect((await receive()).report.taken).toEqual([])
      expect(there('out')).toEqual(['a.edi.gpg'])
    })

    it.each([
      ['cut off', 'pgp.truncated', (message: Buffer) => message.subarray(0, message.length - 30_000)],
      ['no OpenPGP message', 'pgp.malformed', () => Buffer.from('UNA:+.? \'')],
    ])('a file that is %s is held with %s', async (_, code, make) => {
      put('a.edi.gpg', make(byGpg(keys.theirs, keys.ours, randomBytes(50_000))))
      expectHeld(await receive(), code, 1)
    })

    it('a file signed by a revoked key is held, also when only the revocation certificate came', async () => {
      const message = byGpg(keys.theirs, keys.ours, Buffer.from('signed before'))
      const guarded = readFileSync(join(gpg.home, 'openpgp-revocs.d', `${keys.theirs}.rev`), 'utf8')
      const mistake = await here.run('trust', 'import', here.file('guarded.rev', guarded))
      expect([mistake.exit, mistake.err]).toEqual([2, expect.stringContaining('colon')])
      const certificate = guarded.replace(/^:-----/m, '-----')
      await ok('trust', 'import', here.file('acme.rev', certificate), '--provenance', 'they called')
      put('a.edi.gpg', message)
      expectHeld(await receive(), 'pgp.key_revoked')
      const sent = await here.run('--json', 'send', 'acme', here.file('b.edi', 'x'))
      expect([sent.exit, sent.json<Sent>().results[0]?.error?.code, there('in')]).toEqual([4, 'pgp.key_revoked', []])
    })

    it('a file signed under a key that they retired by a renewed export is held', async () => {
      const message = byGpg(keys.theirs, keys.ours, Buffer.from('signed before'))
      gpg.run(['--import'], readFileSync(join(gpg.home, 'openpgp-revocs.d', `${keys.theirs}.rev`), 'utf8').replace(/^:-----/m, '-----'))
      const done = await importTheirs(keys.theirs)
      expect(done.exit, done.err).toBe(0)
      put('a.edi.gpg', message)
      expectHeld(await receive(), 'pgp.key_revoked')
    })
  })

  it('a file signed with a subkey that has expired as far as we know is held; the renewed key opens it', async () => {
    await setUp(here, folderPartner())
    const ours = await giveOurs('ed25519')
    const theirs = gpg.generate('Key-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: cert\nName-Real: Acme with subkeys\nExpire-Date: 0', '2026-01-01T00:00:00Z')
    for (const [usage, algorithm, until] of [['sign', 'ed25519', '2026-02-01'], ['sign', 'ed25519', 'never'], ['encr', 'cv25519', 'never']] as const) gpg.runAt('2026-01-01T00:01:00Z', ['--quick-add-key', theirs, algorithm, usage, until])
    const ending = gpg.run(['--with-colons', '--with-subkey-fingerprint', '--list-keys', theirs]).toString().match(/^sub:e:.*\nfpr:+([0-9A-F]{40}):/m)?.[1] ?? 'no subkey has ended'
    const done = await importTheirs(theirs, 'pgp-encrypt', 'pgp-verify')
    expect(done.exit, done.err).toBe(0)

    put('early.edi.gpg', gpg.runAt('2026-01-15T00:00:00Z', ['--local-user', `${ending}!`, '--sign'], Buffer.from('in time')))
    // What was signed while the subkey was good stays good.
    expect((await receive()).report.taken[0]).toMatchObject({ state: 'delivered' })
    rmSync(join(here.workspace, 'partners', 'acme', 'Inbox', 'early.edi'))

    gpg.run(['--quick-set-expire', theirs, '0', ending])
    put('late.edi.gpg', byGpg(`${ending}!`, ours, Buffer.from('after their renewal')))
    const held = expectHeld(await receive(), 'pgp.key_expired')
    const renewed = await importTheirs(theirs)
    expect(renewed.exit, renewed.err).toBe(0)
    await ok('deliveries', 'retry', held.id)
    expect(inbox()).toEqual(['late.edi'])
    // The next run tidies up there.
    expect((await receive()).report).toMatchObject({ taken: [], tidied: 1 })
    expect(there('out')).toEqual([])
  })

  it('refuses to encrypt to a subkey that has expired; nothing is sent', async () => {
    await setUp(here, folderPartner())
    await giveOurs('ed25519')
    const theirs = gpg.generate('Key-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: cert,sign\nName-Real: Acme expired\nExpire-Date: 0', '2026-01-01T00:00:00Z')
    gpg.runAt('2026-01-01T00:01:00Z', ['--quick-add-key', theirs, 'cv25519', 'encr', '2026-02-01'])
    const refused = await importTheirs(theirs, 'pgp-encrypt')
    expect([refused.exit, refused.err]).toEqual([4, expect.stringContaining('expired')])
    const sent = await here.run('--json', 'send', 'acme', here.file('b.edi', 'x'))
    expect([sent.exit, sent.json<Sent>().results[0]?.error?.code, there('in')]).toEqual([4, 'pgp.no_key_bound', []])
  })

  it('says which key is missing before anything is sent, and opens what was held for a key once that is there', async () => {
    await setUp(here, folderPartner())
    const missing = await here.run('--json', 'send', 'acme', here.file('a.edi', 'x'))
    expect([missing.exit, missing.json<Sent>().results[0]?.error]).toEqual([4, expect.objectContaining({ code: 'pgp.no_key_bound', details: expect.objectContaining({ role: 'pgp-sign' }) as object })])
    expect(missing.err).toContain('trust import')
    const ours = await giveOurs('ed25519')
    const theirs = gpg.generate(`${ELLIPTIC}\nName-Real: Acme late\nExpire-Date: 0`)
    const stillMissing = await here.run('--json', 'send', 'acme', here.file('a.edi', 'x'))
    expect([stillMissing.exit, stillMissing.json<Sent>().results[0]?.error?.details?.['role']]).toEqual([4, 'pgp-encrypt'])
    expect([there('in'), (await here.run('--json', 'deliveries', 'list')).json<{ deliveries: unknown[] }>().deliveries]).toEqual([[], []])

    const content = randomBytes(10_000)
    put('order.edi.gpg', byGpg(theirs, ours, content))
    const held = expectHeld(await receive(), 'pgp.no_key_bound')
    expect((await importTheirs(theirs, 'pgp-verify')).exit).toBe(0)
    await ok('deliveries', 'retry', held.id)
    expect(inbox()).toEqual(['order.edi'])
    expect(sha(readFileSync(join(here.workspace, 'partners', 'acme', 'Inbox', 'order.edi')))).toBe(sha(content))
    const trace = (await ok('--json', 'audit', 'trace', held.id)).json<{ events: { type: string }[] }>()
    expect(trace.events.map(({ type }) => type)).toEqual(['delivery.received', 'delivery.held', 'delivery.release_ordered', 'delivery.opened', 'delivery.releasing', 'delivery.released'])
    await ok('audit', 'verify')
  })

  it('encrypts to two keys of the partner while they change over, and to our own where that was agreed', async () => {
    await setUp(here, folderPartner({ encryptToSelf: true, armor: true, suffix: '.asc' }))
    const keys = await exchangeKeys(ELLIPTIC, 'ed25519')
    const second = gpg.generate(`${RSA}\nName-Real: Acme next\nExpire-Date: 0`)
    expect((await importTheirs(second, 'pgp-encrypt')).exit).toBe(0)
    await ok('send', 'acme', here.file('a.edi', 'for both'))
    const wire = readFileSync(join(share, 'in', 'a.edi.asc'))
    expect(wire.toString()).toMatch(/^-----BEGIN PGP MESSAGE-----/)
    const listed = gpg.run(['--list-packets', '--list-only'], wire).toString()
    expect(listed.match(/^:pubkey enc packet/gm)).toHaveLength(3)
    expect(openedByGpg(wire).said).toContain(`VALIDSIG ${keys.ours.toUpperCase()}`)
  })

  it('holds an unsigned file until the agreement says otherwise; a bad signature never counts', async () => {
    await setUp(here, folderPartner())
    const keys = await exchangeKeys(ELLIPTIC, 'ed25519')
    put('a.edi.gpg', byGpg(null, keys.ours, Buffer.from('unsigned')))
    const held = expectHeld(await receive(), 'pgp.not_signed')
    await agree({ requireSignature: false })
    await ok('deliveries', 'retry', held.id)
    expect(inbox()).toEqual(['a.edi'])
  })

  it.skipIf(sshdPeer.absent)(`goes over SFTP in both directions${sshdPeer.note}`, async () => {
    const sshd = await startSshd()
    try {
      await setUp(here, partnerFor(sshd, { pgp: PGP, receive: { folder: sshd.folder, patterns: ['*.gpg'], stableSeconds: 0, after: 'delete' } }))
      const keys = await exchangeKeys(ELLIPTIC, 'ed25519')
      const content = randomBytes(300_000)
      await ok('send', 'acme', here.file('orders.edi', content))
      expect(sha(openedByGpg(readFileSync(join(sshd.folder, 'orders.edi.pgp'))).output)).toBe(sha(content))
      writeFileSync(join(sshd.folder, 'answer.edi.gpg'), byGpg(keys.theirs, keys.ours, content))
      expect((await receive()).exit).toBe(0)
      expect(inbox()).toEqual(['answer.edi'])
      expect(readdirSync(sshd.folder)).toEqual(['orders.edi.pgp'])
    } finally {
      await sshd.stop()
    }
  })
})

function flipped(message: Buffer): Buffer {
  const at = message.length - 1_000
  message[at] = (message[at] ?? 0) ^ 1
  return message
}

function stranger(gpg: Gnupg): string {
  return gpg.generate(`${ELLIPTIC}\nName-Real: Mallory\nExpire-Date: 0`)
}
