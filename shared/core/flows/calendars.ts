import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import type { Clock } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { readHolidays } from '../schedules/holidays.ts'
import type { Database } from '../store/database.ts'
import type { FlowRepository } from './repository.ts'
import type { Scheduler } from './scheduler.ts'

export interface CalendarDeps {
  readonly database: Database
  readonly repository: FlowRepository
  readonly scheduler: Scheduler
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly logger: Logger
  readonly changed: (flow: string) => void
}

/** Reads the files of holidays again: the dates of next year are written into the same file. What cannot be read stays as it was, and is told. */
export async function reloadCalendars(actor: Actor, { database, repository, scheduler, audit, clock, logger, changed }: CalendarDeps): Promise<void> {
  for (const flow of repository.withCalendar()) {
    const { trigger } = flow.document
    if (trigger.kind !== 'schedule' || trigger.schedule.calendar === undefined) continue
    try {
      const holidays = await readHolidays(trigger.schedule)
      if (JSON.stringify(holidays) === JSON.stringify(flow.holidays)) continue
      database.transaction(() => {
        scheduler.accountMissed(flow)
        const until = Math.max(flow.accountedUntil, clock.now())
        repository.account(flow.id, until, scheduler.nextAfter({ document: flow.document, holidays }, until))
        repository.setHolidays(flow.id, holidays, scheduler.nextAfter({ document: flow.document, holidays }, until))
        audit.record({ actor, type: 'flow.calendar_read', subject: { kind: 'flow', id: flow.id }, data: { days: holidays.length } })
      })
      changed(flow.id)
    } catch (error) {
      logger.log('warn', 'the holidays of a flow cannot be read', { flow: flow.id, problem: asAppError(error).message })
    }
  }
}
