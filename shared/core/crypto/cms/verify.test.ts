import { createSign, randomBytes, type KeyObject } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { derElement, derNull, derOctetString, derOid, derSequence, derSetOf, derSmallInteger, derTagged, TAG } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { digestOf } from '../primitives/index.ts'
import { generateSelfSigned, type Certificate } from '../x509/index.ts'
import { algorithm, attribute, signedData, signerInfo, usualAttributes, type SignerParts } from './crafted.ts'
import { candidatesOf, collect, createDetachedSignature, parseSignedData, signOpaque, verifyOpaque, verifySignedData, type Allowances, type SignatureReport } from './index.ts'

interface Pair {
  certificate: Certificate
  privateKey: KeyObject
}
let ours: Pair
let other: Pair
const content = Buffer.from('Content-Type: text/plain\r\n\r\nfirst\nsecond\n')
const digest = digestOf('sha256', content)

beforeAll(async () => {
  ours = await generateSelfSigned({ subject: { commonName: 'partner' }, key: 'rsa-2048' })
  other = await generateSelfSigned({ subject: { commonName: 'partner' }, key: 'rsa-2048' })
})

const verify = (message: Uint8Array, options: { trusted?: Pair[]; allow?: Allowances; bytes?: Uint8Array; at?: Date } = {}): SignatureReport => {
  const info = parseSignedData(message)
  const { trusted = [ours], allow = {}, bytes = content, at } = options
  return verifySignedData(info, { trusted: trusted.map(({ certificate }) => ({ certificate })), digests: candidatesOf(bytes, info.digestAlgorithms), allow, ...(at === undefined ? {} : { at }) })
}
const code = (name: string): Error => expect.objectContaining({ code: `cms.${name}` }) as Error
const info = (parts: Partial<SignerParts> = {}): Uint8Array => signerInfo({ certificate: ours.certificate, key: ours.privateKey, attributes: usualAttributes(digest), ...parts })

describe('who signed', () => {
  it('is only ever a trusted certificate; embedded ones never count', () => {
    const theirs = createDetachedSignature({ signer: other, digestAlgorithm: 'sha256', digest })
    expect(parseSignedData(theirs).embeddedCertificates).toHaveLength(1)
    expect(() => verify(theirs)).toThrow(code('signer_unknown'))
    expect(verify(theirs, { trusted: [ours, other] }).signer.certificate).toBe(other.certificate)
  })

  it('is not whoever names the trusted certificate', () => {
    const forged = signedData([info({ key: other.privateKey })], { certificates: [other.certificate.der] })
    expect(() => verify(forged)).toThrow(code('signature_invalid'))
  })

  it('is found among other signers, and the report says that there were others', () => {
    const report = verify(signedData([info(), signerInfo({ certificate: other.certificate, key: other.privateKey, attributes: usualAttributes(digest) })]))
    expect(report).toMatchObject({ signerCount: 2, warnings: ['other-signers-ignored'] })
  })

  it('is refused as ambiguous when two signatures verify', () => {
    expect(() => verify(signedData([info(), info()]))).toThrow(code('signer_ambiguous'))
    const second = signerInfo({ certificate: other.certificate, key: other.privateKey, attributes: usualAttributes(digest) })
    expect(() => verify(signedData([info(), second]), { trusted: [ours, other] })).toThrow(code('signer_ambiguous'))
  })

  it('is tried with every trusted certificate of the same issuer and serial number', () => {
    const twin = { ...other.certificate, issuerDer: ours.certificate.issuerDer, serial: ours.certificate.serial }
    expect(verify(signedData([info()]), { trusted: [{ ...other, certificate: twin }, ours] }).signer.certificate).toBe(ours.certificate)
  })

  it('is found under a name that was encoded anew', () => {
    const recoded = derSequence(derSetOf([derSequence(derOid(OID.commonName), derElement(TAG.printableString, Buffer.from('Partner')))]))
    expect(verify(signedData([info({ certificate: { ...ours.certificate, issuerDer: recoded } })])).matchedBy).toBe('name-serial')
  })

  it('is nobody in a message without signatures', () => {
    expect(() => verify(signedData([]))).toThrow(code('signer_unknown'))
  })

  it('may be expired or not valid yet, or lack the usage: told, not decided', () => {
    const { notBefore, notAfter } = ours.certificate
    expect(verify(signedData([info()]), { at: new Date(notAfter.getTime() + 1000) }).warnings).toEqual(['certificate-expired'])
    expect(verify(signedData([info()]), { at: new Date(notBefore.getTime() - 1000) }).warnings).toEqual(['certificate-not-yet-valid'])
    const without = { ...ours, certificate: { ...ours.certificate, keyUsage: ['keyEncipherment' as const] } }
    expect(verify(signedData([info()]), { trusted: [without] }).warnings).toEqual(['key-usage-lacks-digital-signature'])
  })
})

