/** A line to a server of this computer that can be cut: every connection through it ends at once, as when a cable is pulled. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface Line {
  readonly port: number
  cut(): void
  /** From now on to another server, as when somebody exchanges it. */
  lead(port: number): void
  stop(): Promise<void>
}

export async function lineTo(first: number): Promise<Line> {
  let port = first
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as { port: number }).port,
    cut,
    lead(to) {
      port = to
      cut()
    },
    async stop() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
