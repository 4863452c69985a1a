/**
 * Stands for `electron` in the main process: what came after version 9, on what was there, and the test's way in. On a current
 * runtime everything passes straight through. Untyped on purpose: two Electron versions meet here.
 */
/* eslint-disable typescript/no-explicit-any */
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

const electron: any = require('electron')
const old = Number(process.versions['electron']?.split('.')[0]) < 20

/** What the test reads and sets. */
const seen = { trayMenu: null as any, trayToolTip: '', notifications: [] as any[], dialogs: [] as any[], dialogAnswer: 0, online: true, awake: 0, awakeTimes: 0 }

const templates = new WeakMap<object, any[]>()
export const Menu: any = new Proxy(electron.Menu, {
  get: (target, name) =>
    name === 'buildFromTemplate'
      ? (template: any[]) => {
          const menu = target.buildFromTemplate(template)
          templates.set(menu, template)
          return menu
        }
      : Reflect.get(target, name),
})

export class Tray extends electron.Tray {
  setContextMenu(menu: object): void {
    seen.trayMenu = templates.get(menu) ?? null
    super.setContextMenu(menu)
  }
  setToolTip(text: string): void {
    seen.trayToolTip = text
    super.setToolTip(text)
  }
}

/** The real one, remembered; a display without a desktop shows none, but `show` must go through. */
export class Notification extends electron.Notification {
  static isSupported = (): boolean => true
  show(): void {
    seen.notifications.push(this)
    super.show()
  }
}

/** Nobody sits before this display. */
export const dialog: any = {
  showMessageBox: (_window: unknown, options: object) => {
    seen.dialogs.push(options)
    return Promise.resolve({ response: seen.dialogAnswer })
  },
}

function modernContents(contents: any): any {
  if (!old || contents.setWindowOpenHandler !== undefined) return contents
  contents.setWindowOpenHandler = (decide: (details: { url: string }) => { action: string }) => {
    contents.on('new-window', (event: any, url: string) => {
      if (decide({ url }).action === 'deny') event.preventDefault()
    })
  }
  const on = contents.on.bind(contents)
  contents.on = (name: string, listener: (...args: any[]) => void) => {
    if (name === 'did-start-navigation') return on(name, (_event: any, url: string, isSameDocument: boolean, isMainFrame: boolean) => listener({ url, isSameDocument, isMainFrame }))
    return on(name, listener)
  }
  return contents
}

function modernSession(session: any): any {
  session.setDevicePermissionHandler ??= () => undefined
  session.setDisplayMediaRequestHandler ??= () => undefined
  return session
}

if (old) {
  Object.assign(globalThis, {
    Response: class {
      readonly body: Uint8Array
      readonly status: number
      readonly headers: object
      constructor(body: Uint8Array, options: { status: number; headers: object }) {
        this.body = body
        this.status = options.status
        this.headers = options.headers
      }
    },
  })
  Object.assign(globalThis, { performance: require('perf_hooks').performance })
  electron.app.on('web-contents-created', (_event: unknown, contents: any) => modernContents(contents))
}

export const app: any = electron.app
export const powerMonitor: any = electron.powerMonitor
/** Version 9 cannot tell; and the test pulls the plug. */
export const net: any = { isOnline: () => seen.online }
export const powerSaveBlocker: any = {
  start(kind: string) {
    seen.awake += 1
    seen.awakeTimes += 1
    return electron.powerSaveBlocker.start(kind)
  },
  stop(id: number) {
    seen.awake -= 1
    electron.powerSaveBlocker.stop(id)
  },
}
export const BrowserWindow: any = electron.BrowserWindow
export const nativeImage: any = electron.nativeImage
export const nativeTheme: any = electron.nativeTheme
export const shell: any = electron.shell
export const session: any = {
  get defaultSession() {
    return old ? modernSession(electron.session.defaultSession) : electron.session.defaultSession
  },
}

export const protocol: any = new Proxy(electron.protocol, {
  get(target, name) {
    if (!old || name !== 'handle') return typeof target[name] === 'function' ? target[name].bind(target) : target[name]
    return (scheme: string, answer: (request: any) => Promise<any>) => {
      const { Readable } = require('stream')
      target.registerStreamProtocol(scheme, (request: any, callback: (answer: object) => void) => {
        const respond = async (): Promise<void> => {
          const { status, headers, body } = await answer(request)
          callback({ statusCode: status, headers, data: Readable.from([Buffer.from(body)]) })
        }
        void respond()
      })
    }
  },
})

export const ipcMain: any = {
  handle(channel: string, listener: (event: any, ...args: any[]) => unknown) {
    electron.ipcMain.handle(channel, (event: any, ...args: any[]) => {
      if (!old) return listener(event, ...args)
      // Version 9 tells only the page of a frame, and gives sandboxed subframes no preload at all.
      return listener({ sender: event.sender, senderFrame: { url: event.sender.getURL(), parent: null } }, ...args)
    })
  },
}

/** One line of JSON asks, one answers. The text runs here with `electron` and `seen` at hand. */
const control = process.env['WAYBILL_RING_CONTROL']
if (control !== undefined) {
  const line = connect(control)
  line.on('error', () => undefined)
  createInterface({ input: line }).on('line', (text: string) => {
    const { id, code } = JSON.parse(text)
    Promise.resolve()
      .then(() => new Function('electron', 'seen', code)(electron, seen))
      .then(
        (value) => line.write(`${JSON.stringify({ id, value: value ?? null })}\n`),
        (error) => line.write(`${JSON.stringify({ id, error: String(error) })}\n`),
      )
  })
}
