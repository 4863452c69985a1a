import { createCipheriv, publicEncrypt, constants, randomBytes, type KeyObject } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { derElement, derOctetString, derOid, derSequence, derSmallInteger, derTagged } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { generateSelfSigned, type Certificate } from '../x509/index.ts'
import { algorithm, attribute, envelope, gcm, recipient, wrapFor } from './crafted.ts'
import { collect, decrypt, encrypt, type DecryptionReport, type DecryptOptions } from './index.ts'

interface Pair {
  certificate: Certificate
  privateKey: KeyObject
}
let ours: Pair
let other: Pair
const content = randomBytes(100_000)
const key = randomBytes(32)
const iv = Buffer.alloc(16, 7)

beforeAll(async () => {
  ours = await generateSelfSigned({ subject: { commonName: 'ours' }, key: 'rsa-2048' })
  other = await generateSelfSigned({ subject: { commonName: 'other' }, key: 'rsa-2048' })
})

const open = async (message: Uint8Array, options: Partial<DecryptOptions> = {}): Promise<{ plain: Buffer; report: DecryptionReport }> => {
  const opened = decrypt([message], { keys: [ours], ...options })
  const plain = Buffer.from(await collect(opened.content, 2 ** 24))
  return { plain, report: await opened.result }
}
const cbc = (bytes: Uint8Array, padding = true): Uint8Array => {
  const cipher = createCipheriv('aes-256-cbc', key, iv).setAutoPadding(padding)
  return Buffer.concat([cipher.update(bytes), cipher.final()])
}
const aes256 = algorithm(OID.aes256Cbc, derOctetString(iv))
const rawRsa = (block: Uint8Array): Uint8Array => publicEncrypt({ key: ours.certificate.publicKey(), padding: constants.RSA_NO_PADDING }, block)
/** 00 02, padding, 00, then the key, with a change. */
const padded = (change: (block: Buffer) => void, secret: Uint8Array = key): Uint8Array => {
  const block = Buffer.concat([Buffer.from([0, 2]), Buffer.alloc(256 - 3 - secret.length, 0x55), Buffer.from([0]), secret])
  change(block)
  return rawRsa(block)
}

