import { expect, it } from 'vitest'
import { Connection } from '../../contract/connections/index.ts'
import { protectionOf } from './plan.ts'

const told = (connection: object, pinned: readonly string[] = []): Record<string, string> => Object.fromEntries(protectionOf(Connection.parse(connection), pinned).map(({ label, value }) => [label, value]))
const as2 = { protocol: 'as2', as2Id: 'ACME' }
const s3 = { protocol: 's3', bucket: 'acme', credentials: { kind: 'profile', profile: 'x' } }

it('claims no server identity where nothing checks one', () => {
  expect(told({ ...as2, url: 'http://127.0.0.1:10080/as2' })['Server identity']).toBe('not checked: HTTP without TLS')
  expect(told({ ...as2, url: 'https://as2.example.com/' })['Server identity']).toBe('by an authority')
  expect(told({ ...s3, endpoint: 'http://127.0.0.1:9000' })).toMatchObject({ Transport: 'S3 over HTTP (not encrypted)', 'Server identity': 'not checked: HTTP without TLS' })
  expect(told(s3)['Server identity']).toBe('by an authority')
})

it('names what is pinned, and says when nothing is', () => {
  const ftps = { protocol: 'ftps', host: 'h', username: 'u', password: 'p', tls: { trust: 'pinned' } }
  expect(told(ftps)['Server identity']).toBe('not confirmed yet')
  expect(told(ftps, ['sha256:ab'])['Server identity']).toBe('sha256:ab')
})
