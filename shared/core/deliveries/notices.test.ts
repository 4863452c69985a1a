import { describe, expect, it } from 'vitest'
import type { Delivery } from '../../contract/deliveries.ts'
import { attentionNotice, finishedNotice, recoveredNotice } from './notices.ts'

const delivery = (change: Partial<Delivery> = {}): Delivery => ({
  id: 'dlv_1',
  partner: 'acme',
  connection: 'sftp',
  direction: 'outbound',
  fileName: 'salaries.csv',
  remoteName: 'salaries.csv',
  size: 1,
  sha256: 'a'.repeat(64),
  wire: null,
  state: 'delivered',
  outcome: 'delivered',
  stage: null,
  attempts: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  nextTryAt: null,
  error: null,
  receipt: null,
  duplicateReason: null,
  trace: 'trc_1',
  ...change,
})

describe('what a person hears of deliveries', () => {
  it('is good news once everything of one act has arrived', () => {
    expect(finishedNotice([])).toBeNull()
    expect(finishedNotice([delivery(), delivery({ id: 'dlv_2', state: 'waiting', outcome: null })])).toBeNull()
    expect(finishedNotice([delivery()])).toMatchObject({ severity: 'info', subject: { kind: 'delivery', id: 'dlv_1' } })
    expect(finishedNotice([delivery(), delivery({ id: 'dlv_2' })])).toMatchObject({ body: '2 files reached acme.', subject: { kind: 'partner', id: 'acme' } })
  })

  it('tells an unknown outcome from a failure', () => {
    expect(attentionNotice(delivery({ state: 'failed', outcome: 'not-delivered' })).title).toBe('A delivery failed')
    expect(attentionNotice(delivery({ state: 'unknown', outcome: 'unknown' })).title).toBe('A delivery needs a look')
  })

  it('never names the file', () => {
    const texts = JSON.stringify([attentionNotice(delivery({ state: 'failed' })), finishedNotice([delivery()]), recoveredNotice(delivery({ attempts: 3 }))])
    expect(texts).not.toContain('salaries')
    expect(texts).toContain('on try 3')
  })
})
