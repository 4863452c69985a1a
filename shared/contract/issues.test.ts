import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { issuesByField, issuesText, parseInput } from './issues.ts'
import { PartnerDocument } from './partner-document.ts'

const good = {
  id: 'acme',
  name: 'Acme',
  connections: [{ protocol: 'sftp', host: 'sftp.acme.example', username: 'u', auth: { method: 'password', password: 'pw' } }],
}
const connection = good.connections[0]

function textOf(document: unknown): string {
  const parsed = parseInput(PartnerDocument, document)
  return parsed.ok ? 'valid' : issuesText(parsed.issues)
}

describe('what is wrong with a document', () => {
  it.each<[string, unknown, string]>([
    ['nothing', good, 'valid'],
    ['a missing field', { ...good, name: undefined }, 'name: is missing'],
    ['a bad host', { ...good, connections: [{ ...connection, host: 'a b' }] }, 'connections[0].host: write a host name or an IP address'],
    ['a port out of range', { ...good, connections: [{ ...connection, port: 70_000 }] }, 'connections[0].port: must be at most 65535'],
    ['a port as text', { ...good, connections: [{ ...connection, port: '22' }] }, 'connections[0].port: must be a number'],
    ['a misspelt field', { ...good, connections: [{ ...connection, hots: 'x' }] }, 'connections[0].hots: is not known here; check the spelling'],
    ['an unknown protocol', { ...good, connections: [{ ...connection, protocol: 'gopher' }] }, 'connections[0].protocol: must be one of sftp, ftps, s3, folder, as2'],
    ['a secret in a form of its own', { ...good, connections: [{ ...connection, auth: { method: 'password', password: { value: 'x' } } }] }, 'connections[0].auth.password: must be one of text, { "file": … }, { "env": … }, { "sealed": true }'],
    ['an unknown way to sign in', { ...good, connections: [{ ...connection, auth: { method: 'magic' } }] }, 'connections[0].auth.method: must be one of password, key, agent'],
    ['no connection', { ...good, connections: [] }, 'connections: must have at least one entry'],
    ['a text instead of a document', 'acme', 'must be an object with fields'],
    ['a bad id', { ...good, id: 'Acme GmbH' }, 'id: use lower-case letters, digits, dot, dash or underscore (at most 63)'],
    ['an empty name', { ...good, name: '' }, 'name: must not be empty'],
    ['a bad e-mail address', { ...good, contacts: [{ name: 'Mia', email: 'mia' }] }, 'contacts[0].email: write an e-mail address'],
  ])('%s', (_name, document, expected) => {
    expect(textOf(document)).toBe(expected)
  })

  it('names the branch of a union that was meant', () => {
    const Either = z.object({ key: z.union([z.string(), z.strictObject({ file: z.string() })]) })
    const parsed = parseInput(Either, { key: { flie: 'x' } })
    expect(parsed.ok ? {} : issuesByField(parsed.issues)).toEqual({ 'key.file': 'is missing', 'key.flie': 'is not known here; check the spelling' })
  })

  it('never repeats a value: it may be a secret', () => {
    const secret = 'planted-secret-4711'
    const documents = [
      { ...good, id: secret.toUpperCase() },
      { ...good, connections: [{ ...connection, auth: { method: secret, password: secret } }] },
      { ...good, connections: [{ ...connection, auth: { method: 'key', passphrase: secret } }] },
      { ...good, connections: [{ ...connection, auth: { method: 'password', password: { file: 1, secret } } }] },
      { ...good, connections: [{ ...connection, host: `${secret} ` }] },
    ]
    for (const document of documents) {
      expect(textOf(document)).not.toBe('valid')
      expect(textOf(document).toLowerCase()).not.toContain(secret)
    }
  })

  it('says how many more there are', () => {
    const parsed = parseInput(z.array(z.string()), [1, 2, 3, 4, 5, 6, 7])
    expect(parsed.ok ? '' : issuesText(parsed.issues)).toMatch(/^\[0\]: must be text; .*; and 2 more$/)
  })
})
