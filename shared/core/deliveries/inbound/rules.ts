/** The life of an inbound delivery as a table. Pure. It begins when the content is safely here: fetching it changes nothing. */
import type { LedgerState, Step } from '../rules.ts'

export const INBOUND_STATES = ['received', 'releasing', 'held', 'delivered'] as const satisfies readonly LedgerState[]
export type InboundState = (typeof INBOUND_STATES)[number]

export const INBOUND_EVENTS = ['opened', 'unpacked', 'release-started', 'release-failed', 'released', 'tidied', 'held', 'release-ordered'] as const
export type InboundEvent = (typeof INBOUND_EVENTS)[number]

/** The table. `tidied`: the partner's copy was removed or moved, always after the release. */
export const INBOUND_TRANSITIONS: Readonly<Record<InboundState, Readonly<Partial<Record<InboundEvent, Step>>>>> = {
  received: {
    opened: { to: 'received', audit: 'delivery.opened' },
    // What was inside goes on as deliveries of their own, written down in the same transaction.
    unpacked: { to: 'delivered', audit: 'delivery.unpacked' },
    'release-started': { to: 'releasing', audit: 'delivery.releasing' },
    'release-failed': { to: 'received', audit: 'delivery.release_failed' },
    held: { to: 'held', audit: 'delivery.held', attention: true },
  },
  releasing: {
    // Started anew after a crash or a full disk: the name that was chosen stays.
    'release-started': { to: 'releasing', audit: 'delivery.releasing' },
    'release-failed': { to: 'received', audit: 'delivery.release_failed' },
    released: { to: 'delivered', audit: 'delivery.released' },
  },
  held: {
    'release-ordered': { to: 'received', audit: 'delivery.release_ordered' },
  },
  delivered: { tidied: { to: 'delivered', audit: 'delivery.tidied' } },
}

/** The step for an event, or null when it cannot happen in that state. */
export function inboundStepFor(state: LedgerState, event: InboundEvent): Step | null {
  return isInbound(state) ? (INBOUND_TRANSITIONS[state][event] ?? null) : null
}

function isInbound(state: LedgerState): state is InboundState {
  return (INBOUND_STATES as readonly LedgerState[]).includes(state)
}
