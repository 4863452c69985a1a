/** Refusing a message: from what went wrong to what the receipt may say. */
import { CmsError } from '../../../crypto/cms/index.ts'
import type { ErrorModifier } from './disposition.ts'
import { MessageError } from './errors.ts'
import type { FailureReason } from './open-types.ts'

const DISPOSITIONS: Readonly<Record<FailureReason, ErrorModifier>> = {
  'signature-required': 'insufficient-message-security',
  'encryption-required': 'insufficient-message-security',
  'algorithm-refused': 'insufficient-message-security',
  'not-for-us': 'decryption-failed',
  undecryptable: 'decryption-failed',
  decompression: 'decompression-failed',
  bomb: 'decompression-failed',
  'signer-unknown': 'authentication-failed',
  'signature-invalid': 'authentication-failed',
  'content-changed': 'integrity-check-failed',
  'signature-unreadable': 'authentication-failed',
  'layers-not-permitted': 'unexpected-processing-error',
  malformed: 'unexpected-processing-error',
  limit: 'unexpected-processing-error',
}

/** Travels inside this layer only; `openMessage` turns it into a result. */
export class Refusal extends Error {
  readonly reason: FailureReason
  /** Decided from cleartext alone, so that it tells nothing about what was encrypted. */
  readonly fromCleartext: boolean

  constructor(reason: FailureReason, detail: string, options: { readonly fromCleartext?: boolean; readonly cause?: unknown } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Refusal'
    this.reason = reason
    this.fromCleartext = options.fromCleartext === true
  }

  get disposition(): ErrorModifier {
    return DISPOSITIONS[this.reason]
  }
}

/** Which step an error of the CMS codec comes from. */
export type Step = 'decrypt' | 'decompress' | 'verify'

/** Any failure as a refusal; errors that are not ours come back as they are. */
export function refusalOf(error: unknown, step?: Step): unknown {
  if (error instanceof MessageError) return new Refusal(error.code === 'message.limit' ? 'limit' : 'malformed', error.message, { cause: error })
  if (!(error instanceof CmsError) || step === undefined) return error
  return new Refusal(cmsReason(error, step), error.message, { cause: error, fromCleartext: step === 'decrypt' && error.code === 'cms.algorithm_refused' })
}

function cmsReason(error: CmsError, step: Step): FailureReason {
  if (error.code === 'cms.algorithm_refused') return 'algorithm-refused'
  switch (step) {
    case 'decrypt':
      return error.code === 'cms.no_recipient' ? 'not-for-us' : 'undecryptable'
    case 'decompress':
      return error.code === 'cms.bomb' ? 'bomb' : 'decompression'
    case 'verify':
      return verifyReason(error)
  }
}

function verifyReason(error: CmsError): FailureReason {
  switch (error.code) {
    case 'cms.signer_unknown':
    case 'cms.signer_ambiguous':
      return 'signer-unknown'
    case 'cms.signature_invalid':
      return 'signature-invalid'
    case 'cms.content_changed':
      return 'content-changed'
    default:
      return 'signature-unreadable'
  }
}
