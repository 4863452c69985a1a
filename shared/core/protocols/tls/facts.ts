/** What a connection test shows of a server's certificate. */
import type { Fact } from '../../../contract/common.ts'
import type { PresentedCertificate } from '../../../contract/partners.ts'
import type { ObservedCrypto } from '../file-protocol.ts'

/** `observed`: what was negotiated, once the server was trusted. Nothing when no certificate was presented. */
export function certificateFacts(certificate: PresentedCertificate | null, observed: ObservedCrypto | null = null): Fact[] {
  if (certificate === null) return []
  return [
    { label: 'Presented', value: certificate.fingerprint },
    { label: 'Public key', value: certificate.publicKeyPin },
    { label: 'Issued for', value: certificate.names.join(', ') || certificate.subject },
    { label: 'Issued by', value: certificate.issuer },
    { label: 'Valid until', value: certificate.notAfter },
    { label: 'Judgement', value: certificate.reason },
    { label: 'Pinned', value: certificate.expected.join(', ') || 'none' },
    ...(observed === null ? [] : [{ label: 'TLS', value: `${observed['tlsVersion'] ?? ''}, ${observed['cipher'] ?? ''}` }]),
  ]
}
