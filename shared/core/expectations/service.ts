import { createHash } from 'node:crypto'
import { ExpectationDocument, type CaseState, type ExpectationCase, type ExpectationDetail, type ExpectationSummary } from '../../contract/expectations.ts'
import type { Delivery } from '../../contract/deliveries.ts'
import type { Seen } from '../deliveries/inbound/collect.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp } from '../kernel/clock.ts'
import { AppError, asAppError } from '../kernel/errors.ts'
import type { EventBus } from '../kernel/events.ts'
import type { Logger } from '../kernel/logger.ts'
import { parseDocument } from '../partners/rules.ts'
import { readHolidays } from '../schedules/holidays.ts'
import { checkSchedule, nextDue } from '../schedules/rules.ts'
import { scheduleText } from '../flows/rules.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import { signAsWorkspace } from '../workspace/signing.ts'
import type { StoredCase, StoredExpectation } from './repository.ts'
import { isMeant } from './rules.ts'
import { writeStatement } from './statement.ts'
import { createExpectationWatch, type WatchDeps } from './watch.ts'

const TICK_MS = 10_000
const LOOK_APART_MS = 200
const SHOWN_NEXT = 5
const SHOWN_CASES = 50
const KEEP_MS = 400 * 86_400_000
const PRUNE_EVERY_MS = 6 * 3_600_000

export interface ExpectationDeps extends WatchDeps {
  readonly bus: Pick<EventBus, 'subscribe'>
  readonly secrets: SealedSecrets
  readonly logger: Logger
  readonly workspace: string
  /** How we call ourselves. */
  readonly station: () => string | null
  readonly auditHead: () => { readonly seq: number; readonly hash: string }
  readonly partnerExists: (partner: string, connection: string | undefined) => boolean
  /** Whether files of that partner, or of one connection of it, are collected by looking. */
  readonly isCollected: (partner: string, connection: string | undefined) => boolean
  readonly flowExists: (id: string) => boolean
}

export type ExpectationService = ReturnType<typeof createExpectationService>

