/** What an X.509 file brings along: certificates with the chains above them and the private keys that belong to them. Pure. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { TrustKind } from '../../contract/trust-words.ts'
import { chainAbove, keyMatchesCertificate, pemTextOf, privateKeyPem, readPem, readPkcs12, readPrivateKey, writePem, type Certificate, type Pkcs12Contents } from '../crypto/x509/index.ts'
import { childrenOf, contentOf, readBer } from '../crypto/asn1/ber-node.ts'
import { sniffCms } from '../crypto/cms/content-info.ts'
import { AppError } from '../kernel/errors.ts'
import { certificateItem, certificatesIn, inOperatorsWords, keyIdOf, kindOfCertificate, labelOf } from './certificates.ts'
import type { NewItem } from './new-item.ts'

/** An item that a file would make. */
export interface Found {
  readonly kind: TrustKind
  readonly key: NewItem
  readonly label: string
}

/** A private key without its certificate; the certificate may be in the inventory already. */
export interface LoneKey {
  readonly keyId: string
  /** PKCS#8 in PEM, unprotected. */
  readonly privateKey: string
}

export interface X509Material {
  /** What the file is, for people. */
  readonly format: string
  readonly found: readonly Found[]
  readonly loneKeys: readonly LoneKey[]
}

export interface X509Request {
  readonly passphrase?: string | undefined
  /** Settles what a self-signed certificate is. */
  readonly kind?: 'x509' | 'ca' | undefined
}

/** Whether the content has a certificate or is binary, as opposed to the texts of SSH and OpenPGP. */
export function looksLikeX509(content: Buffer): boolean {
  const text = pemTextOf(content)
  if (text !== undefined) return /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----|-----BEGIN (PKCS7|CMS)-----/.test(text)
  return content[0] === 0x30
}

/** Rejects with `key.malformed`, `key.passphrase_needed`, `key.wrong_passphrase`, `key.unsupported`. */
export function readX509Material(content: Buffer, request: X509Request): X509Material {
  const text = pemTextOf(content)
  if (text !== undefined) return { format: formatOfPem(text), ...arrange(certificatesInPem(text), privateKeysInPem(text, request.passphrase), request) }
  if (looksLikePkcs12(content)) return pkcs12Material(content, request)
  const bare = privateKeyOfDer(content, request.passphrase)
  if (bare !== null) return { format: 'Private key (DER)', ...arrange([], [bare], request) }
  const certificates = certificatesIn(content)
  return { format: sniffCms(content) === 'signed-data' ? 'PKCS#7 (certificates)' : 'Certificate (DER)', ...arrange(certificates, [], request) }
}

/** A PFX begins with version 3 and a ContentInfo; keys begin with version 0 or 1, certificates with a SEQUENCE (RFC 7292 4). */
function looksLikePkcs12(content: Buffer): boolean {
  try {
    const [version, safe] = childrenOf(readBer(content))
    return version?.tag === 0x02 && contentOf(version).length === 1 && contentOf(version)[0] === 3 && safe?.tag === 0x30
  } catch {
    return false
  }
}

function pkcs12Material(content: Buffer, request: X509Request): X509Material {
  const { entries, certificates } = openPkcs12(content, request.passphrase)
  const all = [...entries.flatMap(({ certificate, chain }) => [...(certificate === undefined ? [] : [certificate]), ...chain]), ...certificates]
  const once = [...new Map(all.map((one) => [one.fingerprintSha256, one])).values()]
  const names = new Map(entries.flatMap(({ certificate, friendlyName }) => (certificate === undefined || friendlyName === undefined || friendlyName === '' ? [] : [[`sha256:${certificate.fingerprintSha256}` as string, friendlyName.slice(0, 200)] as const])))
  const { found, loneKeys } = arrange(once, entries.map(({ privateKey }) => privateKey), request)
  return { format: 'PKCS#12', found: found.map((one) => ({ ...one, label: names.get(one.key.fingerprint) ?? one.label })), loneKeys }
}

