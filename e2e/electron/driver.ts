/** Starts the staged app on a display of its own, and asks its main process questions. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Runtime } from './runtime.ts'

const ANSWER_WITHIN_MS = 60_000

export interface Display {
  readonly name: string
  stop(): Promise<void>
}

/** A display on a number that Xvfb chooses. */
export async function startDisplay(runtime: Runtime): Promise<Display> {
  const child = spawn(runtime.xvfb, ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  const pipe = child.stdio[3]
  if (pipe === null || pipe === undefined) throw new Error('no pipe to the display')
  const [data] = (await once(pipe, 'data', { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })) as [Buffer]
  return { name: `:${data.toString().trim()}`, stop: () => end(child) }
}

export interface RunningApp {
  readonly process: ChildProcess
  /** Runs text in the main process, with `electron` and `seen` (see shim-main.ts) at hand; answers its JSON value. */
  ask<T>(code: string): Promise<T>
  /** Runs an expression in the page of the main window. */
  page<T>(expression: string): Promise<T>
  /** What it wrote to its standard error. */
  log(): string
  stop(): Promise<void>
}

export interface AppPlace {
  readonly runtime: Runtime
  readonly display: Display
  readonly stage: string
  /** Its home, its configuration and its workspace live below. */
  readonly home: string
  readonly footing: Footing
}

/** Starts the app and waits until its main process answers. */
export async function startApp(place: AppPlace): Promise<RunningApp> {
  const socketPath = join(place.home, `control-${Date.now()}`)
  const server = createServer()
  server.listen(socketPath)
  await once(server, 'listening')
  const { uid, gid } = place.footing.user
  if (uid !== undefined && gid !== undefined) chownSync(socketPath, uid, gid)
  const child = spawnApp(place, socketPath)
  let log = ''
  child.stderr?.on('data', (data: Buffer) => (log = (log + data.toString()).slice(-20_000)))
  const [line] = (await Promise.race([once(server, 'connection', { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }), once(child, 'exit').then(() => Promise.reject(new Error(`the app ended: ${log}`)))])) as [Socket]
  server.close()
  line.on('error', () => undefined)
  const waiting = new Map<number, (answer: { value?: unknown; error?: string }) => void>()
  let next = 0
  createInterface({ input: line }).on('line', (text) => {
    const answer = JSON.parse(text) as { id: number; value?: unknown; error?: string }
    waiting.get(answer.id)?.(answer)
  })
  const ask = async <T>(code: string): Promise<T> => {
    const id = next++
    const answer = await Promise.race([
      new Promise<{ value?: unknown; error?: string }>((resolve) => {
        waiting.set(id, resolve)
        line.write(`${JSON.stringify({ id, code })}\n`)
      }),
      sleep(ANSWER_WITHIN_MS).then(() => ({ error: `no answer in time to: ${code}\n${log}` })),
    ])
    waiting.delete(id)
    if ('error' in answer && answer.error !== undefined) throw new Error(answer.error)
    return (answer as { value?: unknown }).value as T
  }
  return {
    process: child,
    ask,
    page: (expression) => ask(`return electron.BrowserWindow.getAllWindows()[0].webContents.executeJavaScript(${JSON.stringify(expression)})`),
    log: () => log,
    stop: () => end(child),
  }
}

/** Who the app runs as, and whether under Chromium's sandbox. */
interface Footing {
  readonly user: { readonly uid?: number; readonly gid?: number }
  readonly flags: readonly string[]
}

/**
 * Chromium's sandbox refuses root and needs user namespaces, so root runs the app as nobody. Where that cannot be (a checkout that
 * only root may read, a kernel without namespaces) the sandbox is off, in this ring alone: what it proves is the wiring.
 */
function footingOf(runtime: Runtime): Footing {
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const env = { PATH: process.env['PATH'], ELECTRON_RUN_AS_NODE: '1' }
  const can = (command: string, ...args: string[]): boolean => spawnSync(command, args, { ...user, env, cwd: '/', stdio: 'ignore', timeout: ANSWER_WITHIN_MS }).status === 0
  // Version 9's filter does not know the system calls of today's C library.
  const flags = ['--disable-seccomp-filter-sandbox']
  return can(runtime.path, '-e', '0') && can('unshare', '--user', 'true') ? { user, flags } : { user: {}, flags: [...flags, '--no-sandbox'] }
}

/** A place for the app: its home, owned by whoever the app runs as. */
export function makePlace(place: Omit<AppPlace, 'footing'>): AppPlace {
  const footing = footingOf(place.runtime)
  const { uid, gid } = footing.user
  mkdirSync(join(place.home, 'config'), { recursive: true })
  if (uid !== undefined && gid !== undefined) {
    chmodSync(join(place.home, '..'), 0o755)
    for (const folder of [place.home, join(place.home, 'config')]) chownSync(folder, uid, gid)
  }
  return { ...place, footing }
}

/** A start that is not waited for: a second instance. */
export function spawnApp({ runtime, display, stage, home, footing }: AppPlace, control?: string): ChildProcess {
  return spawn(runtime.path, ['--disable-gpu', ...footing.flags, stage, '--workspace', join(home, 'workspace')], {
    cwd: home,
    ...footing.user,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      TMPDIR: home,
      XDG_CONFIG_HOME: join(home, 'config'),
      DISPLAY: display.name,
      // No bus: the desktop's own keychain must not be asked.
      DBUS_SESSION_BUS_ADDRESS: 'disabled:',
      ...(control === undefined ? {} : { WAYBILL_RING_CONTROL: control }),
    },
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await gone
  clearTimeout(late)
}

/** Asks again until the answer satisfies; the last answer stands in the error. */
export async function eventually<T>(ask: () => Promise<T>, satisfies: (answer: T) => boolean, within = ANSWER_WITHIN_MS): Promise<T> {
  const until = Date.now() + within
  let last: unknown
  while (Date.now() < until) {
    try {
      const answer = await ask()
      if (satisfies(answer)) return answer
      last = answer
    } catch (error) {
      last = error
    }
    await sleep(100)
  }
  throw new Error(`never satisfied; last answer: ${last instanceof Error ? last.message : JSON.stringify(last)}`)
}
