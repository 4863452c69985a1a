import { randomBytes, type KeyObject } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { childrenOf, oidOf, readBer } from '../asn1/ber-node.ts'
import { derElement, derHeader, derOctetString, derOid, derSequence, derSetOf, derSmallInteger, derTagged, TAG } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { digestOf } from '../primitives/index.ts'
import { generateSelfSigned, readCertificate, type Certificate } from '../x509/index.ts'
import { algorithm, contentInfo, envelope, recipient, signedData, signerInfo, usualAttributes, wrapFor } from './crafted.ts'
import { collect, compress, createDetachedSignature, decompress, decrypt, encrypt, parseSignedData, signOpaque, sniffCms, verifyOpaque, type ByteSource, type Opened } from './index.ts'

let ours: { certificate: Certificate; privateKey: KeyObject }
const END = Uint8Array.of(0, 0)
const bytes = (...parts: readonly (Uint8Array | readonly number[])[]): Buffer => Buffer.concat(parts.map((part) => Uint8Array.from(part)))
const outcome = async (opened: Opened<unknown>): Promise<unknown> => await collect(opened.content, 2 ** 26).then(() => 'opened', (error: unknown) => Reflect.get(error as object, 'code'))
const decrypted = async (source: ByteSource): Promise<unknown> => await outcome(decrypt(source, { keys: [ours] }))
const cap = { maxOutputBytes: 2 ** 30 }
const readers = (): Record<string, (source: ByteSource) => Opened<unknown>> => ({
  decrypt: (source) => decrypt(source, { keys: [ours] }),
  decompress: (source) => decompress(source, cap),
  verifyOpaque: (source) => verifyOpaque(source, { trusted: [ours] }),
})

beforeAll(async () => {
  ours = await generateSelfSigned({ subject: { commonName: 'ours' }, key: 'rsa-2048' })
})

