/** Stands for `electron` in the preload. */
/* eslint-disable typescript/no-explicit-any */
const electron: any = require('electron')
const old = electron.webUtils === undefined

/** What the page handed over last; see `expose`. */
let handed: { readonly path: string } | null = null

/**
 * Version 9's bridge carries no files, but an event of the document does, and a file object of then knows its path. So the page
 * gets the same object under the same name, whose `fileCapability` shows the file by an event before it calls.
 */
function expose(name: string, api: object): void {
  const raw = `${name}-raw`
  document.addEventListener('ring-file', (event) => {
    handed = (event as CustomEvent<{ path: string } | null>).detail
  })
  electron.contextBridge.exposeInMainWorld(raw, api)
  electron.webFrame.executeJavaScript(`{
    const { fileCapability, ...rest } = window[${JSON.stringify(raw)}]
    const show = (file) => {
      document.dispatchEvent(new CustomEvent('ring-file', { detail: file }))
      return fileCapability(null)
    }
    Object.defineProperty(window, ${JSON.stringify(name)}, { value: Object.freeze({ ...rest, fileCapability: show }) })
  }; undefined`)
}

export const contextBridge: any = old ? { exposeInMainWorld: expose } : electron.contextBridge
export const ipcRenderer: any = electron.ipcRenderer
export const webUtils: any = electron.webUtils ?? { getPathForFile: () => handed?.path ?? '' }
