import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { systemClock } from '../../core/kernel/clock.ts'
import { silentLogger } from '../../core/kernel/logger.ts'
import { createCapabilityStore, type CapabilityStore } from '../capabilities.ts'
import { createProbe } from '../conformance/probe-contract.ts'
import { connectSocket, grantPath } from './client.ts'
import { chooseSocketPath } from './path.ts'
import { startSocketHost, type SocketHost } from './server.ts'

let folder: string
let host: SocketHost
let capabilities: CapabilityStore

const start = (socketPath: string): Promise<SocketHost> =>
  startSocketHost({ dispatcher: createProbe().dispatcher, socketPath, capabilities, user: 'mia', logger: silentLogger })

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-sock-'))
  capabilities = createCapabilityStore({ clock: systemClock })
  host = await start(join(folder, 'core.sock'))
})
afterEach(async () => {
  await host.close()
  rmSync(folder, { recursive: true })
})

interface Answer {
  readonly status: number | undefined
  readonly body: string
}

function ask(options: { method?: string; path?: string; headers?: Record<string, string>; body?: string }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: host.socketPath, method: options.method ?? 'POST', path: options.path ?? '/files/grant', headers: options.headers ?? {} }, (response) => {
      let body = ''
      response.on('data', (chunk) => (body += String(chunk)))
      response.on('end', () => resolve({ status: response.statusCode, body }))
    })
    sent.on('error', reject)
    sent.end(options.body)
  })
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

describe('the local socket', () => {
  it('is for the owner only', () => {
    expect(statSync(host.socketPath).mode & 0o777).toBe(0o600)
    expect(host.token).toMatch(/^[\w-]{43}$/)
  })

  it.each<[string, () => Record<string, string>]>([
    ['no token', () => ({})],
    ['a wrong token', () => bearer('x'.repeat(43))],
    ['half a token', () => bearer(host.token.slice(0, 20))],
    ['another scheme', () => ({ authorization: `Basic ${host.token}` })],
    ['an unknown actor', () => ({ ...bearer(host.token), 'waybill-actor': 'system' })],
    ['an actor of the prototype', () => ({ ...bearer(host.token), 'waybill-actor': 'constructor' })],
    ['a page as origin', () => ({ ...bearer(host.token), origin: 'https://evil.example' })],
  ])('refuses a connection with %s', async (_name, headers) => {
    const socket = new WebSocket('ws://waybill/api', { createConnection: () => connect(host.socketPath), headers: headers() })
    await expect(new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))).rejects.toThrow('401')
  })

  it('does not take the token from the address', async () => {
    const socket = new WebSocket(`ws://waybill/api?token=${host.token}`, { createConnection: () => connect(host.socketPath) })
    await expect(new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))).rejects.toThrow('401')
  })

  it('lets the owner of the token speak as a window or as the command line', async () => {
    for (const actorKind of ['cli', 'window'] as const) {
      const transport = await connectSocket({ socketPath: host.socketPath, token: host.token, actorKind })
      await expect(transport.call('probe.whoami', {}, {})).resolves.toEqual({ actor: `${actorKind}:mia` })
      const call = transport.call('probe.take', { files: [{ source: { path: '/etc/passwd' } }] }, {})
      if (actorKind === 'cli') await expect(call).resolves.toEqual({ taken: 1 })
      else await expect(call).rejects.toMatchObject({ code: 'call.refused' })
      transport.close()
    }
  })

  it('tells a client at once when nobody answers or the token is wrong', async () => {
    await expect(connectSocket({ socketPath: join(folder, 'nobody.sock'), token: host.token })).rejects.toMatchObject({ code: 'call.disconnected' })
    await expect(connectSocket({ socketPath: host.socketPath, token: 'wrong' })).rejects.toMatchObject({ code: 'call.disconnected' })
  })

  it('replaces the socket of a dead process, and respects that of a living one', async () => {
    await expect(start(host.socketPath)).rejects.toMatchObject({ code: 'workspace.in_use' })
    const transport = await connectSocket(host)
    await expect(transport.call('probe.nothing', {}, {})).resolves.toEqual({})
    transport.close()

    const dead = join(folder, 'dead.sock')
    spawnSync(process.execPath, ['-e', `require('net').createServer().listen(${JSON.stringify(dead)}, () => process.kill(process.pid, 'SIGKILL'))`])
    expect(statSync(dead).isSocket()).toBe(true)
    const second = await start(dead)
    await second.close()
  })
})

