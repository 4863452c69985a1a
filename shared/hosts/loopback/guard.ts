/** Decides whether a request may go on: by its Host, its Origin and its session. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Sessions } from './sessions.ts'

/** What the guard needs of a request. */
export interface GuardedRequest {
  readonly headers: IncomingHttpHeaders
}

export interface Guard {
  /** Exactly our own host and port: a name that an attacker points at this computer (DNS rebinding) does not pass. */
  isOurHost(request: GuardedRequest): boolean
  /** Denied always when there is no Origin: every browser sends one with POST and with WebSockets. */
  isOurOrigin(request: GuardedRequest): boolean
  hasSession(request: GuardedRequest): boolean
  /** The `Set-Cookie` value for a new session. */
  cookieFor(secret: string): string
}

/** `authority` is `127.0.0.1:PORT`. The cookie's name carries the port, for cookies do not tell ports apart. */
export function createGuard(authority: string, port: number, sessions: Sessions): Guard {
  const cookieName = `waybill-${port}`
  const origin = `http://${authority}`
  return {
    isOurHost: ({ headers }) => headers.host === authority,
    isOurOrigin: ({ headers }) => {
      const site = headers['sec-fetch-site']
      return headers.origin === origin && (site === undefined || site === 'same-origin')
    },
    hasSession: ({ headers }) => {
      const secret = cookieValue(headers.cookie ?? '', cookieName)
      return secret !== null && sessions.isSession(secret)
    },
    cookieFor: (secret) => `${cookieName}=${secret}; HttpOnly; SameSite=Strict; Path=/`,
  }
}

function cookieValue(header: string, name: string): string | null {
  for (const part of header.split(';')) {
    const mark = part.indexOf('=')
    if (mark !== -1 && part.slice(0, mark).trim() === name) return part.slice(mark + 1).trim()
  }
  return null
}
