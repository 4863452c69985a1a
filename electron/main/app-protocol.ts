/** Serves the built window under `app://waybill/`. */
import { randomBytes } from 'node:crypto'
import type { Protocol } from 'electron'
import { readStatic, staticTarget } from '../../shared/hosts/static-files.ts'
import { APP_SCHEME, isOwnUrl } from './urls.ts'

/** For `protocol.registerSchemesAsPrivileged`, before the app is ready. No `bypassCSP`, no `corsEnabled`. */
export const APP_PRIVILEGES = [{ scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } }]

export interface AppAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array<ArrayBuffer>
}

/** Answers one request out of `folder`: GET only, our own host only, never outside of the folder. */
export async function answerAppRequest(request: { readonly method: string; readonly url: string }, folder: string): Promise<AppAnswer> {
  if (request.method !== 'GET') return refusal(405, 'Only GET is known here.')
  if (!isOwnUrl(request.url)) return refusal(404, 'There is nothing here.')
  const target = staticTarget(folder, pathOf(request.url))
  const found = target === null ? null : await readStatic(folder, target, { nonce: randomBytes(18).toString('base64') })
  return found === null ? refusal(404, 'There is nothing here.') : { status: 200, headers: found.headers, body: new Uint8Array(found.body) }
}

/** The path as it stands in the address: a parser would already have resolved `..` and hidden the attempt. */
function pathOf(url: string): string {
  const rest = url.slice(url.indexOf('://') + 3)
  const slash = rest.search(/[/?#]/)
  if (slash === -1 || rest[slash] !== '/') return '/'
  return rest.slice(slash).split(/[?#]/, 1)[0] ?? '/'
}

function refusal(status: number, text: string): AppAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }, body: new TextEncoder().encode(text) }
}

/** Call once the app is ready. */
export function handleAppProtocol(protocol: Protocol, folder: string): void {
  protocol.handle(APP_SCHEME, async (request) => {
    const { status, headers, body } = await answerAppRequest(request, folder)
    return new Response(body, { status, headers })
  })
}
