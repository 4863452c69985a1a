/** Collects the facts from the other domains, read-only, and keeps what did not change for the next, partial evaluation. */
import { setImmediate } from 'node:timers/promises'
import type { StationDocument } from '../../contract/station.ts'
import type { TrustItem } from '../../contract/trust.ts'
import type { ConnectionNumbers, Traffic } from '../deliveries/traffic.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../store/database.ts'
import type { Insights } from '../trust/insights.ts'
import type { TestFact } from '../audit/facts.ts'
import type { Kept } from '../deliveries/retention.ts'
import type { KeepingFacts } from '../safekeeping/facts.ts'
import type { Refusal } from '../policy/facts.ts'
import type { ApprovalFact, AuditFacts, FlowFact, NoticeFacts, PartnerFact, PlatformFacts, PostureFacts, SecretAge } from './facts.ts'
import { createObservationBook, type ObservationBook } from './observation-book.ts'
import type { PostureRepository } from './repository.ts'

export interface FactSources {
  readonly station: () => StationDocument | null
  readonly partners: () => readonly PartnerFact[]
  readonly items: () => readonly TrustItem[]
  readonly insights: Pick<Insights, 'entries' | 'findings'>
  readonly traffic: Traffic
  /** What the policy refused, of every partner or of one. */
  readonly refusals: (partner?: string) => readonly Refusal[]
  readonly flows: () => readonly FlowFact[]
  readonly secrets: () => readonly SecretAge[]
  readonly audit: () => AuditFacts
  readonly platform: () => Promise<PlatformFacts>
  readonly keeping: () => Promise<KeepingFacts>
  readonly tests: () => readonly TestFact[]
  readonly retention: () => Promise<readonly Kept[]>
  readonly approval: () => ApprovalFact
  readonly notices: () => NoticeFacts
  readonly expectations: () => PostureFacts['expectations']
}

export interface Collector {
  /** Everything anew. */
  all(): Promise<PostureFacts>
  /** The deliveries of one partner anew, everything else as it was; null when nothing was collected yet. */
  afterDelivery(partner: string): PostureFacts | null
}

/** Rows a page: between two, others get their turn after some milliseconds. */
const PAGE = 250
const READ_TO = 'traffic'

export function createCollector(deps: { readonly sources: FactSources; readonly repository: PostureRepository; readonly database: Database; readonly clock: Clock }): Collector {
  const { sources, repository, database, clock } = deps
  let last: PostureFacts | null = null
  let opened: ObservationBook | null = null
  const book = (): ObservationBook => (opened ??= createObservationBook(repository.observations()))

  /** One page of the ledger into the observations. Reading a row twice changes nothing. */
  const readPage = (place: { at: string; id: string }): { at: string; id: string } | null => {
    const page = sources.traffic.since(place, PAGE)
    if (page.next === null) return null
    const { next } = page
    for (const entry of page.entries) book().read(entry)
    // Lost in a power cut, it is read once more.
    database.transaction(() => {
      repository.observe(book().takeChanged())
      repository.setNote(READ_TO, next.at)
    }, 'grouped')
    return page.entries.length < PAGE ? null : next
  }

  // From the beginning of the last millisecond: a row may have changed in it after it was read.
  const start = (): { at: string; id: string } => ({ at: repository.note(READ_TO) ?? '', id: '' })

  return {
    async all() {
      for (let place: ReturnType<typeof readPage> = start(); place !== null; await setImmediate()) place = readPage(place)
      // A partner at a time: the ledger of years is walked through, and others get their turn in between.
      const traffic: ConnectionNumbers[] = []
      for (const partner of sources.traffic.partners()) {
        traffic.push(...sources.traffic.numbers(partner))
        await setImmediate()
      }
      const [platform, keeping, retention] = await Promise.all([sources.platform(), sources.keeping(), sources.retention()])
      last = {
        now: clock.now(),
        station: sources.station(),
        partners: sources.partners(),
        items: sources.items(),
        expiry: sources.insights.entries(),
        trust: sources.insights.findings(),
        observations: book().observations(),
        traffic,
        refusals: sources.refusals(),
        flows: sources.flows(),
        secrets: sources.secrets(),
        platform,
        audit: sources.audit(),
        keeping,
        tests: sources.tests(),
        retention,
        approval: sources.approval(),
        notices: sources.notices(),
        expectations: sources.expectations(),
      }
      return last
    },
    afterDelivery(partner) {
      if (last === null) return null
      for (let place: ReturnType<typeof readPage> = start(); place !== null; ) place = readPage(place)
      const others = <T extends { readonly partner: string }>(list: readonly T[]): T[] => list.filter((one) => one.partner !== partner)
      last = {
        ...last,
        now: clock.now(),
        observations: [...others(last.observations), ...book().observations(partner)],
        traffic: [...others(last.traffic), ...sources.traffic.numbers(partner)],
        refusals: [...others(last.refusals), ...sources.refusals(partner)],
      }
      return last
    },
  }
}
