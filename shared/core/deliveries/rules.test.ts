import { describe, expect, it } from 'vitest'
import { EVENTS, extensionPermitted, OUTBOUND_STATES, MAX_TRIES, outcomeOf, pauseAfter, problemOfName, stepFor, temporaryName, type LedgerState, type OutboundEvent, type OutboundState } from './rules.ts'

/** Every pair that is possible, with the state that it leads to. What is not here must be impossible. */
const EXPECTED: Readonly<Record<OutboundState, Readonly<Partial<Record<OutboundEvent, OutboundState>>>>> = {
  queued: { started: 'sending', postponed: 'waiting', cancelled: 'cancelled', requeued: 'queued', 'failed-for-good': 'failed', confirmed: 'delivered', disputed: 'disputed' },
  sending: {
    committing: 'committing',
    confirmed: 'delivered',
    'probe-absent': 'sending',
    'failed-for-now': 'waiting',
    'failed-for-good': 'failed',
    'became-unknown': 'unknown',
    interrupted: 'waiting',
    cancelled: 'cancelled',
    disputed: 'disputed',
  },
  committing: {
    confirmed: 'delivered',
    accepted: 'awaiting-receipt',
    disputed: 'disputed',
    'not-taken': 'waiting',
    'failed-for-good': 'failed',
    'became-unknown': 'unknown',
    interrupted: 'unknown',
  },
  waiting: { started: 'sending', postponed: 'waiting', cancelled: 'cancelled', requeued: 'queued', 'failed-for-good': 'failed', confirmed: 'delivered', disputed: 'disputed' },
  'awaiting-receipt': {
    'not-taken': 'waiting',
    confirmed: 'delivered',
    disputed: 'disputed',
    'receipt-overdue': 'awaiting-receipt',
    'failed-for-good': 'failed',
    'became-unknown': 'unknown',
    'resolved-delivered': 'delivered',
    'resolved-not-delivered': 'failed',
  },
  disputed: { confirmed: 'delivered', 'resolved-delivered': 'delivered', 'resolved-not-delivered': 'failed' },
  unknown: {
    confirmed: 'delivered',
    disputed: 'disputed',
    'failed-for-good': 'failed',
    started: 'sending',
    postponed: 'unknown',
    requeued: 'queued',
    'resolved-delivered': 'delivered',
    'resolved-not-delivered': 'failed',
  },
  delivered: {},
  failed: { requeued: 'queued', confirmed: 'delivered' },
  cancelled: { requeued: 'queued' },
}

describe('the table of a delivery', () => {
  for (const state of OUTBOUND_STATES)
    for (const event of EVENTS)
      it(`${state} × ${event} → ${EXPECTED[state][event] ?? 'impossible'}`, () => {
        expect(stepFor(state, event)?.to ?? null).toBe(EXPECTED[state][event] ?? null)
      })

  it('reaches every state from the first one', () => {
    const reached = new Set<LedgerState>(['queued'])
    for (const state of reached) for (const event of EVENTS) reached.add(stepFor(state, event)?.to ?? state)
    expect([...reached].sort()).toEqual([...OUTBOUND_STATES].sort())
  })

  it('never leaves a delivered file', () => {
    expect(EVENTS.every((event) => stepFor('delivered', event) === null)).toBe(true)
  })

  it('never sends again from the moment of the commit without looking first', () => {
    expect(stepFor('sending', 'committing')?.maybeArrived).toBe(true)
    expect(stepFor('committing', 'interrupted')).toMatchObject({ to: 'unknown' })
    expect(outcomeOf('queued', true)).toBe('unknown')
    expect(outcomeOf('waiting', true)).toBe('unknown')
  })

  it('tells the outcome of each resting state', () => {
    expect(outcomeOf('delivered', false)).toBe('delivered')
    expect(outcomeOf('failed', false)).toBe('not-delivered')
    expect(outcomeOf('cancelled', false)).toBe('not-delivered')
    expect(outcomeOf('unknown', true)).toBe('unknown')
    expect(outcomeOf('queued', false)).toBeNull()
    expect(outcomeOf('awaiting-receipt', true)).toBeNull()
    expect(outcomeOf('disputed', true)).toBe('unknown')
  })

  it('lets a late receipt close a delivery that was given up, and nothing send a disputed one again by itself', () => {
    expect(stepFor('failed', 'confirmed')).toMatchObject({ to: 'delivered' })
    expect(stepFor('disputed', 'started')).toBeNull()
    expect(stepFor('disputed', 'requeued')).toBeNull()
    expect(stepFor('awaiting-receipt', 'started')).toBeNull()
  })
})

describe('pauses between tries', () => {
  it('grow from 30 seconds to 30 minutes and then end', () => {
    const pauses = Array.from({ length: MAX_TRIES }, (_, index) => pauseAfter(index + 1, 0.5))
    expect(pauses[0]).toBe(30_000)
    expect(pauses[MAX_TRIES - 2]).toBe(30 * 60_000)
    expect(pauses[MAX_TRIES - 1]).toBeNull()
    for (let index = 1; index < MAX_TRIES - 1; index++) expect(pauses[index]).toBeGreaterThan(pauses[index - 1] ?? 0)
  })

  it('spread by a fifth to both sides', () => {
    expect(pauseAfter(1, 0)).toBe(24_000)
    expect(pauseAfter(1, 0.999_999)).toBe(36_000)
  })
})

describe('names at the partner', () => {
  it.each(['orders.edi', 'with space.txt', "quote'd \"name\".txt", 'Überweisung–März.xml', '-leading-dash', '名前.csv', 'a'.repeat(255), '..hidden', 'a..b'])('takes %s', (name) => {
    expect(problemOfName(name)).toBeNull()
  })

  it.each(['', '.', '..', '../up', 'down/there', 'win\\dows', 'new\nline', 'nul\0', 'é'.repeat(128)])('refuses %j', (name) => {
    expect(problemOfName(name)).not.toBeNull()
  })

  it('gives each delivery one temporary name that pickers ignore', () => {
    expect(temporaryName('dlv_1')).toBe('.dlv_1.part')
  })

  it('compares endings without regard to capitals', () => {
    expect(extensionPermitted('ORDERS.EDI', ['.edi'])).toBe(true)
    expect(extensionPermitted('orders.edi.exe', ['.edi'])).toBe(false)
    expect(extensionPermitted('anything', undefined)).toBe(true)
  })
})
