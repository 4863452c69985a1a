/** The flows that run into what an item's absence does. Pure. */
import type { Connection } from '../../contract/connections/index.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { AffectedFlow, Consequence } from '../../contract/trust-insights.ts'
import type { Role } from '../../contract/trust.ts'
import { needs } from './needs.ts'

/** A flow as this needs it. */
export interface FlowAtTime {
  readonly id: string
  readonly name: string
  readonly direction: 'outbound' | 'inbound'
  /** `partner` or `partner/connection`. */
  readonly targets: readonly string[]
  /** Whether its steps ask for OpenPGP. */
  readonly protects: boolean
  /** A connection as its steps use it. */
  readonly asUsed: (connection: Connection) => Connection
  readonly paused: boolean
  readonly when: string
  /** Due times after an instant (milliseconds), empty for what does not run at times. */
  readonly dueAfter: (after: number, count: number) => readonly string[]
}

const SHOWN_RUNS = 3

/** `ofStation`: by an item of our station's, that all partners meet. */
export type Uses = (partner: string, connection: Connection, role: Role, ofStation: boolean) => boolean

type Partners = readonly Pick<PartnerDocument, 'id' | 'connections'>[]

/** What a target names: without a connection, the partner's first. */
function placeOf(target: string, partners: Partners): { readonly partner: string; readonly connection: Connection } | null {
  const [partner = '', named] = target.split('/')
  const connections = partners.find(({ id }) => id === partner)?.connections
  const connection = named === undefined ? connections?.[0] : connections?.find(({ id }) => id === named)
  return connection === undefined ? null : { partner, connection }
}

/** Whether a partner's connection makes use of a role: as it was agreed, or as the steps of a flow use it. Flows are read when a question needs them. */
export function createUses(flows: () => readonly FlowAtTime[], partners: Partners): Uses {
  let ways: Map<string, FlowAtTime[]> | undefined
  const read = (): Map<string, FlowAtTime[]> => {
    const places = flows()
      .filter(({ protects }) => protects)
      .flatMap((flow) => flow.targets.map((target) => ({ flow, place: placeOf(target, partners) })))
    return new Map([...Map.groupBy(places, ({ place }) => (place === null ? '' : keyOf(place.partner, place.connection)))].map(([key, met]) => [key, met.map(({ flow }) => flow)]))
  }
  return (partner, connection, role, ofStation) =>
    needs(connection, role, ofStation) || (role.startsWith('pgp-') && ((ways ??= read()).get(keyOf(partner, connection)) ?? []).some((flow) => needs(flow.asUsed(connection), role, ofStation)))
}

const keyOf = (partner: string, { id }: Connection): string => `${partner}/${id}`

/** One entry a flow and connection; the worst that happens to it. */
export function affectedFlows(consequences: readonly Consequence[], flows: readonly FlowAtTime[], at: number, partners: Partners): AffectedFlow[] {
  return flows.flatMap((flow) =>
    flow.targets.flatMap((target): AffectedFlow[] => {
      const place = placeOf(target, partners)
      if (place === null) return []
      const { partner, connection } = place
      const used = flow.asUsed(connection)
      const met = consequences.filter(
        (one) => one.partner === partner && one.connection === connection.id && (one.direction === 'both' || one.direction === flow.direction) && one.severity !== 'covered' && needs(used, one.role, one.via === 'station'),
      )
      if (met.length === 0) return []
      const { id, name, direction, paused, when, dueAfter } = flow
      return [{ flow: id, name, direction, partner, connection: connection.id, severity: met.some(({ severity }) => severity === 'breaks') ? 'breaks' : 'partly', paused, when, nextRuns: paused ? [] : [...dueAfter(at, SHOWN_RUNS)] }]
    }),
  )
}