describe('ASN.1 bombs', () => {
  const nested = (depth: number, definite: boolean): Uint8Array => {
    let inner: Uint8Array = derOctetString(Uint8Array.of(1))
    for (let level = 0; level < depth; level++) inner = definite ? derElement(TAG.octetString | 0x20, inner) : bytes([0x24, 0x80], inner, END)
    return inner
  }
  const opaque = (octets: Uint8Array): Uint8Array => contentInfo(OID.signedData, derSequence(derSmallInteger(1), derSetOf([]), derSequence(derOid(OID.data), derTagged(0, octets)), derSetOf([])))

  it.each([true, false])('nesting ends at the limit (definite: %s), in memory and in the stream', async (definite) => {
    for (const [depth, code] of [[20, 'cms.signer_unknown'], [40, 'cms.malformed'], [100_000, 'cms.malformed']] as const) {
      if (depth > 1000 && definite) continue // building it is quadratic
      const octets = depth > 1000 ? bytes(Buffer.alloc(2 * depth, Uint8Array.of(0x24, 0x80)), Buffer.alloc(2 * depth)) : nested(depth, definite)
      const message = opaque(octets)
      expect(await outcome(verifyOpaque([message], { trusted: [ours] })), `depth ${depth}`).toBe(code)
      if (code === 'cms.malformed') expect(() => parseSignedData(message)).toThrow(expect.objectContaining({ code }) as Error)
    }
    expect(() => childrenOf(readBer(nested(3, definite), { maxDepth: 1 }))).toThrow('nested too deep')
  })

  it('a hundred thousand elements are the most, also where they are hidden in an indefinite length', async () => {
    const many = derElement(TAG.set, Buffer.alloc(400_000, Uint8Array.of(5, 0)))
    const hidden = bytes([0x31, 0x80], Buffer.alloc(400_000, Uint8Array.of(5, 0)), END)
    for (const set of [many, hidden]) {
      expect(() => parseSignedData(contentInfo(OID.signedData, derSequence(derSmallInteger(1), set)))).toThrow(expect.objectContaining({ code: 'cms.malformed' }) as Error)
      expect(await decrypted([contentInfo(OID.envelopedData, derSequence(derSmallInteger(0), set))])).toBe('cms.malformed')
    }
  })

  it('a declared length costs nothing until its octets arrive', async () => {
    const open = bytes([0x30, 0x80], derOid(OID.envelopedData), [0xa0, 0x80, 0x30, 0x80], derSmallInteger(0))
    expect(await decrypted([bytes(open, derHeader(0x31, 3_000_000), [0x30])])).toBe('cms.malformed')
    expect(await decrypted([bytes(open, derHeader(0x31, 2 ** 40))])).toBe('cms.limit')
    expect(await decrypted([bytes([0x30, 0x88], Buffer.alloc(8, 0xff), derOid(OID.envelopedData))])).toBe('cms.malformed')
    expect(await decrypted([bytes([0x30, 0xff], Buffer.alloc(127, 0xff))])).toBe('cms.malformed')
    const content = bytes([0x30, 0x80], derOid(OID.compressedData), [0xa0, 0x80, 0x30, 0x80], derSmallInteger(0), algorithm(OID.zlibCompress, null), [0x30, 0x80], derOid(OID.data), [0xa0, 0x80], derHeader(TAG.octetString, 2 ** 47), deflateSync(Buffer.alloc(10)))
    expect(await outcome(decompress([content], cap))).toBe('cms.malformed')
    expect(() => readBer(derHeader(TAG.octetString, 2 ** 47))).toThrow('longer than what contains it')
  })

  it('a metadata block is bounded while it arrives', async () => {
    const endless = function* (): Generator<Uint8Array, void> {
      yield bytes([0x30, 0x80], derOid(OID.envelopedData), [0xa0, 0x80, 0x30, 0x80], derSmallInteger(0), [0x31, 0x80])
      for (;;) yield derOctetString(Buffer.alloc(60_000))
    }
    expect(await decrypted(endless())).toBe('cms.limit')
    expect(() => parseSignedData(Buffer.alloc(5 * 1024 * 1024, 0x30))).toThrow(expect.objectContaining({ code: 'cms.limit' }) as Error)
  })

  it('no element reaches beyond what contains it', async () => {
    const inner = derSequence(derSmallInteger(0), derHeader(TAG.set, 500))
    expect(await decrypted([bytes(contentInfo(OID.envelopedData, inner), Buffer.alloc(600))])).toBe('cms.malformed')
    expect(() => childrenOf(readBer(derSequence(derHeader(TAG.set, 5))))).toThrow('longer than what contains it')
  })

  it('identifiers, numbers and tags have sizes that make sense', () => {
    expect(() => oidOf(readBer(derElement(TAG.oid, Buffer.alloc(65, 1))))).toThrow('impossible size')
    expect(() => oidOf(readBer(derElement(TAG.oid, Uint8Array.of(0x80, 1))))).toThrow('padded')
    expect(() => oidOf(readBer(derElement(TAG.oid, Uint8Array.of(0x2a, 0x86))))).toThrow('truncated')
    expect(() => readBer(Uint8Array.of(0x1f, 0xff, 0xff, 0xff, 0xff, 1, 0))).toThrow('too large')
    expect(() => readBer(Uint8Array.of(0x04, 0x80, 0, 0))).toThrow('primitive')
    expect(() => parseSignedData(contentInfo(OID.signedData, derSequence(derElement(TAG.integer, Buffer.alloc(9000, 1)))))).toThrow(expect.objectContaining({ code: 'cms.malformed' }) as Error)
  })

  it('only a few bytes may follow a message', async () => {
    const message = await collect(compress([Buffer.from('content')]), 2 ** 20)
    expect(await outcome(decompress([message, Buffer.from('\r\n')], cap))).toBe('opened')
    expect(await outcome(decompress([message, Buffer.alloc(9)], cap))).toBe('cms.malformed')
    const signature = createDetachedSignature({ signer: ours, digestAlgorithm: 'sha256', digest: digestOf('sha256', Buffer.from('x')) })
    expect(parseSignedData(bytes(signature, [13, 10])).trailingBytes).toBe(2)
    expect(() => parseSignedData(bytes(signature, Buffer.alloc(9)))).toThrow(expect.objectContaining({ code: 'cms.malformed' }) as Error)
  })

  it('a message cut anywhere ends in an error and never opens', async () => {
    const message = Buffer.from(await collect(encrypt([randomBytes(50)], { recipients: [ours], cipher: 'aes-128-cbc' }), 2 ** 20))
    for (let cut = 0; cut < message.length; cut += 7) expect(await decrypted([message.subarray(0, cut)]), `cut at ${cut}`).toBe('cms.malformed')
    expect(await decrypted([message])).toBe('opened')
  })

  it('ten thousand segments of one octet are read, whatever the chunks', async () => {
    const content = randomBytes(10_000)
    const packed = bytes([0x24, 0x80], ...Array.from(content, (octet) => derOctetString(Uint8Array.of(octet))), END)
    const hash = digestOf('sha256', content)
    const message = contentInfo(OID.signedData, derSequence(derSmallInteger(1), derSetOf([algorithm(OID.sha256)]), derSequence(derOid(OID.data), derTagged(0, packed)), derSetOf([signerInfo({ certificate: ours.certificate, key: ours.privateKey, attributes: usualAttributes(hash) })])))
    for (const size of [1, 7, 1 << 20]) {
      const chunks = function* (): Generator<Uint8Array, void> {
        for (let at = 0; at < message.length; at += size) yield message.subarray(at, at + size)
      }
      const opened = verifyOpaque(chunks(), { trusted: [ours] })
      expect(content.equals(await collect(opened.content, 2 ** 20))).toBe(true)
      await opened.result
    }
  })
})