describe('a message that cannot be decrypted', () => {
  it('has one outcome, whatever is wrong with it, and all of it was read by then', async () => {
    const good = wrapFor(ours.certificate, key)
    const sealed = gcm(content, key, 16)
    const flip = (bytes: Uint8Array, at: number): Uint8Array => Uint8Array.from(bytes, (octet, index) => (index === (at < 0 ? bytes.length + at : at) ? octet ^ 0x55 : octet))
    const wrapped: [string, Uint8Array][] = [
      ['the first octet of the block', padded((block) => block.writeUInt8(1, 0))],
      ['the block type', padded((block) => block.writeUInt8(1, 1))],
      ['a zero in the padding', padded((block) => block.writeUInt8(0, 5))],
      ['no zero before the key', padded((block) => block.writeUInt8(9, 256 - 33))],
      ['a key that is too short', padded(() => undefined, key.subarray(0, 16))],
      ['a key that is too long', padded(() => undefined, Buffer.concat([key, key]))],
      ['another key', padded(() => undefined, randomBytes(32))],
      ['random octets', rawRsa(Buffer.concat([Buffer.from([0]), randomBytes(255)]))],
      ['a block of zeros', Buffer.alloc(256)],
      ['a block above the modulus', Buffer.alloc(256, 0xff)],
      ['a block that is too short', good.subarray(1)],
      ['no block', Buffer.alloc(0)],
    ]
    const zeroPadded = cbc(Buffer.concat([content.subarray(0, 15), Buffer.from([0])]), false)
    const messages: [string, Uint8Array][] = [
      ...wrapped.map(([name, block]): [string, Uint8Array] => [`GCM, ${name}`, envelope({ recipients: [recipient(ours.certificate, block)], ...sealed })]),
      ['CBC padding of zero', envelope({ recipients: [recipient(ours.certificate, good)], cipher: aes256, ciphertext: zeroPadded })],
      ['CBC padding too large', envelope({ recipients: [recipient(ours.certificate, good)], cipher: aes256, ciphertext: cbc(Buffer.alloc(32, 17), false) })],
      ['CBC length', envelope({ recipients: [recipient(ours.certificate, good)], cipher: aes256, ciphertext: cbc(content).subarray(0, -3) })],
      ['CBC, nothing', envelope({ recipients: [recipient(ours.certificate, good)], cipher: aes256, ciphertext: new Uint8Array() })],
      ['GCM content', envelope({ recipients: [recipient(ours.certificate, good)], ...sealed, ciphertext: flip(sealed.ciphertext, 50_000) })],
      ['GCM tag', envelope({ recipients: [recipient(ours.certificate, good)], ...sealed, tag: flip(sealed.tag, 3) })],
      ['GCM tag cut', envelope({ recipients: [recipient(ours.certificate, good)], ...sealed, tag: sealed.tag.subarray(0, 12) })],
      ['GCM with attributes that were not there', envelope({ recipients: [recipient(ours.certificate, good)], ...sealed, attributes: [attribute(OID.contentType, derOid(OID.data))] })],
    ]
    for (const [name, message] of messages) {
      let given = 0
      const source = function* (): Generator<Uint8Array, void> {
        for (let at = 0; at < message.length; at += 10_000) {
          const chunk = message.subarray(at, at + 10_000)
          given += chunk.length
          yield chunk
        }
      }
      const opened = decrypt(source(), { keys: [ours] })
      const outcome = await collect(opened.content, 2 ** 24).then(() => 'opened', (error: unknown) => error)
      expect(outcome, name).toMatchObject({ code: 'cms.decryption_failed', message: 'the content could not be decrypted' })
      expect(Reflect.get(outcome as object, 'cause'), name).toBeUndefined()
      await expect(opened.result).rejects.toBe(outcome)
      expect(given, name).toBe(message.length)
    }
  })

  it('gives the same stand-in key for the same block, and another one for another block', async () => {
    // an unwrap that failed must look like a content key: the same message always decrypts to the same
    const ciphertext = cbc(content)
    const opens = async (block: Uint8Array): Promise<string> => {
      let seen = Buffer.alloc(0)
      const opened = decrypt([envelope({ recipients: [recipient(ours.certificate, block)], cipher: aes256, ciphertext })], { keys: [ours] })
      try {
        for await (const chunk of opened.content) seen = Buffer.concat([seen, chunk])
      } catch {
        // expected in 255 of 256 cases
      }
      return seen.toString('hex')
    }
    const [first, second] = [padded((block) => block.writeUInt8(1, 1)), padded((block) => block.writeUInt8(3, 1))]
    expect(await opens(first)).toBe(await opens(first))
    expect(await opens(first)).not.toBe(await opens(second))
    expect(await opens(first)).not.toContain(content.subarray(0, 16).toString('hex'))
  })
})

