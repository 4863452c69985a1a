import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createWebSocketTransport } from '../../client/websocket.ts'
import { systemClock, type Clock } from '../../core/kernel/clock.ts'
import { silentLogger } from '../../core/kernel/logger.ts'
import { createCapabilityStore } from '../capabilities.ts'
import { createProbe } from '../conformance/probe-contract.ts'
import { hostPort, parseListenAddress } from './address.ts'
import { startLoopbackHost, type LoopbackHost } from './server.ts'
import { TOKEN_LIFETIME_MS } from './sessions.ts'

const folder = mkdtempSync(join(tmpdir(), 'waybill-loopback-'))
const rendererFolder = join(folder, 'renderer')
const spoolFolder = join(folder, 'spool')
const time = { ahead: 0 }
const clock: Clock = { now: () => Date.now() + time.ahead, sleep: systemClock.sleep }
const capabilities = createCapabilityStore({ clock })
const CALENDAR = 'c'.repeat(43)
let host: LoopbackHost
let authority: string

beforeAll(async () => {
  mkdirSync(join(rendererFolder, 'assets'), { recursive: true })
  writeFileSync(join(folder, 'secret.js'), 'secret')
  writeFileSync(join(rendererFolder, 'index.html'), '<meta property="csp-nonce" nonce="__CSP_NONCE__"><script type="module" src="/assets/app.js"></script>')
  writeFileSync(join(rendererFolder, 'assets', 'app.js'), 'export {}')
  mkdirSync(spoolFolder)
  writeFileSync(join(spoolFolder, 'upload-of-a-crash'), 'left behind')
  host = await startLoopbackHost({ dispatcher: createProbe().dispatcher, capabilities, rendererFolder, spoolFolder, user: 'mia', logger: silentLogger, clock, calendar: async (token) => await Promise.resolve(token === CALENDAR ? 'BEGIN:VCALENDAR\r\n' : null) })
  authority = host.origin.slice('http://'.length)
})
afterAll(async () => {
  await host.close()
  rmSync(folder, { recursive: true })
})

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Sends the path exactly as given; `Host` is ours unless told otherwise. */
function ask(path: string, options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {}): Promise<Answer> {
  const port = Number(authority.split(':').at(-1))
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method: options.method ?? 'GET', headers: { host: authority, ...options.headers }, setHost: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (body += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    sent.on('error', reject)
    sent.end(options.body)
  })
}

const tokenOf = (address: string): string => new URL(address).hash.slice('#token='.length)

function openSession(token: unknown, headers: Record<string, string> = { origin: host.origin }): Promise<Answer> {
  return ask('/session', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ token }) })
}

async function cookie(): Promise<string> {
  const answer = await openSession(tokenOf(host.issueAddress()))
  return answer.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
}

function openSocket(headers: Record<string, string>, path = '/api'): Promise<string> {
  const socket = new WebSocket(`ws://${authority}${path}`, { headers })
  return new Promise((resolve, reject) => socket.on('open', () => resolve('opened')).on('error', reject))
}

describe('the calendar', () => {
  it('is read with its own token and without a session, and opens nothing else', async () => {
    const answer = await ask(`/calendar/${CALENDAR}.ics`)
    expect([answer.status, answer.body, answer.headers['content-type'], answer.headers['cache-control']]).toEqual([200, 'BEGIN:VCALENDAR\r\n', 'text/calendar; charset=utf-8', 'no-store'])
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect((await ask(`/calendar/${CALENDAR}.ics`, { method: 'HEAD' })).body).toBe('')
    expect((await ask(`/calendar/${'d'.repeat(43)}.ics`)).status).toBe(404)
    expect((await ask('/calendar/.ics')).status).toBe(404)
    expect((await ask(`/calendar/${CALENDAR}.ics`, { headers: { host: 'evil.example' } })).status).toBe(421)
    expect((await ask(`/calendar/${CALENDAR}.ics`, { method: 'POST', headers: { origin: host.origin } })).status).toBe(401)
    expect((await openSession(CALENDAR)).status).toBe(403)
  })
})

