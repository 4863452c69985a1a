/** What the shell forbids: asserted by tests that read these very options. See the README for the list and its reasons. */
import type { App, Session, WebContents, WebPreferences } from 'electron'
import type { Logger } from '../../shared/core/kernel/logger.ts'
import { isOwnUrl, mayLoad } from './urls.ts'

/** Every window's web preferences. */
export function webPreferences(options: { readonly preload: string; readonly packaged: boolean }): WebPreferences {
  return {
    preload: options.preload,
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webviewTag: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    navigateOnDragDrop: false,
    spellcheck: false,
    safeDialogs: true,
    devTools: !options.packaged,
  }
}

/** The only thing that a page may ask the system for. */
export const PERMITTED: ReadonlySet<string> = new Set(['clipboard-sanitized-write'])

/** Closes a session: no permissions, no devices, no network, no credentials. */
export function hardenSession(session: Session, logger: Logger): void {
  session.setPermissionRequestHandler((_contents, permission, callback) => callback(PERMITTED.has(permission)))
  session.setPermissionCheckHandler((_contents, permission) => PERMITTED.has(permission))
  session.setDevicePermissionHandler(() => false)
  // No stream is handed out: the request fails.
  session.setDisplayMediaRequestHandler((_request, callback) => callback({}))
  session.allowNTLMCredentialsForDomains('')
  session.webRequest.onBeforeRequest((details, callback) => {
    const cancel = !mayLoad(details.url)
    if (cancel) logger.log('warn', 'request of the window cancelled', { address: addressForLog(details.url) })
    callback({ cancel })
  })
  session.on('will-download', (event) => event.preventDefault())
}

/** Keeps every page where it is: no navigation, no windows, no embedded pages. */
export function hardenContents(contents: WebContents, logger: Logger): void {
  const stay = (event: { preventDefault(): void }, url: string): void => {
    if (isOwnUrl(url)) return
    event.preventDefault()
    logger.log('warn', 'navigation refused', { address: addressForLog(url) })
  }
  contents.setWindowOpenHandler(({ url }) => {
    logger.log('warn', 'new window refused', { address: addressForLog(url) })
    return { action: 'deny' }
  })
  contents.on('will-navigate', (event, url) => stay(event, url))
  contents.on('will-redirect', (event, url) => stay(event, url))
  contents.on('will-frame-navigate', (event) => stay(event, event.url))
  contents.on('will-attach-webview', (event) => event.preventDefault())
}

/** For everything that will be created, and for what the network stack asks of us. */
export function hardenApp(app: App, logger: Logger): void {
  app.on('web-contents-created', (_event, contents) => hardenContents(contents, logger))
  app.on('certificate-error', (event, _contents, _url, _error, _certificate, callback) => {
    event.preventDefault()
    callback(false)
  })
  app.on('select-client-certificate', (event, _contents, _url, _list, callback) => {
    event.preventDefault()
    callback()
  })
  app.on('login', (event, _contents, _details, _authInfo, callback) => {
    event.preventDefault()
    callback()
  })
}

/** Scheme and host only: paths and queries may hold what does not belong into a log. */
function addressForLog(text: string): string {
  try {
    const url = new URL(text)
    return `${url.protocol}//${url.host}`
  } catch {
    return 'unreadable'
  }
}
