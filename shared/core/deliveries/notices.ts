/** What a person hears of deliveries, as the desktop shows it. No file names: it may stand on a lock screen. Pure. */
import type { Delivery, Notification } from '../../contract/deliveries.ts'

type Notice = Pick<Notification, 'severity' | 'title' | 'body' | 'subject'>

/** A delivery that waits for a person. */
export function attentionNotice(delivery: Delivery): Notice {
  if (delivery.state === 'held')
    return { severity: 'attention', title: 'A received file needs a look', body: `A file from ${delivery.partner} waits for your decision.`, subject: { kind: 'delivery', id: delivery.id } }
  const unknown = delivery.outcome === 'unknown'
  return {
    severity: 'attention',
    title: unknown ? 'A delivery needs a look' : 'A delivery failed',
    body: unknown ? `It is not known whether a file reached ${delivery.partner}.` : `A file for ${delivery.partner} was not delivered.`,
    subject: { kind: 'delivery', id: delivery.id },
  }
}

/** What one person sent in one act has all arrived; null while any of it has not. */
export function finishedNotice(deliveries: readonly Delivery[]): Notice | null {
  const [first] = deliveries
  if (first === undefined || !deliveries.every(({ state }) => state === 'delivered')) return null
  const { partner, id } = first
  return deliveries.length === 1
    ? { severity: 'info', title: 'Delivered', body: `The file reached ${partner}.`, subject: { kind: 'delivery', id } }
    : { severity: 'info', title: 'Delivered', body: `${deliveries.length} files reached ${partner}.`, subject: { kind: 'partner', id: partner } }
}

/** It arrived after all; told because its trouble may have been noticed. */
export function recoveredNotice(delivery: Delivery): Notice {
  return { severity: 'info', title: 'Delivered after another try', body: `A file reached ${delivery.partner} on try ${delivery.attempts}.`, subject: { kind: 'delivery', id: delivery.id } }
}