export function createExpectationService(deps: ExpectationDeps) {
  const { database, repository, audit, publisher, clock, logger } = deps
  const watch = createExpectationWatch(deps)
  const ending = new AbortController()
  let waking = new AbortController()
  let working: Promise<void> = Promise.resolve()
  let prunedAt = 0

  const shownCase = (entry: StoredCase): ExpectationCase => {
    const stored = repository.find(entry.expectation)
    const { document } = stored ?? {}
    const looked = document?.direction === 'inbound' && deps.isCollected(document.partner, document.connection)
    const looks = looked ? repository.countLooks(document.partner, document.connection, entry.from, Math.min(entry.until, clock.now())) : null
    return {
      expectation: entry.expectation, due: timestamp(entry.due), from: timestamp(entry.from), deadline: timestamp(entry.deadline), until: timestamp(entry.until), state: entry.state, reason: entry.reason,
      files: [...entry.files], looks: looks === null ? null : { total: looks.total, failed: looks.failed, lastAt: looks.lastAt === null ? null : timestamp(looks.lastAt) }, changedAt: entry.changedAt,
    }
  }

  const nextOf = ({ document, holidays }: Pick<StoredExpectation, 'document' | 'holidays'>): string[] => (document.enabled ? nextDue(document.by, clock.now(), SHOWN_NEXT, new Set(holidays)).map(timestamp) : [])

  const summaryOf = (stored: StoredExpectation): ExpectationSummary => {
    const { document } = stored
    const [latest] = repository.cases({ expectation: document.id, limit: 1 })
    return { id: document.id, name: document.name, document, when: scheduleText(document.by), nextDueAt: nextOf(stored)[0] ?? null, current: latest === undefined ? null : shownCase(latest), updatedAt: stored.updatedAt }
  }

  const detailOf = (id: string): ExpectationDetail => {
    const stored = repository.get(id)
    return { summary: summaryOf(stored), next: nextOf(stored), cases: repository.cases({ expectation: id, limit: SHOWN_CASES }).map(shownCase) }
  }

  const parse = (input: unknown): ExpectationDocument => {
    const { $schema: _, ...document } = parseDocument(ExpectationDocument, input)
    return document
  }

  /** Everything that the schema cannot see. Answers the dates of the business calendar. */
  const check = async (document: ExpectationDocument): Promise<string[]> => {
    const invalid = (field: string, message: string): AppError => new AppError('input.invalid', `${field}: ${message}`, { details: { [field]: message } })
    if (!deps.partnerExists(document.partner, undefined)) throw invalid('partner', `there is no partner ${document.partner}`)
    if (document.connection !== undefined && !deps.partnerExists(document.partner, document.connection)) throw invalid('connection', `${document.partner} has no connection ${document.connection}`)
    if (document.flow !== undefined && !deps.flowExists(document.flow)) throw invalid('flow', `there is no flow ${document.flow}`)
    checkSchedule(document.by)
    return await readHolidays(document.by)
  }

  const look = (): void => {
    watch.look()
    if (clock.now() - prunedAt <= PRUNE_EVERY_MS) return
    prunedAt = clock.now()
    repository.forgetBefore(clock.now() - KEEP_MS)
  }

  let lookedAt = -Infinity
  let hint: NodeJS.Timeout | null = null
  /** Many deliveries that end at the same time are one reason to look. */
  const lookSoon = (): void => {
    hint ??= setTimeout(() => {
      hint = null
      waking.abort()
    }, Math.max(0, lookedAt + LOOK_APART_MS - performance.now()))
  }

  const loop = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      waking = new AbortController()
      lookedAt = performance.now()
      try {
        look()
      } catch (error) {
        logger.log('error', 'expectations could not be looked at', { problem: asAppError(error).message })
      }
      const next = repository.nextLookAt()
      const pause = next === null ? TICK_MS : Math.min(TICK_MS, Math.max(100, next - clock.now()))
      await clock.sleep(pause, AbortSignal.any([ending.signal, waking.signal])).catch(() => undefined)
    }
  }

  const resting: readonly Delivery['state'][] = ['delivered', 'received', 'held', 'failed']
  // Only a hint to look sooner: what is judged is read from the ledger.
  const unsubscribe = deps.bus.subscribe('deliveries.changed', ({ partner, state }) => {
    if (!resting.includes(state)) return
    watch.touched(partner)
    lookSoon()
  })

  return {
    start() {
      watch.beginBackground()
      working = loop()
    },
    async stop() {
      ending.abort()
      await working
      unsubscribe()
      if (hint !== null) clearTimeout(hint)
    },
    look,

    /** Writes a look down where somebody expects something from there. */
    noteLook(seen: Seen): void {
      const expected = repository.ofPartner(seen.partner).filter(({ document: { direction, connection, enabled } }) => enabled && direction === 'inbound' && (connection === undefined || connection === seen.connection))
      if (expected.length === 0) return
      const fresh = (seen.listing ?? []).filter(({ taken }) => !taken).map(({ name }) => name)
      repository.addLook({
        partner: seen.partner, connection: seen.connection, folder: seen.folder, at: clock.now(), listed: seen.listing?.length ?? 0, error: seen.error,
        digest: seen.listing === null ? null : createHash('sha256').update(seen.listing.map(({ name, size }) => `${name}\t${size}\n`).toSorted().join('')).digest('hex'),
        matched: Object.fromEntries(expected.map(({ document }) => [document.id, fresh.filter(isMeant(document)).length])),
      })
    },

    list(query: { limit: number; partner?: string | undefined; flow?: string | undefined }): { expectations: ExpectationSummary[]; total: number; attention: number } {
      look()
      const all = repository.all().filter(({ document }) => (query.partner === undefined || document.partner === query.partner) && (query.flow === undefined || document.flow === query.flow))
      const summaries = all.map(summaryOf)
      return { expectations: summaries.slice(0, query.limit), total: all.length, attention: summaries.filter(({ current }) => current?.state === 'missing' || current?.state === 'wrong').length }
    },

    show(id: string): ExpectationDetail {
      look()
      return detailOf(id)
    },

    /** The documents alone, for whoever asks what is watched. */
    documents: (): ExpectationDocument[] => repository.all().map(({ document }) => document),

    async check(input: unknown): Promise<{ document: ExpectationDocument; next: string[]; when: string }> {
      const document = parse(input)
      const holidays = await check(document)
      return { document, next: nextOf({ document, holidays }), when: scheduleText(document.by) }
    },

    async apply(input: unknown, actor: Actor): Promise<{ expectation: ExpectationDetail; changed: boolean; created: boolean }> {
      const document = parse(input)
      const holidays = await check(document)
      const before = repository.find(document.id)
      const same = before !== null && JSON.stringify([before.document, before.holidays]) === JSON.stringify([document, holidays])
      if (!same) {
        const now = clock.now()
        const facts = { holidays, accountedUntil: now, lastDue: null }
        database.transaction(() => {
          repository.dropOpen(document.id)
          repository.save(document, { ...facts, at: timestamp(now), opensAt: watch.opening({ document, ...facts })?.times.from ?? null })
          audit.record({ actor, type: before === null ? 'expectation.created' : 'expectation.changed', subject: { kind: 'expectation', id: document.id }, partner: document.partner, data: { name: document.name, when: scheduleText(document.by), enabled: document.enabled } })
        })
        publisher.publish('expectations.changed', { id: document.id })
        look()
        waking.abort()
      }
      return { expectation: detailOf(document.id), changed: !same, created: before === null }
    },

    remove(id: string, actor: Actor): void {
      const { document } = repository.get(id)
      database.transaction(() => {
        repository.remove(id)
        audit.record({ actor, type: 'expectation.removed', subject: { kind: 'expectation', id }, partner: document.partner })
      })
      publisher.publish('expectations.changed', { id })
    },

    cases(query: { expectation?: string | undefined; state?: readonly CaseState[] | undefined; since?: string | undefined; limit: number }): ExpectationCase[] {
      look()
      return repository.cases(query).map(shownCase)
    },

    statement(id: string, due: string, actor: Actor): { name: string; text: string } {
      look()
      const { document } = repository.get(id)
      const entry = repository.findCase(id, Date.parse(due))
      if (entry === null) throw new AppError('input.not_found', `${id} was not due at ${due}`)
      if (entry.state !== 'missing') throw new AppError('expectation.not_absent', `${id} at ${due}: ${entry.state}, ${entry.reason}`)
      const now = clock.now()
      const until = Math.min(entry.until, now)
      const looks = document.direction === 'outbound' ? [] : repository.looks(document.partner, document.connection, entry.from, until)
      const files = deps.arrivals({ partner: document.partner, direction: document.direction, from: entry.from, until }).filter(({ connection }) => document.connection === undefined || connection === document.connection)
      const meant = isMeant(document)
      const matched = files.filter(({ remoteName, fileName }) => meant(document.direction === 'inbound' ? remoteName : fileName)).length
      if (matched > 0 || looks.some((one) => (one.matched[id] ?? 0) > 0)) throw new AppError('expectation.not_absent', `${id} at ${due}: too little came, but something did`)
      return database.transaction(() => {
        const text = writeStatement(
          {
            workspace: deps.workspace, station: deps.station(), expectation: document, due: timestamp(entry.due), from: timestamp(entry.from), until: timestamp(until),
            looks: looks.map((one) => ({ at: timestamp(one.at), connection: one.connection, folder: one.folder, listed: one.listed, digest: one.digest, matched: one.matched[id] ?? 0, error: one.error })),
            ledger: { files: files.length, matched }, audit: deps.auditHead(), signedAt: timestamp(now),
          },
          (signed) => signAsWorkspace(deps.secrets, signed),
        )
        audit.record({ actor, type: 'expectation.absence_stated', subject: { kind: 'expectation', id }, partner: document.partner, data: { due: timestamp(entry.due), looks: looks.length, sha256: createHash('sha256').update(text).digest('hex') } })
        return { name: `absence-${id}-${timestamp(entry.due).slice(0, 16).replaceAll(':', '')}.json`, text }
      })
    },
  }
}