describe('what may be opened', () => {
  it('takes the same time whether the block was well formed or not: both are decrypted to the end with some key', async () => {
    const ciphertext = cbc(content)
    const messageWith = (wrapped: Uint8Array): Uint8Array => envelope({ recipients: [recipient(ours.certificate, wrapped)], cipher: aes256, ciphertext })
    const timeOf = async (message: Uint8Array): Promise<number> => {
      const began = process.hrtime.bigint()
      // One stranger's key in 256 leaves bytes that look padded: that one opens to garbage, as the stand-in key's may.
      await open(message).catch(() => undefined)
      return Number(process.hrtime.bigint() - began)
    }
    const median = (times: readonly number[]): number => times.toSorted((left, right) => left - right)[times.length >> 1] ?? 0
    // In turns, and compared by their medians: what else the machine does falls on both. One calm round of three is enough.
    const ratios: number[] = []
    while (ratios.length < 3 && !ratios.some((ratio) => ratio > 0.8 && ratio < 1.25)) {
      const [formed, broken]: [number[], number[]] = [[], []]
      for (let turn = 0; turn < 60; turn++) {
        formed.push(await timeOf(messageWith(padded(() => undefined, randomBytes(32)))))
        broken.push(await timeOf(messageWith(rawRsa(Buffer.concat([Buffer.from([0, 1]), randomBytes(254)])))))
      }
      ratios.push(median(broken) / median(formed))
    }
    expect(ratios.at(-1)).toBeGreaterThan(0.8)
    expect(ratios.at(-1)).toBeLessThan(1.25)
  }, 60_000)

  it('is never read in the other mode: neither GCM as CBC nor CBC as GCM', async () => {
    const good = [recipient(ours.certificate, wrapFor(ours.certificate, key))]
    const sealed = gcm(content, key, 16)
    await expect(open(envelope({ recipients: good, cipher: sealed.cipher, ciphertext: sealed.ciphertext }))).rejects.toMatchObject({ code: 'cms.algorithm_refused' })
    await expect(open(envelope({ recipients: good, cipher: aes256, ciphertext: cbc(content), tag: sealed.tag }))).rejects.toMatchObject({ code: 'cms.algorithm_refused' })
    await expect(open(envelope({ recipients: good, cipher: aes256, ciphertext: cbc(content) }), { requireAuthenticated: true })).rejects.toMatchObject({ code: 'cms.unexpected_type' })
    expect((await open(envelope({ recipients: good, ...sealed }), { requireAuthenticated: true })).report.authenticated).toBe(true)
  })

  it('has a tag of 12 to 16 bytes, with or without attributes that it covers', async () => {
    const good = [recipient(ours.certificate, wrapFor(ours.certificate, key))]
    const attributes = [attribute(OID.contentType, derOid(OID.data)), attribute('1.2.3.4', derOctetString(randomBytes(50)))]
    for (const bytes of [12, 13, 16]) {
      for (const covered of [undefined, attributes]) {
        const message = envelope({ recipients: good, ...gcm(content, key, bytes, covered), ...(covered === undefined ? {} : { attributes: covered }) })
        const { plain, report } = await open(message)
        expect(plain.equals(content)).toBe(true)
        expect(report.tagLength).toBe(bytes)
      }
    }
    for (const bytes of [4, 8, 11]) await expect(open(envelope({ recipients: good, ...gcm(content, key, bytes) }))).rejects.toMatchObject({ code: 'cms.algorithm_refused' })
    const exchanged = envelope({ recipients: good, ...gcm(content, key, 16, attributes), attributes: [attributes[0]!, attribute('1.2.3.4', derOctetString(randomBytes(50)))] })
    await expect(open(exchanged)).rejects.toMatchObject({ code: 'cms.decryption_failed' })
  })

  it('is for one of our keys, also among a hundred, and again by our own copy', async () => {
    const wrapped = wrapFor(ours.certificate, key)
    const strangers = (count: number): Uint8Array[] => Array.from({ length: count }, () => recipient(other.certificate, wrapped))
    const ciphertext = cbc(content)
    expect((await open(envelope({ recipients: [...strangers(99), recipient(ours.certificate, wrapped)], cipher: aes256, ciphertext }))).plain.equals(content)).toBe(true)
    await expect(open(envelope({ recipients: [...strangers(100), recipient(ours.certificate, wrapped)], cipher: aes256, ciphertext }))).rejects.toMatchObject({ code: 'cms.limit' })
    await expect(open(envelope({ recipients: strangers(3), cipher: aes256, ciphertext }))).rejects.toMatchObject({ code: 'cms.no_recipient' })
    const message = await collect(encrypt([content], { recipients: [{ certificate: other.certificate }, { certificate: ours.certificate, identifyBy: 'ski' }], cipher: 'aes-256-gcm' }), 2 ** 24)
    for (const pair of [ours, other]) {
      const { plain, report } = await open(message, { keys: [{ ...pair, id: 'the key' }] })
      expect(plain.equals(content)).toBe(true)
      expect(report).toMatchObject({ recipientCount: 2, matched: [{ keyId: 'the key', fingerprintSha256: pair.certificate.fingerprintSha256, by: pair === ours ? 'ski' : 'issuer-serial' }] })
    }
  })

  it('is opened with either key of a roll-over under one name', async () => {
    const next = { ...ours, certificate: { ...ours.certificate, issuerDer: other.certificate.issuerDer, serial: other.certificate.serial } }
    const message = envelope({ recipients: [recipient(other.certificate, wrapFor(other.certificate, key))], cipher: aes256, ciphertext: cbc(content) })
    expect((await open(message, { keys: [next, other] })).plain.equals(content)).toBe(true)
  })

  it('uses no weak cipher, small key or strange transport without saying so', async () => {
    const wrapped = wrapFor(ours.certificate, key)
    const tripleDes = algorithm(OID.desEde3Cbc, derOctetString(Buffer.alloc(8)))
    await expect(open(envelope({ recipients: [recipient(ours.certificate, wrapped)], cipher: tripleDes, ciphertext: Buffer.alloc(64) }))).rejects.toMatchObject({ code: 'cms.algorithm_refused' })
    await expect(open(envelope({ recipients: [recipient(ours.certificate, wrapped)], cipher: algorithm(OID.rc2Cbc, derSequence(derSmallInteger(58), derOctetString(Buffer.alloc(8)))), ciphertext: Buffer.alloc(64) }))).rejects.toMatchObject({ code: 'cms.unsupported' })
    await expect(open(envelope({ recipients: [recipient(ours.certificate, wrapped)], cipher: aes256, ciphertext: cbc(content) }), { allow: { minRsaBits: 3072 } })).rejects.toMatchObject({ code: 'cms.algorithm_refused' })
    await expect(open(envelope({ recipients: [recipient(ours.certificate, wrapped, algorithm('1.2.3.4'))], cipher: aes256, ciphertext: cbc(content) }))).rejects.toMatchObject({ code: 'cms.unsupported' })
    await expect(open(envelope({ recipients: [recipient(ours.certificate, wrapped)], cipher: aes256, ciphertext: cbc(content) }), { keys: [{ ...ours, privateKey: other.privateKey }] })).rejects.toMatchObject({ code: 'cms.key_unusable' })
    const agreement = derElement(0xa1, derSmallInteger(3), derTagged(0, derSequence(derOid(OID.data))))
    await expect(open(envelope({ recipients: [agreement], cipher: aes256, ciphertext: cbc(content) }))).rejects.toMatchObject({ code: 'cms.no_recipient' })
    expect((await open(envelope({ recipients: [agreement, recipient(ours.certificate, wrapped)], cipher: aes256, ciphertext: cbc(content) }))).report.recipientCount).toBe(2)
  })

  it('has an initialisation vector and a nonce of the right size', async () => {
    const good = [recipient(ours.certificate, wrapFor(ours.certificate, key))]
    for (const cipher of [algorithm(OID.aes256Cbc, derOctetString(Buffer.alloc(8))), algorithm(OID.aes256Cbc), algorithm(OID.aes256Cbc, null)])
      await expect(open(envelope({ recipients: good, cipher, ciphertext: cbc(content) }))).rejects.toMatchObject({ code: 'cms.malformed' })
    await expect(open(envelope({ recipients: good, cipher: algorithm(OID.aes256Gcm, derSequence(derOctetString(Buffer.alloc(4)), derSmallInteger(16))), ciphertext: content, tag: Buffer.alloc(16) }))).rejects.toMatchObject({ code: 'cms.algorithm_refused' })
  })

  it('is not encrypted for nobody, for keys that cannot unwrap, or weakly', async () => {
    const elliptic = await generateSelfSigned({ subject: { commonName: 'ec' }, key: 'ec-p256' })
    const start = async (options: Parameters<typeof encrypt>[1]): Promise<unknown> => await collect(encrypt([content], options), 2 ** 24).catch((error: unknown) => Reflect.get(error as object, 'code'))
    expect(await start({ recipients: [], cipher: 'aes-256-cbc' })).toBe('cms.key_unusable')
    expect(await start({ recipients: [elliptic], cipher: 'aes-256-cbc' })).toBe('cms.key_unusable')
    expect(await start({ recipients: [ours], cipher: 'des-ede3-cbc' })).toBe('cms.algorithm_refused')
    expect(await start({ recipients: [ours], cipher: 'aes-256-cbc', allow: { minRsaBits: 4096 } })).toBe('cms.algorithm_refused')
  })
})
