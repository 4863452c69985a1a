import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { childrenOf, contentOf, rawOf, readBer } from '../asn1/ber-node.ts'
import { derBitString, derElement, derNull, derOctetString, derOid, derSequence, derSetOf, derTagged, derText, TAG } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { fixtures } from '../cms/fixture-messages.ts'
import { certificatesOnly, createCertificateRequest, generateSelfSigned, inspectCertificate, keyMatchesCertificate, knownTestKey, readCertificate, readCertificates, readIssuedCertificate, readPkcs12, writePem, writePkcs12 } from './index.ts'

const made = await generateSelfSigned({ subject: { commonName: 'Ä station', country: 'de' }, key: 'rsa-2048', altNames: [{ type: 'dns', value: 'as2.example' }, { type: 'ip', value: '2001:db8::1' }] })
const { certificate, privateKey } = made
const codes = (der: Uint8Array, at?: Date): string[] => inspectCertificate(readCertificate(der), at).map(({ code }) => code)

/** The certificate with parts of its body replaced; nobody checks its signature here. */
function altered(change: (parts: Uint8Array[]) => void): Uint8Array {
  const [body, algorithm, signature] = childrenOf(readBer(certificate.der))
  const parts = childrenOf(body!).map(rawOf)
  change(parts)
  return derSequence(derSequence(...parts), rawOf(algorithm!), rawOf(signature!))
}
const [VERSION, SERIAL, ISSUER, VALIDITY, SUBJECT, KEY, EXTENSIONS] = [0, 1, 3, 4, 5, 6, 7] as const

describe('the certificate reader', () => {
  it('takes every wrapping: PEM, DER, bare Base64, UTF-16, PKCS#7, text around it', () => {
    const { der } = certificate
    const base64 = Buffer.from(der).toString('base64').replaceAll(/.{64}/g, '$&\r\n')
    const utf16 = Buffer.from(`\ufeff${certificate.pem()}`, 'utf16le')
    for (const form of [der, certificate.pem(), Buffer.from(certificate.pem()), base64, Buffer.from(base64), utf16, Buffer.from(utf16).swap16(), `Bag Attributes\n  name: x\n${certificate.pem().replaceAll('\n', '\r\n')}`, writePem('X509 CERTIFICATE', der), writePem('TRUSTED CERTIFICATE', Buffer.concat([der, derSequence()])), Buffer.concat([der, Buffer.from('\r\n')])])
      expect(readCertificate(form).fingerprintSha256).toBe(certificate.fingerprintSha256)
    const bundle = certificatesOnly([der, der])
    for (const form of [bundle, Buffer.from(writePem('PKCS7', bundle)), writePem('CMS', bundle), Buffer.from(bundle).toString('base64')]) expect(readCertificates(form)).toHaveLength(2)
  })

  it('takes what breaks the rules, and says what it is (Drummond)', () => {
    const named = (tag: number, text: string, oid: string = OID.commonName): Uint8Array => derSequence(derSetOf([derSequence(derOid(oid), derText(tag, text))]))
    expect(readCertificate(altered((parts) => (parts[SUBJECT] = named(TAG.ia5String, 'name')))).commonName).toBe('name')
    expect(readCertificate(altered((parts) => (parts[SUBJECT] = named(TAG.printableString, 'a#b_c@d')))).commonName).toBe('a#b_c@d')
    expect(readCertificate(altered((parts) => (parts[SUBJECT] = named(TAG.printableString, 'USA', OID.country)))).subject).toBe('C=USA')
    expect(codes(altered((parts) => (parts[SERIAL] = derElement(TAG.integer, Uint8Array.of(0xfe)))))).toEqual(['serial-not-positive'])
    expect(codes(altered((parts) => (parts[SERIAL] = derElement(TAG.integer, Uint8Array.of(0)))))).toEqual(['serial-not-positive'])
    expect(codes(altered((parts) => (parts[SERIAL] = derElement(TAG.integer, Buffer.alloc(40, 1)))))).toEqual(['serial-long'])
    const extension = (oid: string, value: Uint8Array): Uint8Array => derTagged(3, derSequence(derSequence(derOid(oid), derOctetString(value))))
    for (const oid of [OID.authorityKeyIdentifier, OID.keyUsage, OID.subjectAltName, OID.extendedKeyUsage]) {
      const odd = altered((parts) => (parts[EXTENSIONS] = extension(oid, Uint8Array.of(0x30, 0x7f))))
      expect(readCertificate(odd).unreadableExtensions).toEqual([oid])
      expect(codes(odd)).toEqual(['extension-unreadable'])
    }
    expect(codes(altered((parts) => parts.splice(EXTENSIONS, 1).concat(parts.splice(VERSION, 1))))).toEqual(['version-1'])
    expect(readCertificate(altered((parts) => (parts[VALIDITY] = derSequence(derText(TAG.utcTime, '2001010000Z'), derText(TAG.generalizedTime, '20500101000000.5+0100'))))).notAfter.toISOString()).toBe('2049-12-31T23:00:00.500Z')
    expect(() => readCertificate(altered((parts) => (parts[VALIDITY] = derSequence())))).toThrow(expect.objectContaining({ code: 'cms.certificate_unreadable' }) as Error)
    expect(() => readCertificate('-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----')).toThrow(expect.objectContaining({ code: 'cms.certificate_unreadable' }) as Error)
  })

  it('finds what makes a certificate dangerous', () => {
    expect(codes(certificate.der)).toEqual([])
    expect(codes(certificate.der, new Date('2100-01-01'))).toEqual(['expired'])
    expect(codes(certificate.der, new Date('2000-01-01'))).toEqual(['not-yet-valid'])
    expect(codes(altered((parts) => (parts[VALIDITY] = derSequence(derText(TAG.utcTime, '300101000000Z'), derText(TAG.utcTime, '200101000000Z')))))).toEqual(['validity-inverted'])
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'der' })
    expect(codes(altered((parts) => (parts[KEY] = small)))).toEqual(['key-small'])
    const modulus = rawOf(childrenOf(readBer(contentOf(childrenOf(readBer(certificate.spkiDer))[1]!).subarray(1)))[0]!)
    const exponentOne = derSequence(derSequence(derOid(OID.rsaEncryption), derNull()), derBitString(derSequence(modulus, derElement(TAG.integer, Uint8Array.of(1)))))
    expect(codes(altered((parts) => (parts[KEY] = exponentOne)))).toEqual(['exponent-small'])
    expect(codes(altered((parts) => (parts[KEY] = derSequence(derSequence(derOid('1.2.3')), derBitString(Uint8Array.of(1))))))).toEqual(['key-unreadable'])
    const issuedWithSha1 = altered((parts) => (parts[ISSUER] = derSequence()))
    const [body, , signature] = childrenOf(readBer(issuedWithSha1)).map(rawOf)
    expect(codes(derSequence(body!, derSequence(derOid(OID.sha1WithRsa), derNull()), signature!))).toEqual(['weak-signature'])
  })

  it.skipIf(fixtures.absent)(`knows the test keys that products ship${fixtures.note}`, () => {
    const at = 'third-party/phase2/phase2-lib/src/test/resources/external/mendelson/'
    expect(knownTestKey(readCertificate(fixtures.bytes(`${at}key4.cer`)))).toMatchObject({ product: 'mendelson AS2', name: 'mendelson test key 4' })
    for (const name of ['old/key1.pfx', 'key3.pfx']) {
      const [entry] = readPkcs12(fixtures.bytes(at + name), 'test', { requireKey: true }).entries
      expect(inspectCertificate(entry!.certificate!)[0]).toMatchObject({ severity: 'error', code: 'known-test-key' })
    }
    expect(knownTestKey(certificate)).toBeUndefined()
  })
})

