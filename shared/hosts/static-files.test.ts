import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { contentSecurityPolicy, readStatic, staticTarget } from './static-files.ts'

const outer = mkdtempSync(join(tmpdir(), 'waybill-static-'))
const folder = join(outer, 'renderer')
mkdirSync(join(folder, 'assets'), { recursive: true })
writeFileSync(join(outer, 'secret.js'), 'secret')
writeFileSync(join(folder, 'assets', 'a.js'), 'code')
writeFileSync(join(folder, 'index.html'), '<meta nonce="__CSP_NONCE__"><style nonce="__CSP_NONCE__"></style>')
afterAll(() => rmSync(outer, { recursive: true }))

describe('which file a path means', () => {
  it.each(['/', '/index.html', '/partners', '/partners/acme', '/deliveries/dlv_01', '/partners/J%C3%BCrgen'])('%s means the page', (path) => {
    expect(staticTarget(folder, path)).toEqual({ kind: 'page' })
  })
  it('finds an asset with its type', () => {
    expect(staticTarget(folder, '/assets/a.js')).toEqual({ kind: 'asset', path: join(folder, 'assets', 'a.js'), contentType: 'text/javascript; charset=utf-8' })
  })
  it.each([
    '/../secret.js', '/..%2fsecret.js', '/%2e%2e/secret.js', '/%2e%2e%2fsecret.js', '/..%5csecret.js', '/assets/..%5c..%5c..%5csecret.js', '/assets/../../secret.js',
    '/%252e%252e/secret.js', '/assets/a.js%00.png', '/assets/a%00.js', '/%c0%ae%c0%ae/secret.js', '/%', '/%zz', 'assets/a.js', '//..//secret.js', '/.git/config.json', '/./a.js',
    '/assets/a.map', '/assets/a.exe', '/other.html', '/a.js/..', '/C:\\windows\\win.js', '\\..\\secret.js',
  ])('%s means nothing', (path) => {
    expect(staticTarget(folder, path)).toBeNull()
  })
  it('never leaves the folder, whatever the path', async () => {
    for (const path of ['/../secret.js', '/..%2fsecret.js', '/assets/%2e%2e/%2e%2e/secret.js', '//secret.js', '///../secret.js']) {
      const target = staticTarget(folder, path)
      const found = target === null ? null : await readStatic(folder, target, { nonce: 'n' })
      expect(found?.body.toString() ?? '', path).not.toContain('secret')
    }
  })
})

describe('what is answered', () => {
  it('gives the page its nonce in every place and in the policy', async () => {
    const found = await readStatic(folder, { kind: 'page' }, { nonce: 'abc' })
    expect(found?.body.toString()).toBe('<meta nonce="abc"><style nonce="abc"></style>')
    expect(found?.headers['content-security-policy']).toContain(`style-src 'self' 'nonce-abc'`)
  })
  it('has nothing for a missing asset', async () => {
    const target = staticTarget(folder, '/assets/missing.js')
    expect(target).not.toBeNull()
    if (target !== null) await expect(readStatic(folder, target, { nonce: 'n' })).resolves.toBeNull()
  })
  it('permits nothing that is not named', () => {
    const policy = contentSecurityPolicy('n', ['ws://127.0.0.1:1'])
    expect(policy.startsWith(`default-src 'none'; script-src 'self';`)).toBe(true)
    expect(policy).toContain(`connect-src 'self' ws://127.0.0.1:1`)
    for (const name of ['base-uri', 'form-action', 'frame-ancestors', 'object-src']) expect(policy).toContain(`${name} 'none'`)
    expect(policy).not.toMatch(/unsafe-|\*/)
  })
})
