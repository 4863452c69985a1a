/** X.509 certificates as items of the inventory. Pure. */
import { createHash } from 'node:crypto'
import type { CertificateFacts, X509Details } from '../../contract/trust-details.ts'
import type { TrustKind } from '../../contract/trust-words.ts'
import { OID } from '../crypto/asn1/oids.ts'
import { CmsError } from '../crypto/cms/errors.ts'
import { readCertificate, readCertificates, type Certificate } from '../crypto/x509/index.ts'
import { timestamp } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { NewItem } from './new-item.ts'

const PURPOSES: Readonly<Record<string, string>> = {
  [OID.serverAuth]: 'serverAuth',
  [OID.clientAuth]: 'clientAuth',
  [OID.emailProtection]: 'emailProtection',
  '2.5.29.37.0': 'any',
}

const SIGNATURES: Readonly<Record<string, string>> = {
  [OID.md5WithRsa]: 'md5WithRSA',
  [OID.sha1WithRsa]: 'sha1WithRSA',
  [OID.sha1WithRsaOiw]: 'sha1WithRSA',
  [OID.sha256WithRsa]: 'sha256WithRSA',
  [OID.sha384WithRsa]: 'sha384WithRSA',
  [OID.sha512WithRsa]: 'sha512WithRSA',
  [OID.rsaPss]: 'RSA-PSS',
  [OID.ecdsaWithSha1]: 'ecdsaWithSHA1',
  [OID.ecdsaWithSha256]: 'ecdsaWithSHA256',
  [OID.ecdsaWithSha384]: 'ecdsaWithSHA384',
  [OID.ecdsaWithSha512]: 'ecdsaWithSHA512',
}

/** A certificate as the inventory keeps it, with the certificates above it. */
export function certificateItem(certificate: Certificate, chain: readonly Certificate[] = []): NewItem {
  return {
    algorithm: certificate.keyType === 'ec' ? `EC ${certificate.curve ?? ''}`.trimEnd() : certificate.keyType.toUpperCase(),
    bits: certificate.keyBits ?? null,
    fingerprint: `sha256:${certificate.fingerprintSha256}`,
    publicKey: certificate.pem(),
    notBefore: timestamp(certificate.notBefore.getTime()),
    notAfter: timestamp(certificate.notAfter.getTime()),
    keyId: keyIdOf(certificate.spkiDer),
    x509: detailsOf(certificate, chain),
    chain: chain.map((one) => one.pem()),
  }
}

/** `spki:` and the SHA-256 of a SubjectPublicKeyInfo in Base64, as pins have it. */
export function keyIdOf(spki: Uint8Array): string {
  return `spki:${createHash('sha256').update(spki).digest('base64')}`
}

/** What a certificate is called here when nobody said. */
export function labelOf(certificate: Certificate): string {
  return (certificate.commonName ?? certificate.subject).slice(0, 200) || `Certificate ${certificate.serialHex}`
}

/**
 * Whether a certificate stands for somebody (`x509`) or for an authority (`ca`). Many products make self-signed certificates of a
 * partner with the CA flag; those that may encrypt, or that do not limit their usage, stand for the partner.
 */
export function kindOfCertificate(certificate: Certificate): Extract<TrustKind, 'x509' | 'ca'> {
  if (certificate.isCa !== true) return 'x509'
  if (!certificate.selfIssued) return 'ca'
  const usage = certificate.keyUsage
  const standsForSomebody = usage === undefined || usage.some((one) => one === 'keyEncipherment' || one === 'dataEncipherment')
  return standsForSomebody ? 'x509' : 'ca'
}

export function detailsOf(certificate: Certificate, chain: readonly Certificate[] = []): X509Details {
  return {
    ...factsOf(certificate),
    commonName: certificate.commonName ?? null,
    selfSigned: certificate.selfIssued,
    isCa: certificate.isCa ?? false,
    keyType: certificate.keyType,
    keyUsage: certificate.keyUsage === undefined ? null : [...certificate.keyUsage],
    extendedKeyUsage: certificate.extendedKeyUsage?.map((oid) => PURPOSES[oid] ?? oid) ?? null,
    altNames: certificate.altNames.map(({ type, value }) => `${type}:${value}`),
    signature: SIGNATURES[certificate.signatureOid] ?? certificate.signatureOid,
    chain: chain.map(factsOf),
  }
}

function factsOf(certificate: Certificate): CertificateFacts {
  return {
    subject: certificate.subject,
    issuer: certificate.issuer,
    serial: certificate.serialHex,
    notBefore: timestamp(certificate.notBefore.getTime()),
    notAfter: timestamp(certificate.notAfter.getTime()),
    sha256: certificate.fingerprintSha256,
    sha1: certificate.fingerprintSha1,
  }
}

/** The details of a certificate in PEM, or null when the text is none. */
export function detailsOfPem(text: string | null): X509Details | null {
  if (text === null || !text.startsWith('-----BEGIN CERTIFICATE')) return null
  try {
    return detailsOf(readCertificate(text))
  } catch {
    return null
  }
}

/** What the codec refuses, in the operator's words: `key.malformed`, `key.unsupported` or `key.wrong_passphrase`. */
export function inOperatorsWords<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof CmsError)) throw error
    const code = error.code === 'cms.unsupported' ? 'key.unsupported' : error.code === 'cms.wrong_password' ? 'key.wrong_passphrase' : 'key.malformed'
    throw new AppError(code, error.message, { cause: error })
  }
}

/** Every certificate of a PEM, DER or PKCS#7 file, each once. */
export function certificatesIn(content: Uint8Array | string): Certificate[] {
  const found = inOperatorsWords(() => readCertificates(content))
  return [...new Map(found.map((certificate) => [certificate.fingerprintSha256, certificate])).values()]
}
