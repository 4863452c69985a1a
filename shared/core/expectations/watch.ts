/**
 * Opens a case for each due time and judges it: when time alone decides, and when something came or left. What it writes, the
 * audit record and the notice are one transaction.
 */
import type { CaseState } from '../../contract/expectations.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { FindArrivals } from '../deliveries/arrivals.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import type { Publisher } from '../kernel/events.ts'
import type { RaiseNotice } from '../notifications/raise.ts'
import { dueTimes } from '../schedules/rules.ts'
import { wallOf } from '../schedules/zones.ts'
import type { Database } from '../store/database.ts'
import type { ExpectationRepository, StoredCase, StoredExpectation } from './repository.ts'
import { caseTimes, judgeCase, newsOf, type Arrival, type CaseTimes } from './rules.ts'

/** Cases of one expectation that one look opens; the next goes on. */
const MOST_CASES = 2_000
/** After a sleep, jobs get this long to catch up before anything counts as missing. */
const PATIENCE_MS = 180_000
const GAP_MS = 90_000

export interface WatchDeps {
  readonly database: Database
  readonly repository: ExpectationRepository
  readonly arrivals: FindArrivals
  /** The flow that a delivery belongs to, if any. */
  readonly flowOf: (delivery: string) => string | null
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly raise: RaiseNotice
  readonly clock: Clock
}

export interface ExpectationWatch {
  /** One look at the clock and at what has come. */
  look(): void
  /** Something of this partner changed: its open cases are judged at the next look. */
  touched(partner: string): void
  /** From now on nobody was there before: see `PATIENCE_MS`. */
  beginBackground(): void
  /** When the next case begins after accounted due times. */
  opening(expectation: Pick<StoredExpectation, 'document' | 'holidays' | 'accountedUntil' | 'lastDue'>): { readonly due: number; readonly times: CaseTimes } | null
}

export function createExpectationWatch(deps: WatchDeps): ExpectationWatch {
  const { database, repository, audit, publisher, clock } = deps
  const dirty = new Set<string>()
  let all = true
  let lastLook: number | null = null
  let patience = { since: 0, back: 0, until: 0 }

  const opening: ExpectationWatch['opening'] = ({ document, holidays, accountedUntil, lastDue }) => {
    if (!document.enabled) return null
    const coming = dueTimes(document.by, accountedUntil, new Set(holidays))
    const due = coming.next()
    if (due.done === true) return null
    const following = coming.next()
    return { due: due.value, times: caseTimes(document, due.value, lastDue, following.done === true ? null : following.value) }
  }

  const open = (stored: StoredExpectation, now: number): void => {
    const { document } = stored
    let state = { ...stored }
    for (let made = 0; ; made++) {
      const next = opening(state)
      if (next === null || next.times.from > now || made === MOST_CASES) {
        repository.account(document.id, state.accountedUntil, state.lastDue, next === null ? null : next.times.from)
        return
      }
      repository.addCase({ ...next.times, expectation: document.id, partner: document.partner, state: 'waiting', reason: 'nothing yet', files: [], checkAt: next.times.from, changedAt: timestamp(now) })
      state = { ...state, accountedUntil: next.due, lastDue: next.due }
    }
  }

  const arrivalsOf = ({ document }: StoredExpectation, { from, until }: CaseTimes, now: number): Arrival[] =>
    deps
      .arrivals({ partner: document.partner, direction: document.direction, from, until: Math.min(until, now) })
      .filter(({ connection, delivery }) => (document.connection === undefined || connection === document.connection) && (document.flow === undefined || deps.flowOf(delivery) === document.flow))
      .map(({ delivery, remoteName, fileName, size, at, held }) => ({ delivery, name: document.direction === 'inbound' ? remoteName : fileName, size, at, held }))

  const tell = (stored: StoredExpectation, entry: StoredCase, before: CaseState): void => {
    const { document } = stored
    const news = newsOf(before, entry.state)
    audit.record({
      actor: systemActor, type: `expectation.${entry.state}`, subject: { kind: 'expectation', id: document.id }, partner: document.partner,
      data: { due: timestamp(entry.due), reason: entry.reason, deliveries: entry.files.slice(0, 20).map(({ delivery }) => delivery) },
    })
    // Of a long absence only the newest is news.
    if (news === null || (entry.until < clock.now() && stored.lastDue !== null && entry.due < stored.lastDue)) return
    const dueText = `${new Date(wallOf(document.by.zone, entry.due)).toISOString().slice(0, 16).replace('T', ' ')} (${document.by.zone})`
    const subject = { kind: 'expectation', id: document.id } as const
    // No names of files: it may stand on a lock screen.
    if (news === 'recovery') deps.raise({ severity: 'info', title: 'Expected files are complete now', body: `${document.name}: what was missing or wrong has been made up for.`, subject })
    else if (entry.state === 'missing') deps.raise({ severity: 'attention', title: document.direction === 'inbound' ? 'An expected file did not come' : 'A file that should have left did not', body: `${document.name}, due ${dueText}: ${entry.reason}.`, subject })
    else deps.raise({ severity: 'attention', title: 'Expected files are not as agreed', body: `${document.name}, due ${dueText}: look at what came.`, subject })
  }

  const judge = (entry: StoredCase, now: number): boolean => {
    const stored = repository.find(entry.expectation)
    if (stored === null) return false
    const judged = judgeCase(stored.document, entry, arrivalsOf(stored, entry, now), now)
    const tooEarly = judged.state === 'missing' && entry.state === 'waiting' && now < patience.until && now <= entry.until && entry.deadline >= patience.since && entry.deadline <= patience.back
    const checkAt = tooEarly ? patience.until : now > entry.until ? null : now > entry.deadline ? entry.until + 1 : entry.deadline + 1
    const next: StoredCase = tooEarly ? { ...entry, checkAt } : { ...entry, ...judged, checkAt }
    const same = next.state === entry.state && next.reason === entry.reason && JSON.stringify(next.files) === JSON.stringify(entry.files)
    if (same && checkAt === entry.checkAt) return false
    database.transaction(() => {
      repository.updateCase(same ? next : { ...next, changedAt: timestamp(now) })
      if (next.state !== entry.state) tell(stored, next, entry.state)
    })
    return !same
  }

  return {
    opening,
    touched: (partner) => void dirty.add(partner),
    beginBackground: () => void (patience = { since: 0, back: clock.now(), until: clock.now() + PATIENCE_MS }),
    look() {
      const now = clock.now()
      if (lastLook !== null && now - lastLook > GAP_MS) patience = { since: lastLook, back: now, until: now + PATIENCE_MS }
      lastLook = now
      const changed = new Set<string>()
      for (const stored of repository.opening(now)) {
        database.transaction(() => open(stored, now))
        changed.add(stored.document.id)
      }
      const everything = all
      all = false
      const partners = new Set(dirty)
      dirty.clear()
      for (const entry of repository.openCases()) {
        const asked = everything || partners.has(entry.partner) || (entry.checkAt !== null && entry.checkAt <= now)
        if (asked && judge(entry, now)) changed.add(entry.expectation)
      }
      for (const id of changed) publisher.publish('expectations.changed', { id })
    },
  }
}