describe('counts', () => {
  it('of recipients, signers, certificates and digests are bounded', async () => {
    const wrapped = wrapFor(ours.certificate, randomBytes(32))
    const cipher = algorithm(OID.aes256Cbc, derOctetString(Buffer.alloc(16)))
    expect(await decrypted([envelope({ recipients: Array.from({ length: 101 }, () => recipient(ours.certificate, wrapped)), cipher, ciphertext: Buffer.alloc(16) })])).toBe('cms.limit')
    const limit = expect.objectContaining({ code: 'cms.limit' }) as Error
    const info = signerInfo({ certificate: ours.certificate, key: ours.privateKey, attributes: usualAttributes(digestOf('sha256', Buffer.from('x'))) })
    const infos = (count: number): Uint8Array => signedData(Array.from({ length: count }, () => info))
    const certificates = (count: number): Uint8Array => signedData([info], { certificates: Array.from({ length: count }, () => ours.certificate.der) })
    expect(parseSignedData(infos(8)).signers).toHaveLength(8)
    expect(() => parseSignedData(infos(9))).toThrow(limit)
    expect(parseSignedData(certificates(50)).embeddedCertificates).toHaveLength(50)
    expect(() => parseSignedData(certificates(51))).toThrow(limit)
    expect(() => parseSignedData(signedData([info], { digests: Array.from({ length: 9 }, () => 'sha256' as const) }))).toThrow(limit)
  })

  it('an embedded certificate that cannot be read is passed on as it is', () => {
    const broken = derSequence(derSmallInteger(1))
    const [first] = parseSignedData(signedData([], { certificates: [broken] })).embeddedCertificates
    expect(first).toMatchObject({ der: Uint8Array.from(broken) })
    expect(first!.certificate).toBeUndefined()
    expect(() => readCertificate(broken)).toThrow(expect.objectContaining({ code: 'cms.certificate_unreadable' }) as Error)
  })
})

