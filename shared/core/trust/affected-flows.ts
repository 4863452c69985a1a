/** The flows that run into what an item's absence does. Pure. */
import type { AffectedFlow, Consequence } from '../../contract/trust-insights.ts'

/** A flow as this needs it. */
export interface FlowAtTime {
  readonly id: string
  readonly name: string
  readonly direction: 'outbound' | 'inbound'
  /** `partner` or `partner/connection`. */
  readonly targets: readonly string[]
  readonly paused: boolean
  readonly when: string
  /** Due times after an instant (milliseconds), empty for what does not run at times. */
  readonly dueAfter: (after: number, count: number) => readonly string[]
}

const SHOWN_RUNS = 3

/** One entry a flow and connection; the worst that happens to it. Without a connection in its target, a flow uses the partner's first. */
export function affectedFlows(consequences: readonly Consequence[], flows: readonly FlowAtTime[], at: number, firstConnection: (partner: string) => string | undefined): AffectedFlow[] {
  return flows.flatMap((flow) =>
    flow.targets.flatMap((target): AffectedFlow[] => {
      const [partner = '', named] = target.split('/')
      const connection = named ?? firstConnection(partner)
      if (connection === undefined) return []
      const met = consequences.filter((one) => one.partner === partner && one.connection === connection && (one.direction === 'both' || one.direction === flow.direction) && one.severity !== 'covered')
      if (met.length === 0) return []
      const { id, name, direction, paused, when, dueAfter } = flow
      return [{ flow: id, name, direction, partner, connection, severity: met.some(({ severity }) => severity === 'breaks') ? 'breaks' : 'partly', paused, when, nextRuns: paused ? [] : [...dueAfter(at, SHOWN_RUNS)] }]
    }),
  )
}
