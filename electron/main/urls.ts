/** Which addresses are ours. Compared as parsed URLs: texts that merely contain our address are not ours. */

export const APP_SCHEME = 'app'
export const APP_HOST = 'waybill'
/** Where the window starts. */
export const APP_URL = `${APP_SCHEME}://${APP_HOST}/`

/** Whether an address belongs to the window itself. */
export function isOwnUrl(text: string): boolean {
  const url = parse(text)
  // `host` carries the port: app://waybill:80/ is not ours.
  return url !== null && url.protocol === `${APP_SCHEME}:` && url.host === APP_HOST && url.username === '' && url.password === ''
}

/** What the window's session may load: itself, and what it made itself. Everything else is the core's business. */
export function mayLoad(text: string): boolean {
  if (isOwnUrl(text)) return true
  const url = parse(text)
  if (url === null) return false
  if (url.protocol === 'data:' || url.protocol === 'devtools:') return true
  return url.protocol === 'blob:' && isOwnUrl(text.slice('blob:'.length))
}

function parse(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}