describe('what was signed', () => {
  it('is this content and no other', () => {
    expect(() => verify(signedData([info()]), { bytes: Buffer.from('other') })).toThrow(code('content_changed'))
    expect(() => verify(signedData([info({ attributes: null, content })]), { bytes: Buffer.from('other') })).toThrow(code('signature_invalid'))
    expect(verify(signedData([info({ attributes: null, content })])).attributes).toBe('none')
  })

  it('may be the canonical form, and the report says which', () => {
    const canonical = Buffer.from(content.toString().replaceAll(/\r?\n/g, '\r\n'))
    expect(verify(signedData([info({ attributes: usualAttributes(digestOf('sha256', canonical)) })])).candidate).toMatchObject({ form: 'canonical', ending: 'as-is' })
    const removed = content.subarray(0, -1)
    expect(() => verify(signedData([info({ attributes: usualAttributes(digestOf('sha256', removed)) })]))).toThrow(code('content_changed'))
  })

  it('cannot be the attributes of another signature', () => {
    const attributes = usualAttributes(digest)
    const stolen = derElement(TAG.set, ...attributes)
    const message = signedData([info({ attributes: null, content: stolen })])
    expect(() => verify(message, { bytes: stolen })).toThrow(code('signature_invalid'))
  })

  it('needs no sorted attributes, and forgives a signer who sorted only what was signed', () => {
    const unsorted = usualAttributes(digest).toReversed()
    expect(verify(signedData([info({ attributes: unsorted })])).attributes).toBe('as-received')
    const signature = createSign('sha256').update(derSetOf(unsorted)).sign(ours.privateKey)
    const sorted = derSequence(derSmallInteger(1), derSequence(ours.certificate.issuerDer, derElement(TAG.integer, ours.certificate.serial)), algorithm(OID.sha256), derElement(0xa0, ...unsorted), algorithm(OID.rsaEncryption), derOctetString(signature))
    expect(verify(signedData([sorted])).attributes).toBe('der-sorted')
  })

  it('passes over attributes that cannot be read, but refuses doubled, missing and contradicting ones', () => {
    const odd = derSequence(derOid('1.2.3.4'), derElement(TAG.set, Uint8Array.of(0x30, 0x7f)))
    expect(verify(signedData([info({ attributes: [...usualAttributes(digest), odd] })])).attributes).toBe('as-received')
    const [type, value] = usualAttributes(digest) as [Uint8Array, Uint8Array]
    for (const attributes of [
      [type, value, value],
      [type],
      [value],
      [attribute(OID.contentType, derOid(OID.signedData)), value],
      [type, attribute(OID.messageDigest, derOctetString(digest), derOctetString(digest))],
      [type, attribute(OID.messageDigest)],
    ]) expect(() => verify(signedData([info({ attributes })]))).toThrow(code('signature_invalid'))
  })

  it('is protected by the algorithms that it names, when it names them', () => {
    const naming = (hash: string, signature: string): Uint8Array => attribute(OID.algorithmProtection, derSequence(algorithm(hash), derElement(0xa1, derOid(signature), derNull())))
    expect(verify(signedData([info({ attributes: [...usualAttributes(digest), naming(OID.sha256, OID.rsaEncryption)] })])).algorithmProtection).toBe('verified')
    expect(() => verify(signedData([info({ attributes: [...usualAttributes(digest), naming(OID.sha512, OID.rsaEncryption)] })]))).toThrow(code('signature_invalid'))
    expect(() => verify(signedData([info({ attributes: [...usualAttributes(digest), naming(OID.sha256, OID.sha256WithRsa)] })]))).toThrow(code('signature_invalid'))
  })
})

