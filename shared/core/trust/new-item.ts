import type { X509Details } from '../../contract/trust-details.ts'

/** What is known of a key or certificate when it comes in. */
export interface NewItem {
  readonly algorithm: string
  readonly bits: number | null
  readonly fingerprint: string
  /** OpenSSH line, PEM or armoured key; null when only the fingerprint is known. */
  readonly publicKey: string | null
  readonly notBefore?: string | null
  readonly notAfter?: string | null
  /** Text of the private half; it is sealed. */
  readonly privateKey?: string
  /** Certificates only: `spki:…`, what stands inside, and the certificates above it in PEM. */
  readonly keyId?: string
  readonly x509?: X509Details
  readonly chain?: readonly string[]
}
