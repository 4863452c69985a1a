import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../e2e/servers/sshd.ts'
import { startHttpProxy, startSocksProxy, type ProxyServer } from '../../../e2e/servers/proxies.ts'
import { connectThroughProxy, type Proxy } from './proxy.ts'

/** A server that greets first, as SSH servers do, and sends back what it gets. */
let target: Server
let port: number
beforeAll(async () => {
  target = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.write('greeting')
    socket.pipe(socket)
  })
  target.listen(0, '127.0.0.1')
  await once(target, 'listening')
  port = (target.address() as { port: number }).port
})
afterAll(() => void target.close())

const within = (): { timeoutMs: number; signal: AbortSignal } => ({ timeoutMs: 5_000, signal: new AbortController().signal })

describe.each([
  ['http', startHttpProxy],
  ['socks5', startSocksProxy],
] as const)('a proxy of the kind %s', (kind, start) => {
  let proxy: ProxyServer | undefined
  afterEach(async () => {
    await proxy?.stop()
    proxy = undefined
  })
  const at = (more: Partial<Proxy> = {}): Proxy => ({ kind, host: '127.0.0.1', port: proxy?.port ?? 0, ...more })

  it('carries a connection, the first words of the server included', async () => {
    proxy = await start()
    const socket = await connectThroughProxy(at(), { host: 'localhost', port }, within())
    let heard = ''
    socket.on('data', (data: Buffer) => (heard += data.toString()))
    socket.write(' and answer')
    while (heard.length < 'greeting and answer'.length) await once(socket, 'data')
    expect(heard).toBe('greeting and answer')
    // By name: the proxy resolves it, not we.
    expect(proxy.asked).toEqual([`localhost:${port}`])
    socket.destroy()
  })

  it('signs in, and says when the proxy does not accept that', async () => {
    proxy = await start({ username: 'us', password: 'pass:word ü' })
    const socket = await connectThroughProxy(at({ username: 'us', password: 'pass:word ü' }), { host: '127.0.0.1', port }, within())
    socket.destroy()
    for (const wrong of [{}, { username: 'us', password: 'wrong' }])
      await expect(connectThroughProxy(at(wrong), { host: '127.0.0.1', port }, within())).rejects.toMatchObject({ code: 'net.proxy_auth_refused' })
  })

  it('tells the reason of the proxy that does not let us through or cannot reach the server', async () => {
    proxy = await start({ refuse: true })
    await expect(connectThroughProxy(at(), { host: '127.0.0.1', port }, within())).rejects.toMatchObject({ code: 'net.proxy_refused', details: { reason: expect.stringMatching(/403 Forbidden by rule|NotAllowed/) as string } })
    await proxy.stop()
    proxy = await start()
    await expect(connectThroughProxy(at(), { host: '127.0.0.1', port: await freePort() }, within())).rejects.toMatchObject({ code: 'net.proxy_refused' })
  })

  it('says that the proxy is not there, is silent or speaks otherwise', async () => {
    await expect(connectThroughProxy({ kind, host: '127.0.0.1', port: await freePort() }, { host: '127.0.0.1', port }, within())).rejects.toMatchObject({ code: 'net.proxy_unreachable' })
    const silent = createServer((socket) => void socket.on('error', () => undefined))
    const babbling = createServer((socket) => void socket.on('error', () => undefined).end('SSH-2.0-something\r\n'))
    for (const [server, timeoutMs] of [[silent, 300], [babbling, 5_000]] as const) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const wrong = { kind, host: '127.0.0.1', port: (server.address() as { port: number }).port }
      await expect(connectThroughProxy(wrong, { host: '127.0.0.1', port }, { ...within(), timeoutMs })).rejects.toMatchObject({ code: 'net.proxy_unreachable' })
      server.close()
    }
  })

  it('ends with the reason when it is cancelled', async () => {
    const reason = new Error('stopped')
    await expect(connectThroughProxy(at(), { host: '127.0.0.1', port }, { timeoutMs: 1000, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const silent = createServer((socket) => void socket.on('error', () => undefined))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const stop = new AbortController()
    const pending = connectThroughProxy({ kind, host: '127.0.0.1', port: (silent.address() as { port: number }).port }, { host: '127.0.0.1', port }, { timeoutMs: 5_000, signal: stop.signal })
    setTimeout(() => stop.abort(reason), 50)
    await expect(pending).rejects.toBe(reason)
    silent.close()
  })
})
