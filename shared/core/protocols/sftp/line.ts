/** The TCP connection below SSH: it takes a third of the processor time of an ordinary one for what comes. */
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** As much as the system has at once. */
const READ_BYTES = 256 * 1024

export interface Line {
  readonly line: Duplex
  /** From now on each piece is read into the same memory, so that it holds only as long as it is being handed on. */
  readInPlace(): void
}

/**
 * Connects without waiting for it. Nothing is set aside for each piece that comes, which the collector would have to clear away. SSH's
 * library keeps pieces of what came before the keys were agreed on, so that these are copied.
 */
export function dial({ host, port }: { readonly host: string; readonly port: number }): Line {
  let inPlace = false
  const held: Buffer[] = []
  const socket = connect({
    host,
    port,
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback(bytes, memory) {
        const piece = Buffer.from(memory.buffer, memory.byteOffset, bytes)
        // A socket that was paused while it connected reads all the same, and what it hands on then nobody hears: a server that greets
        // before the library is ready would never be answered.
        if (socket.isPaused()) {
          held.push(Buffer.from(piece))
          return false
        }
        socket.emit('data', inPlace ? piece : Buffer.from(piece))
        return true
      },
    },
  })
  socket.on('resume', () => {
    for (const piece of held.splice(0)) socket.emit('data', piece)
  })
  return { line: gathered(socket), readInPlace: () => void (inPlace = true) }
}

/** The library writes each packet in three pieces: what is written in one turn goes to the system in one call. */
function gathered(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
  let holding = false
  socket.write = (...args: unknown[]): boolean => {
    if (!holding) {
      holding = true
      socket.cork()
      process.nextTick(() => {
        holding = false
        socket.uncork()
      })
    }
    return write(...args)
  }
  return socket
}
