import { describe, expect, it } from 'vitest'
import { FlowDocument } from '../../contract/flow-document.ts'
import type { RunOutcome } from '../../contract/flows.ts'
import { runNotice } from './notices.ts'

const flow = (more: object = {}): FlowDocument => FlowDocument.parse({ direction: 'inbound', id: 'orders', name: 'Orders from Acme', targets: ['acme'], ...more })
const COUNTS = { found: 1, deliveries: 1, delivered: 1, failed: 0, open: 0, skipped: 0 }
const SIGN_IN = { code: 'flow.source_unreadable', message: '/home/mia/secret.edi' }
const told = (outcome: RunOutcome, options: { more?: object; errors?: { code: string; message: string }[]; before?: RunOutcome | null } = {}): string | null => {
  const { more = {}, errors = [], before = null } = options
  const notice = runNotice(flow(more), { outcome, counts: COUNTS }, errors, before === null ? null : { outcome: before, error: SIGN_IN })
  return notice === null ? null : `${notice.severity}: ${notice.title}: ${notice.body}`
}

describe('what is told of a run', () => {
  it.each<[string | null, RunOutcome, Parameters<typeof told>[1]]>([
    ['attention: A flow did not work: Orders from Acme: The folder of the flow cannot be used.', 'failed', { errors: [SIGN_IN] }],
    // Each delivery that failed was told by itself.
    [null, 'failed', {}],
    [null, 'delivered', {}],
    [null, 'nothing', {}],
    ['attention: A flow found nothing: Orders from Acme found no file.', 'nothing', { more: { nothingFound: 'attention' } }],
    ['info: A flow works again: Orders from Acme ran without trouble.', 'delivered', { before: 'failed' }],
    ['info: A flow works again: Orders from Acme ran without trouble.', 'nothing', { before: 'refused' }],
    [null, 'retrying', { before: 'failed' }],
    ['info: A flow has run: Orders from Acme: 1 file received.', 'delivered', { more: { notify: 'always' } }],
    [null, 'failed', { more: { notify: 'never' }, errors: [SIGN_IN] }],
  ])('is %s', (expected, outcome, options) => expect(told(outcome, options)).toBe(expected))

  it('names no file', () => expect(told('failed', { errors: [SIGN_IN] })).not.toContain('secret'))
})
