/** The verbs of a file session over FTPS. FTP does one thing at a time: what is asked meanwhile waits its turn. */
import type { FtpsConnection } from '../../../contract/connections/ftps.ts'
import { AppError } from '../../kernel/errors.ts'
import type { FileSession, RemoteFile, WriteOptions } from '../file-protocol.ts'
import { namedStaging } from '../named-staging.ts'
import type { Connected } from './connect.ts'
import { createTransfers, type Transfer } from './data-connection.ts'
import { operationError, replyCode, type Doing } from './errors.ts'
import { asking, createLookUp } from './look-up.ts'
import { hashCommand, readFolder, readHash, readListing } from './replies.ts'
import { receiveAll, sendAll, watchLine } from './transfer.ts'

const MOST_LISTING_BYTES = 64 * 1024 * 1024
const CLOSE_WITHIN_MS = 1_000
const MOST_SILENCE_MS = 30_000

/** Opens the connection's folder on a signed-in connection. Rejects with `remote.folder_missing` or `remote.permission_denied`. */
export async function openSession(connected: Connected, settings: FtpsConnection, wanted: string): Promise<FileSession> {
  const { context, features, server } = connected
  const idleMs = settings.idleTimeoutSeconds * 1000
  const transfers = createTransfers(connected, settings)
  const observed: Record<string, string> = { ...connected.observed }
  const ask = asking(context)
  const home = readFolder((await ask('PWD').catch((error: unknown) => fail(error, { verb: 'open', name: '.', folder: '.' }))).message) ?? '/'
  const enter = async (path: string, named: string): Promise<void> => {
    await ask(`CWD ${path}`).catch((error: unknown) => {
      const known = operationError(error, { verb: 'open', name: named, folder: named }, server)
      throw known.code === 'remote.not_found' || known.code === 'remote.failed' ? new AppError('remote.folder_missing', `the server has no folder ${named}: ${known.message}`, { details: { folder: named }, cause: error }) : known
    })
  }
  const placeOf = (named: string): string => (named === '.' ? home : named.startsWith('/') ? named : pathIn(home, named.replace(/^\.\//, '')))
  const folder = await openFolder()
  const pathOf = (name: string): string => pathIn(folder, name)
  const lookUp = createLookUp(ask, features, folder)
  const hashes = hashCommand(features)
  let serverHash = hashes !== null
  let silentSince = performance.now()
  let turn: Promise<unknown> = Promise.resolve()

  function fail(error: unknown, doing: Doing): never {
    throw operationError(error, doing, server)
  }

  async function openFolder(): Promise<string> {
    await enter(placeOf(wanted), wanted)
    return readFolder((await ask('PWD').catch((error: unknown) => fail(error, { verb: 'open', name: wanted, folder: wanted }))).message) ?? placeOf(wanted)
  }

  /** Waits for its turn; answers the function that passes it on. */
  const takeTurn = async (): Promise<() => void> => {
    const mine = Promise.withResolvers<void>()
    const before = turn
    turn = mine.promise
    await before
    await transfers.quiet()
    return () => {
      silentSince = performance.now()
      mine.resolve()
    }
  }

  const inTurn = async <T>(verb: string, name: string, action: () => Promise<T>): Promise<T> => {
    const done = await takeTurn()
    try {
      return await action()
    } catch (error) {
      throw operationError(error, { verb, name, folder }, server)
    } finally {
      done()
    }
  }

  const keepAlive = setInterval(() => {
    if (context.closed) return clearInterval(keepAlive)
    if (performance.now() - silentSince < Math.min(MOST_SILENCE_MS, idleMs / 2)) return
    void inTurn('keep open', '.', async () => await ask('NOOP')).catch(() => undefined)
  }, Math.min(MOST_SILENCE_MS, idleMs) / 4)
  keepAlive.unref()

  /** "550" alone says nothing: whether the file is there does. */
  const explained = async (error: unknown, verb: string, name: string): Promise<unknown> => {
    const known = operationError(error, { verb, name, folder }, server)
    if (known.code !== 'remote.failed' || replyCode(error) !== 550 || context.closed) return known
    const there = await lookUp.at(pathOf(name), name)
    const { message, details } = known
    if (there === null && verb === 'read') return new AppError('remote.not_found', message, { details, cause: error })
    return new AppError('remote.permission_denied', message, { details, cause: error })
  }

  const begin = async (commands: readonly string[], signal: AbortSignal): Promise<Transfer> => {
    const transfer = await transfers.start(commands, signal)
    observed['dataSession'] = transfers.resumed() === true ? 'resumed from the control connection' : 'negotiated anew'
    return transfer
  }

  async function* receive(commands: readonly string[], signal: AbortSignal): AsyncIterable<Uint8Array> {
    const transfer = await begin(commands, signal)
    const watch = watchLine(idleMs, server, signal)
    let ended = false
    try {
      if (transfer.data !== null) yield* receiveAll(transfer.data, watch)
      ended = true
      await transfer.finish()
    } catch (error) {
      if (ended) throw error
      ended = true
      throw await transfer.fail(error)
    } finally {
      watch.end()
      // The consumer may have had enough.
      if (!ended) await transfer.fail(null)
    }
  }

  const listWith = async (command: string, signal: AbortSignal): Promise<RemoteFile[]> => {
    const parts: Uint8Array[] = []
    let bytes = 0
    for await (const part of receive([command], signal)) {
      bytes += part.length
      if (bytes > MOST_LISTING_BYTES) throw new AppError('remote.failed', `the listing of ${folder} is longer than ${MOST_LISTING_BYTES} bytes`, { details: { folder } })
      parts.push(part)
    }
    return readListing(Buffer.concat(parts).toString('utf8'))
  }

  let listings: readonly string[] = features.has('MLST') || features.has('MLSD') ? ['MLSD', 'LIST -a', 'LIST'] : ['LIST -a', 'LIST']

  /** How a file goes on at an offset: appended when it ends just there, which every server can; else by REST. */
  const startOfWrite = async (name: string, offset: number): Promise<readonly string[]> => {
    if (offset === 0) return [`STOR ${pathOf(name)}`]
    const there = await lookUp.at(pathOf(name), name)
    if (there?.size === offset) return [`APPE ${pathOf(name)}`]
    return [`REST ${offset}`, `STOR ${pathOf(name)}`]
  }

  const session: Omit<FileSession, 'staging'> = {
    observed,
    folder,
    capabilities: {
      staging: 'named',
      get serverHash() {
        return serverHash
      },
      resume: /STREAM/i.test(features.get('REST') ?? ''),
      exclusiveRename: 'checked',
      filesAtOnce: 1,
    },

    list: async (signal = new AbortController().signal) =>
      await inTurn('list', '.', async () => {
        for (const [index, command] of listings.entries()) {
          try {
            const entries = await listWith(command, signal)
            listings = [command]
            return entries
          } catch (error) {
            const code = replyCode(error)
            if (code === undefined || code < 500 || index === listings.length - 1) throw error
          }
        }
        return []
      }),

    stat: async (name) => await inTurn('look up', name, async () => await lookUp.at(pathOf(name), name)),

    size: async (name) => await inTurn('look up', name, async () => await lookUp.sizeAt(pathOf(name))),

    async *read(name, { offset, signal }) {
      signal.throwIfAborted()
      const done = await takeTurn()
      try {
        yield* receive([...(offset > 0 ? [`REST ${offset}`] : []), `RETR ${pathOf(name)}`], signal)
      } catch (error) {
        signal.throwIfAborted()
        throw await explained(error, 'read', name)
      } finally {
        done()
      }
    },

    async write(name: string, content: AsyncIterable<Uint8Array>, options: WriteOptions) {
      const { signal } = options
      signal.throwIfAborted()
      const done = await takeTurn()
      let sourceBroke: { readonly error: unknown } | null = null
      async function* watched(): AsyncIterable<Uint8Array> {
        try {
          yield* content
        } catch (error) {
          sourceBroke = { error }
          throw error
        }
      }
      try {
        const transfer = await begin(await startOfWrite(name, options.offset), signal)
        const watch = watchLine(idleMs, server, signal)
        try {
          if (transfer.data !== null) await sendAll(transfer.data, watched(), options, watch)
        } catch (error) {
          throw await transfer.fail(error)
        } finally {
          watch.end()
        }
        await transfer.finish()
      } catch (error) {
        signal.throwIfAborted()
        throw sourceBroke === null ? await explained(error, 'write', name) : (sourceBroke as { readonly error: unknown }).error
      } finally {
        done()
      }
    },

    rename: async (from, to, into) =>
      await inTurn('rename', to, async () => {
        const target = into === undefined ? folder : placeOf(into)
        if (into !== undefined) {
          await enter(target, into)
          await ask(`CWD ${folder}`)
        }
        // FTP says nothing about a name that is taken, and most servers overwrite: we look first. A race remains.
        const taken = (): AppError => new AppError('remote.name_taken', `${target} holds another file named ${to}`, { details: { folder: target, name: to } })
        if ((await lookUp.sizeAt(pathIn(target, to))) !== null) throw taken()
        try {
          await ask(`RNFR ${pathOf(from)}`)
          await ask(`RNTO ${pathIn(target, to)}`)
        } catch (error) {
          // No server puts a file in the place of a folder, so that this is asked only of one that refused.
          if (replyCode(error) !== undefined && (await lookUp.isFolder(pathIn(target, to)))) throw taken()
          throw replyCode(error) === 550 && (await lookUp.at(pathOf(from), from)) === null ? new AppError('remote.not_found', `the server has no file ${from}`, { details: { folder, name: from }, cause: error }) : error
        }
      }),

    remove: async (name) =>
      await inTurn('remove', name, async () => {
        try {
          await ask(`DELE ${pathOf(name)}`)
          return true
        } catch (error) {
          if (replyCode(error) === undefined) throw error
          if ((await lookUp.at(pathOf(name), name)) === null) return false
          const known = operationError(error, { verb: 'remove', name, folder }, server)
          throw known.code === 'remote.failed' ? new AppError('remote.permission_denied', known.message, { details: known.details, cause: error }) : known
        }
      }),

    hash: async (name) =>
      await inTurn('compute the checksum of', name, async () => {
        if (!serverHash || hashes === null) return null
        const told = await lookUp.answerTo(`${hashes} ${pathOf(name)}`)
        const found = told === null ? null : readHash(told.message)
        // A server that announces it and does not do it will not do it for the next file either.
        serverHash = found !== null || told === null
        return found
      }),

    async close() {
      clearInterval(keepAlive)
      if (context.closed) return
      let limit: NodeJS.Timeout | undefined
      const enough = new Promise<void>((resolve) => (limit = setTimeout(resolve, CLOSE_WITHIN_MS)))
      await Promise.race([inTurn('close', '.', async () => await ask('QUIT')).catch(() => undefined), enough])
      clearTimeout(limit)
      context.close()
    },
  }
  return { ...session, capabilities: session.capabilities, staging: namedStaging(session) }
}

function pathIn(folder: string, name: string): string {
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`
}
