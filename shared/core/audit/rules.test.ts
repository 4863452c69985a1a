import { describe, expect, it } from 'vitest'
import type { AuditEvent } from '../../contract/audit.ts'
import { GENESIS, hashOf, walkChain, type FirstBad, type UnsealedEvent } from './rules.ts'

function chainOf(length: number): AuditEvent[] {
  const events: AuditEvent[] = []
  for (let seq = 1; seq <= length; seq++) {
    const unsealed: UnsealedEvent = {
      seq,
      at: `2026-11-24T09:30:00.00${seq % 10}Z`,
      actor: 'cli:mia',
      trace: null,
      type: 'delivery.created',
      subject: { kind: 'delivery', id: `dlv_${seq}` },
      data: { size: seq },
      prevHash: events.at(-1)?.hash ?? GENESIS,
    }
    events.push({ ...unsealed, hash: hashOf(unsealed) })
  }
  return events
}

function sealed(event: UnsealedEvent): AuditEvent {
  return { ...event, hash: hashOf(event) }
}

function firstBad(events: readonly AuditEvent[]): FirstBad | null {
  const byHash = new Map(events.map((event) => [event.hash, event.seq]))
  const walk = walkChain((hash) => byHash.get(hash) ?? null)
  for (const event of [...events].sort((a, b) => a.seq - b.seq)) {
    const bad = walk.next(event)
    if (bad) return bad
  }
  return null
}

function at(events: readonly AuditEvent[], index: number): AuditEvent {
  const event = events[index]
  if (event === undefined) throw new Error(`no event ${index}`)
  return event
}

describe('the audit chain', () => {
  it('holds when nothing was touched', () => {
    expect(firstBad(chainOf(20))).toBeNull()
  })

  it('does not depend on the order of keys', () => {
    const event = at(chainOf(1), 0)
    expect(hashOf({ ...event, data: { b: 1, a: 2 } })).toBe(hashOf({ ...event, data: { a: 2, b: 1 } }))
  })

  it.each([
    ['data', { data: { size: 99 } }],
    ['actor', { actor: 'cli:eve' }],
    ['time', { at: '2025-01-01T00:00:00.000Z' }],
    ['type', { type: 'delivery.delivered' }],
    ['subject', { subject: { kind: 'delivery', id: 'dlv_x' } }],
    ['trace', { trace: 'trc_1' }],
  ])('finds a changed %s', (_, change) => {
    const events = chainOf(9)
    events[4] = { ...at(events, 4), ...change }
    expect(firstBad(events)).toMatchObject({ seq: 5, problem: 'changed' })
  })

  it('finds a changed record whose hash was made to fit', () => {
    const events = chainOf(9)
    events[4] = sealed({ ...at(events, 4), data: { size: 99 } })
    expect(firstBad(events)).toMatchObject({ seq: 6 })
  })

  it('finds a removed record', () => {
    const events = chainOf(9)
    events.splice(4, 1)
    expect(firstBad(events)).toMatchObject({ seq: 5, problem: 'removed' })
  })

  it('finds a removed record whose successors were renumbered', () => {
    const events = chainOf(9)
    events.splice(4, 1)
    const renumbered = events.map((event, index) => (index < 4 ? event : sealed({ ...event, seq: index + 1 })))
    expect(firstBad(renumbered)).toMatchObject({ seq: 5, problem: 'removed' })
  })

  it('finds an inserted record', () => {
    const events = chainOf(9)
    const inserted = sealed({ ...at(events, 4), seq: 5, prevHash: at(events, 3).hash, data: { size: 0 } })
    const shifted = events.slice(4).map((event) => sealed({ ...event, seq: event.seq + 1 }))
    expect(firstBad([...events.slice(0, 4), inserted, ...shifted])).toMatchObject({ seq: 5, problem: 'inserted' })
  })

  it('finds two records that changed places', () => {
    const events = chainOf(9)
    const swapped = events.map((event, index) => (index === 4 ? { ...at(events, 5), seq: 5 } : index === 5 ? { ...at(events, 4), seq: 6 } : event))
    expect(firstBad(swapped)).toMatchObject({ seq: 5, problem: 'reordered' })
  })

  it('finds a record put in front', () => {
    const events = chainOf(3)
    expect(firstBad([sealed({ ...at(events, 0), seq: 0 }), ...events])).toMatchObject({ seq: 0, problem: 'inserted' })
  })
})
