/** The tray icon: the way back to the window, and what can be done without one. Waybill works without a tray. */
import { Menu, Tray, type NativeImage } from 'electron'
import type { Logger } from '../../shared/core/kernel/logger.ts'
import { trayMenu, trayToolTip, type TrayActions, type TrayView } from './tray-menu.ts'

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
