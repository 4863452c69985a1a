/** Flows that run when a file appears. */
import { createHash } from 'node:crypto'
import type { Clock } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { chooseFiles, type ChoiceDeps, type Chosen } from './choice.ts'
import type { FlowRepository, StoredFlow } from './repository.ts'

/** Between runs that leave the same files standing. */
const FIRST_PAUSE_MS = 30_000
const LONGEST_PAUSE_MS = 30 * 60_000

export interface WatchingDeps {
  readonly repository: FlowRepository
  readonly choice: Omit<ChoiceDeps, 'signal'>
  readonly isBlocked: (flow: StoredFlow) => boolean
  readonly start: (flow: string) => void
  readonly clock: Clock
  readonly logger: Logger
}

/** One look into every watched folder; starts what is worthwhile. */
export function createWatching({ repository, choice, isBlocked, start, clock, logger }: WatchingDeps): (signal: AbortSignal) => Promise<void> {
  /** Read anew only when a flow has changed: there may be thousands. */
  let watchers: { readonly version: number; readonly flows: readonly StoredFlow[] } | null = null
  /** The files that the last run of a flow was started for. */
  const futile = new Map<string, { readonly what: string; readonly tries: number; readonly notBefore: number }>()

  /** The same files that a run has just left standing are no new reason to run: it is tried again with growing pauses. */
  const isWorthwhile = (flow: StoredFlow, send: readonly Chosen[]): boolean => {
    const what = createHash('sha256').update(JSON.stringify([flow.updatedAt, send.map(({ file, target }) => [file.name, file.size, file.modified, target])])).digest('hex')
    const before = futile.get(flow.id)
    const now = clock.now()
    if (before?.what === what && now < before.notBefore) return false
    const tries = before?.what === what ? before.tries + 1 : 0
    futile.set(flow.id, { what, tries, notBefore: now + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) })
    return true
  }

  const watching = (): readonly StoredFlow[] => {
    const version = repository.version()
    if (watchers?.version !== version) watchers = { version, flows: repository.withTrigger('watch') }
    return watchers.flows
  }

  return async (signal) => {
    for (const flow of watching()) {
      if (flow.paused !== null || flow.document.direction !== 'outbound' || isBlocked(flow) || repository.runningOf(flow.id) !== null) continue
      try {
        const { send } = await chooseFiles(flow.document, { ...choice, signal }, { byPerson: false, wait: false })
        if (send.length === 0) futile.delete(flow.id)
        else if (isWorthwhile(flow, send)) start(flow.id)
      } catch (error) {
        if (signal.aborted) return
        logger.log('warn', 'a folder could not be watched', { flow: flow.id, problem: asAppError(error).message })
      }
    }
  }
}
