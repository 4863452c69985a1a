/** What must be true at the end of a campaign. It looks at both sides, the ledger and the audit, and believes none of them alone. */
import type { AuditEvent } from '../../shared/contract/audit.ts'
import type { Attempt, Delivery } from '../../shared/contract/deliveries.ts'
import type { DueTime, FlowRun } from '../../shared/contract/flows.ts'
import type { Side } from '../servers/file-partners.ts'

/** One folder in which files should be now. */
export interface Place {
  /** `acme: there`, for the person who reads the problem. */
  readonly name: string
  readonly partner: string
  readonly direction: Delivery['direction']
  /** SHA-256 by name. */
  readonly expected: ReadonlyMap<string, string>
  readonly side: Pick<Side, 'names' | 'hash'>
}

export interface Books {
  readonly deliveries: readonly Delivery[]
  /** Of deliveries that took more than one. */
  readonly attempts: ReadonlyMap<string, readonly Attempt[]>
  readonly events: readonly AuditEvent[]
  readonly runs: readonly FlowRun[]
  /** By flow. */
  readonly due: ReadonlyMap<string, readonly DueTime[]>
}

type Must = (holds: boolean, what: string) => void

function problemsOf(look: (must: Must) => void): string[] {
  const problems: string[] = []
  look((holds, what) => void (holds || problems.push(what)))
  return problems
}

/** Each file exactly once, whole, and nothing besides: no second copy, no temporary name. */
export async function checkPlace({ name, expected, side }: Place): Promise<string[]> {
  const found = await side.names()
  const hashes = new Map<string, string | null>()
  for (const one of expected.keys()) hashes.set(one, await side.hash(one))
  return problemsOf((must) => {
    const others = found.filter((one) => !expected.has(one))
    must(others.length === 0, `${name}: there is ${others.join(', ')} besides`)
    const twice = found.filter((one, index) => found.indexOf(one) !== index)
    must(twice.length === 0, `${name}: twice there is ${twice.join(', ')}`)
    const lacking = [...expected.keys()].filter((one) => !found.includes(one))
    must(lacking.length === 0, `${name}: there is not ${lacking.join(', ')}`)
    for (const [one, sha] of expected) must(lacking.includes(one) || hashes.get(one) === sha, `${name}: ${one} has another content (${String(hashes.get(one)).slice(0, 300)})`)
  })
}

/** The ledger has each file once and delivered, and nothing else. */
export function checkLedger(places: readonly Place[], { deliveries, attempts }: Books): string[] {
  return problemsOf((must) => {
    const entries = new Map<string, Delivery[]>()
    for (const one of deliveries) entries.set(keyOf(one), [...(entries.get(keyOf(one)) ?? []), one])
    let expected = 0
    for (const place of places)
      for (const [fileName, sha256] of place.expected) {
        expected += 1
        const found = entries.get(keyOf({ ...place, fileName, sha256 })) ?? []
        must(found.length === 1, `${place.name}: the ledger has ${found.length} deliveries of ${fileName}`)
      }
    must(deliveries.length === expected, `the ledger has ${deliveries.length} deliveries for ${expected} files`)
    for (const { id, state, error } of deliveries.filter((one) => one.state !== 'delivered')) must(false, `${id} is ${state}${error === null ? '' : ` (${error.code})`}`)
    for (const { id, attempts: count } of deliveries) {
      const tried = attempts.get(id)
      if (tried === undefined) continue
      must(tried.length === count, `${id} has ${tried.length} attempts and says ${count}`)
      must(tried.every(({ result }) => result !== 'running'), `${id} has an attempt that never ended`)
      must(tried.filter(({ result }) => result === 'delivered').length <= 1, `${id} was delivered by more than one attempt`)
    }
  })
}

const keyOf = ({ partner, direction, fileName, sha256 }: Pick<Delivery, 'partner' | 'direction' | 'fileName' | 'sha256'>): string => [partner, direction, fileName, sha256].join(' ')

const ARRIVALS = new Set(['delivery.delivered', 'delivery.released', 'delivery.resolved'])

/** The audit tells the beginning and the arrival of each delivery of the ledger once, and of no other. */
export function checkAudit({ deliveries, events }: Books): string[] {
  return problemsOf((must) => {
    const told = (what: (event: AuditEvent) => boolean): Map<string, number> => {
      const times = new Map<string, number>()
      for (const event of events) if (event.subject.kind === 'delivery' && what(event)) times.set(event.subject.id, (times.get(event.subject.id) ?? 0) + 1)
      return times
    }
    const created = told(({ type }) => type === 'delivery.created' || type === 'delivery.received')
    const arrived = told(({ type, data }) => ARRIVALS.has(type) && data['state'] === 'delivered')
    for (const { id, state } of deliveries) {
      must(created.get(id) === 1, `the audit tells the beginning of ${id} ${created.get(id) ?? 0} times`)
      must((arrived.get(id) ?? 0) === (state === 'delivered' ? 1 : 0), `the audit tells the arrival of ${id}, which is ${state}, ${arrived.get(id) ?? 0} times`)
    }
    const known = new Set(deliveries.map(({ id }) => id))
    for (const id of new Set([...created.keys(), ...arrived.keys()])) must(known.has(id), `the audit tells of ${id}, which the ledger does not have`)
  })
}

/**
 * No due time ran twice, and none is missing between the first and `now` by the service's clock. What ran before the clock was set back
 * may lie beyond it. `everyMs`: of each scheduled flow.
 */
export function checkRuns({ runs, due }: Books, everyMs: ReadonlyMap<string, number>, now: number): string[] {
  return problemsOf((must) => {
    const ran = runs.flatMap(({ flow, dueAt }) => (dueAt === null ? [] : [`${flow} at ${dueAt}`]))
    const twice = ran.filter((one, index) => ran.indexOf(one) !== index)
    must(twice.length === 0, `ran twice: ${twice.join(', ')}`)
    must(runs.every(({ outcome, endedAt }) => outcome !== 'running' && endedAt !== null), 'a run never ended')
    for (const [flow, every] of everyMs) {
      const times = (due.get(flow) ?? []).map(({ at }) => Date.parse(at)).filter((at) => at <= now).toSorted((one, other) => one - other)
      must(times.length > 0, `${flow} was never due`)
      for (const [index, at] of times.slice(1).entries()) {
        const before = times[index] ?? at
        must(at - before === every, `${flow}: no row between ${new Date(before).toISOString()} and ${new Date(at).toISOString()}`)
      }
    }
  })
}
