/**
 * The browser window's host: serves the built window on this computer only, opens it with a one-time token, and gives it
 * the contract over a WebSocket. See the README beside `dispatcher.ts` for the order of the checks.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { z } from 'zod'
import { MAX_FRAME_BYTES } from '../../contract/wire.ts'
import { systemClock, type Clock } from '../../core/kernel/clock.ts'
import { AppError, systemCode } from '../../core/kernel/errors.ts'
import type { Logger } from '../../core/kernel/logger.ts'
import { http } from '../../core/kernel/node-http.ts'
import type { CapabilityStore } from '../capabilities.ts'
import { errorBody } from '../connection.ts'
import type { Dispatcher } from '../dispatcher.ts'
import { limitServer, readJson, refuseUpgrade, sendJson, sendText, SERVER_OPTIONS, targetOf } from '../http.ts'
import { readStatic, staticTarget } from '../static-files.ts'
import { serveWebSocket, WEBSOCKET_OPTIONS } from '../websocket-server.ts'
import { hostPort, type ListenAddress } from './address.ts'
import { createGuard, type Guard } from './guard.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { createUploads, type Uploads } from './uploads.ts'

export interface LoopbackHost {
  /** `http://127.0.0.1:PORT`, without a token. */
  readonly origin: string
  /** A new one-time address; the token stands behind `#`, which browsers never send. */
  issueAddress(): string
  /** Ends every connection and removes uploaded files. */
  close(): Promise<void>
}

export interface LoopbackOptions {
  readonly dispatcher: Dispatcher
  readonly capabilities: CapabilityStore
  /** The built window: `index.html` and its assets. */
  readonly rendererFolder: string
  /** Where dropped files wait; ours alone, emptied at start and stop. */
  readonly spoolFolder: string
  /** Default: 127.0.0.1 and any free port. See `parseListenAddress`. */
  readonly listen?: ListenAddress
  /** The operating system's user, for the audit trail. */
  readonly user: string
  readonly logger: Logger
  /** The calendar that belongs to a token, or null: read by calendar programs, which have no session. */
  readonly calendar?: (token: string) => Promise<string | null>
  readonly clock?: Clock
}

interface Parts {
  readonly options: LoopbackOptions
  readonly authority: string
  readonly guard: Guard
  readonly sessions: Sessions
  readonly uploads: Uploads
}

/** Starts to listen. Rejects with `input.invalid` when the port is taken or not permitted. */
export async function startLoopbackHost(options: LoopbackOptions): Promise<LoopbackHost> {
  const { logger, capabilities } = options
  const server = http.createServer(SERVER_OPTIONS)
  const sockets = new WebSocketServer({ ...WEBSOCKET_OPTIONS, maxPayload: MAX_FRAME_BYTES })
  limitServer(server, 128)
  const uploads = createUploads({ folder: options.spoolFolder, capabilities })
  await uploads.prepare()
  const address = await listen(server, options.listen ?? { host: '127.0.0.1', port: 0 })
  const authority = hostPort(address)
  const sessions = createSessions(options.clock ?? systemClock)
  const guard = createGuard(authority, address.port, sessions)
  const parts: Parts = { options, authority, guard, sessions, uploads }

  server.on('request', (request, response) => void answer(parts, request, response))
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const refusal = refusalOfUpgrade(guard, request)
    if (refusal !== null) {
      logger.log('warn', 'window connection refused', { reason: refusal.reason })
      refuseUpgrade(socket, refusal.status, refusal.reason)
      return
    }
    sockets.handleUpgrade(request, socket, head, (accepted) =>
      serveWebSocket(accepted, { dispatcher: options.dispatcher, actor: { kind: 'window', name: options.user }, logger }),
    )
  })

  return {
    origin: `http://${authority}`,
    issueAddress: () => `http://${authority}/#token=${sessions.issueToken()}`,
    async close() {
      for (const client of sockets.clients) client.terminate()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await uploads.clear()
    },
  }
}

function refusalOfUpgrade(guard: Guard, request: IncomingMessage): { readonly status: number; readonly reason: string } | null {
  if (!guard.isOurHost(request)) return { status: 421, reason: 'Misdirected Request' }
  if (!guard.isOurOrigin(request)) return { status: 403, reason: 'Forbidden' }
  if (targetOf(request)?.path !== '/api') return { status: 404, reason: 'Not Found' }
  if (!guard.hasSession(request)) return { status: 401, reason: 'Unauthorized' }
  return null
}

