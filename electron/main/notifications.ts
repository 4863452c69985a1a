/** Shows what the core raises as the system's own notifications. */
import { Notification } from 'electron'
import type { WaybillClient } from '../../shared/contract/index.ts'
import type { OpenRequest } from '../../shared/client/ipc.ts'

/** Starts to listen; a click opens what it is about. Returns its own stop. */
export function showNotifications(client: WaybillClient, onOpen: (request: OpenRequest | null) => void): () => void {
  // Kept until they are gone: one that is collected no longer answers a click.
  const shown = new Set<Notification>()
  return client.notifications.onRaised((raised) => {
    if (!Notification.isSupported()) return
    const notification = new Notification({ title: raised.title, body: raised.body, silent: raised.severity === 'info' })
    shown.add(notification)
    notification.on('close', () => shown.delete(notification))
    notification.on('click', () => {
      shown.delete(notification)
      onOpen(raised.subject)
    })
    notification.show()
  })
}
