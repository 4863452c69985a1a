/** Which certificate in a file issued which. */
import { X509Certificate } from 'node:crypto'
import type { Certificate } from './certificate.ts'
import { comparableName } from './names.ts'

const MOST_LINKS = 10

/** The certificates of `pool` above this one, nearest first; ends at a self-issued one or where the next is not there. */
export function chainAbove(certificate: Certificate, pool: readonly Certificate[]): Certificate[] {
  const chain: Certificate[] = []
  let lowest = certificate
  while (chain.length < MOST_LINKS) {
    const issuer = pool.find((candidate) => issued(candidate, lowest) && ![certificate, ...chain].includes(candidate))
    if (issuer === undefined) break
    chain.push(issuer)
    lowest = issuer
  }
  return chain
}

/** Whether `issuer` made `certificate`: by its name and, where the runtime can read both, by its signature. A self-issued one has no other issuer. */
export function issued(issuer: Certificate, certificate: Certificate): boolean {
  if (certificate.selfIssued || comparableName(issuer.subjectDer) !== comparableName(certificate.issuerDer)) return false
  try {
    return new X509Certificate(certificate.der).verify(issuer.publicKey())
  } catch {
    // Certificates that break the rules are common; the names are then all there is.
    return true
  }
}
