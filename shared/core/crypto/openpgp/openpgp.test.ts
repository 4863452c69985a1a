import * as library from 'openpgp'
import { beforeAll, describe, expect, it } from 'vitest'
import { collect, type Opened } from '../cms/opened.ts'
import { fitnessFor, type PgpKey } from './index.ts'
import { applyRevocation, generatePgpKey, protect, protectedSecretText, publicKeyText, readPgpKeys, secretKeyToSeal, signDetached, unprotect, verifyDetached, type ProtectOptions, type UnprotectOptions } from './operations.ts'

const BIG = 2 ** 26

async function read<Report>({ content, result }: Opened<Report>): Promise<{ bytes: Buffer; report: Report }> {
  const bytes = Buffer.from(await collect(content, BIG))
  return { bytes, report: await result }
}

async function written(content: Uint8Array, options: ProtectOptions): Promise<Buffer> {
  return (await read(await protect([content], options))).bytes
}

async function codeOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run()
    return 'nothing was refused'
  } catch (error) {
    return String(Reflect.get(Object(error), 'code') ?? error)
  }
}

async function refusal(message: Uint8Array, options: UnprotectOptions): Promise<string> {
  return await codeOf(async () => await read(unprotect([message], options)))
}

function* chunked(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** What the library hides of packet 20. */
interface PacketOfLibrary {
  readonly encrypted: { getReader(): { read(): Promise<{ value?: Uint8Array }> } }
  encrypt(cipher: number, key: Uint8Array, config: library.Config): Promise<void>
}

const publicHalf = async (key: PgpKey): Promise<PgpKey> => (await readPgpKeys(publicKeyText(key)))[0]!

describe('OpenPGP', () => {
  let ours: PgpKey
  let theirs: PgpKey
  let theirPublic: PgpKey
  let ourPublic: PgpKey
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff))

  beforeAll(async () => {
    ours = await generatePgpKey({ name: 'Ours', email: 'edi@ours.example', algorithm: 'ed25519', expires: new Date(Date.now() + 864e5) })
    theirs = await generatePgpKey({ name: 'Theirs', algorithm: 'rsa-3072', expires: null })
    ourPublic = await publicHalf(ours)
    theirPublic = await publicHalf(theirs)
  })

  describe('keys', () => {
    it('tells what a key is and what it is fit for', () => {
      const now = new Date()
      expect(ours.summary).toMatchObject({ version: 4, hasSecret: true, isProtected: false, warnings: [], userIds: [{ text: 'Ours <edi@ours.example>', valid: true }] })
      expect(ours.summary.parts).toMatchObject([
        { primary: true, algorithm: 'ed25519', capabilities: ['certify', 'sign'], secret: 'open', revoked: null, defect: null },
        { primary: false, algorithm: 'cv25519', capabilities: ['encrypt'], secret: 'open' },
      ])
      expect(theirPublic.summary.parts.map(({ algorithm, bits, secret }) => [algorithm, bits, secret])).toEqual([['rsa3072', 3072, 'none'], ['rsa3072', 3072, 'none']])
      expect(fitnessFor(ours.summary, 'pgp-sign', now)).toMatchObject({ fit: true, until: ours.summary.parts[0]!.expires })
      expect(fitnessFor(theirPublic.summary, 'pgp-encrypt', now)).toMatchObject({ fit: true, until: null, part: { primary: false } })
      expect(fitnessFor(theirPublic.summary, 'pgp-decrypt', now).problems.map(({ code }) => code)).toEqual(['no-secret'])
      expect(fitnessFor(ours.summary, 'pgp-encrypt', new Date(Date.now() + 2 * 864e5)).problems.map(({ code }) => code)).toEqual(['expired', 'expired'])
      expect(fitnessFor(ours.summary, 'pgp-verify', new Date(0)).problems.map(({ code }) => code)).toEqual(['not-yet-valid'])
    })

    it('exports a secret key under a passphrase only, and says exactly why it cannot be read', async () => {
      const text = await protectedSecretText(ours, 'correct horse')
      const [locked] = await readPgpKeys(text)
      expect(locked!.summary).toMatchObject({ isProtected: true, hasSecret: true, parts: [{ secret: 'protected' }, { secret: 'protected' }] })
      expect(await codeOf(async () => await readPgpKeys(text, 'wrong'))).toBe('key.wrong_passphrase')
      expect((await readPgpKeys(text, 'correct horse'))[0]!.summary).toEqual(ours.summary)
      expect(await codeOf(async () => await protectedSecretText(ours, ''))).toBe('key.passphrase_needed')
      expect(await codeOf(async () => await protect([content], { signWith: [locked!] }))).toBe('key.passphrase_needed')
      expect(await codeOf(async () => await protectedSecretText(ourPublic, 'x'))).toBe('pgp.key_unusable')
      for (const bad of ['no key', text.slice(0, 300), Buffer.from([0xc6, 5, 1, 2, 3]), `-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----`])
        expect(await codeOf(async () => await readPgpKeys(bad))).toBe('key.malformed')
    })

    it('reads several keys from one mail, joins the halves of one key, and reads back what is sealed', async () => {
      const mail = `Dear partner,\r\n${publicKeyText(ours)}\r\nand\n${publicKeyText(theirs)}\n${await protectedSecretText(theirs, 'pw')}\nRegards`
      const keys = await readPgpKeys(mail, 'pw')
      expect(keys.map(({ summary }) => [summary.fingerprint, summary.hasSecret])).toEqual([[ours.summary.fingerprint, false], [theirs.summary.fingerprint, true]])
      expect((await readPgpKeys(secretKeyToSeal(theirs)))[0]!.summary).toEqual(theirs.summary)
    })

    it('honours a revocation certificate, and none of another key', async () => {
      const { publicKey, revocationCertificate } = await library.generateKey({ userIDs: { name: 'Gone' }, curve: 'ed25519Legacy', type: 'ecc', format: 'object' })
      const [key] = await readPgpKeys(publicKey.armor())
      expect(fitnessFor(key!.summary, 'pgp-encrypt', new Date()).fit).toBe(true)
      const revoked = await applyRevocation(key!, `:${revocationCertificate}`)
      expect(fitnessFor(revoked.summary, 'pgp-encrypt', new Date()).problems[0]?.code).toBe('revoked')
      expect(await codeOf(async () => await protect([content], { encryptTo: [revoked] }))).toBe('pgp.key_revoked')
      expect(await codeOf(async () => await applyRevocation(ours, revocationCertificate))).toBe('key.malformed')
    })

    it('keeps weak keys out unless that is tolerated', async () => {
      const { privateKey } = await library.generateKey({ userIDs: { name: 'Small' }, type: 'rsa', rsaBits: 1024, format: 'object', config: { minRSABits: 1024 } })
      const [small] = await readPgpKeys(privateKey.write())
      expect(await codeOf(async () => await protect([content], { encryptTo: [small!] }))).toBe('pgp.weak_algorithm')
      const signed = await written(content, { signWith: [small!], allow: { minRsaBits: 1024 } })
      expect(await refusal(signed, { verifyWith: [small!] })).toBe('pgp.weak_algorithm')
      expect((await read(unprotect([signed], { verifyWith: [small!], allow: { minRsaBits: 1024 } }))).report.signedBy?.algorithm).toBe('rsa1024')
    })
  })

  describe('messages', () => {
    const forms = [false, true].flatMap((armor) => (['none', 'zip', 'zlib'] as const).map((compression) => ({ armor, compression })))

    it.each(forms)('come back as they went, however they are cut: %o', async ({ armor, compression }) => {
      for (const length of [0, 1, 191, 192, 8383, 65_535, 65_536, 300_000]) {
        const part = content.subarray(0, length)
        const made = await written(part, { signWith: [ours], encryptTo: [theirPublic], encryptToSelf: ourPublic, armor, compression, fileName: 'bestellung-ä.edi' })
        for (const size of length < 9000 ? [1, 7, 4096] : [997, 65_536]) {
          const { bytes, report } = await read(unprotect(chunked(made, size), { decryptWith: [theirs], verifyWith: [ourPublic] }))
          expect(bytes.equals(part)).toBe(true)
          expect(report).toMatchObject({ armored: armor, compression, fileName: 'bestellung-ä.edi', contentBytes: length, warnings: [], encryption: { packet: 'seipd-v1', cipher: 'aes256', integrity: 'mdc' }, signedBy: { status: 'valid', key: ours.summary.fingerprint } })
        }
        expect((await read(unprotect([made], { decryptWith: [ours] }))).report.signedBy).toBeNull()
      }
    })

    it('are read by openpgp.js, and its own are read here, in both profiles', async () => {
      for (const [config, packet] of [[{ aeadProtect: true }, 'seipd-v2'], [{ aeadProtect: true, preferredAEADAlgorithm: library.enums.aead.ocb }, 'seipd-v2'], [{}, 'seipd-v1']] as const) {
        const { privateKey, publicKey } = await library.generateKey({ userIDs: { name: 'Peer' }, type: 'curve25519', format: 'object', config })
        const [peer] = await readPgpKeys(privateKey.write())
        expect(peer!.summary.preferences.seipdV2).toBe(packet === 'seipd-v2')
        const made = await read(await protect([content], { signWith: [ours], encryptTo: [peer!], profile: 'modern' }))
        expect(made.report.encryption?.packet).toBe(packet)
        const opened = await library.decrypt({ message: await library.readMessage({ binaryMessage: new Uint8Array(made.bytes) }), decryptionKeys: privateKey, verificationKeys: ours.library.toPublic(), expectSigned: true, format: 'binary' })
        expect(Buffer.from(opened.data as Uint8Array).equals(content)).toBe(true)

        const message = await library.createMessage({ binary: new Uint8Array(content), filename: 'a' })
        const theirMessage = await library.encrypt({ message, encryptionKeys: publicKey, signingKeys: privateKey, format: 'binary', config }) as Uint8Array
        const { bytes, report } = await read(unprotect(chunked(theirMessage, 5000), { decryptWith: [peer!], verifyWith: [peer!] }))
        expect(bytes.equals(content)).toBe(true)
        expect(report.encryption?.packet).toBe(packet)
        // the default never writes AEAD, whatever the key announces
        expect((await read(await protect([content], { encryptTo: [peer!] }))).report.encryption).toMatchObject({ packet: 'seipd-v1', aead: null })

        const broken = Buffer.from(theirMessage)
        broken[broken.length - 1000]! ^= 1
        expect(await refusal(broken, { decryptWith: [peer!], verifyWith: [peer!] })).toBe('pgp.tampered')
      }
    })

    it('of GnuPG 2.3 and later to keys that announce AEAD are read: packet 20 with OCB', async () => {
      // no such GnuPG is at hand, so openpgp.js, which reads and writes that packet for its sake, stands in
      for (const chunkByte of [0, 4, 10]) {
        const sessionKey = Buffer.alloc(32, 7)
        const inner = (await library.createMessage({ binary: new Uint8Array(content) })).packets
        const data = Object.assign(new library.AEADEncryptedDataPacket(), { packets: inner, aeadAlgorithm: library.enums.aead.ocb }) as unknown as PacketOfLibrary & library.AnyPacket
        await data.encrypt(library.enums.symmetric.aes256, new Uint8Array(sessionKey), { ...library.config, aeadChunkSizeByte: chunkByte })
        const reader = data.encrypted.getReader()
        const parts: Uint8Array[] = []
        for (let part = await reader.read(); part.value !== undefined; part = await reader.read()) parts.push(part.value)
        Object.assign(data, { encrypted: new Uint8Array(Buffer.concat(parts)) })
        const outer = new library.PacketList<library.AnyPacket>()
        outer.push(data)
        const session = await library.encryptSessionKey({ data: new Uint8Array(sessionKey), algorithm: 'aes256', encryptionKeys: theirPublic.library, format: 'binary' })
        const made = Buffer.concat([session, outer.write()])
        const { bytes, report } = await read(unprotect(chunked(made, 3000), { decryptWith: [theirs] }))
        expect(bytes.equals(content)).toBe(true)
        expect(report.encryption).toMatchObject({ packet: 'aead', aead: 'ocb', integrity: 'aead', cipher: 'aes256' })
        for (const at of [made.length - 1, made.length - 20, made.length - 5000]) {
          const broken = Buffer.from(made)
          broken[at]! ^= 1
          expect(await refusal(broken, { decryptWith: [theirs] })).toBe('pgp.tampered')
        }
        // chunks that are left out, at the end as in the middle, are missed
        const body = outer.write()
        const header = body.length > 8384 + 6 ? 6 : 3
        const without = (from: number, to: number): Buffer => {
          const rest = Buffer.concat([body.subarray(header, from), body.subarray(to)])
          const length = Buffer.alloc(5, 0xff)
          length.writeUInt32BE(rest.length, 1)
          return Buffer.concat([session, Buffer.from([0xd4]), length, rest])
        }
        const sealedChunk = 2 ** (chunkByte + 6) + 16
        const start = header + 4 + 15
        expect(await refusal(without(start, start + sealedChunk), { decryptWith: [theirs] })).toBe('pgp.tampered')
        expect(await refusal(without(body.length - 16 - sealedChunk, body.length - 16), { decryptWith: [theirs] })).toBe('pgp.tampered')
      }
    })

    it('are refused when any octet of the encrypted data changes', async () => {
      for (const compression of ['none', 'zlib'] as const) {
        const made = await written(content.subarray(0, 2000), { signWith: [ours], encryptTo: [theirPublic], compression })
        // behind the session key packet, its neighbour's header and version
        const start = 3 + (made.readUInt16BE(1) - 0xc000) + 192 + 4
        for (let at = start; at < made.length; at += 61) {
          const broken = Buffer.from(made)
          broken[at]! ^= 0x40
          expect(await refusal(broken, { decryptWith: [theirs], verifyWith: [ourPublic] })).toBe('pgp.tampered')
        }
      }
    })

    it('are refused when they are cut, anywhere', async () => {
      for (const armor of [false, true]) {
        const made = await written(content.subarray(0, 1000), { signWith: [ours], encryptTo: [theirPublic], armor })
        for (let length = armor ? 60 : 1; length < made.length - (armor ? 24 : 0); length += 37) expect([length, await refusal(made.subarray(0, length), { decryptWith: [theirs], verifyWith: [ourPublic] })]).toEqual([length, 'pgp.truncated'])
        expect(await refusal(Buffer.alloc(0), { decryptWith: [theirs] })).toBe('pgp.truncated')
      }
    })

    it('that lack a required protection, or come from somebody else, are refused', async () => {
      const stranger = await generatePgpKey({ name: 'Stranger', algorithm: 'ed25519', expires: null })
      const unsigned = await written(content, { encryptTo: [theirPublic] })
      const foreign = await written(content, { signWith: [stranger], encryptTo: [theirPublic] })
      const plain = await written(content, { signWith: [ours] })
      expect(await refusal(unsigned, { decryptWith: [theirs], verifyWith: [ourPublic] })).toBe('pgp.not_signed')
      expect(await refusal(foreign, { decryptWith: [theirs], verifyWith: [ourPublic] })).toBe('pgp.signer_unknown')
      expect(await refusal(plain, { decryptWith: [theirs], verifyWith: [ourPublic] })).toBe('pgp.not_encrypted')
      expect(await refusal(unsigned, { decryptWith: [ours] })).toBe('pgp.no_secret_key')
      expect(await refusal(unsigned, { decryptWith: [theirPublic] })).toBe('pgp.no_secret_key')
      expect((await read(unprotect([foreign], { decryptWith: [theirs] }))).report).toMatchObject({ signedBy: null, warnings: [`signature-unknown-key: ${stranger.summary.fingerprint}`] })
      const both = await written(content, { signWith: [stranger, ours], encryptTo: [theirPublic] })
      expect((await read(unprotect([both], { decryptWith: [theirs], verifyWith: [ourPublic] }))).report.signatures.map(({ status }) => status).toSorted()).toEqual(['unknown-key', 'valid'])
      const changed = Buffer.from(plain)
      changed[plain.length / 2 | 0]! ^= 1
      expect(await refusal(changed, { verifyWith: [ourPublic] })).toBe('pgp.signature_invalid')
    })

    it('signed in the future, or by a key that had expired, are refused; one that expired later is named', async () => {
      const brief = await generatePgpKey({ name: 'Brief', algorithm: 'ed25519', created: new Date(Date.now() - 30 * 864e5), expires: new Date(Date.now() - 10 * 864e5) })
      expect(await codeOf(async () => await protect([content], { signWith: [brief] }))).toBe('pgp.key_expired')
      expect(await codeOf(async () => await protect([content], { encryptTo: [brief] }))).toBe('pgp.key_expired')
      const inTime = await written(content, { signWith: [brief], at: new Date(Date.now() - 20 * 864e5) })
      expect((await read(unprotect([inTime], { verifyWith: [brief] }))).report.warnings).toEqual([`signer-expired-since: ${brief.summary.fingerprint}`])
      const future = await written(content, { signWith: [ours], at: new Date(Date.now() + 36e5) })
      expect(await refusal(future, { verifyWith: [ourPublic] })).toBe('pgp.signature_invalid')
      const late = await library.sign({ message: await library.createMessage({ binary: new Uint8Array(9) }), signingKeys: brief.library as library.PrivateKey, date: new Date(Date.now() - 20 * 864e5), format: 'binary' }) as Uint8Array
      expect((await read(unprotect([late], { verifyWith: [brief] }))).report.signedBy?.status).toBe('valid')
    })

    it('that unpack to more than is permitted are refused, and so is giving up half-way', async () => {
      const zeros = await written(Buffer.alloc(3_000_000), { encryptTo: [theirPublic], compression: 'zlib' })
      expect(zeros.length).toBeLessThan(20_000)
      expect(await refusal(zeros, { decryptWith: [theirs], limits: { maxContentBytes: 2_999_999 } })).toBe('pgp.bomb')
      const bomb = await written(Buffer.alloc(2 ** 26 + 2 ** 20), { encryptTo: [theirPublic], compression: 'zip' })
      expect(await refusal(bomb, { decryptWith: [theirs], limits: { maxRatio: 500 } })).toBe('pgp.bomb')
      const opened = unprotect([zeros], { decryptWith: [theirs] })
      for await (const chunk of opened.content) if (chunk.length > 0) break
      expect(await codeOf(async () => await opened.result)).toBe('pgp.abandoned')
    })

    it('that are none, or break the grammar, are refused', async () => {
      const made = await written(content.subarray(0, 100), { signWith: [ours] })
      for (const [bad, code] of [
        [Buffer.from('ISA*00*'), 'pgp.malformed'], [Buffer.concat([made, made]), 'pgp.malformed'], [Buffer.from([0xcb, 0xff]), 'pgp.truncated'],
        [Buffer.from('-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nhi\n'), 'pgp.unsupported'], [Buffer.from('-----BEGIN PGP MESSAGE-----\n\n?!?!\n-----END PGP MESSAGE-----\n'), 'pgp.malformed'],
      ] as const) expect(await refusal(bad, { verifyWith: [ourPublic] })).toBe(code)
      expect((await read(unprotect([made, Buffer.from('\r\n\u001A')], { verifyWith: [ourPublic] }))).report.warnings).toEqual(['trailing-bytes: 3'])
    })

    it('pass errors of the source through, and close it', async () => {
      let closed = false
      async function* failing(): AsyncGenerator<Uint8Array> {
        try {
          yield await Promise.resolve(made.subarray(0, 2000))
          throw new Error('the disk is gone')
        } finally {
          closed = true
        }
      }
      const made = await written(content, { encryptTo: [theirPublic] })
      await expect(read(unprotect(failing(), { decryptWith: [theirs] }))).rejects.toThrow('the disk is gone')
      expect(closed).toBe(true)
      await expect(read(await protect(failing(), { encryptTo: [theirPublic] }))).rejects.toThrow('the disk is gone')
    })
  })

  it('signs and verifies in a file of its own', async () => {
    for (const armor of [false, true]) {
      const { bytes, signatures } = await signDetached(chunked(content, 1000), { signWith: [ours, theirs], armor })
      expect(signatures.map(({ algorithm }) => algorithm)).toEqual(['ed25519', 'rsa3072'])
      const { bytes: passed, report } = await read(verifyDetached(chunked(content, 999), bytes, { verifyWith: [theirPublic] }))
      expect(passed.equals(content)).toBe(true)
      expect(report).toMatchObject({ signedBy: { algorithm: 'rsa3072' }, contentBytes: content.length })
      expect(await codeOf(async () => await read(verifyDetached([content.subarray(1)], bytes, { verifyWith: [theirPublic] })))).toBe('pgp.signature_invalid')
      expect(await codeOf(async () => await read(verifyDetached([content], content, { verifyWith: [theirPublic] })))).toMatch(/^pgp\./)
    }
  })
})
