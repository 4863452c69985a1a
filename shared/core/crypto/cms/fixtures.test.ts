/** The messages of other products, at the level of CMS: what is opened, what is verified, and what must be refused. */
import { createHash, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readCertificate, readCertificates, readPkcs12, readPrivateKey, type Certificate } from '../x509/index.ts'
import { cmsOf, fixtures, partsOf, readEntity, readMessage, type Entity } from './fixture-messages.ts'
import { candidatesOf, collect, decompress, decrypt, parseSignedData, verifySignedData, type Allowances, type SignatureReport } from './index.ts'

interface LabMessage {
  readonly file: string
  readonly layers: readonly string[]
  readonly payload_sha256: string
}

const open = async (cms: Uint8Array, certificate: Certificate, privateKey: KeyObject, allow: Allowances = {}): Promise<Entity> => {
  const opened = decrypt([cms], { keys: [{ certificate, privateKey }], allow })
  const content = Buffer.from(await collect(opened.content, 2 ** 24))
  await opened.result
  return readEntity(content)
}
const inflate = async (cms: Uint8Array): Promise<Entity> => readEntity(Buffer.from(await collect(decompress([cms], { maxOutputBytes: 2 ** 24 }).content, 2 ** 24)))
const verify = (entity: Entity, certificate: Certificate, allow: Allowances = {}): SignatureReport & { content: Buffer } => {
  const [content, signature] = partsOf(entity) as [Buffer, Buffer]
  const info = parseSignedData(cmsOf(readEntity(signature)))
  return { ...verifySignedData(info, { trusted: [{ certificate }], digests: candidatesOf(content, info.digestAlgorithms), allow }), content }
}
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const refusal = (code: string): Error => expect.objectContaining({ code }) as Error

