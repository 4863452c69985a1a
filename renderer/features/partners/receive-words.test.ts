import { expect, it } from 'vitest'
import { reportSentence, waitingText } from './receive-words.ts'

const report = { partner: 'acme', connection: 'sftp', folder: '/out', listed: 0, taken: [], waiting: [], ignored: 0, tidied: 0, problems: [] }
const taken = (state: 'delivered' | 'held') => ({ state }) as never

it.each([
  [report, 'The folder there is empty.'],
  [{ ...report, listed: 2, ignored: 2 }, '2 files passed over (taken before, or not asked for).'],
  [{ ...report, listed: 3, taken: [taken('delivered'), taken('held')], waiting: [{ name: 'a', reason: 'not-stable' as const }], tidied: 1 }, '2 files received, 1 of them held for you, 1 file not complete yet, 1 file tidied up there.'],
  [{ ...report, listed: 1 }, 'Nothing new was there.'],
])('says what came', (given, sentence) => expect(reportSentence(given)).toBe(sentence))

it('says why a file is not taken yet', () => expect(waitingText({ name: 'orders.edi', reason: 'no-marker' })).toBe('orders.edi: its marker is not there yet'))
