import { describe, expect, it } from 'vitest'
import { INBOUND_EVENTS, INBOUND_STATES, inboundStepFor, type InboundEvent, type InboundState } from './rules.ts'

const EXPECTED: Readonly<Record<InboundState, Readonly<Partial<Record<InboundEvent, InboundState>>>>> = {
  received: { opened: 'received', unpacked: 'delivered', 'release-started': 'releasing', 'release-failed': 'received', held: 'held' },
  releasing: { 'release-started': 'releasing', 'release-failed': 'received', released: 'delivered' },
  held: { 'release-ordered': 'received' },
  delivered: { tidied: 'delivered' },
}

describe('the table of an inbound delivery', () => {
  for (const state of INBOUND_STATES)
    for (const event of INBOUND_EVENTS)
      it(`${state} × ${event} → ${EXPECTED[state][event] ?? 'impossible'}`, () => {
        expect(inboundStepFor(state, event)?.to ?? null).toBe(EXPECTED[state][event] ?? null)
      })

  it('tidies up at the partner only what is released, and releases a held file only by a person', () => {
    expect(INBOUND_STATES.filter((state) => inboundStepFor(state, 'tidied') !== null)).toEqual(['delivered'])
    expect(INBOUND_EVENTS.filter((event) => inboundStepFor('held', event) !== null)).toEqual(['release-ordered'])
  })

  it('knows no outbound state', () => {
    expect(inboundStepFor('sending', 'released')).toBeNull()
  })
})
