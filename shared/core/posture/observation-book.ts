/** What was observed of every connection, in memory, one entry a value; what changed is written at once with the place up to which the ledger was read. */
import type { TrafficEntry } from '../deliveries/traffic.ts'
import type { Observation } from './facts.ts'
import { observationsOf, type Aspect } from './observations.ts'

/** Newest deliveries that are kept as proof. */
const KEPT_DELIVERIES = 5
/** Where one value ends and the next begins; no value holds it. */
const BETWEEN = '\u0000'

export interface ObservationBook {
  /** Reading a row twice changes nothing. */
  read(entry: TrafficEntry): void
  /** Of everything, or of one partner. */
  observations(partner?: string): Observation[]
  /** What changed since the last time. */
  takeChanged(): Observation[]
}

interface Mutable extends Observation {
  firstSeen: string
  lastSeen: string
  deliveries: string[]
}

export function createObservationBook(known: readonly Observation[]): ObservationBook {
  const book = new Map<string, Mutable>()
  const byPartner = new Map<string, Map<string, Mutable>>()
  const changed = new Set<Mutable>()
  /** By connection: the newest outage, and when the connection last worked. */
  const outages = new Map<string, Mutable>()
  const worked = new Map<string, string>()

  const place = (partner: string, connection: string): string => `${partner}${BETWEEN}${connection}`

  const enter = (key: string, one: Mutable): Mutable => {
    book.set(key, one)
    let own = byPartner.get(one.partner)
    if (own === undefined) byPartner.set(one.partner, (own = new Map<string, Mutable>()))
    own.set(key, one)
    return one
  }

  const see = (partner: string, connection: string, aspect: Aspect, value: string, at: string, delivery: string): Mutable => {
    const key = `${partner}${BETWEEN}${connection}${BETWEEN}${aspect}${BETWEEN}${value}`
    const found = book.get(key)
    if (found === undefined) {
      const made = enter(key, { partner, connection, aspect, value, firstSeen: at, lastSeen: at, deliveries: [delivery] })
      changed.add(made)
      return made
    }
    if (at < found.firstSeen) found.firstSeen = at
    if (at > found.lastSeen) found.lastSeen = at
    keep(found.deliveries, delivery)
    changed.add(found)
    return found
  }

  /** An outage begins with the first attempt that finds nobody, and ends with the first that gets through. Its value is its beginning. */
  const followOutage = ({ delivery, attempts }: TrafficEntry): void => {
    const here = place(delivery.partner, delivery.connection)
    for (const { startedAt, result, error } of attempts) {
      const open = outages.get(here)
      const isOpen = open !== undefined && open.lastSeen > (worked.get(here) ?? '')
      if (error !== null && OUTAGES.has(error.code)) {
        if (startedAt <= (worked.get(here) ?? '')) continue
        outages.set(here, see(delivery.partner, delivery.connection, 'outage', isOpen ? open.value : startedAt, startedAt, delivery.id))
      } else if (result === 'delivered' && startedAt > (worked.get(here) ?? '')) {
        if (isOpen && startedAt > open.lastSeen) see(delivery.partner, delivery.connection, 'outage', open.value, startedAt, delivery.id)
        worked.set(here, startedAt)
        see(delivery.partner, delivery.connection, 'reached', 'yes', startedAt, delivery.id)
      }
    }
  }

  for (const one of known) {
    const { partner, connection, aspect, value } = one
    const entered = enter(`${partner}${BETWEEN}${connection}${BETWEEN}${aspect}${BETWEEN}${value}`, { ...one, deliveries: [...one.deliveries] })
    const here = place(partner, connection)
    if (aspect === 'reached') worked.set(here, one.lastSeen)
    if (aspect === 'outage' && value > (outages.get(here)?.value ?? '')) outages.set(here, entered)
  }

  return {
    read(entry) {
      const { partner, connection, id } = entry.delivery
      for (const { aspect, value, at } of observationsOf(entry)) see(partner, connection, aspect, value, at, id)
      followOutage(entry)
    },
    observations: (partner) => [...(partner === undefined ? book : (byPartner.get(partner) ?? new Map<string, Mutable>())).values()].map((one) => ({ ...one, deliveries: [...one.deliveries] })),
    takeChanged() {
      const taken = [...changed]
      changed.clear()
      return taken
    },
  }
}

/** Nobody answered, or not to the end: the other side or the way to it was down. */
const OUTAGES: ReadonlySet<string> = new Set(['net.resolve_failed', 'net.refused', 'net.unreachable', 'net.connection_lost', 'net.idle'])

/** Newest first; ids are ordered by time. */
function keep(deliveries: string[], id: string): void {
  if (deliveries.includes(id)) return
  const at = deliveries.findIndex((other) => other < id)
  if (at === -1) deliveries.push(id)
  else deliveries.splice(at, 0, id)
  if (deliveries.length > KEPT_DELIVERIES) deliveries.length = KEPT_DELIVERIES
}
