/** Shows what the core raises as the system's own notifications. */
import { Notification } from 'electron'
import type { Notification as Raised } from '../../shared/contract/deliveries.ts'
import type { WaybillClient } from '../../shared/contract/index.ts'
import type { OpenRequest } from '../../shared/client/ipc.ts'

/**
 * Starts to listen; a click opens what it is about. Shows nothing when the settings say so, and good news only while nobody
 * looks at the window. Returns its own stop.
 */
export function showNotifications(client: WaybillClient, options: { readonly inFront: () => boolean; readonly onOpen: (request: OpenRequest | null) => void }): () => void {
  // Kept until they are gone: one that is collected no longer answers a click.
  const shown = new Set<Notification>()
  const show = (raised: Raised): void => {
    const notification = new Notification({ title: raised.title, body: raised.body, silent: raised.severity === 'info' })
    shown.add(notification)
    notification.on('close', () => shown.delete(notification))
    notification.on('click', () => {
      shown.delete(notification)
      options.onOpen(raised.subject)
    })
    notification.show()
  }
  return client.notifications.onShow((raised) => {
    if (!Notification.isSupported() || (raised.severity === 'info' && options.inFront())) return
    client.workspace.settings({}).then(
      ({ notifications }) => {
        if (notifications) show(raised)
      },
      // A core that cannot be asked raised something all the same: better told once too often.
      () => show(raised),
    )
  })
}
