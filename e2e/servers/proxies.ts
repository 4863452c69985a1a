/** Tiny proxies on this computer: enough of HTTP CONNECT and of SOCKS 5 to carry a connection, with a sign-in of their own. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface ProxyServer {
  readonly port: number
  /** `host:port` of every connection that was asked for. */
  readonly asked: readonly string[]
  stop(): Promise<void>
}

export interface ProxyOptions {
  readonly username?: string
  readonly password?: string
  /** Refuses every target. */
  readonly refuse?: boolean
}

async function listen(server: Server, sockets: Set<Socket>, asked: readonly string[]): Promise<ProxyServer> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    asked,
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function join(near: Socket, far: Socket): void {
  far.on('error', () => near.destroy())
  near.on('close', () => far.destroy())
  far.on('close', () => near.destroy())
  near.pipe(far)
  far.pipe(near)
}

export async function startHttpProxy(options: ProxyOptions = {}): Promise<ProxyServer> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const wanted = options.username === undefined ? undefined : `Basic ${Buffer.from(`${options.username}:${options.password ?? ''}`).toString('base64')}`
  const server = createHttpServer((_, response) => void response.writeHead(405).end())
  server.on('connect', (request, stream) => {
    const socket = stream as Socket
    const target = request.url ?? ''
    asked.push(target)
    if (request.headers['proxy-authorization'] !== wanted) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n')
    if (options.refuse === true) return void socket.end('HTTP/1.1 403 Forbidden by rule\r\nContent-Length: 0\r\n\r\n')
    const { hostname, port } = new URL(`http://${target}`)
    const far = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      join(socket, far)
    })
    far.once('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'))
    return undefined
  })
  return await listen(server, sockets, asked)
}

/** One step of the dialogue at a time: the client waits for each answer. */
export async function startSocksProxy(options: ProxyOptions = {}): Promise<ProxyServer> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const method = options.username === undefined ? 0 : 2
  // One side may have said all before the other has: what is still on its way must arrive.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    void (async () => {
      const [methods] = (await once(socket, 'data')) as [Buffer]
      if (!methods.subarray(2).includes(method)) return void socket.end(Buffer.of(5, 255))
      socket.write(Buffer.of(5, method))
      if (method === 2) {
        const [given] = (await once(socket, 'data')) as [Buffer]
        const name = given.subarray(2, 2 + (given[1] ?? 0)).toString()
        const password = given.subarray(3 + name.length).toString()
        const right = name === options.username && password === options.password
        if (!right) return void socket.end(Buffer.of(1, 1))
        socket.write(Buffer.of(1, 0))
      }
      const [request] = (await once(socket, 'data')) as [Buffer]
      const length = request[3] === 3 ? (request[4] ?? 0) : 4
      const start = request[3] === 3 ? 5 : 4
      const address = request.subarray(start, start + length)
      const host = request[3] === 3 ? address.toString() : [...address].join('.')
      const port = request.readUInt16BE(start + length)
      asked.push(`${host}:${port}`)
      const answer = (status: number): Buffer => Buffer.of(5, status, 0, 1, 0, 0, 0, 0, 0, 0)
      if (options.refuse === true) return void socket.end(answer(2))
      const far = connect(port, host, () => {
        socket.write(answer(0))
        join(socket, far)
      })
      far.once('error', () => socket.end(answer(5)))
      return undefined
    })().catch(() => socket.destroy())
  })
  return await listen(server, sockets, asked)
}
