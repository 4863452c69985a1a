/** The other end of the local socket, for the command line and the desktop shell. */
import { connect } from 'node:net'
import { WebSocket } from 'ws'
import { CallError, asCallError, disconnected } from '../../client/call-error.ts'
import { GrantedFile } from '../../client/ipc.ts'
import type { Transport } from '../../client/transport.ts'
import { createWebSocketTransport, type WebSocketTransportOptions } from '../../client/websocket.ts'
import { MAX_ANSWER_BYTES } from '../../contract/wire.ts'
import { http } from '../../core/kernel/node-http.ts'
import { ACTOR_HEADER } from './server.ts'

/** Where a core listens, and as whom we speak. */
export interface SocketAddress {
  readonly socketPath: string
  readonly token: string
  readonly actorKind?: 'cli' | 'window'
}

export interface SocketTransportOptions extends Omit<WebSocketTransportOptions, 'open'> {
  /** Asked before each attempt: a restarted core has another token. */
  readonly find: () => SocketAddress | Promise<SocketAddress>
}

/** A transport that follows a core through its restarts. */
export function createSocketTransport(options: SocketTransportOptions): Transport {
  return createWebSocketTransport({ ...options, open: async () => openSocket(await options.find()) })
}

/** Connects once; rejects with a `CallError` (`call.disconnected`) when nobody answers or the token is wrong. */
export async function connectSocket(address: SocketAddress): Promise<Transport> {
  const transport = createWebSocketTransport({ open: () => openSocket(address), reconnect: false })
  await new Promise<void>((resolve, reject) => {
    transport.onStateChange?.((state) => {
      if (state === 'connected') resolve()
      else if (state === 'closed') reject(disconnected())
    })
  })
  return transport
}

/** Exchanges a path for a capability; the shell's only HTTP request. */
export function grantPath(address: SocketAddress, path: string): Promise<GrantedFile> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({ path })
    const sent = http.request(
      {
        socketPath: address.socketPath,
        path: '/files/grant',
        method: 'POST',
        headers: { ...headersOf(address), 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', () => reject(disconnected()))
        response.on('end', () => {
          try {
            resolve(readGrant(response.statusCode, JSON.parse(Buffer.concat(chunks).toString('utf8'))))
          } catch (error) {
            reject(error instanceof CallError ? error : disconnected())
          }
        })
      },
    )
    sent.on('error', () => reject(disconnected()))
    sent.end(body)
  })
}

function readGrant(status: number | undefined, body: unknown): GrantedFile {
  if (status === 200) return GrantedFile.parse(body)
  throw asCallError(typeof body === 'object' && body !== null ? Reflect.get(body, 'error') : null)
}

function openSocket(address: SocketAddress): WebSocket {
  return new WebSocket('ws://waybill/api', {
    // Not `ws+unix:`: a socket path with a space or a colon does not survive in an address.
    createConnection: () => connect(address.socketPath),
    headers: headersOf(address),
    perMessageDeflate: false,
    maxPayload: MAX_ANSWER_BYTES + 1024,
    handshakeTimeout: 5_000,
  })
}

function headersOf(address: SocketAddress): Record<string, string> {
  return { authorization: `Bearer ${address.token}`, [ACTOR_HEADER]: address.actorKind ?? 'cli', host: 'waybill' }
}
