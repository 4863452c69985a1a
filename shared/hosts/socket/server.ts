/**
 * The local socket: how the desktop shell and the command line reach the core. Owner-only (file mode on Unix, the token
 * everywhere); the token stands in the `Authorization` header and never in a URL.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, rmSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { isMainThread } from 'node:worker_threads'
import { WebSocketServer } from 'ws'
import { MAX_FRAME_BYTES } from '../../contract/wire.ts'
import type { Actor } from '../../core/kernel/actor.ts'
import { AppError, systemCode } from '../../core/kernel/errors.ts'
import type { Logger } from '../../core/kernel/logger.ts'
import { http } from '../../core/kernel/node-http.ts'
import type { CapabilityStore } from '../capabilities.ts'
import { errorBody } from '../connection.ts'
import type { Dispatcher } from '../dispatcher.ts'
import { limitServer, readJson, refuseUpgrade, sameSecret, sendJson, SERVER_OPTIONS, targetOf } from '../http.ts'
import { serveWebSocket, WEBSOCKET_OPTIONS } from '../websocket-server.ts'
import { grantFile } from './grant.ts'

/** Says for whom the owner of the token speaks: `cli` (default) or `window`, which has fewer rights. */
export const ACTOR_HEADER = 'waybill-actor'

export interface SocketHost {
  readonly socketPath: string
  /** 256 bits, base64url. For the lease file, which only the owner can read. */
  readonly token: string
  /** Ends every connection and removes the socket. */
  close(): Promise<void>
}

export interface SocketHostOptions {
  readonly dispatcher: Dispatcher
  readonly socketPath: string
  readonly capabilities: CapabilityStore
  /** The operating system's user, for the audit trail. */
  readonly user: string
  readonly logger: Logger
}

/** Starts to listen. Rejects with `workspace.in_use` when a living process holds the socket; a dead one's socket is replaced. */
export async function startSocketHost(options: SocketHostOptions): Promise<SocketHost> {
  const { socketPath, logger, user } = options
  const token = randomBytes(32).toString('base64url')
  const server = http.createServer(SERVER_OPTIONS)
  const sockets = new WebSocketServer({ ...WEBSOCKET_OPTIONS, maxPayload: MAX_FRAME_BYTES })
  limitServer(server, 256)

  function actorOf(request: IncomingMessage): Actor | null {
    const [scheme, given = ''] = (request.headers.authorization ?? '').split(' ')
    if (scheme !== 'Bearer' || !sameSecret(given, token)) return null
    const kind = request.headers[ACTOR_HEADER] ?? 'cli'
    return kind === 'cli' || kind === 'window' ? { kind, name: user } : null
  }

  server.on('request', (request, response) => {
    void answer(request, response, actorOf(request), options)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const actor = actorOf(request)
    if (actor === null || request.headers.origin !== undefined) {
      logger.log('warn', 'local socket: connection refused', { reason: actor === null ? 'token or actor' : 'origin' })
      refuseUpgrade(socket, 401, 'Unauthorized')
      return
    }
    sockets.handleUpgrade(request, socket, head, (accepted) => serveWebSocket(accepted, { dispatcher: options.dispatcher, actor, logger }))
  })

  await listen(server, socketPath)
  return {
    socketPath,
    token,
    async close() {
      for (const client of sockets.clients) client.terminate()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, actor: Actor | null, options: SocketHostOptions): Promise<void> {
  try {
    if (actor === null) {
      request.resume()
      sendJson(response, 401, errorBody(new AppError('call.refused', 'The token is missing or wrong.')))
      return
    }
    if (request.method === 'POST' && targetOf(request)?.path === '/files/grant') {
      sendJson(response, 200, await grantFile(await readJson(request), options.capabilities))
      return
    }
    request.resume()
    sendJson(response, 404, errorBody(new AppError('call.unknown_method', 'There is nothing at this address.')))
  } catch (error) {
    if (!(error instanceof AppError)) options.logger.log('error', 'local socket: request failed', { reason: String(error) })
    sendJson(response, 400, errorBody(error instanceof AppError ? error : new AppError('internal.unexpected', 'The request failed.')))
  }
}

async function listen(server: Server, socketPath: string): Promise<void> {
  if (process.platform !== 'win32') await removeDeadSocket(socketPath)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(systemCode(error) === 'EADDRINUSE' ? new AppError('workspace.in_use', `Another process listens on ${socketPath}.`) : error)
    })
    // Between bind and chmod the socket would be open to others; only the main thread may change the mask.
    const mask = isMainThread && process.platform !== 'win32' ? process.umask(0o177) : null
    try {
      server.listen(socketPath, resolve)
    } finally {
      if (mask !== null) process.umask(mask)
    }
  })
  if (process.platform !== 'win32') chmodSync(socketPath, 0o600)
}

/** A socket file stays behind when its process is killed; nobody answers on it then. */
async function removeDeadSocket(socketPath: string): Promise<void> {
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(socketPath)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
  if (answers) throw new AppError('workspace.in_use', `Another process listens on ${socketPath}.`)
  rmSync(socketPath, { force: true })
}
