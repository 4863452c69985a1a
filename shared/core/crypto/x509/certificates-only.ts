/** PKCS#7 that carries certificates and nothing else (RFC 5652 5.1, degenerate SignedData): what Windows calls .p7b. */
import { derElement, derOid, derSequence, derSetOf, derSmallInteger, derTagged } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'

/** DER. The order of the certificates is kept. */
export function certificatesOnly(certificates: readonly Uint8Array[]): Uint8Array {
  const signedData = derSequence(derSmallInteger(1), derSetOf([]), derSequence(derOid(OID.data)), derElement(0xa0, ...certificates), derSetOf([]))
  return derSequence(derOid(OID.signedData), derTagged(0, signedData))
}