describe.skipIf(fixtures.absent)(`messages of OpenAS2${fixtures.note}`, () => {
  const lab = (name: string): Buffer => fixtures.bytes(`lab-openas2/${name}`)
  const index = fixtures.absent ? [] : (JSON.parse(lab('index.json').toString()) as LabMessage[])
  const ours = (): readonly [Certificate, KeyObject] => [readCertificate(lab('keys/oas2b.crt.pem')), readPrivateKey(lab('keys/oas2b.key.pem'))]

  it.each(index.filter(({ file }) => file.endsWith('.msg.req')))('$file is opened and verified down to its payload', async ({ file, layers, payload_sha256 }) => {
    const partner = readCertificate(lab('keys/oas2a.crt.pem'))
    const allow = { sha1: true, md5: true, tripleDes: true }
    let entity = readMessage(lab(file))
    const seen: string[] = []
    for (;;) {
      if (/multipart\/signed/i.test(entity.headers)) {
        const report = verify(entity, partner, allow)
        seen.push(`S[${report.digestAlgorithm}`)
        entity = readEntity(report.content)
      } else if (/smime-type="?compressed/i.test(entity.headers)) {
        entity = await inflate(cmsOf(entity))
        seen.push('Z')
      } else if (/pkcs7-mime/i.test(entity.headers)) {
        entity = await open(cmsOf(entity), ...ours(), allow)
        seen.push('E')
      } else break
    }
    expect(seen).toEqual(layers.flatMap((layer) => /^(?:S\[\w+|[EZ])/.exec(layer)?.[0].replace(/^([EZ]).*/, '$1') ?? []))
    const payload = /content-transfer-encoding:\s*base64/i.test(entity.headers) ? Buffer.from(entity.body.toString('latin1'), 'base64') : entity.body
    expect(createHash('sha256').update(payload).digest('hex')).toBe(payload_sha256)
  })
})

describe.skipIf(fixtures.absent)(`messages of further products${fixtures.note}`, () => {
  const third = (name: string): Buffer => fixtures.bytes(`third-party/${name}`)
  const pyas2 = (name: string): Buffer => third(`pyas2-lib/pyas2lib/tests/fixtures/${name}`)
  const libas2 = (name: string): Buffer => third(`node-libas2/test/test-data/${name}`)

  const legacy = { sha1: true, md5: true, minRsaBits: 512 }

  it('PKI.js (libas2): AES-128-CBC with RSA-OAEP and SHA-512 is opened', async () => {
    const entity = await open(cmsOf(readMessage(libas2('content.encrypted.txt'))), readCertificate(libas2('libas2community.cer')), readPrivateKey(libas2('libas2community.key')))
    expect(entity.headers + entity.body.toString()).toMatch(/content-type/i)
  })

  it('PKI.js (libas2): attributes that are not in DER order are verified as sent', () => {
    const report = verify(readMessage(libas2('content.signed.txt')), readCertificate(libas2('libas2community.cer')))
    expect(report.attributes).toBe('as-received')
  })

  it('mendelson: CRLF headers over a body with LF', () => {
    const report = verify(readMessage(third('restored/mecas2_signed.as2')), readCertificate(pyas2('cert_mecas2_public.pem')), { minRsaBits: 1024, sha1: true })
    expect(base64(report.digest)).toBe('G6PhshLOERWJEIfypIh6Q3sno6cBUWJBDky1igJvDMo=')
  })

  it('RSSBus: no transfer encoding, LF in the body, SHA-1', () => {
    const entity = readMessage(third('restored/rssbus-issue12-signed.as2'))
    const [content, signature] = partsOf(entity) as [Buffer, Buffer]
    const info = parseSignedData(cmsOf(readEntity(signature)))
    expect(candidatesOf(content, info.digestAlgorithms).map(({ digest }) => base64(digest))).toContain('at/9v/j0Bth6KTBNxkUmv1xHhOo=')
  })

  it('IBM Sterling: no signed attributes, a binary signature, compressed before it was signed', async () => {
    const report = verify(readMessage(third('restored/sterling-signed-compressed.as2')), readCertificate(pyas2('cert_sb2bi_public.pem')), { sha1: true, minRsaBits: 1024 })
    expect(report).toMatchObject({ attributes: 'none', digestAlgorithm: 'sha1', warnings: expect.arrayContaining(['certificate-expired']) as string[] })
    expect(base64(report.digest)).toBe('nZlzT7DuLh1J6ijDrDTkByY6WSM=')
    expect((await inflate(readEntity(report.content).body)).body).toHaveLength(2247)
    expect(() => verify(readMessage(third('restored/sterling-signed-compressed.as2')), readCertificate(pyas2('cert_sb2bi_public.pem')))).toThrow(refusal('cms.algorithm_refused'))
  })

  it('mendelson: 3DES under an exception, with the key out of an old RC2 container', async () => {
    const [entry] = readPkcs12(pyas2('cert_test.p12'), 'test').entries
    const [certificate, privateKey] = [entry!.certificate!, entry!.privateKey]
    for (const name of ['mecas2_encrypted.as2', 'mecas2_signed_encrypted.as2', 'mecas2_compressed_signed_encrypted.as2']) {
      const cms = cmsOf(readMessage(pyas2(name)))
      await expect(open(cms, certificate, privateKey, { minRsaBits: 1024 })).rejects.toMatchObject({ code: 'cms.algorithm_refused' })
      const { headers, body } = await open(cms, certificate, privateKey, { tripleDes: true, minRsaBits: 1024 })
      expect(headers.length + body.length).toBeGreaterThan(500)
    }
  })

  it('tells which form a message has whose line ends were converted on the way: never the raw one', () => {
    const mendelson = readCertificate(pyas2('cert_mecas2_public.pem'))
    expect(verify(readMessage(pyas2('mecas2_signed.as2')), mendelson, legacy).candidate.form).toBe('header-canonical')
    const sterling = readMessage(pyas2('sb2bi_signed_cmp.msg'))
    expect(verify(sterling, readCertificate(pyas2('cert_sb2bi_public.pem')), legacy).candidate.form).toBe('header-canonical')
    expect(verify(readMessage(libas2('mdn.signed.txt')), readCertificate(libas2('as2testing.cer')), legacy).candidate.form).toBe('canonical')
  })

  it('refuses receipts that only their embedded certificate verifies', () => {
    const receipt = readMessage(pyas2('mecas2_signed.mdn'))
    const embedded = parseSignedData(cmsOf(readEntity(partsOf(receipt)[1]!))).embeddedCertificates
    expect(embedded.length).toBeGreaterThan(0)
    expect(verify(receipt, embedded[0]!.certificate!, legacy).signerCount).toBe(1)
    expect(() => verify(receipt, readCertificate(libas2('as2testing.cer')), legacy)).toThrow(refusal('cms.signer_unknown'))
  })

  it('ends in a clean error where DER was destroyed by UTF-8', () => {
    const payload = third('phase2/phase2-lib/src/test/resources/external/mdn/4af6f84c-d882-4466-8e0c-305a7fbe37b3.payload')
    const der = payload.subarray(payload.indexOf(Buffer.from([0x30, 0xef])))
    expect(() => parseSignedData(der)).toThrow(expect.objectContaining({ name: 'CmsError' }) as Error)
  })

  it('reads every certificate and key that comes with them', () => {
    for (const name of ['cert_extract_private.cer', 'cert_extract_public.cer', 'cert_extract_public.pem', 'cert_mecas2_public.pem', 'cert_oldpyas2_public.pem', 'cert_sb2bi_public.ca', 'cert_test_public.pem', 'verify_cert_test1.pem', 'verify_cert_test2.cer', 'verify_cert_test3.ca', 'verify_cert_test3.pem'])
      expect(readCertificates(pyas2(name)).length).toBeGreaterThan(0)
    for (const name of ['mendelson/key4.cer', 'mendelson/old/key2.cer']) expect(readCertificate(third(`phase2/phase2-lib/src/test/resources/external/${name}`)).keyBits).toBeGreaterThan(500)
  })

  it('mendelson: compressed, then signed', async () => {
    const report = verify(readMessage(pyas2('mecas2_compressed.as2')), readCertificate(pyas2('cert_mecas2_public.pem')), legacy)
    expect(base64(report.digest)).toBe('14SZThwSYUH4aPdkglDwdRFnKUFmgjKsJFZWcSXBTww=')
    expect((await inflate(cmsOf(readEntity(report.content)))).body.length).toBeGreaterThan(500)
  })
})
