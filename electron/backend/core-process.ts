/**
 * Keeps a core at hand: joins the one that owns the workspace, else starts one and stops it again in the end. The transport asks
 * `find` before each attempt to connect, so a crashed core is started anew with the transport's growing pauses, while the window
 * stays and shows the state.
 */
import { createInterface } from 'node:readline'
import type { ChildProcess } from 'node:child_process'
import { asCallError, CallError } from '../../shared/client/call-error.ts'
import type { SocketAddress } from '../../shared/hosts/socket/client.ts'
import type { Logger } from '../../shared/core/kernel/logger.ts'

export interface CoreProcess {
  /** Where a living core listens; starts one when there is none. Rejects with a `CallError` that says why there can be none. */
  find(): Promise<SocketAddress>
  /** Ends the core if it is ours, gently first. A core that was joined goes on. */
  stop(): Promise<void>
  /** Process number of our own core; null when there is none, or when one was joined. */
  readonly pid: number | null
  /** Why the last start failed; null after a good one. */
  readonly problem: CallError | null
}

export interface CoreProcessOptions {
  readonly spawn: () => ChildProcess
  /** What the workspace's note says; see `readAddress`. */
  readonly readAddress: () => Promise<SocketAddress | null>
  /** Whether somebody answers there. */
  readonly answers: (address: SocketAddress) => Promise<boolean>
  readonly logger: Logger
  /** A core that is not ready after this is ended. Default 60 s: opening checks the whole database. */
  readonly startTimeoutMs?: number
  /** What a running transfer gets to reach a safe point on `stop`. Default 20 s. */
  readonly stopTimeoutMs?: number
}

export function createCoreProcess(options: CoreProcessOptions): CoreProcess {
  const { logger } = options
  let child: ChildProcess | null = null
  let starting: Promise<SocketAddress> | null = null
  let problem: CallError | null = null
  let stopping = false

  async function find(): Promise<SocketAddress> {
    if (stopping) throw failure('The shell is ending.')
    const known = await options.readAddress()
    if (known !== null && (await options.answers(known))) return known
    starting ??= start().finally(() => {
      starting = null
    })
    return await starting
  }

  async function start(): Promise<SocketAddress> {
    // One that lives but does not answer would hold the workspace against its successor.
    await end(child, options.stopTimeoutMs ?? 20_000)
    const started = options.spawn()
    child = started
    // A core that dies while it is being told to end closes its input first.
    started.stdin?.on('error', () => undefined)
    started.once('exit', (code, signal) => {
      logger.log('warn', 'the core ended', { code, signal })
      if (child === started) child = null
    })
    try {
      await untilReady(started, options.startTimeoutMs ?? 60_000)
      const address = await options.readAddress()
      if (address === null) throw failure('The core is ready, but its address is not in the workspace.')
      problem = null
      return address
    } catch (error) {
      problem = asCallError(error)
      logger.log('error', 'the core did not start', { code: problem.code, problem: problem.message })
      await end(started, 1_000)
      throw problem
    }
  }

  return {
    find,
    async stop() {
      stopping = true
      await starting?.catch(() => undefined)
      await end(child, options.stopTimeoutMs ?? 20_000)
    },
    get pid() {
      return child?.pid ?? null
    },
    get problem() {
      return problem
    },
  }
}

function failure(message: string): CallError {
  return new CallError({ code: 'call.disconnected', message })
}

/** `serve --json` prints one line when it is ready, or one with an error before it ends. */
async function untilReady(child: ChildProcess, timeoutMs: number): Promise<void> {
  const output = child.stdout
  if (output === null) throw failure('The core has no output.')
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(failure('The core was not ready in time.')), timeoutMs)
    const settle = (action: () => void): void => {
      clearTimeout(timer)
      action()
    }
    child.once('error', (error) => settle(() => reject(failure(`The core cannot be started: ${error.message}`))))
    child.once('exit', (code) => settle(() => reject(failure(`The core ended with code ${code ?? 'none'} before it was ready.`))))
    createInterface({ input: output }).on('line', (line) => {
      const said = readLine(line)
      if (said === 'ready') settle(resolve)
      else if (said !== null) settle(() => reject(said))
    })
  })
}

function readLine(line: string): 'ready' | CallError | null {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  if (Reflect.get(value, 'ready') === true) return 'ready'
  const error: unknown = Reflect.get(value, 'error')
  return error === undefined ? null : asCallError(error)
}

/** First by closing its input, then by a signal, then for good. */
async function end(child: ChildProcess | null, patienceMs: number): Promise<void> {
  // Without a number it never ran.
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<true>((resolve) => child.once('exit', () => resolve(true)))
  child.stdin?.end()
  if (await within(gone, patienceMs)) return
  child.kill('SIGTERM')
  if (await within(gone, 2_000)) return
  child.kill('SIGKILL')
  await gone
}

async function within(gone: Promise<true>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  const result = await Promise.race([gone, late])
  clearTimeout(timer)
  return result
}
