/** Certificates for tests: authorities, those between, and servers and clients that they vouch for. Made anew in each run. */
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import forge from 'node-forge'

export interface Identity {
  /** PEM; the server's own first, then those between, never the root. */
  readonly certificate: string
  readonly privateKey: string
  /** `sha256:` and lower-case hex. */
  readonly fingerprint: string
  /** `spki:` and Base64. */
  readonly publicKeyPin: string
}

export interface IssueOptions {
  /** DNS names and IP addresses; the first is the common name too. */
  readonly names: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly purpose?: 'server' | 'client'
  /** Reuse the key of another identity: a renewal. */
  readonly privateKey?: string
}

export interface Authority {
  /** PEM of the authority itself. */
  readonly certificate: string
  issue(options: IssueOptions): Identity
  /** An authority that this one vouches for. Its identities present it in their chain. */
  between(name: string): Authority
}

interface Signer {
  readonly subject: forge.pki.CertificateField[]
  readonly key: forge.pki.rsa.PrivateKey
  readonly chain: string
}

const DAY = 86_400_000

export function newAuthority(name = 'Test authority'): Authority {
  const key = newKey()
  const subject = [{ name: 'commonName', value: name }]
  const certificate = sign({ subject, issuer: subject, key, signer: key, extensions: CA_EXTENSIONS })
  return authorityOf({ subject, key, chain: '' }, certificate)
}

/** A certificate that vouches for itself. */
export function selfSigned(options: IssueOptions): Identity {
  const key = keyOf(options)
  const subject = [{ name: 'commonName', value: options.names[0] ?? 'test' }]
  return identityOf(sign({ subject, issuer: subject, key, signer: key, ...dates(options), extensions: leafExtensions(options) }), '', key)
}

function authorityOf(signer: Signer, certificate: string): Authority {
  return {
    certificate,
    issue(options) {
      const key = keyOf(options)
      const subject = [{ name: 'commonName', value: options.names[0] ?? 'test' }]
      return identityOf(sign({ subject, issuer: signer.subject, key, signer: signer.key, ...dates(options), extensions: leafExtensions(options) }), signer.chain, key)
    },
    between(name) {
      const key = newKey()
      const subject = [{ name: 'commonName', value: name }]
      const made = sign({ subject, issuer: signer.subject, key, signer: signer.key, extensions: CA_EXTENSIONS })
      return authorityOf({ subject, key, chain: made + signer.chain }, made)
    },
  }
}

const CA_EXTENSIONS = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
]

function leafExtensions({ names, purpose = 'server' }: IssueOptions): object[] {
  return [
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: purpose === 'server', clientAuth: purpose === 'client' },
    { name: 'subjectAltName', altNames: names.map((name) => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name })) },
  ]
}

function dates({ notBefore, notAfter }: IssueOptions): { notBefore?: Date; notAfter?: Date } {
  return { ...(notBefore === undefined ? {} : { notBefore }), ...(notAfter === undefined ? {} : { notAfter }) }
}

function newKey(): forge.pki.rsa.PrivateKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return forge.pki.privateKeyFromPem(privateKey.export({ type: 'pkcs1', format: 'pem' }).toString())
}

function keyOf({ privateKey }: IssueOptions): forge.pki.rsa.PrivateKey {
  return privateKey === undefined ? newKey() : forge.pki.privateKeyFromPem(privateKey)
}

function sign(parts: {
  readonly subject: forge.pki.CertificateField[]
  readonly issuer: forge.pki.CertificateField[]
  readonly key: forge.pki.rsa.PrivateKey
  readonly signer: forge.pki.rsa.PrivateKey
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly extensions: object[]
}): string {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.setRsaPublicKey(parts.key.n, parts.key.e)
  certificate.serialNumber = `4${randomBytes(15).toString('hex')}`
  certificate.validity.notBefore = parts.notBefore ?? new Date(Date.now() - DAY)
  certificate.validity.notAfter = parts.notAfter ?? new Date(Date.now() + 90 * DAY)
  certificate.setSubject(parts.subject)
  certificate.setIssuer(parts.issuer)
  certificate.setExtensions(parts.extensions)
  certificate.sign(parts.signer, forge.md.sha256.create())
  return forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n')
}

function identityOf(certificate: string, chain: string, key: forge.pki.rsa.PrivateKey): Identity {
  const read = new X509Certificate(certificate)
  return {
    certificate: certificate + chain,
    privateKey: forge.pki.privateKeyToPem(key).replaceAll('\r\n', '\n'),
    fingerprint: `sha256:${read.fingerprint256.replaceAll(':', '').toLowerCase()}`,
    publicKeyPin: `spki:${hash(read.publicKey.export({ type: 'spki', format: 'der' }))}`,
  }
}

function hash(bytes: Uint8Array): string {
  const digest = forge.md.sha256.create()
  digest.update(Buffer.from(bytes).toString('binary'))
  return forge.util.encode64(digest.digest().getBytes())
}
