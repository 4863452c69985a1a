import { describe, expect, it } from 'vitest'
import type { ReceiverStatus } from '../../../shared/contract/as2.ts'
import { reachText, receiverChange, receiverDraft } from './receiver-draft.ts'

const settings = { enabled: true, host: '0.0.0.0', port: 10080, tls: true, certificate: null, maxParallel: 64, oldHttp: false }
const status: ReceiverStatus = { settings, listening: true, address: 'http://127.0.0.1:10080/as2', publicAddress: null, since: null, error: null, active: 0, messages: 0, duplicates: 0, receipts: 0, refused: 0, receiptsToPost: 0 }

describe('the receiver', () => {
  it('gives back the settings that it was opened with', () => expect(receiverChange(receiverDraft(settings))).toEqual(settings))

  it('lets the core refuse a port that is none', () => expect(receiverChange({ ...receiverDraft(settings), port: 'x' }).port).toBeNaN())

  it.each([
    ['off', { ...status, listening: false }, 'cannot send to us'],
    ['open to all', status, 'firewall must let partners through to port 10080'],
    ['behind a proxy', { ...status, settings: { ...settings, host: '127.0.0.1', port: 0 } }, 'proxy on it must pass requests on to port 10080'],
    ['known outside', { ...status, publicAddress: 'https://as2.example.com/as2' }, 'https://as2.example.com/as2 must lead here'],
  ])('says what must be reachable when it is %s', (_, given, text) => expect(reachText(given)).toContain(text))
})