describe('the content', () => {
  it('is never asked for beyond the end, and its source is told when the reader stops', async () => {
    const plain = Array.from({ length: 40 }, () => randomBytes(100_000))
    const made: Record<string, Uint8Array> = {
      decrypt: await collect(encrypt(plain, { recipients: [ours], cipher: 'aes-128-gcm' }), 2 ** 26),
      decompress: await collect(compress(plain), 2 ** 26),
      verifyOpaque: await collect(signOpaque(plain, { signer: ours, digestAlgorithm: 'sha256' }), 2 ** 26),
    }
    for (const [name, read] of Object.entries(readers())) {
      const message = made[name]!
      const source = watched(message)
      const opened = read(source.chunks())
      for await (const chunk of opened.content) if (chunk.length > 0) break
      await expect(opened.result, name).rejects.toMatchObject({ code: 'cms.abandoned' })
      expect(source.ended(), name).toBe(true)
      expect(source.given(), name).toBeLessThan(message.length)
    }
  })

  it('of a writer is let go of too', async () => {
    const writers: Record<string, (source: ByteSource) => AsyncIterable<Uint8Array>> = {
      encrypt: (source) => encrypt(source, { recipients: [ours], cipher: 'aes-256-cbc' }),
      signOpaque: (source) => signOpaque(source, { signer: ours, digestAlgorithm: 'sha256' }),
      compress: (source) => compress(source),
    }
    for (const [name, write] of Object.entries(writers)) {
      const source = watched(randomBytes(8_000_000))
      let seen = 0
      for await (const chunk of write(source.chunks())) if ((seen += chunk.length) > 5_000_000) break
      expect(source.ended(), name).toBe(true)
    }
  })

  it('passes the errors of its source through as they are', async () => {
    const broken = new Error('the disk is gone')
    const failing = function* (): Generator<Uint8Array, void> {
      yield Uint8Array.of(0x30, 0x80)
      throw broken
    }
    for (const [name, read] of Object.entries(readers())) {
      const opened = read(failing())
      await expect(collect(opened.content, 10), name).rejects.toBe(broken)
      await expect(opened.result, name).rejects.toBe(broken)
    }
    await expect(collect(encrypt(failing(), { recipients: [ours], cipher: 'aes-256-cbc' }), 2 ** 20)).rejects.toBe(broken)
    await expect(collect(compress(failing()), 2 ** 20)).rejects.toBe(broken)
  })

  it('must have the promised length under the definite form', async () => {
    for (const contentLength of [9, 11]) {
      const encoding = { form: 'definite', contentLength } as const
      await expect(collect(encrypt([Buffer.alloc(10)], { recipients: [ours], cipher: 'aes-256-cbc', encoding }), 2 ** 20)).rejects.toMatchObject({ code: 'cms.length_mismatch' })
      await expect(collect(signOpaque([Buffer.alloc(10)], { signer: ours, digestAlgorithm: 'sha256', encoding }), 2 ** 20)).rejects.toMatchObject({ code: 'cms.length_mismatch' })
    }
  })

  it('is bounded where it is collected', async () => {
    await expect(collect([Buffer.alloc(6), Buffer.alloc(5)], 10)).rejects.toMatchObject({ code: 'cms.too_large' })
  })
})

describe('the kind of a message', () => {
  it('is told by its object identifier from a few octets', async () => {
    expect(sniffCms(await collect(compress([]), 2 ** 20))).toBe('compressed-data')
    expect(sniffCms(signedData([]).subarray(0, 20))).toBe('signed-data')
    expect(sniffCms(contentInfo('1.2.3', derOctetString(Buffer.alloc(1))))).toBe('other')
    for (const none of [Buffer.alloc(0), Buffer.from('0'), Buffer.from('Content-Type: text/plain'), signedData([]).subarray(0, 8)]) expect(sniffCms(none)).toBeUndefined()
  })
})

function watched(message: Uint8Array): { chunks(): Generator<Uint8Array, void>; ended(): boolean; given(): number } {
  let ended = false
  let given = 0
  return {
    *chunks() {
      try {
        for (let at = 0; at < message.length; at += 65_536) {
          given += Math.min(65_536, message.length - at)
          yield message.subarray(at, at + 65_536)
        }
      } finally {
        ended = true
      }
    },
    ended: () => ended,
    given: () => given,
  }
}