describe('a request for a certificate', () => {
  it('names the subject and what is asked for, and is signed by the key', () => {
    const request = createCertificateRequest({ subject: { commonName: 'Ä station' }, altNames: [{ type: 'dns', value: 'as2.example' }] }, privateKey)
    const [info] = childrenOf(readBer(request.der))
    expect(Buffer.from(certificate.spkiDer).equals(rawOf(childrenOf(info!)[2]!))).toBe(true)
    expect(Buffer.from(request.der).includes('as2.example')).toBe(true)
    expect(request.pem()).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----\n/)
    const unfit = generateKeyPairSync('ed25519').privateKey
    expect(() => createCertificateRequest({ subject: { commonName: 'x' } }, unfit)).toThrow(expect.objectContaining({ code: 'cms.key_unusable' }) as Error)
  })

  it('is answered by the certificate for the key, wherever it stands in the answer', async () => {
    const stranger = await generateSelfSigned({ subject: { commonName: 'stranger' }, key: 'ec-p256' })
    expect(readIssuedCertificate(certificatesOnly([stranger.certificate.der, certificate.der]), privateKey).certificate.fingerprintSha256).toBe(certificate.fingerprintSha256)
    expect(() => readIssuedCertificate(stranger.certificate.pem(), privateKey)).toThrow(expect.objectContaining({ code: 'cms.key_unusable' }) as Error)
  })
})

describe('a PKCS#12 container', () => {
  it.each(['modern', 'compatible'] as const)('comes back whole (%s)', async (form) => {
    const elliptic = await generateSelfSigned({ subject: { commonName: 'ec' }, key: 'ec-p256' })
    const der = writePkcs12({ entries: [{ ...made, friendlyName: 'erste ✓' }, { ...elliptic, chain: [elliptic.certificate] }], certificates: [certificate], password: 'geheim ✓', form })
    const { entries, certificates } = readPkcs12(der, 'geheim ✓')
    expect(entries.map((entry) => [entry.friendlyName, keyMatchesCertificate(entry.privateKey, entry.certificate!)])).toEqual([['erste ✓', true], ['ec', true]])
    expect(certificates).toEqual([])
  })

  it('says exactly why it does not open', () => {
    const der = writePkcs12({ entries: [made], password: 'right' })
    const error = (code: string): Error => expect.objectContaining({ code }) as Error
    expect(() => readPkcs12(der, 'wrong')).toThrow(error('cms.wrong_password'))
    expect(() => readPkcs12(der, '')).toThrow(error('cms.wrong_password'))
    expect(() => readPkcs12(der, 'right', { keyPassword: 'other' })).toThrow(error('cms.wrong_password'))
    expect(() => readPkcs12(der.subarray(0, 900), 'right')).toThrow(error('cms.malformed'))
    expect(() => readPkcs12(certificate.der, 'right')).toThrow(error('cms.malformed'))
    expect(() => readPkcs12(writePkcs12({ entries: [], certificates: [certificate], password: 'x' }), 'x', { requireKey: true })).toThrow(error('cms.no_private_key'))
    expect(() => writePkcs12({ entries: [made], password: '' })).toThrow(error('cms.wrong_password'))
    const many = Buffer.from(der)
    const count = Buffer.from([0x02, 0x03, 0x00, 0xc3, 0x50])
    many.set([0x02, 0x03, 0x7f, 0xff, 0xff], many.lastIndexOf(count))
    expect(() => readPkcs12(many, 'right')).toThrow(error('cms.limit'))
  })
})
