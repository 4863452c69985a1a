/** Puts what a person should hear onto the notifications topic: the desktop shows it. */
import type { Notification } from '../../contract/deliveries.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import type { Publisher } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'

export type RaiseNotice = (notice: Pick<Notification, 'severity' | 'title' | 'body' | 'subject'>) => void

export function noticeRaiser({ publisher, clock }: { readonly publisher: Publisher; readonly clock: Clock }): RaiseNotice {
  return (notice) => {
    const now = clock.now()
    publisher.publish('notifications.raised', { id: newId('ntf', now), at: timestamp(now), ...notice })
  }
}
