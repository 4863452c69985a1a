/** Joins an accepted WebSocket to the dispatcher; used by the local socket and by the loopback host. */
import type { WebSocket } from 'ws'
import type { Actor } from '../core/kernel/actor.ts'
import type { Logger } from '../core/kernel/logger.ts'
import { serveConnection } from './connection.ts'
import type { Dispatcher } from './dispatcher.ts'

/** Options of the WebSocket server: no compression (it lets lengths leak and costs memory), frames bounded by the protocol. */
export const WEBSOCKET_OPTIONS = { noServer: true, perMessageDeflate: false, clientTracking: true } as const

const PING_MS = 30_000

/** Serves until either side closes; a peer that misses a ping is dropped, so that its calls do not run for nobody. */
export function serveWebSocket(socket: WebSocket, options: { readonly dispatcher: Dispatcher; readonly actor: Actor; readonly logger: Logger }): void {
  const connection = serveConnection({
    ...options,
    sink: {
      send: (text) => socket.send(text),
      bufferedBytes: () => socket.bufferedAmount,
      end: (code, reason) => socket.close(code, reason),
    },
  })
  let alive = true
  const ping = setInterval(() => {
    if (!alive) {
      socket.terminate()
      return
    }
    alive = false
    socket.ping()
  }, PING_MS)
  ping.unref()
  socket.on('pong', () => {
    alive = true
  })
  socket.on('message', (data, isBinary) => {
    alive = true
    if (isBinary || !Buffer.isBuffer(data)) socket.close(1003, 'text frames only')
    else connection.receive(data.toString('utf8'))
  })
  socket.on('error', () => socket.terminate())
  socket.on('close', () => {
    clearInterval(ping)
    connection.close()
  })
}
