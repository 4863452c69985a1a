/** The data connections of one FTP session: passive only, from where the control connection comes from, under TLS, resumed from it. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'
import { Refusal } from './ftps-reply.ts'

const ARRIVE_WITHIN_MS = 15_000
const HANDSHAKE_WITHIN_MS = 10_000
/** A client that neither sends nor reads for so long is given up. */
const IDLE_MS = 120_000

export interface DataConnections {
  /** Opens a port for the next transfer; answers it. A port that was opened before and not used is closed. */
  passive(): Promise<number>
  /** Waits for the client, says that the transfer begins, and protects the line. Throws a Refusal. */
  open(begin: () => void): Promise<TLSSocket>
  /** Breaks off what is under way, and closes what is open. */
  abort(): void
}

export function createDataConnections(control: TLSSocket, secureContext: SecureContext): DataConnections {
  let listener: Server | null = null
  let arrived: Promise<Socket> | null = null
  let current: Socket | null = null

  const closeListener = (): void => {
    listener?.close()
    listener = null
  }

  const protect = async (raw: Socket): Promise<TLSSocket> => {
    const line = new TLSSocket(raw, { isServer: true, secureContext })
    line.on('error', () => undefined)
    const limit = setTimeout(() => line.destroy(), HANDSHAKE_WITHIN_MS)
    try {
      await Promise.race([once(line, 'secure'), once(line, 'close').then(() => Promise.reject(new Error('closed')))])
    } catch {
      throw new Refusal(425, 'The TLS handshake on the data connection failed.')
    } finally {
      clearTimeout(limit)
    }
    // Else anybody who is quicker at the port could take the file, or put another one in its place.
    if (!line.isSessionReused()) {
      line.destroy()
      throw new Refusal(522, 'The data connection must resume the TLS session of the control connection.')
    }
    line.setTimeout(IDLE_MS, () => line.destroy())
    return line
  }

  return {
    async passive() {
      closeListener()
      current?.destroy()
      current = null
      const server = createServer({ pauseOnConnect: true })
      const first = Promise.withResolvers<Socket>()
      first.promise.catch(() => undefined)
      const limit = setTimeout(() => first.reject(new Refusal(425, 'Nobody came to the data port.')), ARRIVE_WITHIN_MS)
      server.on('connection', (socket) => {
        socket.on('error', () => undefined)
        if (socket.remoteAddress !== control.remoteAddress) return socket.destroy()
        server.close()
        clearTimeout(limit)
        current = socket
        first.resolve(socket)
        return undefined
      })
      server.on('close', () => clearTimeout(limit))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      listener = server
      arrived = first.promise
      return (server.address() as { port: number }).port
    },

    async open(begin) {
      const waiting = arrived
      arrived = null
      if (waiting === null) throw new Refusal(425, 'Use EPSV or PASV first.')
      const raw = await waiting
      closeListener()
      begin()
      return await protect(raw)
    },

    abort() {
      closeListener()
      arrived = null
      current?.destroy()
      current = null
    },
  }
}
