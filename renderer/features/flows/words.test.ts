import { describe, expect, it } from 'vitest'
import { DueStatus, RunOutcome } from '../../../shared/contract/flows.ts'
import { countsText, DUE, dueWords, fileReason, fileWords, flowState, OUTCOMES } from './words.ts'

describe('words of flows', () => {
  it('has words for every outcome and every state of a due time', () => {
    expect(RunOutcome.options.filter((outcome) => !(outcome in OUTCOMES))).toEqual([])
    expect(DueStatus.options.filter((status) => !(status in DUE))).toEqual([])
  })
  it('asks where a person decides, and tells what was decided', () => {
    expect(dueWords({ status: 'asleep', decision: 'pending' }).sentence).toMatch(/Shall it run now\?$/)
    expect(dueWords({ status: 'asleep', decision: 'skip' }).sentence).toMatch(/decided to skip it/)
  })
  it('says of a file what its delivery says, and why', () => {
    const at = new Date(new Date().setHours(14, 5)).toISOString()
    expect(fileWords({ state: 'waiting', skipped: null, nextTryAt: at }, false).word).toBe('Next try 14:05')
    expect(['failed', 'unknown', 'cancelled', 'refused', 'gone'].map((state) => fileWords({ state, skipped: null, nextTryAt: null }, false).word)).toEqual(['Not delivered', 'Outcome unknown', 'Cancelled', 'Refused', 'Not there any more'])
    expect([fileWords({ state: 'delivered', skipped: null, nextTryAt: null }, true).word, fileWords({ state: 'delivered', skipped: 'duplicate', nextTryAt: null }, false).word]).toEqual(['In the Inbox', 'Skipped'])
    expect(fileReason({ reason: null, error: { code: 'net.refused', message: '' }, afterwards: null })).toMatch(/\S/)
    expect(fileReason({ reason: null, error: null, afterwards: 'moved: /home/mia/Sent/a.edi' })).toBe('moved to /home/mia/Sent/a.edi')
  })
  it('counts only what there is', () => {
    const counts = { found: 0, deliveries: 0, delivered: 2, failed: 1, open: 0, skipped: 0 }
    expect([countsText({ counts, outcome: 'partly' }, false), countsText({ counts: { ...counts, delivered: 0, failed: 0 }, outcome: 'nothing' }, true)]).toEqual(['2 delivered, 1 failed', 'no file found'])
  })
  it('puts a question before everything that is not running', () => {
    const flow = { paused: null, running: false, pending: 1, nextDueAt: null, trigger: 'schedule' } as const
    expect([flowState(flow).word, flowState({ ...flow, running: true }).word, flowState({ ...flow, pending: 0 }).word]).toEqual(['Asks you', 'Running', 'Active'])
  })
})
