/**
 * Host certificates, which ssh2 does not know. The library checks the key exchange itself; it only has to be told two things:
 * that the names of certified keys may be offered, and that the signature is the one of the key inside the certificate. Both
 * are done here and nowhere else, on one connection's objects. Should the library's inside ever differ, the handshake fails:
 * nothing here can make it accept a signature that it did not verify.
 */
import { createRequire } from 'node:module'
import type { Client } from 'ssh2'
import { CERTIFIED_KINDS, isCertificate, readCertificate } from '../../crypto/ssh/index.ts'

/** What is offered when an authority is trusted. RSA keys are certified under the names of their signatures. */
export const CERTIFIED_HOST_KEYS: readonly string[] = [
  'ssh-ed25519-cert-v01@openssh.com',
  'ecdsa-sha2-nistp256-cert-v01@openssh.com',
  'ecdsa-sha2-nistp384-cert-v01@openssh.com',
  'ecdsa-sha2-nistp521-cert-v01@openssh.com',
  'rsa-sha2-512-cert-v01@openssh.com',
  'rsa-sha2-256-cert-v01@openssh.com',
]

const SUFFIX = '-cert-v01@openssh.com'
const RSA_CERTIFICATE = 'ssh-rsa-cert-v01@openssh.com'

interface KeyExchange {
  negotiated: { serverHostKey: string }
  _hostKey: Buffer
}

/** Lets the library be asked for certified keys; without this it refuses the names before it connects. */
function permitNames(): void {
  const { SUPPORTED_SERVER_HOST_KEY } = createRequire(import.meta.url)('ssh2/lib/protocol/constants.js') as { SUPPORTED_SERVER_HOST_KEY: string[] }
  for (const name of CERTIFIED_HOST_KEYS) if (!SUPPORTED_SERVER_HOST_KEY.includes(name)) SUPPORTED_SERVER_HOST_KEY.push(name)
}

/** Prepares a connection, before it connects, for servers that present certificates. */
export function expectCertificates(ssh: Client): void {
  permitNames()
  ssh.once('connect', () => {
    const protocol: unknown = Reflect.get(ssh, '_protocol')
    if (typeof protocol !== 'object' || protocol === null) return
    let exchange: KeyExchange | undefined
    // Each exchange of keys has an object of its own, also the later ones of a long connection.
    Object.defineProperty(protocol, '_kex', {
      configurable: true,
      enumerable: true,
      get: () => exchange,
      set(next: KeyExchange | undefined) {
        exchange = next
        if (next !== undefined) followCertificate(next)
      },
    })
  })
}

/**
 * The negotiated name is compared with that of the presented blob first, and with that of the signature later. For a certificate
 * they differ (PROTOCOL.certkeys), so the name changes when the blob was taken.
 */
function followCertificate(exchange: KeyExchange): void {
  const { negotiated } = exchange
  if (!negotiated.serverHostKey.endsWith(SUFFIX)) return
  const signature = negotiated.serverHostKey.slice(0, -SUFFIX.length)
  if (signature.startsWith('rsa-sha2-')) negotiated.serverHostKey = RSA_CERTIFICATE
  let presented: Buffer | undefined
  Object.defineProperty(exchange, '_hostKey', {
    configurable: true,
    enumerable: true,
    get: () => presented,
    set(blob: Buffer | undefined) {
      presented = blob !== undefined && isCertificate(blob) ? asCertifiedKey(blob) : blob
      if (blob !== undefined) negotiated.serverHostKey = signature
    },
  })
}

/** Hashed as the whole certificate, which the server has signed; read as the key inside it, which it has signed with. */
function asCertifiedKey(certificate: Buffer): Buffer {
  const { algorithm, keyBlob } = readCertificate(certificate)
  const name = CERTIFIED_KINDS[algorithm] ?? ''
  const dressed = Buffer.from(certificate)
  Object.defineProperties(dressed, {
    utf8Slice: { value: () => name },
    slice: { value: () => keyBlob.subarray(4 + name.length) },
  })
  return dressed
}
