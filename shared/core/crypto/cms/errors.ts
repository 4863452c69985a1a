/** The one error type of the codec. */

/** Stable codes; see README.md for when each is raised. */
export type CmsErrorCode =
  | 'cms.malformed'
  | 'cms.unexpected_type'
  | 'cms.unsupported'
  | 'cms.algorithm_refused'
  | 'cms.limit'
  | 'cms.no_recipient'
  | 'cms.decryption_failed'
  | 'cms.decompression_failed'
  | 'cms.bomb'
  | 'cms.signer_unknown'
  | 'cms.signature_invalid'
  | 'cms.content_changed'
  | 'cms.signer_ambiguous'
  | 'cms.key_unusable'
  | 'cms.length_mismatch'
  | 'cms.too_large'
  | 'cms.abandoned'
  | 'cms.certificate_unreadable'
  | 'cms.wrong_password'
  | 'cms.no_private_key'

/** Everything that the codec refuses. `message` is technical and never holds key material or plaintext. */
export class CmsError extends Error {
  readonly code: CmsErrorCode

  constructor(code: CmsErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'CmsError'
    this.code = code
  }
}

/**
 * The only outcome of a failed RSA unwrap, CBC padding, cipher length or GCM tag. It deliberately carries no cause:
 * two failures that a peer could tell apart are a decryption oracle (Bleichenbacher 1998, Vaudenay 2002, RFC 3218).
 */
export function decryptionFailed(): CmsError {
  return new CmsError('cms.decryption_failed', 'the content could not be decrypted')
}

/** Input that is not the ASN.1 which the type demands. */
export function malformed(what: string): CmsError {
  return new CmsError('cms.malformed', what)
}
