/** The practice partner's FTPS (RFC 959, 4217, 3659, 2428): explicit TLS, and nothing at all without it. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls'
import type { PracticeAccount } from './account.ts'
import { createFtpsSession } from './ftps-session.ts'
import type { TlsIdentity } from './tls-identity.ts'

const MOST_CONNECTIONS = 40
const LONGEST_LINE = 4_096
const HANDSHAKE_WITHIN_MS = 10_000
const IDLE_MS = 600_000
/** What a client may send ahead while it waits for an answer. */
const MOST_LINES_WAITING = 64

export interface FtpsServer {
  readonly port: number
  close(): Promise<void>
}

/** Listens on a free port of this computer only. `folder` must exist. */
export async function startFtpsServer(options: { readonly identity: TlsIdentity; readonly folder: string; readonly account: PracticeAccount }): Promise<FtpsServer> {
  const { identity } = options
  // One for all lines, so that a data connection can resume what the control connection agreed on.
  const secureContext = createSecureContext({ cert: identity.certificate, key: identity.privateKey, minVersion: 'TLSv1.2', sessionIdContext: 'waybill-practice' })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    // A client that goes away in the middle is everyday business.
    socket.on('error', () => undefined)
    if (sockets.size >= MOST_CONNECTIONS) return void socket.end('421 Too many connections.\r\n')
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.setNoDelay(true)
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    greet(socket, secureContext, options)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** In the clear there is one command only. */
function greet(socket: Socket, secureContext: SecureContext, options: { readonly folder: string; readonly account: PracticeAccount }): void {
  socket.write('220 Waybill practice partner\r\n')
  const lines = linesOf(socket, (line, rest) => {
    const command = line.toUpperCase().trim()
    if (command === 'AUTH TLS' || command === 'AUTH SSL') {
      // What stands behind it in the clear could be somebody else's, to be taken for ours once the line is protected.
      if (rest > 0) return void socket.end('500 Nothing may follow AUTH before the handshake.\r\n')
      lines.stop()
      socket.write('234 Proceed with the TLS handshake.\r\n')
      void secure(socket, secureContext).then((line) => line !== null && serve(line, secureContext, options))
      return undefined
    }
    if (command === 'QUIT') return void socket.end('221 Goodbye.\r\n')
    if (command === 'FEAT') return void socket.write('211-Features:\r\n AUTH TLS\r\n PBSZ\r\n PROT\r\n UTF8\r\n211 End\r\n')
    socket.write('530 This server speaks FTP under TLS only: AUTH TLS first.\r\n')
    return undefined
  })
}

async function secure(socket: Socket, secureContext: SecureContext): Promise<TLSSocket | null> {
  const line = new TLSSocket(socket, { isServer: true, secureContext })
  line.on('error', () => socket.destroy())
  const limit = setTimeout(() => socket.destroy(), HANDSHAKE_WITHIN_MS)
  const done = await Promise.race([once(line, 'secure').then(() => true), once(socket, 'close').then(() => false)]).catch(() => false)
  clearTimeout(limit)
  return done ? line : null
}

/** Command by command; ABOR alone does not wait for its turn. */
function serve(line: TLSSocket, secureContext: SecureContext, options: { readonly folder: string; readonly account: PracticeAccount }): void {
  const session = createFtpsSession(line, secureContext, options)
  const waiting: string[] = []
  let busy = false
  const work = async (): Promise<void> => {
    if (busy) return
    busy = true
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await session.run(next)
    busy = false
  }
  line.on('close', () => session.end())
  linesOf(line, (text) => {
    if (/^ABOR\b/i.test(text)) session.abort()
    if (waiting.length >= MOST_LINES_WAITING) return void line.destroy()
    waiting.push(text)
    void work()
    return undefined
  })
}

/** Calls for each line, with how many bytes are there already behind it. Telnet's interrupt before ABOR is left out. */
function linesOf(socket: Socket, onLine: (line: string, rest: number) => void): { stop(): void } {
  let buffered = Buffer.alloc(0)
  let stopped = false
  const onData = (data: Buffer): void => {
    buffered = Buffer.concat([buffered, data])
    for (;;) {
      const end = stopped ? -1 : buffered.indexOf(10)
      if (end < 0) break
      const line = buffered.subarray(0, end).filter((byte) => byte !== 0xff && byte !== 0xf4 && byte !== 0xf2)
      buffered = buffered.subarray(end + 1)
      onLine(Buffer.from(line).toString('utf8').replace(/\r$/, ''), buffered.length)
    }
    if (buffered.length > LONGEST_LINE) socket.end('500 The line is too long.\r\n')
  }
  socket.on('data', onData)
  return {
    stop() {
      stopped = true
      socket.off('data', onData)
      socket.pause()
    },
  }
}
