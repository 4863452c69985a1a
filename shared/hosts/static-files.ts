/** Which file of the built window a request means, and with which headers it is answered. Pure but for reading the file. */
import { readFile } from 'node:fs/promises'
import { extname, isAbsolute, relative, resolve, sep } from 'node:path'

/** Explicit types; a file of another kind is not served. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}

/** Stands in `index.html` where the nonce of a load goes. */
export const NONCE_PLACEHOLDER = '__CSP_NONCE__'

export type StaticTarget = { readonly kind: 'page' } | { readonly kind: 'asset'; readonly path: string; readonly contentType: string }

/**
 * The file that a URL path means, inside `folder` only; null when there can be none. Paths without an ending are places
 * of the window's router and mean the page. Decodes once; whatever still looks like a way out is refused.
 */
export function staticTarget(folder: string, urlPath: string): StaticTarget | null {
  const decoded = decodeOnce(urlPath)
  if (decoded === null || !decoded.startsWith('/') || /[\0\\%]/.test(decoded)) return null
  const parts = decoded.split('/')
  if (parts.some((part) => part === '..' || part === '.' || (part.startsWith('.') && part !== ''))) return null
  const ending = extname(decoded).toLowerCase()
  if (ending === '' || decoded === '/index.html') return { kind: 'page' }
  const contentType = Object.hasOwn(CONTENT_TYPES, ending) ? CONTENT_TYPES[ending] : undefined
  if (contentType === undefined || ending === '.html') return null
  const path = resolve(folder, `.${decoded}`)
  return isInside(folder, path) ? { kind: 'asset', path, contentType } : null
}

function decodeOnce(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

function isInside(folder: string, path: string): boolean {
  const way = relative(resolve(folder), path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** The window's Content-Security-Policy. `connect` lists what it may talk to besides its own origin. */
export function contentSecurityPolicy(nonce: string, connect: readonly string[] = []): string {
  return [
    `default-src 'none'`,
    `script-src 'self'`,
    `style-src 'self' 'nonce-${nonce}'`,
    `img-src 'self' data: blob:`,
    `font-src 'self'`,
    `connect-src ${["'self'", ...connect].join(' ')}`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
    `object-src 'none'`,
  ].join('; ')
}

/** Headers of everything that belongs to the window. */
export const WINDOW_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=()',
}

export interface StaticAnswer {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Reads what a target means; null when there is no such file. The page gets the nonce and the policy. */
export async function readStatic(folder: string, target: StaticTarget, page: { readonly nonce: string; readonly connect?: readonly string[] }): Promise<StaticAnswer | null> {
  try {
    if (target.kind === 'asset') {
      return { headers: { ...WINDOW_HEADERS, 'content-type': target.contentType }, body: await readFile(target.path) }
    }
    const html = await readFile(resolve(folder, 'index.html'), 'utf8')
    return {
      headers: {
        ...WINDOW_HEADERS,
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': contentSecurityPolicy(page.nonce, page.connect),
      },
      body: Buffer.from(html.replaceAll(NONCE_PLACEHOLDER, page.nonce)),
    }
  } catch {
    return null
  }
}
