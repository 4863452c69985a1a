/** What becomes of files once they arrived at everybody, and of those that were moved, once their time is over. */
import { join } from 'node:path'
import type { Delivery } from '../../contract/deliveries.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { ContentRemoval } from '../deliveries/content-removal.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Database } from '../store/database.ts'
import type { FlowFiles, TravellingFile } from './files.ts'
import type { FlowRepository } from './repository.ts'
import { splitTarget } from './rules.ts'
import { forgetSent, putAway } from './source-folder.ts'

/** Files that one look deletes of a flow; the next goes on. */
const MOST_FORGOTTEN = 1000
const DAY_MS = 86_400_000

export interface PutAwayDeps {
  readonly database: Database
  readonly repository: FlowRepository
  readonly files: FlowFiles
  /** The present state of a delivery; null when there is none. */
  readonly deliveryOf: (id: string) => Delivery | null
  readonly contents: Pick<ContentRemoval, 'remove' | 'sweep'>
  /** How many days the content of a partner's files is kept by agreement. */
  readonly keptDays: (partner: string) => number
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly logger: Logger
}

export function createPuttingAway(deps: PutAwayDeps) {
  const { database, repository, files, audit, clock, logger } = deps
  /** Paths of files that are being put away. */
  const inHand = new Set<string>()

  const settleFile = async (file: TravellingFile): Promise<void> => {
    if (file.afterwards !== 'pending') return
    const stored = repository.find(file.flow)
    if (stored === null || stored.document.direction !== 'outbound') {
      files.setAfterwards(file, 'kept')
      return
    }
    const flow = stored.document
    const all = files.ofFile(flow.id, file)
    const done = flow.targets.every((target) => all.some((one) => one.target === target && deps.deliveryOf(one.delivery)?.state === 'delivered'))
    // Two runs may look at the same moment: a second hand would find the file half moved.
    if (!done || inHand.has(file.path)) return
    inHand.add(file.path)
    try {
      const what = await putAway(file, flow.afterwards, flow.moveTo ?? join(file.path, '..', 'Sent'))
      database.transaction(() => {
        for (const one of all) if (one.afterwards === 'pending') files.setAfterwards(one, what)
        audit.record({ actor: systemActor, type: 'flow.file_put_away', subject: { kind: 'flow', id: flow.id }, trace: file.run, data: { delivery: file.delivery, what } })
      })
    } catch (error) {
      // It stays; the next look tries again.
      logger.log('warn', 'a sent file could not be put away', { flow: flow.id, problem: asAppError(error).message })
    } finally {
      inHand.delete(file.path)
    }
  }

  /** Never earlier than agreed with a partner, whatever the flow said before that was agreed. */
  const forgetContents = async (): Promise<void> => {
    for (const { document } of repository.having('keepDays')) {
      if (document.keepDays === undefined) continue
      const days = Math.max(document.keepDays, ...document.targets.map((target) => deps.keptDays(splitTarget(target).partner)))
      for (const delivery of files.restingBefore(document.id, timestamp(clock.now() - days * DAY_MS), MOST_FORGOTTEN)) deps.contents.remove(delivery, { days, flow: document.id })
    }
    await deps.contents.sweep()
  }

  return {
    /** Moves or deletes the files of a delivery once every target of the flow has them. */
    async settle(delivery: string): Promise<void> {
      if (deps.deliveryOf(delivery)?.state !== 'delivered') return
      for (const file of files.of(delivery)) await settleFile(file)
    },

    /** Deletes moved files and contents that a flow keeps no longer. */
    async forgetOld(): Promise<void> {
      await forgetContents()
      for (const { document } of repository.having('keepSentDays')) {
        if (document.direction !== 'outbound' || document.keepSentDays === undefined) continue
        for (const file of files.movedBefore(document.id, timestamp(clock.now() - document.keepSentDays * DAY_MS), MOST_FORGOTTEN)) {
          const what = await forgetSent(file, file.afterwards.slice('moved: '.length)).catch(() => null)
          if (what === null) continue
          database.transaction(() => {
            files.setAfterwards(file, what)
            audit.record({ actor: systemActor, type: 'flow.file_expired', subject: { kind: 'flow', id: document.id }, trace: file.run, data: { delivery: file.delivery, what, days: document.keepSentDays } })
          })
        }
      }
    },
  }
}
