/** Agents for HTTP clients (AS2, the AWS SDK): every socket is dialled, proxied and judged by us. */
import type { Agent, AgentOptions as PoolOptions } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { PresentedCertificate } from '../../../contract/partners.ts'
import { AppError } from '../../kernel/errors.ts'
import { http } from '../../kernel/node-http.ts'
import type { ObservedCrypto } from '../file-protocol.ts'
import { dial } from '../network.ts'
import type { Proxy } from '../proxy.ts'
import { connectTls, type TlsPolicy } from './connect.ts'

export interface AgentOptions {
  readonly connectTimeoutMs: number
  /** A socket that stands still for so long ends with `net.idle`. */
  readonly idleTimeoutMs: number
  readonly proxy?: Proxy | undefined
  /** Default 10. */
  readonly maxSockets?: number
  /** Keep sockets for the next request; default true. */
  readonly keepAlive?: boolean
  /** Ends every attempt to connect. */
  readonly signal?: AbortSignal
}

export interface TlsAgentOptions extends AgentOptions {
  /** Told of every certificate that was judged, also of those refused. */
  readonly onPresented?: (certificate: PresentedCertificate) => void
  readonly onSecure?: (observed: ObservedCrypto) => void
}

type Made = (error: Error | null, socket?: Duplex) => void

interface Target {
  readonly host: string
  readonly port: number
}

/**
 * Judges each server under the request's own host name (virtual-hosted buckets differ from request to request), unless the
 * settings name another. A refused server makes the request fail with the AppError. End it with `destroy()`.
 */
export function tlsAgent(policy: TlsPolicy, options: TlsAgentOptions): https.Agent {
  const agent = new https.Agent(poolOptions(options))
  agent.createConnection = createdBy(options, async (target, signal) => {
    const { socket, observed } = await connectTls(policy, { ...target, proxy: options.proxy, timeoutMs: options.connectTimeoutMs, signal, onPresented: (certificate) => options.onPresented?.(certificate) })
    options.onSecure?.(observed)
    return socket
  })
  return agent
}

/** The same without TLS, for where plain HTTP is tolerated. */
export function plainAgent(options: AgentOptions): Agent {
  const agent = new http.Agent(poolOptions(options))
  agent.createConnection = createdBy(options, async (target, signal) => await dial({ ...target, proxy: options.proxy, timeoutMs: options.connectTimeoutMs, signal }))
  return agent
}

function poolOptions({ idleTimeoutMs, keepAlive = true, maxSockets = 10 }: AgentOptions): PoolOptions {
  return { keepAlive, maxSockets, timeout: idleTimeoutMs }
}

/** Node takes a socket by callback when none is returned; its types know only the other way. */
function createdBy(options: AgentOptions, open: (target: Target, signal: AbortSignal) => Promise<Socket>): Agent['createConnection'] {
  const create = (request: { host?: string | null; hostname?: string | null; port?: number | string | null }, made: Made): undefined => {
    const target = { host: (request.host ?? request.hostname ?? '').replace(/^\[(.*)\]$/, '$1'), port: Number(request.port ?? 0) }
    open(target, options.signal ?? new AbortController().signal).then(
      (socket) => {
        socket.setTimeout(options.idleTimeoutMs)
        socket.on('timeout', () => socket.destroy(new AppError('net.idle', `${target.host}:${target.port} stood still for ${Math.round(options.idleTimeoutMs / 1000)} s`, { details: { server: `${target.host}:${target.port}` } })))
        made(null, socket)
      },
      (error: unknown) => made(error instanceof Error ? error : new Error(String(error))),
    )
    return undefined
  }
  return create as unknown as Agent['createConnection']
}
