/** One process that owns a workspace: the core, its gate, its local socket and, where asked for, the window's host. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '../client/create-client.ts'
import { createMemoryTransport } from '../client/memory.ts'
import { contract, type WaybillClient } from '../contract/index.ts'
import type { Patience } from '../core/kernel/patience.ts'
import { createCore, type Core } from '../core/compose.ts'
import { selfTests } from '../core/crypto/self-tests.ts'
import type { Actor } from '../core/kernel/actor.ts'
import { systemClock } from '../core/kernel/clock.ts'
import { asAppError } from '../core/kernel/errors.ts'
import type { Logger } from '../core/kernel/logger.ts'
import { systemUser } from '../core/kernel/system-user.ts'
import { systemKeychain } from '../core/workspace/keychain.ts'
import { acquireLease, type Lease } from '../core/workspace/lease.ts'
import { createCapabilityStore } from './capabilities.ts'
import { createDispatcher, type Dispatcher } from './dispatcher.ts'
import type { ListenAddress } from './loopback/address.ts'
import { startLoopbackHost, type LoopbackHost } from './loopback/server.ts'
import { RENDERER_FOLDER } from './locations.ts'
import { createMovingReport } from './moving-report.ts'
import { memoryEndpoint } from './memory-endpoint.ts'
import { practiceProcess } from './practice-process.ts'
import { createResolveFile } from './resolve-file.ts'
import { chooseSocketPath } from './socket/path.ts'
import { BUILT_AT } from './version.ts'
import { startSocketHost, type SocketHost } from './socket/server.ts'

export interface CoreHostOptions {
  /** Absolute. */
  readonly folder: string
  readonly version: string
  readonly passphrase: string | undefined
  readonly mode: 'background' | 'on-demand'
  /** The folder may be made, and a workspace that cannot be opened yet is no reason to stop: a window will create or unlock it. */
  readonly awaitOpening: boolean
  /** Where the window is served, or null for no window. */
  readonly ui: ListenAddress | null
  readonly logger: Logger
}

export interface CoreHost {
  readonly core: Core
  readonly dispatcher: Dispatcher
  readonly loopback: LoopbackHost | null
  /** Resolves once it was tried to open the workspace; that may be after the window is served. */
  readonly opened: Promise<void>
  /** A client in this process. */
  client(actor: Actor): WaybillClient
  /** Lets what runs end, within the patience given, or at a safe point; then gives the workspace free. */
  close(patience?: Patience): Promise<void>
}

/** A window that is opened at the same time has appeared by then. */
const TO_APPEAR_MS = 2_000

/** Rejects with a `workspace.*` error when the folder cannot be owned or, unless `awaitOpening`, not be opened. */
export async function startCoreHost(options: CoreHostOptions): Promise<CoreHost> {
  const { folder, logger } = options
  if (options.awaitOpening) await mkdir(folder, { recursive: true, mode: 0o700 })
  const lease = await acquireLease(folder)
  const undo: (() => Promise<void>)[] = [async () => await lease.release()]
  try {
    return await startOwned(options, lease, undo)
  } catch (error) {
    for (const step of undo.toReversed()) await step().catch((problem: unknown) => logger.log('warn', 'could not clean up', { problem: asAppError(problem).message }))
    throw error
  }
}

async function startOwned(options: CoreHostOptions, lease: Lease, undo: (() => Promise<void>)[]): Promise<CoreHost> {
  const { folder, logger } = options
  const capabilities = createCapabilityStore({ clock: systemClock })
  const user = systemUser()
  const movingBegan = Promise.withResolvers<void>()
  const hostsUp = Promise.withResolvers<void>()
  undo.push(async () => await Promise.resolve(hostsUp.resolve()))
  const tellMoving = createMovingReport(process.stderr)
  const core = createCore({
    folder,
    version: options.version,
    builtAt: BUILT_AT,
    env: process.env,
    keychain: systemKeychain(),
    clock: systemClock,
    random: Math.random,
    logger,
    resolveFile: createResolveFile(capabilities),
    practice: practiceProcess(),
    selfTests,
    mode: options.mode,
    async onMoving(progress) {
      tellMoving(progress)
      movingBegan.resolve()
      if (!options.awaitOpening || progress.stage !== 'copy') return
      // The copy is one piece of work: whoever looks should see before what it is that takes so long.
      await hostsUp.promise
      await systemClock.sleep(TO_APPEAR_MS)
    },
  })
  undo.push(async () => await core.close())
  const dispatcher = createDispatcher({ contract, handlers: core.handlers, bus: core.bus, whyClosed: () => core.whyClosed(), logger })
  const opened = core.open(options.passphrase).catch((error: unknown) => {
    if (!options.awaitOpening) throw error
    logger.log('info', 'the workspace is not open yet', { reason: asAppError(error).code })
  })
  // Moving an old workspace may take minutes: a window shows meanwhile how far it is.
  await (options.awaitOpening ? Promise.race([opened, movingBegan.promise]) : opened)

  const socket: SocketHost = await startSocketHost({ dispatcher, socketPath: chooseSocketPath(folder), capabilities, user, logger })
  undo.push(async () => await socket.close())
  const clientFor = (actor: Actor): WaybillClient => createClient(contract, createMemoryTransport(memoryEndpoint(dispatcher, actor)))
  // Asked without a session, so it may do nothing but this.
  const calendar = async (token: string): Promise<string | null> =>
    await clientFor({ kind: 'system', name: 'calendar' })
      .trust.calendarByToken({ token })
      .then(({ text }) => text)
      .catch(() => null)
  const loopback =
    options.ui === null
      ? null
      : await startLoopbackHost({ dispatcher, calendar, capabilities, rendererFolder: RENDERER_FOLDER, spoolFolder: join(folder, 'spool'), listen: options.ui, user, logger })
  if (loopback !== null) undo.push(async () => await loopback.close())
  await lease.announce({ socketPath: socket.socketPath, token: socket.token })
  hostsUp.resolve()

  let ending: Promise<void> | null = null
  const end = async (patience: Patience | undefined): Promise<void> => {
    await opened.catch(() => undefined)
    // Attempts end first: guests that wait for them get their answer before the sockets go.
    await core.close(patience)
    await loopback?.close()
    await socket.close()
    capabilities.clear()
    await lease.release()
  }
  return {
    core,
    dispatcher,
    loopback,
    opened,
    client: clientFor,
    close(patience) {
      ending ??= end(patience)
      return ending
    },
  }
}
