/** The calendar of expiries at an address of its own: whoever knows the token reads it, and nothing else. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import { AppError } from '../kernel/errors.ts'
import type { Database } from '../store/database.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'

const SECRET = 'calendar/feed'

export type CalendarFeed = ReturnType<typeof createCalendarFeed>

export function createCalendarFeed({ database, secrets, audit, text }: { readonly database: Database; readonly secrets: SealedSecrets; readonly audit: AuditTrail; readonly text: () => string }) {
  const path = (): string | null => {
    const token = secrets.get(SECRET)
    return token === null ? null : `/calendar/${token}.ics`
  }
  return {
    path,
    set({ enabled, renew }: { readonly enabled: boolean; readonly renew: boolean }, actor: Actor): string | null {
      database.transaction(() => {
        const present = secrets.get(SECRET)
        if (!enabled && present !== null) secrets.delete(SECRET)
        if (enabled && (present === null || renew)) secrets.put(SECRET, randomBytes(32).toString('base64url'))
        if (enabled !== (present !== null) || renew) audit.record({ actor, type: enabled ? 'calendar.feed_on' : 'calendar.feed_off', subject: { kind: 'workspace', id: 'calendar' }, data: { renewed: enabled && renew && present !== null } })
      })
      return path()
    },
    byToken(token: string): string {
      const [given, known] = [Buffer.from(token), Buffer.from(secrets.get(SECRET) ?? '')]
      if (known.length === 0 || given.length !== known.length || !timingSafeEqual(given, known)) throw new AppError('input.not_found', 'there is no calendar at this address')
      return text()
    },
  }
}
