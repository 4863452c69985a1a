/** The tray: the last deliveries at a glance, and the way back to the window. Waybill works without one. */
import { Menu, Tray, type MenuItemConstructorOptions, type NativeImage } from 'electron'
import type { TransportState } from '../../shared/client/transport.ts'
import type { Delivery } from '../../shared/contract/deliveries.ts'
import type { Logger } from '../../shared/core/kernel/logger.ts'

export interface TrayView {
  readonly connection: TransportState
  /** Newest first. */
  readonly deliveries: readonly Pick<Delivery, 'id' | 'fileName' | 'partner' | 'state'>[]
  /** Deliveries that wait for a person. */
  readonly attention: number
}

export interface TrayActions {
  readonly open: () => void
  readonly openDelivery: (id: string) => void
  readonly quit: () => void
}

/** Deliveries that the menu shows. */
export const TRAY_DELIVERIES = 8

const STATE_WORDS: Readonly<Record<Delivery['state'], string>> = {
  queued: 'waiting for its turn',
  sending: 'sending',
  waiting: 'will be tried again',
  'awaiting-receipt': 'receipt awaited',
  disputed: 'disputed',
  unknown: 'outcome unknown',
  delivered: 'delivered',
  failed: 'not delivered',
  cancelled: 'cancelled',
  received: 'received',
  held: 'waits for your decision',
}

/** The menu as data. */
export function trayMenu(view: TrayView, actions: TrayActions): MenuItemConstructorOptions[] {
  return [
    { label: 'Open Waybill', click: actions.open },
    { type: 'separator' },
    ...statusLines(view),
    ...view.deliveries.slice(0, TRAY_DELIVERIES).map((delivery): MenuItemConstructorOptions => ({
      label: shorten(`${delivery.fileName} → ${delivery.partner}: ${STATE_WORDS[delivery.state]}`),
      click: () => actions.openDelivery(delivery.id),
    })),
    { type: 'separator' },
    { label: 'Quit', click: actions.quit },
  ]
}

/** One glance: what stands beside the icon when the pointer rests on it. */
export function trayToolTip(view: TrayView): string {
  if (view.connection !== 'connected') return 'Waybill: the background process is starting'
  return view.attention > 0 ? `Waybill: ${view.attention} ${view.attention === 1 ? 'delivery needs' : 'deliveries need'} attention` : 'Waybill'
}

function statusLines(view: TrayView): MenuItemConstructorOptions[] {
  if (view.connection !== 'connected') return [{ label: 'The background process is starting …', enabled: false }]
  if (view.deliveries.length === 0) return [{ label: 'No deliveries yet', enabled: false }]
  return view.attention > 0 ? [{ label: `${view.attention} ${view.attention === 1 ? 'needs' : 'need'} attention`, enabled: false }] : []
}

/** Menus do not wrap; an ampersand would become an access key. */
function shorten(label: string): string {
  const text = label.length > 70 ? `${label.slice(0, 69)}…` : label
  return text.replaceAll('&', '&&')
}

export interface TrayIcon {
  show(view: TrayView): void
  destroy(): void
}

/** Null where the system gives no tray. */
export function createTray(image: NativeImage, actions: TrayActions, logger: Logger): TrayIcon | null {
  try {
    const tray = new Tray(image)
    // Left click opens on Windows; elsewhere the system shows the menu.
    if (process.platform === 'win32') tray.on('click', actions.open)
    return {
      show(view) {
        tray.setToolTip(trayToolTip(view))
        // A new menu each time: on Linux a changed one is not shown until it is set again.
        tray.setContextMenu(Menu.buildFromTemplate(trayMenu(view, actions)))
      },
      destroy: () => tray.destroy(),
    }
  } catch (error) {
    logger.log('warn', 'there is no tray', { problem: String(error) })
    return null
  }
}

/** Whether a hidden window could be found again by its tray icon. GNOME shows none without an extension. */
export function trayIsVisible(platform: string, env: Readonly<Record<string, string | undefined>>): boolean {
  if (platform !== 'linux') return true
  const desktops = (env['XDG_CURRENT_DESKTOP'] ?? '').toLowerCase().split(':')
  return !desktops.includes('gnome') || desktops.includes('ubuntu')
}
