/** Bounds on hostile input. Sizes in bytes. */
export interface CmsLimits {
  /** Nesting of ASN.1 elements. */
  readonly maxDepth: number
  /** ASN.1 elements in one metadata block. */
  readonly maxNodes: number
  /** One metadata block: recipient infos, certificates, signer infos, an algorithm. */
  readonly maxMetadataBytes: number
  /** A whole detached signature. */
  readonly maxSignatureBytes: number
  readonly maxRecipients: number
  readonly maxSigners: number
  readonly maxCertificates: number
  /** Bytes after the message, which some products add (CR LF). */
  readonly maxTrailingBytes: number
}

export const DEFAULT_LIMITS: CmsLimits = {
  maxDepth: 32,
  maxNodes: 100_000,
  maxMetadataBytes: 4 * 1024 * 1024,
  maxSignatureBytes: 4 * 1024 * 1024,
  maxRecipients: 100,
  maxSigners: 8,
  maxCertificates: 50,
  maxTrailingBytes: 8,
}

/** The defaults with the caller's changes. */
export function limitsWith(changes: Partial<CmsLimits> | undefined): CmsLimits {
  return changes === undefined ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, ...changes }
}
