import type { TrustItem } from '../../contract/trust.ts'
import type { PgpDetails, X509Details } from '../../contract/trust-details.ts'

/** What is known of a key or certificate when it comes in. */
export interface NewItem {
  readonly algorithm: string
  readonly bits: number | null
  readonly fingerprint: string
  /** OpenSSH line, PEM or armoured key; null when only the fingerprint is known. */
  readonly publicKey: string | null
  readonly notBefore?: string | null
  readonly notAfter?: string | null
  /** The private half as text, to be sealed: PEM, OpenSSH's form, or for OpenPGP the unprotected binary key in Base64. */
  readonly privateKey?: string
  /** Certificates only: `spki:…`, what stands inside, and the certificates above it in PEM. */
  readonly keyId?: string
  readonly x509?: X509Details
  readonly chain?: readonly string[]
  /** OpenPGP only. */
  readonly pgp?: PgpDetails
}

/** The public part of an item as it once came in. */
export function asNew({ algorithm, bits, fingerprint, publicKey, notBefore, notAfter, keyId, x509, pgp }: TrustItem): NewItem {
  return { algorithm, bits, fingerprint, publicKey, notBefore, notAfter, ...(keyId === null ? {} : { keyId }), ...(x509 === null ? {} : { x509 }), ...(pgp === null ? {} : { pgp }) }
}
