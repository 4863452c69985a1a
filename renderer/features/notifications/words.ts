/** Messages on their way, in words. Pure. */
import type { Notification } from '../../../shared/contract/deliveries.ts'
import type { OutboxEntry } from '../../../shared/contract/notifications.ts'
import { clockText } from '../../lib/format.ts'
import type { Tone } from '../../ui/status.tsx'

export const CHANNEL_NAMES = { native: 'Desktop', email: 'E-mail', webhook: 'Webhook' } as const

export function outboxWords({ state, tries, nextTryAt }: Pick<OutboxEntry, 'state' | 'tries' | 'nextTryAt'>): { readonly tone: Tone; readonly word: string; readonly more: string } {
  switch (state) {
    case 'sent':
      return { tone: 'ok', word: 'Sent', more: '' }
    case 'failed':
      return { tone: 'bad', word: 'Given up', more: `after ${tries} tries` }
    case 'folded':
      return { tone: 'wait', word: 'Folded', more: 'a repeat; told as a number' }
    case 'waiting':
      return tries === 0 ? { tone: 'wait', word: 'Waiting', more: nextTryAt === null ? '' : `goes out ${clockText(nextTryAt)}` } : { tone: 'warn', word: 'Not through yet', more: nextTryAt === null ? '' : `next try ${clockText(nextTryAt)}` }
  }
}

/** The screen that a notice is about. */
export function placeOf(subject: Notification['subject']): string | null {
  if (subject === null) return null
  const id = encodeURIComponent(subject.id)
  switch (subject.kind) {
    case 'delivery':
      return `/deliveries/${id}`
    case 'partner':
      return `/partners/${id}`
    case 'trust':
      return `/trust/${id}`
    case 'flow':
      return `/flows/${id}`
    case 'expectation':
      return `/expectations/${id}`
    case 'workspace':
      return subject.id === 'notifications' ? '/notifications' : '/settings'
  }
}
