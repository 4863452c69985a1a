/** X.509 certificates as items of the inventory. Pure. */
import type { Certificate } from '../crypto/x509/index.ts'
import { timestamp } from '../kernel/clock.ts'
import type { NewItem } from './inventory.ts'

/** A certificate as the inventory keeps it; its fingerprint is `sha256:` and lower-case hex. */
export function certificateItem(certificate: Certificate): NewItem {
  return {
    algorithm: certificate.keyType === 'ec' ? `EC ${certificate.curve ?? ''}`.trimEnd() : certificate.keyType.toUpperCase(),
    bits: certificate.keyBits ?? null,
    fingerprint: `sha256:${certificate.fingerprintSha256}`,
    publicKey: certificate.pem(),
    notBefore: timestamp(certificate.notBefore.getTime()),
    notAfter: timestamp(certificate.notAfter.getTime()),
  }
}
