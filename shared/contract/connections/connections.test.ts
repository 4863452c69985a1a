import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { CONNECTION_SCHEMAS, CONNECTION_SECRETS, PROTOCOLS } from './index.ts'

/** Paths of everything that the published schema marks as secret. */
function secretPaths(schema: unknown, path: readonly string[] = []): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const node = schema as Record<string, unknown>
  if (node['secret'] === true) return [path.join('.')]
  const children = Object.entries((node['properties'] ?? {}) as Record<string, unknown>).flatMap(([name, child]) => secretPaths(child, [...path, name]))
  const branches = (['anyOf', 'oneOf', 'allOf'] as const).flatMap((key) => ((node[key] ?? []) as unknown[]).flatMap((branch) => secretPaths(branch, path)))
  return [...children, ...branches]
}

describe('connections', () => {
  it.each(PROTOCOLS)('%s lists every place that its schema marks as secret', (protocol) => {
    const found = new Set(secretPaths(z.toJSONSchema(CONNECTION_SCHEMAS[protocol], { io: 'input', reused: 'inline' })))
    // A private key becomes an item of the inventory instead.
    for (const ofAnItem of ['auth.privateKey', 'auth.passphrase', 'jump.auth.privateKey', 'jump.auth.passphrase']) found.delete(ofAnItem)
    expect([...found].toSorted()).toEqual(CONNECTION_SECRETS[protocol].map(({ path }) => path.join('.')).toSorted())
  })

  it('fills in the defaults of the least that each protocol needs', () => {
    expect(CONNECTION_SCHEMAS.as2.parse({ protocol: 'as2', as2Id: 'ACME' })).toMatchObject({
      id: 'as2',
      message: { sign: true, encrypt: true, digest: 'sha256', cipher: 'aes-256-cbc' },
      receipt: { request: 'signed', mode: 'sync' },
      inbound: { requireSigned: true, requireEncrypted: true },
      tls: { trust: 'authority', minimum: '1.2' },
    })
    expect(CONNECTION_SCHEMAS.ftps.parse({ protocol: 'ftps', host: 'h', username: 'u', password: 'p' })).toMatchObject({ mode: 'explicit', folder: '.' })
    expect(CONNECTION_SCHEMAS.s3.parse({ protocol: 's3', bucket: 'acme', credentials: { kind: 'profile', profile: 'x' } })).toMatchObject({ prefix: '', checksums: 'when-required' })
    expect(CONNECTION_SCHEMAS.folder.parse({ protocol: 'folder', path: '/mnt/acme' })).toMatchObject({ id: 'folder', folder: '.' })
  })

  it.each(['acme', '/acme/', 'acme//in/', '../', 'acme/../', './'])('refuses the S3 prefix %j', (prefix) => {
    expect(CONNECTION_SCHEMAS.s3.safeParse({ protocol: 's3', bucket: 'acme', prefix, credentials: { kind: 'profile', profile: 'x' } }).success).toBe(false)
  })

  it.each(['http://user:pass@h/', 'ftp://h/', 'https://h/#x'])('refuses the AS2 address %j', (url) => {
    expect(CONNECTION_SCHEMAS.as2.safeParse({ protocol: 'as2', as2Id: 'ACME', url }).success).toBe(false)
  })
})
