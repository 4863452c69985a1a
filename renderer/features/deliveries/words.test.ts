import { expect, it } from 'vitest'
import { eventWords, receiptAdvice, stateWords } from './words.ts'

it('tells an unknown outcome apart from a failure', () => {
  expect(stateWords({ state: 'unknown', outcome: 'unknown' })).toMatchObject({ tone: 'warn', word: 'Outcome unknown' })
  expect(stateWords({ state: 'failed', outcome: 'not-delivered' })).toMatchObject({ tone: 'bad', word: 'Not delivered' })
})

it('gives the reason of a failed try in the words of the catalogue', () => {
  expect(eventWords({ type: 'delivery.attempt_failed', data: { error: { code: 'net.refused', message: 'x' } } })).toEqual({ text: 'Try failed; another follows', tone: 'warn', why: 'The server refused the connection' })
})

it('shows a type that it does not know as it is', () => {
  expect(eventWords({ type: 'future.event', data: {} })).toEqual({ text: 'future.event', tone: 'plain', why: null })
})

it('tells what came in apart from what went out', () => {
  expect(stateWords({ state: 'delivered', outcome: 'delivered', direction: 'inbound' }).word).toBe('In the Inbox')
  expect(stateWords({ state: 'delivered', outcome: 'delivered', direction: 'outbound' }).word).toBe('Delivered')
  expect(stateWords({ state: 'held', outcome: null, direction: 'inbound' })).toMatchObject({ tone: 'warn', word: 'Waits for you' })
})

it('says what to do where a receipt is late or proves nothing, and only there', () => {
  expect(receiptAdvice({ state: 'awaiting-receipt', receipt: null })).toHaveLength(3)
  expect(receiptAdvice({ state: 'disputed', receipt: null })?.[0]).toContain('SHA-256')
  expect(receiptAdvice({ state: 'delivered', receipt: null })).toBeNull()
})

it('says when the next try is, with the day where that is another one', () => {
  const at = (when: Date): string => stateWords({ state: 'waiting', outcome: null, direction: 'outbound', nextTryAt: when.toISOString() }).word
  const today = new Date()
  today.setHours(14, 5, 0, 0)
  expect(at(today)).toBe('Next try 14:05')
  expect(at(new Date(2031, 0, 2, 9, 7))).toBe('Next try 2031-01-02 09:07')
  expect(stateWords({ state: 'waiting', outcome: null, nextTryAt: null }).word).toBe('Tried again later')
})
