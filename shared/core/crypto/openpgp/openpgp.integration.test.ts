/** Held to GnuPG 2.2: each side opens what the other wrote, and what GnuPG makes wrong on purpose is refused. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as library from 'openpgp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGnupg, type Gnupg } from '../../../../e2e/servers/gpg.ts'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { collect, type Opened } from '../cms/opened.ts'
import { fitnessFor, type PgpAllowances, type PgpKey } from './index.ts'
import { applyRevocation, generatePgpKey, protect, protectedSecretText, publicKeyText, readPgpKeys, secretKeyToSeal, signDetached, unprotect, verifyDetached, type ProtectOptions, type UnprotectOptions } from './operations.ts'

const gpg = findPeer('gpg')
const BIG = 2 ** 28
const DAY = 864e5

const KINDS = {
  rsa: 'Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign\nSubkey-Type: RSA\nSubkey-Length: 2048\nSubkey-Usage: encrypt',
  ed25519: 'Key-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: sign\nSubkey-Type: ecdh\nSubkey-Curve: cv25519',
  nistp256: 'Key-Type: ecdsa\nKey-Curve: nistp256\nKey-Usage: sign\nSubkey-Type: ecdh\nSubkey-Curve: nistp256',
  nistp384: 'Key-Type: ecdsa\nKey-Curve: nistp384\nKey-Usage: sign\nSubkey-Type: ecdh\nSubkey-Curve: nistp384',
  nistp521: 'Key-Type: ecdsa\nKey-Curve: nistp521\nKey-Usage: sign\nSubkey-Type: ecdh\nSubkey-Curve: nistp521',
} as const

async function read<Report>({ content, result }: Opened<Report>): Promise<{ bytes: Buffer; report: Report }> {
  const bytes = Buffer.from(await collect(content, BIG))
  return { bytes, report: await result }
}

async function written(content: Uint8Array, options: ProtectOptions): Promise<Buffer> {
  return (await read(await protect([content], options))).bytes
}

async function refusal(message: Uint8Array, options: UnprotectOptions): Promise<string> {
  const opened = unprotect([message], options)
  await collect(opened.content, BIG).catch(() => undefined)
  return await opened.result.then(() => 'nothing was refused', (error: unknown) => String(Reflect.get(Object(error), 'code') ?? error))
}

describe.skipIf(gpg.absent)(`OpenPGP and GnuPG${gpg.note}`, () => {
  const text = Buffer.from('UNA:+.? \'\r\nUNB+UNOC:3\nBGM+220\r\n'.repeat(4000))
  const content = Buffer.concat([text, randomBytes(300_000)])
  const theirs = new Map<string, PgpKey>()
  let home: Gnupg
  let rsa: PgpKey
  let ed25519: PgpKey

  const their = (kind: string): PgpKey => theirs.get(kind)!
  const readFromGpg = async (fingerprint: string, secret = false): Promise<PgpKey> => (await readPgpKeys(home.run([secret ? '--export-secret-keys' : '--export', fingerprint])))[0]!
  // GnuPG takes blanks off the ends of lines in text mode, so random octets do not come back as they went
  const contentFor = (args: readonly string[]): Buffer => (args.includes('--textmode') ? text : content)
  const encryptedBy = (kind: string, ...args: string[]): Buffer => home.run(['-u', their(kind).summary.fingerprint, '-r', rsa.summary.fingerprint, ...args], contentFor(args))
  const ours = { get decryptWith() { return [rsa, ed25519] } }

  beforeAll(async () => {
    home = startGnupg()
    for (const [kind, parameters] of Object.entries(KINDS)) theirs.set(kind, await readFromGpg(home.generate(`${parameters}\nName-Real: ${kind} of theirs\nExpire-Date: 0`)))
    rsa = await generatePgpKey({ name: 'Ours', email: 'edi@ours.example', algorithm: 'rsa-3072', expires: new Date(Date.now() + 300 * DAY) })
    ed25519 = await generatePgpKey({ name: 'Ours too', algorithm: 'ed25519', expires: null })
    for (const key of [rsa, ed25519]) home.run(['--import'], publicKeyText(key))
  })
  afterAll(() => home?.stop())

  it.each(Object.keys(KINDS))('opens what we write to its %s key, and we open what it writes with it', async (kind) => {
    for (const [signer, armor, compression] of [[rsa, true, 'none'], [ed25519, false, 'zlib'], [ed25519, true, 'zip'], [undefined, false, 'none']] as const) {
      const made = await written(content, { ...(signer === undefined ? {} : { signWith: [signer] }), encryptTo: [their(kind)], encryptToSelf: rsa, armor, compression, fileName: 'orders.edi' })
      const { status, output, said } = home.ask(['--status-fd', '2', '--decrypt'], made)
      expect(status, said).toBe(0)
      expect(output.equals(content)).toBe(true)
      expect(said).toContain('GOODMDC')
      expect(said).toContain('orders.edi')
      expect(said.includes(`VALIDSIG ${signer?.summary.fingerprint}`)).toBe(signer !== undefined)
      expect((await read(unprotect([made], { ...ours, requireSignature: false }))).bytes.equals(content)).toBe(true)
    }
    for (const how of [['-z0'], ['--compress-algo', 'zip'], ['--compress-algo', 'zlib', '--armor'], ['-z0', '--textmode']])
      for (const sign of [true, false]) {
        const { bytes, report } = await read(unprotect([encryptedBy(kind, ...how, ...(sign ? ['--sign'] : []), '--encrypt')], { ...ours, verifyWith: sign ? [their(kind)] : [] }))
        const expected = how.includes('--textmode') ? Buffer.from(text.toString('latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1') : content
        expect([how, bytes.equals(expected)]).toEqual([how, true])
        expect(report).toMatchObject({ encryption: { packet: 'seipd-v1', integrity: 'mdc', decryptedWith: { key: rsa.summary.fingerprint } }, armored: how.includes('--armor'), format: how.includes('--textmode') ? 'text' : 'binary', warnings: [] })
        expect(report.signedBy?.key ?? null).toBe(sign ? their(kind).summary.fingerprint : null)
      }
  })

  it.each(Object.keys(KINDS))('verifies our signature, and we verify the one by its %s key, within and beside the content', async (kind) => {
    const [key] = await readPgpKeys(home.run(['--export-secret-keys', their(kind).summary.fingerprint]))
    for (const armor of [false, true]) {
      const { bytes } = await signDetached([content], { signWith: [key!, rsa], armor })
      writeFileSync(join(home.home, 'content'), content)
      writeFileSync(join(home.home, 'ours.sig'), bytes)
      const { status, said } = home.ask(['--status-fd', '2', '--verify', join(home.home, 'ours.sig'), join(home.home, 'content')])
      expect(status, said).toBe(0)
      for (const signer of [key!, rsa]) expect(said).toContain(`VALIDSIG ${signer.summary.fingerprint}`)
      expect(home.run(['--decrypt'], await written(content, { signWith: [key!], armor, compression: 'zlib' })).equals(content)).toBe(true)
    }
    for (const more of [[], ['--armor'], ['--textmode'], ['--digest-algo', 'SHA512']]) {
      const signedContent = contentFor(more)
      const signature = home.run(['-u', their(kind).summary.fingerprint, ...more, '--detach-sign'], signedContent)
      // cut within a CR LF
      const { report } = await read(verifyDetached([signedContent.subarray(0, 10), signedContent.subarray(10)], signature, { verifyWith: [their(kind)] }))
      expect(report.signedBy).toMatchObject({ status: 'valid', form: more.includes('--textmode') ? 'text' : 'binary' })
      await expect(read(verifyDetached([signedContent, Buffer.from('x')], signature, { verifyWith: [their(kind)] }))).rejects.toMatchObject({ code: 'pgp.signature_invalid' })
      const whole = home.run(['-u', their(kind).summary.fingerprint, ...more, '--sign'], signedContent)
      expect((await read(unprotect([whole], { verifyWith: [their(kind)] }))).report.signedBy?.status).toBe('valid')
    }
  })

  it('writes to several of us, named and hidden, and each opens it', async () => {
    for (const how of [['-r', ed25519.summary.fingerprint], ['-R', ed25519.summary.fingerprint], ['-r', ed25519.summary.fingerprint, '--throw-keyids']]) {
      const made = encryptedBy('ed25519', ...how, '-r', their('nistp256').summary.fingerprint, '--sign', '--encrypt')
      for (const key of [rsa, ed25519]) {
        const { bytes, report } = await read(unprotect([made], { decryptWith: [key], verifyWith: [their('rsa'), their('ed25519')] }))
        expect(bytes.equals(content)).toBe(true)
        expect(report.encryption?.recipients.length).toBe(3)
        expect(report.encryption?.decryptedWith.key).toBe(key.summary.fingerprint)
      }
    }
    const toAll = await written(content, { signWith: [rsa], encryptTo: [...theirs.values()] })
    expect(home.ask(['--status-fd', '2', '--decrypt'], toAll).said.match(/ENC_TO/g)?.length).toBe(5)
  })

  it('reads our keys and we its own, protected ones too', async () => {
    const other = startGnupg()
    try {
      for (const key of [rsa, ed25519]) {
        other.run(['--passphrase', 'of ours', '--import'], await protectedSecretText(key, 'of ours'))
        const made = home.run(['-r', key.summary.fingerprint, '--encrypt'], 'for your eyes')
        expect(other.run(['--passphrase', 'of ours', '--decrypt'], made).toString()).toBe('for your eyes')
        const exported = other.run(['--passphrase', 'of ours', '--armor', '--export-secret-keys', key.summary.fingerprint])
        await expect(readPgpKeys(exported, 'of theirs')).rejects.toMatchObject({ code: 'key.wrong_passphrase' })
        const [unlocked] = await readPgpKeys(exported, 'of ours')
        expect((await read(unprotect([made], { decryptWith: [unlocked!] }))).bytes.toString()).toBe('for your eyes')
        expect(unlocked!.summary.parts.map(({ secret }) => secret)).toEqual(['open', 'open'])
        await expect(read(unprotect([made], { decryptWith: await readPgpKeys(exported) }))).rejects.toMatchObject({ code: 'key.passphrase_needed' })
      }
      // what an export without the primary key holds: only its public part and a note that the secret is elsewhere
      const [partial] = await readPgpKeys(other.run(['--passphrase', 'of ours', '--export-secret-subkeys', rsa.summary.fingerprint]), 'of ours')
      expect(partial!.summary.parts.map(({ secret }) => secret)).toEqual(['stub', 'open'])
      expect((await read(unprotect([home.run(['-r', rsa.summary.fingerprint, '--encrypt'], 'x')], { decryptWith: [partial!] }))).bytes.toString()).toBe('x')
      expect((await readPgpKeys(secretKeyToSeal(partial!)))[0]!.summary).toEqual(partial!.summary)
    } finally {
      other.stop()
    }
  })

  it('still opens what we write to a key that announces AEAD, as those of GnuPG 2.3 and later do', async () => {
    const { privateKey } = await library.generateKey({ userIDs: { name: 'Announces' }, type: 'ecc', curve: 'ed25519Legacy', format: 'object' })
    const [user] = privateKey.users
    const certificate = user!.selfCertifications[0]!
    certificate.rawNotations = []
    certificate.features = new Uint8Array([0x07])
    certificate.preferredAEADAlgorithms = [library.enums.aead.ocb]
    const signAgain = certificate.sign.bind(certificate) as (...args: unknown[]) => Promise<void>
    await signAgain(privateKey.keyPacket, { userID: user!.userID, key: privateKey.keyPacket }, new Date(), false, library.config)
    const [key] = await readPgpKeys(privateKey.write())
    expect(key!.summary).toMatchObject({ preferences: { aead: true, seipdV2: false }, userIds: [{ valid: true }] })
    home.run(['--import'], Buffer.from(privateKey.write()))
    for (const profile of ['gnupg22', 'modern'] as const) {
      const made = await read(await protect([content], { encryptTo: [key!, their('rsa')], profile }))
      expect(made.report.encryption).toMatchObject({ packet: 'seipd-v1', aead: null })
      expect(home.run(['--decrypt'], made.bytes).equals(content)).toBe(true)
    }
  })

  describe('what it makes wrong on purpose is refused', () => {
    it('changed, cut, unsigned, signed by another, to another', async () => {
      const options = { ...ours, verifyWith: [their('ed25519')] }
      const made = encryptedBy('ed25519', '--sign', '--encrypt')
      for (const at of [made.length - 5, made.length >> 1, 600]) {
        const broken = Buffer.from(made)
        broken[at]! ^= 0x10
        expect(await refusal(broken, options)).toBe('pgp.tampered')
      }
      expect(await refusal(made.subarray(0, -1), options)).toBe('pgp.truncated')
      expect(await refusal(encryptedBy('ed25519', '--encrypt'), options)).toBe('pgp.not_signed')
      expect(await refusal(encryptedBy('rsa', '--sign', '--encrypt'), options)).toBe('pgp.signer_unknown')
      expect(await refusal(home.run(['-u', their('ed25519').summary.fingerprint, '--sign'], content), options)).toBe('pgp.not_encrypted')
      expect(await refusal(home.run(['-r', their('rsa').summary.fingerprint, '--encrypt'], content), options)).toBe('pgp.no_secret_key')
      expect(await refusal(home.run(['--passphrase', 'secret', '--symmetric'], content), options)).toBe('pgp.no_secret_key')
      expect(await refusal(home.run(['-u', their('ed25519').summary.fingerprint, '--clearsign'], 'hello\n'), { verifyWith: [their('ed25519')] })).toBe('pgp.unsupported')
      expect(await refusal(encryptedBy('ed25519', '--compress-algo', 'bzip2', '--sign', '--encrypt'), options)).toBe('pgp.unsupported')
    })

    it('by weak algorithms, unless that is tolerated', async () => {
      const options = { ...ours, verifyWith: [their('rsa')] }
      const cases: [string[], string, PgpAllowances | undefined][] = [
        [['--cipher-algo', '3DES'], 'pgp.weak_algorithm', { tripleDes: true }],
        [['--cipher-algo', 'CAST5'], 'pgp.weak_algorithm', undefined],
        [['--digest-algo', 'SHA1'], 'pgp.weak_algorithm', { sha1: true }],
        [['--rfc2440', '--cipher-algo', 'AES256'], 'pgp.no_integrity', { noIntegrity: true }],
      ]
      for (const [args, code, allow] of cases) {
        const made = encryptedBy('rsa', '--allow-weak-digest-algos', ...args, '--sign', '--encrypt')
        expect([args, await refusal(made, options)]).toEqual([args, code])
        if (allow !== undefined) expect((await read(unprotect([made], { ...options, allow }))).bytes.equals(content)).toBe(true)
      }
    })

    it('by a subkey that had expired when it signed, and to one that has expired', async () => {
      const began = Date.now() - 300 * DAY
      const time = (days: number): string => new Date(began + days * DAY).toISOString()
      const fingerprint = home.generate('Key-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: cert\nName-Real: Expires\nExpire-Date: 0', time(0))
      home.runAt(time(1), ['--quick-add-key', fingerprint, 'ed25519', 'sign', 'never'])
      home.runAt(time(1), ['--quick-add-key', fingerprint, 'cv25519', 'encr', '100d'])
      const signed = home.runAt(time(200), ['-u', fingerprint, '--sign'], content)
      const before = await readFromGpg(fingerprint)
      expect((await read(unprotect([signed], { verifyWith: [before] }))).report.signedBy).toMatchObject({ status: 'valid', part: before.summary.parts[1]!.fingerprint })
      expect(fitnessFor(before.summary, 'pgp-encrypt', new Date())).toMatchObject({ fit: false, problems: [{ code: 'expired' }] })
      await expect(protect([content], { encryptTo: [before] })).rejects.toMatchObject({ code: 'pgp.key_expired' })
      expect(fitnessFor(before.summary, 'pgp-encrypt', new Date(began + 50 * DAY)).fit).toBe(true)
      const secret = await readFromGpg(fingerprint, true)
      home.runAt(time(201), ['--quick-set-expire', fingerprint, '20d', before.summary.parts[1]!.fingerprint])
      expect((await read(unprotect([signed], { verifyWith: [await readFromGpg(fingerprint)] }))).report.warnings).toEqual([`signer-expired-since: ${before.summary.parts[1]!.fingerprint}`])
      // elsewhere the owner had ended it before the day of the signature
      const other = startGnupg()
      try {
        other.run(['--import'], secretKeyToSeal(secret))
        other.runAt(time(2), ['--quick-set-expire', fingerprint, '20d', before.summary.parts[1]!.fingerprint])
        expect(await refusal(signed, { verifyWith: await readPgpKeys(other.run(['--export', fingerprint])) })).toBe('pgp.key_expired')
      } finally {
        other.stop()
      }
    })

    it('by a revoked key, and to one', async () => {
      const fingerprint = home.generate(`${KINDS.rsa}\nName-Real: Revoked\nExpire-Date: 0`)
      const made = home.run(['-u', fingerprint, '-r', rsa.summary.fingerprint, '--sign', '--encrypt'], content)
      const key = await readFromGpg(fingerprint)
      expect(await refusal(made, { ...ours, verifyWith: [key] })).toBe('nothing was refused')
      const certificate = readFileSync(join(home.home, 'openpgp-revocs.d', `${fingerprint}.rev`), 'utf8')
      const revoked = await applyRevocation(key, certificate)
      home.run(['--import'], certificate.replace(/^:(?=-----)/m, ''))
      for (const known of [revoked, await readFromGpg(fingerprint)]) {
        expect(known.summary.parts[0]!.revoked).not.toBeNull()
        expect(await refusal(made, { ...ours, verifyWith: [known] })).toBe('pgp.key_revoked')
        await expect(protect([content], { encryptTo: [known] })).rejects.toMatchObject({ code: 'pgp.key_revoked' })
      }
    })

    it('by a revoked subkey, with the reason that its owner gave', async () => {
      const fingerprint = home.generate('Key-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: cert\nName-Real: Subkey revoked\nExpire-Date: 0')
      home.run(['--quick-add-key', fingerprint, 'ed25519', 'sign', 'never'])
      const signed = home.run(['-u', fingerprint, '--sign'], content)
      expect(await refusal(signed, { verifyWith: [await readFromGpg(fingerprint)] })).toBe('nothing was refused')
      home.run(['--no-batch', '--command-fd', '0', '--edit-key', fingerprint], 'key 1\nrevkey\ny\n1\nlaptop lost\n\ny\nsave\n')
      const known = await readFromGpg(fingerprint)
      expect(known.summary.parts[1]!.revoked).toMatchObject({ reason: 'compromised', text: 'laptop lost' })
      expect(known.summary.parts[0]!.revoked).toBeNull()
      expect(await refusal(signed, { verifyWith: [known] })).toBe('pgp.key_revoked')
    })
  })
})
