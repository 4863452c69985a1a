/** A line to a server of this computer that misbehaves when told: it refuses, drops, stalls, and changes what it carries. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Line {
  readonly port: number
  /** Ends every connection at once, as when a cable is pulled. */
  cut(): void
  /** Cuts the connection that carries the last of so many bytes from now. */
  cutAfter(bytes: number): void
  /** Flips one bit of what passes next, after so many bytes. */
  corrupt(after?: number): void
  /** Carries nothing until it is healed; connections stay open. */
  stall(): void
  /** New connections are refused until it is healed. */
  refuse(): Promise<void>
  /** What was told and has not happened yet will not happen. */
  heal(): Promise<void>
  /** From now on to another server, as when somebody exchanges it. */
  lead(port: number): void
  /** What was done to connections. */
  readonly harmed: Readonly<Record<'cut' | 'cutMidway' | 'stalled' | 'corrupted', number>>
  stop(): Promise<void>
}

/** Something that happens to the connection that carries the last of so many bytes. */
interface Trap {
  readonly kind: 'cut' | 'corrupt'
  after: number
}

/** Both ends. */
type Connection = readonly [Socket, Socket]

/**
 * A line from a free port of this computer to the server at `target`. `sparesHttpHeaders`: it changes bodies only, for protocols whose
 * headers nothing protects.
 */
export async function lineTo(target: number, options: { readonly sparesHttpHeaders?: boolean } = {}): Promise<Line> {
  return await open([{ from: 0, to: target }], '127.0.0.1', options.sparesHttpHeaders === true ? afterHttpHeader : () => 0)
}

/**
 * One line for several ports of a server, each reached under the same number at another address of this computer: for protocols whose
 * encrypted answers name a port, which no line can rewrite.
 */
export async function lineAt(address: string, ports: readonly number[]): Promise<Line> {
  return await open(ports.map((port) => ({ from: port, to: port })), address, () => 0)
}

/** Where the body begins in what a message begins with. */
function afterHttpHeader(chunk: Buffer): number {
  if (!/^(?:HTTP\/1|[A-Z]+ \/)/.test(chunk.toString('latin1', 0, 16))) return 0
  const end = chunk.indexOf('\r\n\r\n')
  return end === -1 ? chunk.length : end + 4
}

/** `changeable`: from where on in a chunk bytes may be changed. */
async function open(ways: readonly { readonly from: number; readonly to: number }[], address: string, changeable: (chunk: Buffer) => number): Promise<Line> {
  const connections = new Set<Connection>()
  const harmed = { cut: 0, cutMidway: 0, stalled: 0, corrupted: 0 }
  const traps = new Set<Trap>()
  let stalled = false
  let lead: number | null = null

  const end = (connection: Connection): void => {
    for (const socket of connection) socket.destroy()
    connections.delete(connection)
  }
  const spring = (connection: Connection, chunk: Buffer): void => {
    for (const trap of traps) {
      trap.after -= chunk.length
      const at = Math.max(chunk.length + trap.after, changeable(chunk))
      if (trap.after >= 0 || (trap.kind === 'corrupt' && at >= chunk.length)) continue
      traps.delete(trap)
      if (trap.kind === 'cut') {
        harmed.cutMidway += 1
        end(connection)
      } else {
        harmed.corrupted += 1
        chunk[at] = (chunk[at] ?? 0) ^ 0x10
      }
    }
  }
  const carry = (connection: Connection, from: Socket, to: Socket): void => {
    const through = new Transform({
      transform(chunk: Buffer, _, done) {
        spring(connection, chunk)
        done(null, chunk)
      },
    })
    through.on('error', () => undefined)
    from.pipe(through).pipe(to)
  }
  const join = (near: Socket, to: number): void => {
    const far = connect(lead ?? to, '127.0.0.1')
    const connection: Connection = [near, far]
    connections.add(connection)
    for (const socket of connection) {
      socket.on('error', () => undefined)
      socket.on('close', () => end(connection))
    }
    carry(connection, near, far)
    carry(connection, far, near)
    if (!stalled) return
    harmed.stalled += 1
    for (const socket of connection) socket.pause()
  }
  const cut = (): void => {
    harmed.cut += connections.size
    for (const connection of connections) end(connection)
  }
  const closed = async (server: Server): Promise<void> => {
    if (!server.listening) return
    const done = once(server, 'close')
    server.close()
    for (const connection of connections) end(connection)
    await done
  }

  const gates = await Promise.all(
    ways.map(async ({ from, to }) => {
      const server = createServer((near) => join(near, to))
      server.listen(from, address)
      await once(server, 'listening')
      server.on('error', () => undefined)
      return { server, port: (server.address() as { port: number }).port }
    }),
  )
  return {
    port: gates[0]?.port ?? 0,
    harmed,
    cut,
    cutAfter: (bytes) => void traps.add({ kind: 'cut', after: bytes }),
    corrupt: (after = 0) => void traps.add({ kind: 'corrupt', after }),
    stall() {
      stalled = true
      harmed.stalled += connections.size
      for (const connection of connections) for (const socket of connection) socket.pause()
    },
    async refuse() {
      await Promise.all(gates.map(async ({ server }) => await closed(server)))
    },
    async heal() {
      stalled = false
      traps.clear()
      for (const connection of connections) for (const socket of connection) socket.resume()
      await Promise.all(gates.map(async ({ server, port }) => await listenAgain(server, port, address)))
    },
    lead(to) {
      lead = to
      cut()
    },
    async stop() {
      for (const connection of connections) end(connection)
      await Promise.all(gates.map(async ({ server }) => await closed(server)))
    },
  }
}

/** The port may be taken for a moment by a connection that goes out. */
async function listenAgain(server: Server, port: number, address: string): Promise<void> {
  for (let tries = 0; !server.listening; tries++) {
    server.listen(port, address)
    try {
      await once(server, 'listening')
    } catch (error) {
      if (tries > 50) throw error
      await sleep(20)
    }
  }
}
