/** A server that is gone before it has spoken is tried again; one that speaks another protocol is not. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { FtpsConnection } from '../../contract/connections/ftps.ts'
import { ERRORS, type ErrorCode } from '../../contract/errors/index.ts'
import { connectFtps } from './ftps/connect.ts'
import { openSsh } from './sftp/ssh.ts'

const never = new AbortController().signal
let server: Server | null = null
afterEach(() => void server?.close())

/** Says this to whoever comes, and ends the connection. */
async function saying(words: string): Promise<number> {
  server = createServer((socket) => void socket.on('error', () => undefined).end(words)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

const errorOf = async (opening: Promise<unknown>): Promise<ErrorCode> => await opening.then(() => Promise.reject(new Error('it opened')), (error: { code: ErrorCode }) => error.code)
const ssh = async (port: number): Promise<ErrorCode> =>
  await errorOf(
    openSsh(
      {
        who: 'the server', host: '127.0.0.1', port, tolerated: [], connectTimeoutMs: 5_000, idleTimeoutMs: 5_000,
        account: { username: 'us', auth: { method: 'password', password: 'x' }, password: 'x', privateKey: undefined },
        trust: { host: '127.0.0.1', pins: [], authorities: [], revoked: [] },
      },
      {},
      never,
    ),
  )
const ftps = async (port: number): Promise<ErrorCode> =>
  await errorOf(
    connectFtps(
      { settings: FtpsConnection.parse({ protocol: 'ftps', host: '127.0.0.1', port, username: 'us', password: 'x' }), folder: '.', secrets: { password: 'x' }, pins: [], tls: { pins: [], authorities: [], client: null }, tolerated: [] },
      {},
      never,
    ),
  )

describe('a server that ends the connection', () => {
  it.each([
    ['SSH', 'says nothing', '', ssh, 'net.connection_lost'],
    ['SSH', 'is cut in its version', 'SSH-2.0-Open', ssh, 'net.connection_lost'],
    ['SSH', 'has too many connections', 'Exceeded MaxStartups\r\n', ssh, 'net.connection_lost'],
    ['SSH', 'has had enough of us', 'Not allowed at this time\r\n', ssh, 'net.connection_lost'],
    ['SSH', 'is one for mail', '220 mail.example ESMTP\r\n', ssh, 'sftp.not_sftp'],
    ['SSH', 'is one for the web', 'HTTP/1.1 400 Bad Request\r\n\r\n', ssh, 'sftp.not_sftp'],
    ['FTP', 'says nothing', '', ftps, 'net.connection_lost'],
    ['FTP', 'is cut in its greeting', '220-Welc', ftps, 'net.connection_lost'],
    ['FTP', 'has too many connections', '421 Too many users\r\n', ftps, 'ftps.busy'],
    ['FTP', 'is one for SSH', 'SSH-2.0-OpenSSH_9.2\r\n', ftps, 'ftps.not_ftp'],
  ] as const)('%s: one that %s', async (_, __, words, open, code) => {
    expect(await open(await saying(words))).toBe(code)
    expect(ERRORS[code].retry).toBe(code.includes('.not_') ? 'never' : 'backoff')
  })
})
