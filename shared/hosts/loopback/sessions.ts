/** One-time tokens that open a window, and the sessions that they are exchanged for. Only hashes are kept. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/kernel/clock.ts'
import { digest } from '../http.ts'

export const TOKEN_LIFETIME_MS = 10 * 60 * 1000
/** A session ends after this much time without a request. */
export const SESSION_IDLE_MS = 12 * 60 * 60 * 1000
const MOST_TOKENS = 16
const MOST_SESSIONS = 32

export interface Sessions {
  /** A new one-time token: 256 bits, valid for ten minutes. */
  issueToken(): string
  /** Consumes the token; the new session's secret, or null when the token is unknown, used or too old. */
  exchange(token: string): string | null
  /** Whether this is the secret of a living session; using it keeps it alive. */
  isSession(secret: string): boolean
}

export function createSessions(clock: Clock): Sessions {
  const tokens = createExpiringSet(clock, TOKEN_LIFETIME_MS, MOST_TOKENS)
  const sessions = createExpiringSet(clock, SESSION_IDLE_MS, MOST_SESSIONS)
  return {
    issueToken: () => tokens.create(),
    exchange: (token) => (tokens.take(token) ? sessions.create() : null),
    isSession: (secret) => sessions.touch(secret),
  }
}

interface ExpiringSet {
  create(): string
  take(secret: string): boolean
  touch(secret: string): boolean
}

/** Looked up by hash, so that the time of a look-up tells nothing about the secrets. The oldest goes when it is full. */
function createExpiringSet(clock: Clock, lifetimeMs: number, most: number): ExpiringSet {
  const entries = new Map<string, number>()
  const keyOf = (secret: string): string => digest(secret).toString('hex')

  function alive(key: string): boolean {
    const expiresAt = entries.get(key)
    return expiresAt !== undefined && expiresAt > clock.now()
  }

  return {
    create() {
      for (const key of entries.keys()) {
        if (alive(key) && entries.size < most) break
        entries.delete(key)
      }
      const secret = randomBytes(32).toString('base64url')
      entries.set(keyOf(secret), clock.now() + lifetimeMs)
      return secret
    },
    take(secret) {
      const key = keyOf(secret)
      const valid = alive(key)
      entries.delete(key)
      return valid
    },
    touch(secret) {
      const key = keyOf(secret)
      if (!alive(key)) return false
      // Re-inserted, so that the least recently used one is the first to go.
      entries.delete(key)
      entries.set(key, clock.now() + lifetimeMs)
      return true
    },
  }
}
