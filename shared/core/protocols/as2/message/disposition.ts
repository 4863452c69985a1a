/** The Disposition field (RFC 4130 7.4.3, RFC 8098 3.2.6): written strictly, read in every spelling that products use. */

/** Error modifiers that we send. The last four only to partners of version 1.3. */
export type ErrorModifier =
  | 'authentication-failed'
  | 'decompression-failed'
  | 'decryption-failed'
  | 'insufficient-message-security'
  | 'integrity-check-failed'
  | 'unexpected-processing-error'
  | 'duplicate-filename'
  | 'illegal-filename'
  | 'invalid-message-id'
  | 'unknown-trading-relationship'

/** `failure` only when the receipt as requested cannot be made. */
export type DispositionToSend =
  | { readonly kind: 'processed' }
  | { readonly kind: 'warning'; readonly text: 'duplicate-document' | 'duplicate-filename' | 'illegal-filename' }
  | { readonly kind: 'error'; readonly modifier: ErrorModifier }
  | { readonly kind: 'failure'; readonly reason: 'unsupported format' | 'unsupported MIC-algorithms' }

const MODERN: ReadonlySet<ErrorModifier> = new Set(['duplicate-filename', 'illegal-filename', 'invalid-message-id', 'unknown-trading-relationship'])

/** `automatic-action/MDN-sent-automatically; processed/error: …`. `modern`: the partner speaks version 1.3 and knows the newer modifiers. */
export function writeDisposition(disposition: DispositionToSend, options: { readonly modern?: boolean } = {}): string {
  return `automatic-action/MDN-sent-automatically; ${modifierText(disposition, options.modern === true)}`
}

function modifierText(disposition: DispositionToSend, modern: boolean): string {
  switch (disposition.kind) {
    case 'processed':
      return 'processed'
    case 'warning':
      return `processed/warning: ${disposition.text}`
    case 'error':
      return `processed/error: ${MODERN.has(disposition.modifier) && !modern ? 'unexpected-processing-error' : disposition.modifier}`
    case 'failure':
      return `failed/Failure: ${disposition.reason}`
  }
}

/** What a partner stated. */
export interface ReceivedDisposition {
  readonly raw: string
  readonly outcome: 'processed' | 'warning' | 'error' | 'failed' | 'unreadable'
  /** The text after the colon, in lower case and trimmed. */
  readonly modifier?: string
  /** `processed/warning: duplicate-document`: it was delivered by an earlier attempt. */
  readonly duplicate: boolean
}

/**
 * Reads `[manual|automatic]-action/MDN-sent-…; type[/modifier: text]`. `fields` are the separate Error, Warning and Failure
 * fields that some products write beside a plain `processed`. Unknown modifiers are errors.
 */
export function readDisposition(raw: string, fields: { readonly error?: string; readonly warning?: string; readonly failure?: string } = {}): ReceivedDisposition {
  const text = raw.replaceAll(/\s+/g, ' ').trim()
  const stated = /^(?:[^;]*;)?\s*(processed|failed|displayed|deleted|dispatched|denied)\s*(?:\/\s*([a-z-]+)\s*(?::\s*(.*))?)?$/i.exec(text)
  if (stated === null) return { raw, outcome: 'unreadable', duplicate: false }
  const type = stated[1]?.toLowerCase()
  const kind = stated[2]?.toLowerCase()
  const modifier = stated[3]?.trim().toLowerCase()
  const answer = (outcome: ReceivedDisposition['outcome'], words: string | undefined): ReceivedDisposition => ({
    raw,
    outcome,
    ...(words === undefined || words === '' ? {} : { modifier: words }),
    duplicate: outcome === 'warning' && /duplicate-document|duplicate-message/.test(words ?? ''),
  })
  const named = (value: string | undefined): string | undefined => value?.trim().toLowerCase()
  if (type !== 'processed' || kind === 'failure') return answer('failed', modifier ?? kind ?? named(fields.failure))
  if (kind === 'warning') return answer('warning', modifier)
  if (kind !== undefined) return answer('error', modifier ?? kind)
  if (isStated(fields.failure)) return answer('failed', named(fields.failure))
  if (isStated(fields.error)) return answer('error', named(fields.error))
  if (isStated(fields.warning)) return answer('warning', named(fields.warning))
  return answer('processed', undefined)
}

function isStated(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== ''
}