describe('the one-time address', () => {
  it('keeps its token behind the number sign, which browsers never send', () => {
    const address = new URL(host.issueAddress())
    expect([address.origin, address.pathname, address.search]).toEqual([host.origin, '/', ''])
    expect(tokenOf(address.href)).toMatch(/^[\w-]{43}$/)
    expect(tokenOf(host.issueAddress())).not.toBe(tokenOf(address.href))
  })
  it('is exchanged once for a session', async () => {
    const token = tokenOf(host.issueAddress())
    const first = await openSession(token)
    expect(first.status).toBe(200)
    const set = first.headers['set-cookie']?.[0] ?? ''
    expect(set).toMatch(new RegExp(`^waybill-${authority.split(':')[1] ?? ''}=[\\w-]{43}; HttpOnly; SameSite=Strict; Path=/$`))
    expect(set).not.toContain(token)
    const second = await openSession(token)
    expect(second.status).toBe(403)
    expect(second.headers['set-cookie']).toBeUndefined()
    expect(second.body).toContain('used already')
  })
  it('runs out after ten minutes', async () => {
    const token = tokenOf(host.issueAddress())
    time.ahead += TOKEN_LIFETIME_MS
    await expect(openSession(token)).resolves.toMatchObject({ status: 403 })
    await expect(openSession(tokenOf(host.issueAddress()))).resolves.toMatchObject({ status: 200 })
  })
  it.each([[''], ['x'.repeat(43)], [null], [5], [{}], [['a']], ['x'.repeat(5000)]])('is refused when it is %j', async (token) => {
    await expect(openSession(token)).resolves.toMatchObject({ status: 403 })
  })
  it('is refused in another form than asked for', async () => {
    const token = tokenOf(host.issueAddress())
    await expect(ask(`/session?token=${token}`, { method: 'POST', headers: { origin: host.origin }, body: '{}' })).resolves.toMatchObject({ status: 403 })
    await expect(ask('/session', { method: 'POST', headers: { origin: host.origin }, body: token })).resolves.toMatchObject({ status: 400 })
    await expect(ask('/session', { method: 'POST', headers: { origin: host.origin }, body: 'x'.repeat(100_000) })).resolves.toMatchObject({ status: 413 })
  })
  it('tells a page whether it has a session', async () => {
    await expect(ask('/session')).resolves.toMatchObject({ status: 200, body: '{"open":false}' })
    await expect(ask('/session', { headers: { cookie: await cookie() } })).resolves.toMatchObject({ body: '{"open":true}' })
  })
})

describe('who may ask', () => {
  const strangers = ['evil.example', 'localhost', '127.0.0.1', '127.0.0.1:1', '127.1', '[::1]', '', `evil.example:80`]
  it.each(strangers)('answers nothing to the host %j', async (name) => {
    for (const path of ['/', '/assets/app.js', '/session']) await expect(ask(path, { headers: { host: name } })).resolves.toMatchObject({ status: 421 })
    const headers = { host: name, origin: host.origin, cookie: await cookie() }
    // The library replaces an empty name by the right one.
    if (name !== '') await expect(openSocket(headers)).rejects.toThrow('421')
  })
  it.each(['https://evil.example', 'null', 'http://127.0.0.1', 'http://localhost:1', ''])('takes nothing from the origin %j', async (origin) => {
    const session = await cookie()
    const token = tokenOf(host.issueAddress())
    await expect(openSession(token, { origin })).resolves.toMatchObject({ status: 403 })
    await expect(ask('/files?name=a', { method: 'POST', headers: { origin, cookie: session }, body: 'x' })).resolves.toMatchObject({ status: 403 })
    await expect(openSocket({ origin, cookie: session })).rejects.toThrow('403')
    // The token was not consumed by the stranger.
    await expect(openSession(token)).resolves.toMatchObject({ status: 200 })
  })
  it('takes nothing without an origin, or with a browser that says "cross-site"', async () => {
    const session = await cookie()
    await expect(openSession(tokenOf(host.issueAddress()), {})).resolves.toMatchObject({ status: 403 })
    await expect(openSession(tokenOf(host.issueAddress()), { origin: host.origin, 'sec-fetch-site': 'cross-site' })).resolves.toMatchObject({ status: 403 })
    await expect(openSocket({ cookie: session })).rejects.toThrow('403')
  })
  it('gives no connection without a session', async () => {
    const origin = host.origin
    await expect(openSocket({ origin })).rejects.toThrow('401')
    const [name = ''] = (await cookie()).split('=')
    await expect(openSocket({ origin, cookie: `${name}=${'x'.repeat(43)}` })).rejects.toThrow('401')
    await expect(openSocket({ origin, cookie: `other=${(await cookie()).split('=')[1] ?? ''}` })).rejects.toThrow('401')
    await expect(openSocket({ origin, cookie: await cookie() }, '/other')).rejects.toThrow('404')
  })
  it('gives a connection, as a window, with a session', async () => {
    const headers = { origin: host.origin, cookie: `a=b; ${await cookie()}; c=d` }
    const transport = createWebSocketTransport({ open: () => new WebSocket(`ws://${authority}/api`, { headers }), reconnect: false })
    await expect(transport.call('probe.whoami', {}, {})).resolves.toEqual({ actor: 'window:mia' })
    await expect(transport.call('probe.take', { files: [{ source: { path: '/etc/passwd' } }] }, {})).rejects.toMatchObject({ code: 'call.refused' })
    transport.close()
  })
})

