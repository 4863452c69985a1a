/** What was refused, or came from nobody we know, is kept for a while to be looked at; then its bytes go, and the record stays. */
import type { AuditTrail } from '../audit/service.ts'
import type { Ledger } from '../deliveries/ledger.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Database } from '../store/database.ts'
import type { PayloadStore } from '../store/payload-store.ts'
import type { MessageRepository } from './repository.ts'

/** Longer than any partner goes on trying. */
export const REFUSED_DAYS = 30
const DAY_MS = 86_400_000
const EVERY_MS = 6 * 3_600_000

export interface Cleanup {
  /** Now and every few hours; ends with the signal. */
  start(): void
  /** Answers how many messages gave up their bytes. */
  run(): Promise<number>
}

export function createCleanup(deps: {
  readonly database: Database
  readonly messages: MessageRepository
  readonly ledger: Pick<Ledger, 'keeps'>
  readonly payloads: PayloadStore
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
}): Cleanup {
  const { database, messages, ledger, payloads, audit, clock, signal } = deps

  const run = async (): Promise<number> => {
    let count = 0
    for (;;) {
      const entries = messages.givenUpBefore(timestamp(clock.now() - REFUSED_DAYS * DAY_MS))
      if (entries.length === 0 || signal.aborted) return count
      for (const { id, partner, messageId, bodySha256, bodyBytes, receivedAt, reason } of entries) {
        // First the record says so, then they go: never the other way round.
        database.transaction(() => {
          messages.bodyRemoved(id, timestamp(clock.now()))
          audit.record({ actor: systemActor, type: 'as2.refused_content_removed', subject: { kind: 'message', id }, partner, data: { messageId, sha256: bodySha256, bytes: bodyBytes, receivedAt, reason, keptDays: REFUSED_DAYS } })
        })
        if (!messages.keeps(bodySha256) && !ledger.keeps(bodySha256)) await payloads.remove(bodySha256)
        count++
      }
    }
  }

  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      await run()
      await clock.sleep(EVERY_MS, signal).catch(() => undefined)
    }
  }

  return { run, start: () => void watch().catch((error: unknown) => deps.logger.log('error', 'refused messages are not tidied up any more', { problem: asAppError(error).message })) }
}
