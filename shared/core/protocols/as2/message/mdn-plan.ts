/** What kind of receipt a request can be answered with (RFC 4130 7.3, rfc4130bis). */
import type { DigestName } from '../../../crypto/cms/index.ts'
import type { DispositionToSend } from './disposition.ts'
import type { ReceiptDelivery, ReceiptRequest } from './receipt-request.ts'

export type ReceiptPlan =
  | { readonly send: false }
  | {
      readonly send: true
      /** Errors are answered signed too. */
      readonly signed: boolean
      /** For the MIC, when one was named that we know. */
      readonly micAlgorithm?: DigestName
      /** With which digest to sign: the requested one, but never a weak one unless an exception permits it. */
      readonly signingDigest: DigestName
      /** The receipt as requested cannot be made: state this, unsigned, instead of `processed`. */
      readonly failure?: Extract<DispositionToSend, { kind: 'failure' }>
      /** Chosen by an unauthenticated header: only the partner's configured address may be used. */
      readonly delivery: ReceiptDelivery
    }

/** Pure. */
export function planReceipt(request: ReceiptRequest, options: { readonly allowSha1?: boolean } = {}): ReceiptPlan {
  if (!request.wanted) return { send: false }
  const { delivery, signed, micNames, protocol, required } = request
  const [micAlgorithm] = request.micAlgorithms
  const signingDigest = micAlgorithm === undefined || micAlgorithm === 'md5' || (micAlgorithm === 'sha1' && options.allowSha1 !== true) ? 'sha256' : micAlgorithm
  const base = { send: true, delivery, signingDigest, ...(micAlgorithm === undefined ? {} : { micAlgorithm }) } as const
  if (signed && micNames.length > 0 && micAlgorithm === undefined) return { ...base, signed: false, failure: { kind: 'failure', reason: 'unsupported MIC-algorithms' } }
  if (!signed && protocol !== undefined && required) return { ...base, signed: false, failure: { kind: 'failure', reason: 'unsupported format' } }
  return { ...base, signed }
}
