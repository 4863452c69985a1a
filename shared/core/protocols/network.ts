/** Opening a TCP connection, and what the network says in our words. Neutral ground for every protocol. */
import { connect, type Socket } from 'node:net'
import type { ErrorCode } from '../../contract/errors/index.ts'
import { AppError, systemCode } from '../kernel/errors.ts'
import { connectThroughProxy, type Proxy } from './proxy.ts'

export interface DialOptions {
  readonly host: string
  readonly port: number
  readonly proxy?: Proxy | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

const NETWORK: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'net.resolve_failed',
  EAI_AGAIN: 'net.resolve_failed',
  EAI_NODATA: 'net.resolve_failed',
  ECONNREFUSED: 'net.refused',
  ETIMEDOUT: 'net.unreachable',
  EHOSTUNREACH: 'net.unreachable',
  ENETUNREACH: 'net.unreachable',
  EADDRNOTAVAIL: 'net.unreachable',
  EPIPE: 'net.connection_lost',
  ECONNRESET: 'net.connection_lost',
  ECONNABORTED: 'net.connection_lost',
}

/** The code for an error of the network, or undefined when it is none. Several addresses that fail together tell by the first. */
export function networkCode(error: unknown): ErrorCode | undefined {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined
  return NETWORK[systemCode(error) ?? systemCode(first) ?? '']
}

/** A connected socket. Rejects with `net.*` or with the signal's reason. */
export async function dial({ host, port, proxy, timeoutMs, signal }: DialOptions): Promise<Socket> {
  signal.throwIfAborted()
  const server = `${host}:${port}`
  if (proxy !== undefined) return await connectThroughProxy(proxy, { host, port }, { timeoutMs, signal })
  const socket = connect({ host, port, noDelay: true })
  try {
    await within(timeoutMs, signal, `${server} did not answer`, (resolve, reject) => {
      socket.once('connect', () => resolve(undefined))
      socket.once('error', reject)
    })
    return socket
  } catch (error) {
    socket.once('error', () => undefined)
    socket.destroy()
    if (error instanceof AppError || signal.aborted) throw error
    throw new AppError(networkCode(error) ?? 'net.unreachable', `${server}: ${error instanceof Error ? error.message : String(error)}`, { details: { server }, cause: error })
  }
}

/** Waits for one answer at most so long; rejects with `net.unreachable` (`what` within the time allowed) or the signal's reason. */
export async function within<T>(ms: number, signal: AbortSignal, what: string, start: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void): Promise<T> {
  signal.throwIfAborted()
  let limit: NodeJS.Timeout | undefined
  let onAbort = (): void => undefined
  try {
    return await new Promise<T>((resolve, reject) => {
      limit = setTimeout(() => reject(new AppError('net.unreachable', `${what} within ${Math.round(ms / 1000)} s`)), ms)
      onAbort = () => reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      start(resolve, reject)
    })
  } finally {
    clearTimeout(limit)
    signal.removeEventListener('abort', onAbort)
  }
}
