import { createServer } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket, WebSocketServer } from 'ws'
import { createIpcTransport, CONNECTION_TOPIC, type WaybillBridge } from '../../client/ipc.ts'
import { createMemoryTransport } from '../../client/memory.ts'
import { createWebSocketTransport } from '../../client/websocket.ts'
import { systemClock } from '../../core/kernel/clock.ts'
import { silentLogger } from '../../core/kernel/logger.ts'
import { createCapabilityStore } from '../capabilities.ts'
import { serveConnection } from '../connection.ts'
import { memoryEndpoint } from '../memory-endpoint.ts'
import { createSocketTransport } from '../socket/client.ts'
import { startSocketHost, type SocketHost } from '../socket/server.ts'
import { serveWebSocket } from '../websocket-server.ts'
import type { Probe } from './probe-contract.ts'
import { describeTransport, type TransportRig } from './transport-suite.ts'

const FAST = { firstPauseMs: 5, maxPauseMs: 20 }

describeTransport('memory', {
  actorKind: 'window',
  canBreak: false,
  open: async (probe) => ({ transport: createMemoryTransport(memoryEndpoint(probe.dispatcher, { kind: 'window', name: 'mia' })), close: () => undefined }),
})

describeTransport('websocket over TCP', { actorKind: 'window', canBreak: true, open: openTcp })

async function openTcp(probe: Probe): Promise<TransportRig> {
  const server = createServer()
  let down = false
  const sockets = new WebSocketServer({ server, verifyClient: () => !down })
  sockets.on('connection', (socket) => serveWebSocket(socket, { dispatcher: probe.dispatcher, actor: { kind: 'window', name: 'mia' }, logger: silentLogger }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const transport = createWebSocketTransport({ ...FAST, open: () => new WebSocket(`ws://127.0.0.1:${port}`) })
  return {
    transport,
    cut() {
      down = true
      for (const client of sockets.clients) client.terminate()
    },
    restore() {
      down = false
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

describeTransport('websocket over the local socket', {
  actorKind: 'cli',
  canBreak: true,
  async open(probe) {
    const folder = mkdtempSync(join(tmpdir(), 'waybill-socket-'))
    const socketPath = join(folder, 'a name with spaces.sock')
    const start = (): Promise<SocketHost> =>
      startSocketHost({ dispatcher: probe.dispatcher, socketPath, capabilities: createCapabilityStore({ clock: systemClock }), user: 'mia', logger: silentLogger })
    let host = await start()
    const transport = createSocketTransport({ ...FAST, find: () => ({ socketPath, token: host.token }) })
    return {
      transport,
      cut: () => host.close(),
      async restore() {
        host = await start()
      },
      async close() {
        await host.close()
        rmSync(folder, { recursive: true })
      },
    }
  },
})

describeTransport('desktop bridge', { actorKind: 'window', canBreak: false, open: async (probe) => openBridge(probe) })

/** The bridge as the desktop builds it, without Electron: every value is cloned as Electron's IPC does. */
function openBridge(probe: Probe): TransportRig {
  const waiting = new Map<number, (frame: unknown) => void>()
  const listeners = new Map<string, Set<(frame: unknown) => void>>()
  const connection = serveConnection({
    dispatcher: probe.dispatcher,
    actor: { kind: 'window', name: 'mia' },
    logger: silentLogger,
    sink: { send: (text) => route(JSON.parse(text)), bufferedBytes: () => 0, end: () => undefined },
  })
  function route(frame: { t: string; id: number; topic: string }): void {
    const copy: unknown = structuredClone(frame)
    if (frame.t === 'event') for (const listener of listeners.get(frame.topic) ?? []) listener(copy)
    else waiting.get(frame.id)?.(copy)
  }
  const bridge: Pick<WaybillBridge, 'call' | 'subscribe'> = {
    call: (frame) =>
      new Promise((resolve) => {
        const copy = structuredClone(frame)
        if (copy.t === 'call') waiting.set(copy.id, resolve)
        else resolve(null)
        connection.receive(JSON.stringify(copy))
      }),
    subscribe(topic, listener) {
      const set = listeners.get(topic) ?? new Set()
      listeners.set(topic, set)
      set.add(listener)
      if (topic === CONNECTION_TOPIC) listener({ t: 'event', topic, seq: 1, payload: 'connected' })
      else connection.receive(JSON.stringify({ t: 'subscribe', topic }))
      return () => {
        set.delete(listener)
        connection.receive(JSON.stringify({ t: 'unsubscribe', topic }))
      }
    },
  }
  return { transport: createIpcTransport(bridge), close: () => connection.close() }
}