describe('the page', () => {
  it('comes with policy, nonce and isolation, never cached', async () => {
    const answer = await ask('/')
    const policy = answer.headers['content-security-policy']
    const nonce = /'nonce-([^']+)'/.exec(String(policy))?.[1] ?? ''
    expect(nonce).toMatch(/^[A-Za-z0-9+/]{24}$/)
    expect(answer.body).toContain(`nonce="${nonce}"`)
    expect(answer.body).not.toContain('__CSP_NONCE__')
    expect(policy).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self' ws://${authority}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'`,
    )
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    })
  })
  it('has another nonce each time', async () => {
    const nonces = await Promise.all(Array.from({ length: 5 }, async () => /'nonce-([^']+)'/.exec(String((await ask('/')).headers['content-security-policy']))?.[1]))
    expect(new Set(nonces).size).toBe(5)
  })
  it('is given for the places of its router, and assets with their type, not cached either', async () => {
    await expect(ask('/partners/acme')).resolves.toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } })
    await expect(ask('/assets/app.js')).resolves.toMatchObject({
      status: 200,
      body: 'export {}',
      headers: { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
    })
    await expect(ask('/assets/app.js', { method: 'HEAD' })).resolves.toMatchObject({ status: 200, body: '', headers: { 'content-length': '9' } })
  })
  it.each(['/../secret.js', '/..%2fsecret.js', '/%2e%2e/secret.js', '/..%5csecret.js', '/assets/..%5c..%5csecret.js', '/secret.js%00', '/%00', '/assets/../../secret.js', '/%252e%252e/secret.js', '/assets/app.js/../../../secret.js', '//secret.js'])(
    'does not leave its folder by %s',
    async (path) => {
      const answer = await ask(path)
      expect(answer.status).toBe(404)
      expect(answer.body).not.toContain('secret')
    },
  )
  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])('does not know %s', async (method) => {
    await expect(ask('/', { method })).resolves.toMatchObject({ status: 405 })
  })
  it('does not act as a proxy', async () => {
    await expect(ask('http://evil.example/')).resolves.toMatchObject({ status: 400 })
  })
  it('does not take headers without measure', async () => {
    await expect(ask('/', { headers: { 'x-much': 'x'.repeat(20_000) } })).resolves.toMatchObject({ status: 431 })
  })
})

describe('dropped files', () => {
  const upload = async (name: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(`/files?name=${encodeURIComponent(name)}`, { method: 'POST', headers: { origin: host.origin, cookie: await cookie(), ...headers }, body })

  it('cleared what a crash had left', () => {
    expect(readdirSync(spoolFolder)).not.toContain('upload-of-a-crash')
  })
  it.each<[string, Buffer]>([
    ['orders.edi', Buffer.from('UNB+UNOA')],
    ['leer ä "quoted" 日本.xml', Buffer.alloc(3_000_000, 7)],
    ['empty', Buffer.alloc(0)],
    ['x'.repeat(255), Buffer.from('a')],
  ])('takes %s in, for us only', async (name, content) => {
    const answer = await upload(name, content)
    expect(answer.status).toBe(200)
    const { capability, ...rest } = JSON.parse(answer.body) as { capability: string }
    expect(rest).toEqual({ name, size: content.length })
    const file = capabilities.resolve(capability)
    expect(file).toMatchObject({ name, size: content.length, spooled: true })
    const path = file?.path ?? ''
    expect(path.startsWith(spoolFolder)).toBe(true)
    expect(readFileSync(path).equals(content)).toBe(true)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(spoolFolder).mode & 0o777).toBe(0o700)
  })
  it.each(['', '.', '..', '../a', 'a/b', 'a\\b', 'a\0b', 'a\nb', 'ä'.repeat(200)])('refuses the name %j', async (name) => {
    const before = readdirSync(spoolFolder).length
    const answer = await upload(name, 'x')
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'delivery.bad_name' } })
    expect(readdirSync(spoolFolder)).toHaveLength(before)
  })
  it('takes nothing without a session', async () => {
    await expect(ask('/files?name=a', { method: 'POST', headers: { origin: host.origin }, body: 'x' })).resolves.toMatchObject({ status: 401 })
  })
  it('says so before the bytes come when the disk has no room', async () => {
    const answer = await upload('huge', '', { 'content-length': String(Number.MAX_SAFE_INTEGER) }).catch((error: unknown) => String(error))
    expect(answer).toMatchObject({ status: 507 })
  })
  it('leaves nothing behind when the window goes in the middle', async () => {
    const before = readdirSync(spoolFolder).length
    const session = await cookie()
    const [name, port] = authority.split(':')
    const socket = connect(Number(port), name)
    socket.write(`POST /files?name=half HTTP/1.1\r\nhost: ${authority}\r\norigin: ${host.origin}\r\ncookie: ${session}\r\ncontent-length: 1000000\r\n\r\nhalf of it`)
    await vi.waitFor(() => expect(readdirSync(spoolFolder)).toHaveLength(before + 1))
    socket.destroy()
    await vi.waitFor(() => expect(readdirSync(spoolFolder)).toHaveLength(before))
  })
})

describe('starting and stopping', () => {
  const start = (listen: { host: string; port: number }): Promise<LoopbackHost> =>
    startLoopbackHost({ dispatcher: createProbe().dispatcher, capabilities, rendererFolder, spoolFolder: join(folder, 'spool2'), user: 'mia', logger: silentLogger, listen })
  it('says when the port is taken', async () => {
    await expect(start(parseListenAddress(authority))).rejects.toMatchObject({ code: 'input.invalid', message: expect.stringContaining('taken') })
  })
  it('takes up IPv6 addresses of this computer', async () => {
    const second = await start({ host: '::1', port: 0 })
    expect(second.origin).toMatch(/^http:\/\/\[::1\]:\d+$/)
    const answer = await fetch(`${second.origin}/`)
    expect(answer.status).toBe(200)
    await second.close()
    await expect(fetch(`${second.origin}/`)).rejects.toThrow()
  })
})

describe('HOST:PORT', () => {
  it.each([
    ['127.0.0.1:8080', '127.0.0.1:8080'],
    ['localhost:8080', '127.0.0.1:8080'],
    [':8080', '127.0.0.1:8080'],
    ['8080', '127.0.0.1:8080'],
    ['127.0.0.2:0', '127.0.0.2:0'],
    ['[::1]:8080', '[::1]:8080'],
  ])('reads %s', (text, expected) => {
    expect(hostPort(parseListenAddress(text))).toBe(expected)
  })
  it.each(['0.0.0.0:80', '[::]:80', '192.168.1.5:80', 'example.com:80', '127.0.0.1.evil.example:80', '127.0.0.256:80', '127.0.0.1', '127.0.0.1:99999', '127.0.0.1:x', '', 'http://127.0.0.1:80', '127.0.0.1:80\n'])(
    'refuses %j',
    (text) => {
      expect(() => parseListenAddress(text)).toThrow(expect.objectContaining({ code: 'input.invalid' }))
    },
  )
})
