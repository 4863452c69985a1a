/** A line to a server of this computer that misbehaves when told: it refuses, drops, stalls, and changes what it carries. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'

export interface HostileLine {
  readonly port: number
  /** Ends every connection at once, as when a cable is pulled. */
  cut(): void
  /** New connections are refused until it is healed. */
  refuse(): Promise<void>
  /** Carries nothing until it is healed; connections stay open. */
  stall(): void
  /** Flips one bit of what passes next, on each connection. */
  corrupt(): void
  heal(): Promise<void>
  /** What was done to connections that existed. */
  readonly harmed: Readonly<Record<'cut' | 'stalled' | 'corrupted', number>>
  stop(): Promise<void>
}

export async function hostileLineTo(target: number): Promise<HostileLine> {
  const sockets = new Set<Socket>()
  const harmed = { cut: 0, stalled: 0, corrupted: 0 }
  let stalled = false
  let flips = 0
  const carry = (from: Socket, to: Socket): void => {
    let flipped = flips
    const spoil = new Transform({
      transform(chunk: Buffer, _, done) {
        if (flipped < flips && chunk.length > 0) {
          flipped = flips
          harmed.corrupted += 1
          const at = Math.floor(chunk.length / 2)
          chunk[at] = (chunk[at] ?? 0) ^ 0x10
        }
        done(null, chunk)
      },
    })
    spoil.on('error', () => undefined)
    from.pipe(spoil).pipe(to)
  }
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
      if (stalled) socket.pause()
    }
    carry(near, far)
    carry(far, near)
    if (stalled) for (const socket of [near, far]) socket.pause()
  })
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const cut = (): void => {
    harmed.cut += sockets.size / 2
    for (const socket of sockets) socket.destroy()
  }
  return {
    port,
    harmed,
    cut,
    async refuse() {
      if (!server.listening) return
      server.close()
      cut()
      if (server.listening) await once(server, 'close')
    },
    stall() {
      stalled = true
      harmed.stalled += sockets.size / 2
      for (const socket of sockets) socket.pause()
    },
    corrupt() {
      flips += 1
    },
    async heal() {
      stalled = false
      for (const socket of sockets) socket.resume()
      for (let tries = 0; !server.listening; tries++) {
        server.listen(port, '127.0.0.1')
        try {
          await once(server, 'listening')
        } catch (error) {
          if (tries > 50) throw error
        }
      }
    },
    async stop() {
      cut()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}
