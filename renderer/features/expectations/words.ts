/** Expectations and their cases, in words. Pure. */
import type { CaseState, ExpectationCase, ExpectationSummary } from '../../../shared/contract/expectations.ts'
import type { Tone } from '../../ui/status.tsx'

export const CASES: Readonly<Record<CaseState, { readonly tone: Tone; readonly word: string }>> = {
  waiting: { tone: 'wait', word: 'Not due yet' },
  met: { tone: 'ok', word: 'Met' },
  late: { tone: 'warn', word: 'Late' },
  missing: { tone: 'bad', word: 'Missing' },
  wrong: { tone: 'bad', word: 'Not as agreed' },
}

/** `polled 288 times, last at …`; null where nobody looks. */
export function looksText({ looks }: Pick<ExpectationCase, 'looks'>): string | null {
  if (looks === null) return null
  if (looks.total === 0) return 'The partner’s folder was not looked at in this time.'
  const times = looks.total === 1 ? 'once' : `${looks.total} times`
  return `The partner’s folder was looked at ${times}${looks.failed === 0 ? '' : `; ${looks.failed} of them could not see it`}.`
}

/** What is expected, in one line. */
export function expectedText({ document }: Pick<ExpectationSummary, 'document'>): string {
  const { count, files, direction, partner } = document
  const many = count.atMost === undefined ? (count.atLeast === 1 ? 'A file' : `At least ${count.atLeast} files`) : count.atMost === count.atLeast ? `Exactly ${count.atLeast} ${count.atLeast === 1 ? 'file' : 'files'}` : `${count.atLeast} to ${count.atMost} files`
  return `${many} like ${files.join(', ')} ${direction === 'inbound' ? `from ${partner}` : `to ${partner}`}`
}
