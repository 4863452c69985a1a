/** The menu bar. On macOS it is the system's; elsewhere it appears with Alt. */
import type { MenuItemConstructorOptions } from 'electron'

/** The whole bar as data. Developer entries exist only in a build that is not packaged. */
export function menuBar(options: { readonly platform: string; readonly packaged: boolean; readonly quit: () => void }): MenuItemConstructorOptions[] {
  const mac = options.platform === 'darwin'
  const quit: MenuItemConstructorOptions = { label: mac ? 'Quit Waybill' : '&Quit', accelerator: 'CmdOrCtrl+Q', click: options.quit }
  return [
    ...(mac ? [appMenu(quit)] : []),
    { label: '&File', submenu: [{ role: 'close' }, ...(mac ? [] : [{ type: 'separator' as const }, quit])] },
    { label: '&Edit', submenu: [{ role: 'undo' }, { role: 'redo' }, { type: 'separator' }, { role: 'cut' }, { role: 'copy' }, { role: 'paste' }, { role: 'selectAll' }] },
    { label: '&View', submenu: viewMenu(options.packaged) },
    { label: '&Window', role: 'windowMenu' },
  ]
}

function appMenu(quit: MenuItemConstructorOptions): MenuItemConstructorOptions {
  return {
    label: 'Waybill',
    submenu: [{ role: 'about' }, { type: 'separator' }, { role: 'services' }, { type: 'separator' }, { role: 'hide' }, { role: 'hideOthers' }, { role: 'unhide' }, { type: 'separator' }, quit],
  }
}

function viewMenu(packaged: boolean): MenuItemConstructorOptions[] {
  const zoom: MenuItemConstructorOptions[] = [{ role: 'resetZoom' }, { role: 'zoomIn' }, { role: 'zoomOut' }, { type: 'separator' }, { role: 'togglefullscreen' }]
  return packaged ? zoom : [{ role: 'reload' }, { role: 'toggleDevTools' }, { type: 'separator' }, ...zoom]
}
