/** The main window: how it is made and brought back. */
import type { BrowserWindow, BrowserWindowConstructorOptions } from 'electron'
import { webPreferences } from './hardening.ts'
import { APP_URL } from './urls.ts'

/** Behind the page until it is drawn, so that nothing flashes. The same colours as the page's own background. */
export const BACKGROUND = { light: '#ffffff', dark: '#101418' } as const

/** Options of the main window. */
export function mainWindowOptions(options: { readonly preload: string; readonly packaged: boolean; readonly dark: boolean; readonly icon: string }): BrowserWindowConstructorOptions {
  return {
    title: 'Waybill',
    icon: options.icon,
    width: 1280,
    height: 800,
    minWidth: 900,
    minHeight: 600,
    show: false,
    autoHideMenuBar: true,
    backgroundColor: options.dark ? BACKGROUND.dark : BACKGROUND.light,
    webPreferences: webPreferences(options),
  }
}

/** Loads the page and shows the window once it is drawn, unless it is to stay hidden. */
export function openPage(window: BrowserWindow, hidden: boolean): void {
  window.once('ready-to-show', () => {
    if (!hidden) window.show()
  })
  // A page that cannot be loaded still must not leave a person without a window.
  window.loadURL(APP_URL).catch(() => window.show())
}

/** Brings the window to the front from wherever it is. */
export function bringUp(window: BrowserWindow): void {
  if (window.isMinimized()) window.restore()
  window.show()
  window.focus()
}
