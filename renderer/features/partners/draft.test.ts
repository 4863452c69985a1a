import { describe, expect, it } from 'vitest'
import { PartnerDocument } from '../../../shared/contract/partner-document.ts'
import { documentOf, draftOf, emptyDraft, problemFor, slugOf } from './draft.ts'

describe('the partner form', () => {
  it.each([
    ['Müller & Söhne GmbH', 'muller-sohne-gmbh'],
    ['  Acme!! ', 'acme'],
    ['名前', ''],
  ])('names %j %j', (name, slug) => expect(slugOf(name)).toBe(slug))

  const filled = { ...emptyDraft, id: 'acme', name: 'Acme', host: 'sftp.example.com', username: 'us', password: 'secret' }

  it('makes a document that the core takes', () => {
    const document = PartnerDocument.parse(documentOf(filled))
    expect(document.connections[0]).toMatchObject({ host: 'sftp.example.com', port: 22, auth: { method: 'password', password: 'secret' } })
  })

  it('keeps what it does not show: other connections, limits, exceptions, pins and the sealed password', () => {
    const stored = PartnerDocument.parse({
      ...documentOf(filled),
      limits: { maxFileBytes: 5 },
      exceptions: [{ allow: 'ssh-rsa', reason: 'old server', owner: 'Mia', until: '2027-01-31' }],
      connections: [
        { ...(documentOf(filled)['connections'] as object[])[0], auth: { method: 'password', password: { sealed: true } }, verify: 'read-back', hostKeys: [`SHA256:${'A'.repeat(43)}`] },
        { id: 'second', protocol: 'sftp', host: 'b.example.com', username: 'us', auth: { method: 'password', password: { sealed: true } } },
      ],
    })
    const again = PartnerDocument.parse(documentOf({ ...draftOf(stored), folder: '/in' }))
    expect(again.limits).toEqual(stored.limits)
    expect(again.exceptions).toHaveLength(1)
    expect(again.connections).toHaveLength(2)
    expect(again.connections[0]).toMatchObject({ folder: '/in', verify: 'read-back', auth: { password: { sealed: true } } })
    // Left out means that the pins stay.
    expect(again.connections[0]).not.toHaveProperty('hostKeys')
  })

  it('keeps the password besides a key until another is typed, and names the key of the agent', () => {
    const key = { ...filled, method: 'key' as const, item: 'ti_1', besidesSealed: true }
    expect(PartnerDocument.parse(documentOf(key)).connections[0]).toMatchObject({ auth: { method: 'key', item: 'ti_1', password: { sealed: true } } })
    expect(PartnerDocument.parse(documentOf({ ...key, besides: 'new' })).connections[0]).toMatchObject({ auth: { password: 'new' } })
    const agent = PartnerDocument.parse(documentOf({ ...filled, method: 'agent', agentKey: `SHA256:${'A'.repeat(43)}` }))
    expect(agent.connections[0]).toMatchObject({ auth: { method: 'agent', key: `SHA256:${'A'.repeat(43)}` } })
    expect(draftOf(agent)).toMatchObject({ method: 'agent', agentKey: `SHA256:${'A'.repeat(43)}`, besidesSealed: false })
  })

  it('carries the proxy there and back, and can take it away', () => {
    const behind = PartnerDocument.parse(documentOf({ ...filled, proxy: 'socks5', proxyHost: 'proxy.example', proxyPort: '1080', proxyUser: 'us', proxyPassword: 'pw', maxConnections: '3' }))
    expect(behind.connections[0]).toMatchObject({ proxy: { kind: 'socks5', host: 'proxy.example', port: 1080, username: 'us', password: 'pw' }, maxConnections: 3 })
    const draft = draftOf(behind)
    expect(documentOf(draft)['connections']).toMatchObject([{ proxy: { username: 'us', password: { sealed: true } } }])
    expect((documentOf({ ...draft, proxy: '' })['connections'] as object[])[0]).not.toHaveProperty('proxy')
  })

  it('finds the message of a field by the end of its path', () => {
    expect(problemFor({ 'connections[0].port': 'must be at most 65535' }, 'port')).toBe('must be at most 65535')
    expect(problemFor({ name: 'is missing' }, 'port')).toBeUndefined()
  })
})
