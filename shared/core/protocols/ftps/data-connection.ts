/**
 * Data connections: to the server's own address, resumed from the control connection's session, judged like it. The TLS handshake
 * starts only after the server has answered the transfer's command: vsftpd and ProFTPD both wait until then.
 */
import { FTPError, type FTPResponse } from 'basic-ftp'
import type { Socket } from 'node:net'
import { AppError } from '../../kernel/errors.ts'
import { withoutStack } from '../../kernel/without-stack.ts'
import { dial } from '../network.ts'
import { connectTls, type TlsConnection } from '../tls/index.ts'
import type { FtpsConnection } from '../../../contract/connections/ftps.ts'
import type { Connected } from './connect.ts'
import { asking } from './look-up.ts'
import { readEpsvPort, readPasvPort } from './replies.ts'

/** How long the server may take to comment on a transfer that broke off, before the whole connection is given up. */
const AFTERMATH_MS = 2_000

/** While a chunk is being stored, the next ones arrive. */
const READ_AHEAD_BYTES = 1024 * 1024

/** A transfer that the server has begun. */
export interface Transfer {
  /** Protected and judged; null when the server declared the transfer done without one. */
  readonly data: Socket | null
  /** Waits for the server to say that it has, or has sent, everything. */
  finish(): Promise<void>
  /** Ends it early and answers the error that tells best why: the server's own word goes before the state of the line. */
  fail(error: unknown): Promise<unknown>
}

export interface Transfers {
  /** `commands` in order, the last of which starts the transfer (`REST 5`, `STOR name`). Rejects with the server's reply or an AppError. */
  start(commands: readonly string[], signal: AbortSignal): Promise<Transfer>
  /** Resolves when nothing of an earlier transfer is outstanding on the control connection. */
  quiet(): Promise<void>
  /** Whether the last data connection resumed the session; null before the first. */
  resumed(): boolean | null
}

/** The data connection broke, which may only be the shadow of a refusal on the control connection. */
export class BrokenData extends Error {}

export function createTransfers({ context, control, policy, address, proxy, server }: Connected, settings: FtpsConnection): Transfers {
  const ask = asking(context)
  let epsv = settings.passive === 'epsv'
  let resumed: boolean | null = null
  let outstanding: Promise<void> = Promise.resolve()
  /** With TLS 1.3 each ticket is for one use, and data connections bring new ones. */
  let session: Buffer | undefined
  let last: TlsConnection = control

  const passivePort = async (): Promise<number> => {
    if (epsv) {
      try {
        const port = readEpsvPort((await ask('EPSV')).message)
        if (port !== null) return port
      } catch (error) {
        // Only for a server that does not know the command; not for one that has no port left.
        if (!(error instanceof FTPError) || error.code < 500) throw error
      }
      epsv = false
    }
    const { message } = await ask('PASV')
    const port = readPasvPort(message)
    if (port === null) throw new AppError('ftps.data_refused', `${server} answered PASV with ${message}`, { details: { reply: message } })
    return port
  }

  const openRaw = async (signal: AbortSignal): Promise<{ raw: Socket; port: number }> => {
    const port = await passivePort()
    try {
      return { raw: await dial({ host: address, port, proxy, timeoutMs: settings.connectTimeoutSeconds * 1000, signal }), port }
    } catch (error) {
      signal.throwIfAborted()
      throw new AppError('ftps.data_refused', `port ${port} of ${address} for data: ${error instanceof Error ? error.message : String(error)}`, { details: { server, address: `${address}:${port}` }, cause: error })
    }
  }

  const protect = async (raw: Socket, port: number, signal: AbortSignal): Promise<Socket> => {
    session = last.session() ?? session
    const made = await connectTls(policy, { host: settings.host, port, socket: raw, timeoutMs: settings.connectTimeoutSeconds * 1000, signal, highWaterMark: READ_AHEAD_BYTES, resume: session === undefined ? undefined : { session, of: control } })
    resumed = made.socket.isSessionReused()
    last = made
    return made.socket
  }

  /** The server's last word; when it does not come, the connection is of no use any more. */
  const lastWord = async (answered: Promise<FTPResponse>): Promise<unknown> => {
    let limit: NodeJS.Timeout | undefined
    const silence = new Promise<null>((resolve) => (limit = setTimeout(() => resolve(null), AFTERMATH_MS)))
    const word = await Promise.race([answered, silence]).catch((error: unknown) => error)
    clearTimeout(limit)
    if (word === null) context.close()
    return word
  }

  const settle = async (word: Promise<unknown>): Promise<void> => void (await word)

  return {
    quiet: async () => await outstanding,
    resumed: () => resumed,

    async start(commands, signal) {
      const { raw, port } = await openRaw(signal)
      // The server may reset it when it refuses the command (ProFTPD): what counts is its answer.
      raw.on('error', () => undefined)
      let answered: Promise<FTPResponse> | null = null
      const fail = async (error: unknown): Promise<unknown> => {
        raw.destroy()
        if (answered === null) return error
        const word = lastWord(answered)
        outstanding = settle(word)
        if (!(error instanceof BrokenData)) return error
        const said = await word
        return said instanceof Error ? said : new AppError('net.connection_lost', `${server} ended the data connection`, { details: { server }, cause: error.cause })
      }
      try {
        for (const command of commands.slice(0, -1)) await ask(command)
        const begun = Promise.withResolvers<boolean>()
        answered = withoutStack(() => context.handle(commands.at(-1), (reply, task) => {
          if (reply instanceof Error) task.reject(reply)
          else if (reply.code >= 300) task.reject(new AppError('remote.failed', `${server}: ${reply.message}`))
          else if (reply.code >= 200) task.resolve(reply)
          else begun.resolve(true)
        })) as Promise<FTPResponse>
        const ended = answered.then(() => false)
        if (!(await Promise.race([begun.promise, ended]))) return { data: null, finish: async () => void raw.destroy(), fail }
        // The control connection is silent while data flow; they have a watch of their own.
        context.socket.setTimeout(0)
        ended.catch(() => raw.destroy())
        const data = await protect(raw, port, signal)
        return {
          data,
          fail,
          async finish() {
            if (!context.closed) context.socket.setTimeout(settings.idleTimeoutSeconds * 1000)
            await ended
            raw.destroy()
          },
        }
      } catch (error) {
        const why = await fail(error)
        // A server that ends the handshake says why on the control connection (vsftpd: 522, session reuse required).
        const said = answered === null || signal.aborted ? null : await Promise.race([answered.catch((reply: unknown) => reply), outstanding.then(() => null)])
        throw said instanceof FTPError ? said : why
      }
    },
  }
}
