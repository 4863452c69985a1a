import type { Tone } from '../../ui/status.tsx'

const VERDICTS: Readonly<Record<string, { readonly tone: Tone; readonly word: string }>> = {
  delivered: { tone: 'ok', word: 'Proves the delivery' },
  'mic-mismatch': { tone: 'bad', word: 'Another content' },
  'wrong-signer': { tone: 'bad', word: 'Wrong signer' },
  'mic-missing': { tone: 'warn', word: 'No content check in it' },
  unsigned: { tone: 'warn', word: 'Not signed' },
  'signature-invalid': { tone: 'bad', word: 'Signature does not hold' },
  negative: { tone: 'bad', word: 'The partner refused it' },
  unparsable: { tone: 'warn', word: 'Not readable' },
  'not-ours': { tone: 'warn', word: 'For another message' },
  sent: { tone: 'ok', word: 'Sent' },
  queued: { tone: 'wait', word: 'To be posted' },
  failed: { tone: 'bad', word: 'Could not be posted' },
}

/** What a receipt came to, in a word or two; its reasons say the rest. */
export function verdictWords(verdict: string): { readonly tone: Tone; readonly word: string } {
  return VERDICTS[verdict] ?? { tone: 'warn', word: verdict.replaceAll('-', ' ') }
}
