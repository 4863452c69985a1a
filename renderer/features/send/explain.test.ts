import { expect, it } from 'vitest'
import { Connection } from '../../../shared/contract/connections/index.ts'
import { explainSending } from './explain.ts'

const as2 = (receipt: object) => explainSending(Connection.parse({ protocol: 'as2', as2Id: 'A', url: 'https://a.example/', receipt })).join(' ')
const folder = (pgp?: object) => explainSending(Connection.parse({ protocol: 'folder', path: '/x', ...(pgp === undefined ? {} : { pgp }) })).join(' ')

it('says what a receipt will prove', () => {
  expect(as2({})).toBe('Delivered means that the partner signed a receipt for exactly this content.')
  expect(as2({ mode: 'async' })).toContain('Receipt awaited')
  expect(as2({ request: 'unsigned' })).toContain('nobody signs it')
  expect(as2({ request: 'none' })).toContain('No receipt')
})

it('says what OpenPGP does, and nothing where it does nothing', () => {
  expect(folder()).toBe('')
  expect(folder({ outbound: 'none' })).toBe('')
  expect(folder({ outbound: 'sign' })).toBe('OpenPGP: anybody can read it, and our signature proves that it is ours and unchanged. There it is called ….pgp.')
  expect(folder({ outbound: 'encrypt', suffix: '' })).toBe('OpenPGP: only the partner’s key opens it.')
})
