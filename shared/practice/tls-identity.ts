import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateSelfSigned, privateKeyPem, readCertificate, readPrivateKey } from '../core/crypto/x509/index.ts'

export interface TlsIdentity {
  /** PEM. */
  readonly certificate: string
  /** PEM. */
  readonly privateKey: string
}

const RENEW_BEFORE_MS = 30 * 86_400_000

/** What FTPS and S3 show. Kept, so that a partner that was trusted once is the same one tomorrow; made anew before it expires. */
export async function tlsIdentity(folder: string): Promise<TlsIdentity> {
  const path = join(folder, 'tls-identity.pem')
  const kept = await readFile(path, 'utf8').catch(() => null)
  if (kept !== null && readCertificate(kept).notAfter.getTime() - Date.now() > RENEW_BEFORE_MS) return { certificate: readCertificate(kept).pem(), privateKey: privateKeyPem(readPrivateKey(kept)) }
  const made = await generateSelfSigned({ subject: { commonName: 'Practice partner' }, altNames: [{ type: 'ip', value: '127.0.0.1' }, { type: 'dns', value: 'localhost' }], usage: 'tls', key: 'rsa-2048' })
  const identity = { certificate: made.certificate.pem(), privateKey: privateKeyPem(made.privateKey) }
  await writeFile(path, `${identity.certificate}${identity.privateKey}`, { mode: 0o600 })
  return identity
}
