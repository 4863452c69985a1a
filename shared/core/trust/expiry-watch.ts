/** Says in time what is about to end. What was said is kept, so that a restart repeats nothing and sleep loses nothing. */
import type { AuditTrail } from '../audit/service.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { RaiseNotice } from '../notifications/raise.ts'
import type { Database } from '../store/database.ts'
import { expiryText, stepOf } from './expiry-rules.ts'
import type { Insights, WhatIf } from './insights.ts'

/** The wall clock is compared this often: timers stand still while a computer sleeps. */
const TICK_MS = 10 * 60_000

export interface ExpiryWatch {
  /** Says what is to be said now; answers how many notices that were. */
  check(): number
  /** Checks now and from then on, until the signal. */
  run(signal: AbortSignal): Promise<void>
}

/** What has expired says what stands still for it: the list that `what-if` gave for the day. */
function withConsequences(text: { readonly title: string; readonly body: string }, then: WhatIf | null): { readonly title: string; readonly body: string } {
  const lines = (then?.consequences ?? []).map(({ partner, connection, role, severity, message }) => `${partner}/${connection} as ${role}: ${severity === 'breaks' ? message : `${severity}, ${message}`}`)
  return lines.length === 0 ? text : { ...text, body: [text.body, ...lines].join('\n') }
}

/** `also` runs at the same beat: what else time asks for. */
export function createExpiryWatch(deps: { readonly database: Database; readonly insights: Insights; readonly audit: AuditTrail; readonly raise: RaiseNotice; readonly also?: () => unknown; readonly clock: Clock; readonly logger: Logger }): ExpiryWatch {
  const { database, insights, audit, raise, clock, logger } = deps

  const note = (item: string, part: string, step: string): boolean =>
    database.prepare('INSERT INTO expiry_notices (item, part, step, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING').run(item, part, step, timestamp(clock.now())).changes > 0

  const check = (): number => {
    let said = 0
    for (const entry of insights.entries()) {
      const step = stepOf(entry, clock.now())
      if (step === null) continue
      const text = withConsequences(expiryText(entry), entry.daysLeft < 0 ? insights.whatIf(entry.item, timestamp(clock.now())) : null)
      const isNew = database.transaction(() => {
        if (!note(entry.item, `${entry.part} ${entry.name}`, step)) return false
        audit.record({ actor: systemActor, type: 'trust.expiry_noticed', subject: { kind: 'trust', id: entry.item }, data: { part: entry.part, name: entry.name, endsAt: entry.endsAt, daysLeft: entry.daysLeft, step } })
        raise({ severity: 'attention', ...text, subject: { kind: 'trust', id: entry.item } })
        return true
      })
      if (!isNew) continue
      said += 1
    }
    return said
  }

  return {
    check,
    async run(signal) {
      while (!signal.aborted) {
        try {
          check()
          deps.also?.()
        } catch (error) {
          logger.log('error', 'expiry could not be checked', { problem: asAppError(error).message })
        }
        await clock.sleep(TICK_MS, signal).catch(() => undefined)
      }
    },
  }
}