async function answer(parts: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { guard } = parts
  try {
    if (!guard.isOurHost(request)) return refuse(request, response, 421, 'This address is not served here.')
    const target = targetOf(request)
    if (target === null) return refuse(request, response, 400, 'This is no request for this host.')
    if (request.method === 'POST') {
      if (!guard.isOurOrigin(request)) return refuse(request, response, 403, 'Requests from other pages are refused.')
      if (target.path === '/session') return await openSession(parts, request, response)
      if (!guard.hasSession(request)) return refuse(request, response, 401, 'Open the window with a fresh address from Waybill.')
      if (target.path === '/files') return sendJson(response, 200, await parts.uploads.receive(request, target.query.get('name') ?? ''))
      return refuse(request, response, 404, 'There is nothing here.')
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(request, response, 405, 'Only GET, HEAD and POST are known here.')
    if (target.path === '/session') return sendJson(response, 200, { open: guard.hasSession(request) })
    const token = /^\/calendar\/([A-Za-z0-9_-]{20,100})\.ics$/.exec(target.path)?.[1]
    if (token !== undefined) return await sendCalendar(parts, token, request.method === 'HEAD', response)
    await sendFile(parts, target.path, request.method === 'HEAD', response)
  } catch (error) {
    failRequest(parts.options.logger, response, error)
  }
}

const SessionRequest = z.object({ token: z.string().max(200) })

async function openSession({ guard, sessions, options }: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = SessionRequest.safeParse(await readJson(request))
  const secret = body.success ? sessions.exchange(body.data.token) : null
  if (secret === null) {
    options.logger.log('warn', 'window address refused: unknown, used or too old')
    sendText(response, 403, 'This address was used already or is too old. Ask Waybill for a fresh one.')
    return
  }
  response.setHeader('set-cookie', guard.cookieFor(secret))
  sendJson(response, 200, { open: true })
}

async function sendCalendar({ options }: Parts, token: string, headOnly: boolean, response: ServerResponse): Promise<void> {
  const text = (await options.calendar?.(token)) ?? null
  if (text === null) {
    options.logger.log('warn', 'calendar refused: no such address')
    sendText(response, 404, 'There is nothing here.')
    return
  }
  const body = Buffer.from(text)
  response.writeHead(200, { 'content-type': 'text/calendar; charset=utf-8', 'content-length': body.length, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'content-disposition': 'attachment; filename="waybill-expiry.ics"', 'referrer-policy': 'no-referrer' })
  response.end(headOnly ? undefined : body)
}

async function sendFile({ options, authority }: Parts, path: string, headOnly: boolean, response: ServerResponse): Promise<void> {
  const target = staticTarget(options.rendererFolder, path)
  const found = target === null ? null : await readStatic(options.rendererFolder, target, { nonce: randomBytes(18).toString('base64'), connect: [`ws://${authority}`] })
  if (found === null) {
    sendText(response, 404, 'There is nothing here.')
    return
  }
  response.writeHead(200, { ...found.headers, 'content-length': found.body.length })
  response.end(headOnly ? undefined : found.body)
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  // The body, if any, is not read: the connection is of no more use.
  response.setHeader('connection', 'close')
  if (status === 405) response.setHeader('allow', 'GET, HEAD, POST')
  sendText(response, status, text)
  request.resume()
}

const STATUS: Readonly<Record<string, number>> = { 'call.too_large': 413, 'call.too_many': 503, 'workspace.disk_full': 507, 'call.timed_out': 408, 'internal.unexpected': 500 }

function failRequest(logger: Logger, response: ServerResponse, error: unknown): void {
  const known = error instanceof AppError ? error : new AppError('internal.unexpected', 'The request failed.')
  if (known.code === 'internal.unexpected') logger.log('error', 'window request failed', { reason: String(error instanceof AppError ? error.cause : error) })
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  response.setHeader('connection', 'close')
  sendJson(response, STATUS[known.code] ?? 400, errorBody(known))
}

async function listen(server: Server, wanted: ListenAddress): Promise<ListenAddress> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const why = systemCode(error) === 'EADDRINUSE' ? 'is taken by another program' : 'cannot be opened'
      reject(new AppError('input.invalid', `--ui: the address ${hostPort(wanted)} ${why}.`, { cause: error }))
    })
    server.listen(wanted.port, wanted.host, resolve)
  })
  const bound = server.address() as AddressInfo
  return { host: wanted.host, port: bound.port }
}
