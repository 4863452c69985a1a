/**
 * One look for a supervisor: `GET /health` answers 200 while the service can do its work, 503 while it cannot, both with the reasons
 * as JSON. No names of partners or files: whoever watches may not be whoever may read.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WaybillClient } from '../contract/index.ts'
import { http } from '../core/kernel/node-http.ts'
import { hostPort, type ListenAddress } from './loopback/address.ts'
import { VERSION } from './version.ts'

export interface HealthEndpoint {
  /** `http://127.0.0.1:PORT/health`. */
  readonly url: string
  close(): Promise<void>
}

export interface HealthReport {
  readonly status: 'ok' | 'degraded' | 'unavailable'
  readonly version: string
  /** Seconds. */
  readonly uptime: number
  readonly workspace: string
  /** Why it is not `ok`. */
  readonly reasons: readonly string[]
  readonly running?: number
  readonly waiting?: number
  readonly attention?: number
}

/** Loopback only, as the address was checked before. */
export async function startHealthEndpoint(client: WaybillClient, listen: ListenAddress): Promise<HealthEndpoint> {
  const began = performance.now()
  const server = http.createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  server.headersTimeout = 5_000
  server.requestTimeout = 5_000
  server.maxConnections = 16

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    request.resume()
    if (request.url !== '/health') return void response.writeHead(404).end()
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405, { allow: 'GET, HEAD' }).end()
    const report = { ...(await look(client)), uptime: Math.round((performance.now() - began) / 1000) }
    const text = `${JSON.stringify(report)}\n`
    response.writeHead(report.status === 'unavailable' ? 503 : 200, { 'content-type': 'application/json', 'cache-control': 'no-store', 'content-length': Buffer.byteLength(text) })
    response.end(request.method === 'HEAD' ? undefined : text)
  }

  server.listen(listen.port, listen.host)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    url: `http://${hostPort({ host: listen.host, port })}/health`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close').catch(() => undefined)
    },
  }
}

async function look(client: WaybillClient): Promise<Omit<HealthReport, 'uptime'>> {
  const { state } = await client.workspace.status({})
  const base = { version: VERSION, workspace: state }
  if (state !== 'open') return { ...base, status: 'unavailable', reasons: [`the workspace is ${state}`] }
  try {
    const [{ network, disk, leftAlone }, { running, waiting, attention }] = await Promise.all([client.background.status({}), client.deliveries.counts({})])
    const reasons = [
      ...(disk.low ? ['too little space: nothing is received'] : []),
      ...(network.state === 'online' ? [] : [`the network is ${network.state}`]),
      ...(leftAlone.length === 0 ? [] : [`${leftAlone.length} connections cannot be reached`]),
      ...(attention === 0 ? [] : [`${attention} deliveries need a look`]),
    ]
    return { ...base, status: disk.low ? 'unavailable' : reasons.length === 0 ? 'ok' : 'degraded', reasons, running, waiting, attention }
  } catch {
    return { ...base, status: 'unavailable', reasons: ['the database does not answer'] }
  }
}
