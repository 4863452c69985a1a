import { once } from 'node:events'
import { createServer as createHttpServer, request as plainRequest, type IncomingMessage, type Server } from 'node:http'
import { createServer, request } from 'node:https'
import type { Agent } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { newAuthority, selfSigned, type Authority, type Identity } from '../../../../e2e/servers/certificates.ts'
import { startHttpProxy, startSocksProxy } from '../../../../e2e/servers/proxies.ts'
import { TlsSettings } from '../../../contract/connections/common.ts'
import type { PresentedCertificate } from '../../../contract/partners.ts'
import { plainAgent, tlsAgent, type TlsAgentOptions } from './agents.ts'
import { createTlsPolicy } from './connect.ts'

const TIMES = { connectTimeoutMs: 5_000, idleTimeoutMs: 5_000 }
let authority: Authority
let identity: Identity
const servers: Server[] = []
const agents: Agent[] = []

beforeAll(() => {
  authority = newAuthority()
  identity = authority.issue({ names: ['localhost'] })
})
afterEach(() => {
  for (const agent of agents.splice(0)) agent.destroy()
})
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

async function listen(server: Server): Promise<number> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

interface Seen {
  readonly port: number
  connections: number
  requests: number
}

async function serve(shown: Identity): Promise<Seen> {
  const seen = { port: 0, connections: 0, requests: 0 }
  const server = createServer({ cert: shown.certificate, key: shown.privateKey }, (incoming, answer) => {
    seen.requests += 1
    if (incoming.url === '/silent') return
    incoming.pipe(answer)
  })
  server.on('secureConnection', () => (seen.connections += 1))
  server.on('tlsClientError', () => undefined)
  return Object.assign(seen, { port: await listen(server as unknown as Server) })
}

function agentFor(options: Partial<TlsAgentOptions> = {}): Agent {
  const agent = tlsAgent(createTlsPolicy(TlsSettings.parse({}), { pins: [], authorities: [authority.certificate], client: null }), { ...TIMES, ...options })
  agents.push(agent)
  return agent
}

async function ask(send: typeof request, port: number, agent: Agent, path = '/', body = 'ping'): Promise<string> {
  return await new Promise((resolve, reject) => {
    const asked = send({ host: 'localhost', port, path, method: 'POST', agent }, (answer: IncomingMessage) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('end', () => resolve(Buffer.concat(parts).toString()))
      answer.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

describe('an agent with TLS', () => {
  it('carries requests on one connection and tells what was presented', async () => {
    const server = await serve(identity)
    const presented: PresentedCertificate[] = []
    let observed: Readonly<Record<string, string>> = {}
    const agent = agentFor({ onPresented: (certificate) => presented.push(certificate), onSecure: (facts) => (observed = facts) })
    for (const body of ['one', 'two', 'x'.repeat(300_000)]) expect(await ask(request, server.port, agent, '/', body)).toBe(body)
    expect(server.connections).toBe(1)
    expect(presented.map(({ fingerprint }) => fingerprint)).toEqual([identity.fingerprint])
    expect(observed['tlsVersion']).toBe('TLSv1.3')
  })

  it('sends nothing to a server that is refused: the request fails with the reason', async () => {
    const own = selfSigned({ names: ['localhost'] })
    const server = await serve(own)
    await expect(ask(request, server.port, agentFor())).rejects.toMatchObject({ code: 'tls.certificate_unknown', details: { presented: own.fingerprint } })
    expect(server.requests).toBe(0)
  })

  it('ends a connection that stands still', async () => {
    const server = await serve(identity)
    await expect(ask(request, server.port, agentFor({ idleTimeoutMs: 100 }), '/silent')).rejects.toMatchObject({ code: 'net.idle' })
  })

  it.each([['http', startHttpProxy], ['socks5', startSocksProxy]] as const)('goes through a proxy of the kind %s, with its sign-in', async (kind, start) => {
    const server = await serve(identity)
    const proxy = await start({ username: 'us', password: 'secret' })
    const at = { kind, host: '127.0.0.1', port: proxy.port, username: 'us' }
    expect(await ask(request, server.port, agentFor({ proxy: { ...at, password: 'secret' } }))).toBe('ping')
    await expect(ask(request, server.port, agentFor({ proxy: { ...at, password: 'wrong' } }))).rejects.toMatchObject({ code: 'net.proxy_auth_refused' })
    await proxy.stop()
  })
})

it('an agent without TLS does the same in plain', async () => {
  const port = await listen(createHttpServer((incoming, answer) => void incoming.pipe(answer)))
  const proxy = await startSocksProxy()
  for (const agent of [plainAgent(TIMES), plainAgent({ ...TIMES, proxy: { kind: 'socks5', host: '127.0.0.1', port: proxy.port } })]) {
    agents.push(agent)
    expect(await ask(plainRequest as unknown as typeof request, port, agent)).toBe('ping')
  }
  await proxy.stop()
})