/** Some programs protect with an empty password; only when that does not open it is one asked for. */
function openPkcs12(content: Buffer, passphrase: string | undefined): Pkcs12Contents {
  try {
    return inOperatorsWords(() => readPkcs12(content, passphrase ?? ''))
  } catch (error) {
    if (passphrase === undefined && error instanceof AppError && error.code === 'key.wrong_passphrase') throw protection(undefined, error)
    throw error
  }
}

function formatOfPem(text: string): string {
  const labels = new Set(readPem(text).map(({ label }) => (label.endsWith('PRIVATE KEY') ? 'private key' : label === 'PKCS7' || label === 'CMS' ? 'PKCS#7' : 'certificate')))
  return `PEM (${[...labels].join(', ') || 'nothing known'})`
}

/** Matches keys with certificates, and tells leaves from the chains above them. */
export function arrange(certificates: readonly Certificate[], keys: readonly KeyObject[], request: X509Request): Omit<X509Material, 'format'> {
  const chains = new Map(certificates.map((one) => [one, chainAbove(one, certificates)]))
  const keyOf = (one: Certificate): KeyObject | undefined => keys.find((key) => keyMatchesCertificate(key, one))
  const above = new Set([...chains.values()].flat())
  const leaves = certificates.filter((one) => keyOf(one) !== undefined || (!above.has(one) && kindOfCertificate(one) === 'x509'))
  // A file of authorities alone: each is an item.
  const items = leaves.length > 0 ? leaves : certificates
  const unrelated = certificates.filter((one) => !items.includes(one) && !items.some((item) => chains.get(item)?.includes(one)))
  return {
    found: [...items, ...unrelated].map((one) => {
      const key = keyOf(one)
      const kind = key === undefined ? (request.kind ?? kindOfCertificate(one)) : 'x509'
      return { kind, label: labelOf(one), key: { ...certificateItem(one, chains.get(one) ?? []), ...(key === undefined ? {} : { privateKey: privateKeyPem(key) }) } }
    }),
    loneKeys: keys.filter((key) => !certificates.some((one) => keyMatchesCertificate(key, one))).map(loneKey),
  }
}

function loneKey(key: KeyObject): LoneKey {
  return { keyId: keyIdOf(createPublicKey(key).export({ type: 'spki', format: 'der' })), privateKey: privateKeyPem(key) }
}

function certificatesInPem(text: string): Certificate[] {
  return readPem(text).some(({ label }) => /CERTIFICATE$|^PKCS7$|^CMS$/.test(label) && label !== 'NEW CERTIFICATE') ? certificatesIn(text) : []
}

const MOST_KEYS = 20

function privateKeysInPem(text: string, passphrase: string | undefined): KeyObject[] {
  const armours = text.match(/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[^]*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----/g) ?? []
  if (armours.length > MOST_KEYS) throw new AppError('key.malformed', `the file has ${armours.length} private keys`)
  return armours.map((armour) => openKey(armour, passphrase, /ENCRYPTED/.test(armour)))
}

/** A private key that stands alone in DER, or null when the bytes are something else. */
function privateKeyOfDer(content: Buffer, passphrase: string | undefined): KeyObject | null {
  try {
    return readPrivateKey(content, passphrase)
  } catch {
    // PKCS#8 has its own look: version 0 or an algorithm with parameters of PBES2 (1.2.840.113549.1.5.13).
    const encrypted = content.subarray(0, 40).includes(Buffer.from('2a864886f70d01050d', 'hex'))
    if (encrypted) throw protection(passphrase)
    return null
  }
}

function openKey(armour: string, passphrase: string | undefined, encrypted: boolean): KeyObject {
  try {
    return readPrivateKey(armour, passphrase)
  } catch (error) {
    if (encrypted) throw protection(passphrase, error)
    return inOperatorsWords(() => {
      throw error
    })
  }
}

function protection(passphrase: string | undefined, cause?: unknown): AppError {
  return passphrase === undefined
    ? new AppError('key.passphrase_needed', 'the private key is protected', { cause })
    : new AppError('key.wrong_passphrase', 'the passphrase does not open the private key', { cause })
}

/** PEM of a certificate and those above it, as servers and clients show them. */
export function chainText(certificate: string, chain: readonly string[]): string {
  return [certificate, ...chain].map((pem) => readPem(pem).map(({ label, der }) => writePem(label, der)).join('')).join('')
}
