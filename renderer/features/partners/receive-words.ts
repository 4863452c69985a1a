/** What one look into a partner's folder brought, in words. Pure. */
import type { z } from 'zod'
import type { ReceiveReport } from '../../../shared/contract/deliveries.ts'

type Report = z.infer<typeof ReceiveReport>

const WAITING = { 'not-stable': 'still growing, or just changed', 'no-marker': 'its marker is not there yet' } as const

function files(count: number): string {
  return count === 1 ? '1 file' : `${count} files`
}

/** One sentence for the whole. */
export function reportSentence({ listed, taken, waiting, ignored, tidied, problems }: Report): string {
  if (listed === 0) return 'The folder there is empty.'
  const held = taken.filter(({ state }) => state === 'held').length
  const parts = [
    taken.length > 0 ? `${files(taken.length)} received` : '',
    held > 0 ? `${held} of them held for you` : '',
    waiting.length > 0 ? `${files(waiting.length)} not complete yet` : '',
    ignored > 0 ? `${files(ignored)} passed over (taken before, or not asked for)` : '',
    tidied > 0 ? `${files(tidied)} tidied up there` : '',
    problems.length > 0 ? `${files(problems.length)} with a problem` : '',
  ].filter((part) => part !== '')
  return parts.length === 0 ? 'Nothing new was there.' : `${parts.join(', ')}.`
}

/** `orders.edi: still growing, or just changed`. */
export function waitingText({ name, reason }: Report['waiting'][number]): string {
  return `${name}: ${WAITING[reason]}`
}