describe('granting files', () => {
  it('exchanges a path for a capability', async () => {
    const path = join(folder, 'orders ä.edi')
    writeFileSync(path, 'UNB+')
    const granted = await grantPath(host, path)
    expect(granted).toEqual({ capability: expect.stringMatching(/^[\w-]{43}$/), name: 'orders ä.edi', size: 4 })
    expect(capabilities.resolve(granted.capability)).toEqual({ path, name: 'orders ä.edi', size: 4, spooled: false })
  })
  it.each<[string, () => string, string]>([
    ['a missing file', () => join(folder, 'missing'), 'input.unreadable'],
    ['a folder', () => folder, 'input.unreadable'],
    ['a socket', () => host.socketPath, 'input.unreadable'],
    ['a relative path', () => 'package.json', 'input.invalid'],
    ['a path with NUL', () => `${folder}/a\0b`, 'input.invalid'],
    ['an empty path', () => '', 'input.invalid'],
  ])('refuses %s', async (_name, path, code) => {
    await expect(grantPath(host, path())).rejects.toMatchObject({ name: 'CallError', code })
  })
  it('follows no hint of who asks without the token', async () => {
    const answer = await ask({ body: JSON.stringify({ path: '/etc/hostname' }) })
    expect(answer.status).toBe(401)
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'call.refused' } })
  })
  it.each<[string, Parameters<typeof ask>[0], number]>([
    ['no JSON', { body: '{' }, 400],
    ['a body that is too large', { body: JSON.stringify({ path: '/'.repeat(100_000) }) }, 400],
    ['another address', { path: '/files/../files/grant', body: '{}' }, 404],
    ['another method', { method: 'GET' }, 404],
  ])('refuses %s', async (_name, options, status) => {
    const answer = await ask({ ...options, headers: bearer(host.token) })
    expect(answer.status).toBe(status)
  })
})

describe('where the socket lies', () => {
  it('is in the runtime folder, or in a private one under the temporary folder', () => {
    const runtime = join(folder, 'run')
    mkdirSync(runtime, { mode: 0o700 })
    const chosen = chooseSocketPath('/data/workspace', { XDG_RUNTIME_DIR: runtime })
    expect(chosen).toMatch(/run\/waybill\/[0-9a-f]{24}\.sock$/)
    expect(chooseSocketPath('/data/workspace', { XDG_RUNTIME_DIR: runtime })).toBe(chosen)
    expect(chooseSocketPath('/data/other', { XDG_RUNTIME_DIR: runtime })).not.toBe(chosen)
    expect(statSync(join(runtime, 'waybill')).mode & 0o777).toBe(0o700)
    expect(chooseSocketPath('/data/workspace', { XDG_RUNTIME_DIR: 'relative' }).startsWith(tmpdir())).toBe(true)
  })
  it('is short enough for the kernel', () => {
    const long = join(folder, 'x'.repeat(90))
    mkdirSync(long)
    expect(Buffer.byteLength(chooseSocketPath('/data/workspace', { XDG_RUNTIME_DIR: long }))).toBeLessThanOrEqual(103)
  })
  it('does not follow a link that somebody else put there', () => {
    const runtime = join(folder, 'run')
    mkdirSync(runtime)
    symlinkSync(folder, join(runtime, 'waybill'))
    expect(chooseSocketPath('/data/workspace', { XDG_RUNTIME_DIR: runtime })).not.toContain(runtime)
  })
  it('is a named pipe on Windows', () => {
    expect(chooseSocketPath('C:\\Waybill', {}, 'win32')).toMatch(/^\\\\\.\\pipe\\waybill-[0-9a-f]{24}$/)
  })
})

describe('a stranger on the socket', () => {
  it('is cut off when it does not speak HTTP', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(host.socketPath, () => socket.write('\u0000\u0001 nonsense\r\n\r\n'))
      let text = ''
      socket.on('data', (chunk) => (text += String(chunk)))
      socket.on('close', () => resolve(text))
      socket.on('error', reject)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 400/)
  })
})

it('leaves no file behind when it closes', async () => {
  const path = join(folder, 'short-lived.sock')
  const second = await start(path)
  await second.close()
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
  const probe = createServer()
  await new Promise<void>((resolve, reject) => probe.listen(path, resolve).on('error', reject))
  await new Promise((resolve) => probe.close(resolve))
})