describe('with what was signed', () => {
  it('PSS without parameters, a digest where the signature algorithm belongs, and mixed digests are refused', () => {
    for (const signatureAlgorithm of [algorithm(OID.rsaPss, null), algorithm(OID.rsaPss), algorithm(OID.sha256), algorithm(OID.sha512WithRsa)])
      expect(() => verify(signedData([info({ signatureAlgorithm })]))).toThrow(code('algorithm_refused'))
    expect(verify(signedData([info({ signatureAlgorithm: algorithm(OID.sha256WithRsa, null) })])).scheme).toBe('rsa-pkcs1')
    expect(() => verify(signedData([info({ signatureAlgorithm: algorithm('1.2.3.4.5') })]))).toThrow(code('unsupported'))
  })

  it('a PSS signature must have the salt that it declares', () => {
    const made = createDetachedSignature({ signer: ours, digestAlgorithm: 'sha256', digest, scheme: 'rsa-pss' })
    expect(verify(made).scheme).toBe('rsa-pss')
    const declared = derTagged(2, derSmallInteger(32))
    const at = Buffer.from(made).indexOf(declared)
    const changed = Buffer.from(made)
    changed[at + declared.length - 1] = 20
    expect(() => verify(changed)).toThrow(code('signature_invalid'))
  })

  it('SHA-1 and MD5 verify under their allowance only, and MD5 is never made', () => {
    for (const name of ['sha1', 'md5'] as const) {
      const message = signedData([info({ digestAlgorithm: name, attributes: usualAttributes(digestOf(name, content)) })], { digests: [name] })
      expect(() => verify(message)).toThrow(code('algorithm_refused'))
      expect(() => verify(message, { allow: name === 'md5' ? { sha1: true } : { md5: true } })).toThrow(code('algorithm_refused'))
      expect(verify(message, { allow: { [name]: true } }).digestAlgorithm).toBe(name)
    }
    expect(() => createDetachedSignature({ signer: ours, digestAlgorithm: 'md5', digest, allow: { md5: true } })).toThrow(code('algorithm_refused'))
    expect(() => createDetachedSignature({ signer: ours, digestAlgorithm: 'sha1', digest })).toThrow(code('algorithm_refused'))
  })

  it('keys below the bound are refused, and foreign ones never used', () => {
    expect(() => verify(signedData([info()]), { allow: { minRsaBits: 3072 } })).toThrow(code('algorithm_refused'))
    expect(() => createDetachedSignature({ signer: ours, digestAlgorithm: 'sha256', digest, allow: { minRsaBits: 3072 } })).toThrow(code('algorithm_refused'))
    expect(() => createDetachedSignature({ signer: { ...ours, privateKey: other.privateKey }, digestAlgorithm: 'sha256', digest })).toThrow(code('key_unusable'))
    expect(() => createDetachedSignature({ signer: ours, digestAlgorithm: 'sha256', digest, scheme: 'ecdsa' })).toThrow(code('key_unusable'))
  })

  it('a digest that the message does not announce is still computed', () => {
    const message = signedData([info({ digestAlgorithm: 'sha384', attributes: usualAttributes(digestOf('sha384', content)) })], { digests: [] })
    expect(verify(message).digestAlgorithm).toBe('sha384')
  })
})

describe('opaque messages', () => {
  const open = async (message: Uint8Array, trusted = [ours]): Promise<string> => {
    const opened = verifyOpaque([message], { trusted: trusted.map(({ certificate }) => ({ certificate })) })
    const bytes = await collect(opened.content, 2 ** 24)
    await opened.result
    return Buffer.from(bytes).toString()
  }

  it('give their content, and only count when it is the signed one', async () => {
    expect(await open(signedData([info()], { content }))).toBe(content.toString())
    await expect(open(signedData([info()], { content: Buffer.from('replaced') }))).rejects.toMatchObject({ code: 'cms.content_changed' })
    await expect(open(signedData([info()], { content }), [other])).rejects.toMatchObject({ code: 'cms.signer_unknown' })
    await expect(open(signedData([info()]))).rejects.toMatchObject({ code: 'cms.unexpected_type' })
  })

  it('are verified in the canonical form never: the content is inside, as it was signed', async () => {
    const canonical = Buffer.from(content.toString().replaceAll(/\r?\n/g, '\r\n'))
    await expect(open(signedData([info({ attributes: usualAttributes(digestOf('sha256', canonical)) })], { content }))).rejects.toMatchObject({ code: 'cms.content_changed' })
  })

  it('of many megabytes are the same through the digesting thread', async () => {
    const large = randomBytes(9_000_000)
    const made = await collect(signOpaque([large], { signer: ours, digestAlgorithm: 'sha512' }), 2 ** 24)
    const opened = verifyOpaque([made.subarray(0, 5_000_000), made.subarray(5_000_000)], { trusted: [ours] })
    expect(large.equals(await collect(opened.content, 2 ** 24))).toBe(true)
    expect((await opened.result).digest).toEqual(digestOf('sha512', large))
  })
})
