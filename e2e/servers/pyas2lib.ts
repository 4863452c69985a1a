/** pyas2lib as a process of its own: building and reading messages for us, as a station that speaks HTTP, or as a company with an inbox and an outbox. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Pyas2Lib {
  ask(request: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>
  stop(): void
}

/** One JSON document a line, there and back. */
function start(python: string, script: string): { ask<T>(request: object): Promise<T>; stop(): void } {
  const child = spawn(python, [join(import.meta.dirname, script)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask<T>(request: object): Promise<T> {
      child.stdin.write(`${JSON.stringify(request)}\n`)
      const answer = await lines.next()
      if (answer.done === true) throw new Error('pyas2lib has ended')
      return JSON.parse(answer.value) as T
    },
    stop: () => void child.kill(),
  }
}

/** `python` is the interpreter of its environment. Call `stop` when done. */
export function startPyas2Lib(python: string): Pyas2Lib {
  return start(python, 'drive-pyas2lib.py')
}

/** A message that came to the station. */
export interface Pyas2Received {
  readonly way: string
  readonly status: string
  readonly error: string | null
  /** Base64. */
  readonly content: string
  readonly fileName: string | null
  readonly signed: boolean
  readonly encrypted: boolean
  readonly compressed: boolean
}

interface Pyas2Receipt {
  readonly status: string | null
  readonly detail: string | null
}

/** pyas2lib as a station with an HTTP server and client of its own. */
export interface Pyas2Station {
  readonly url: string
  /** Builds a message and posts it; `status` is null while its receipt is on the way. */
  send(message: { readonly way: string; readonly url: string; readonly name: string; readonly content: string; readonly contentType: string }): Promise<Pyas2Receipt & { readonly http: number; readonly messageId: string }>
  receipt(messageId: string): Promise<Pyas2Receipt>
  received(): Promise<readonly Pyas2Received[]>
  problems(): Promise<readonly string[]>
  stop(): void
}

/** `ways`: options of pyas2lib's `Partner` by our identifier. Call `stop` when done. */
export async function startPyas2Station(python: string, config: { readonly us: { readonly id: string; readonly key: string; readonly certificate: string }; readonly certificate: string; readonly ways: Readonly<Record<string, object>> }): Promise<Pyas2Station> {
  const child = start(python, 'pyas2-station.py')
  const { url } = await child.ask<{ url: string }>(config)
  const ask = async <T>(operation: string, request: object = {}): Promise<T> => {
    const answer = await child.ask<T & { thrown?: string }>({ operation, ...request })
    if (answer.thrown !== undefined) throw new Error(`pyas2lib: ${answer.thrown}`)
    return answer
  }
  return {
    url,
    send: async (message) => await ask('send', message),
    receipt: async (messageId) => await ask('receipt', { messageId }),
    received: async () => (await ask<{ messages: Pyas2Received[] }>('received')).messages,
    problems: async () => (await ask<{ problems: string[] }>('problems')).problems,
    stop: child.stop,
  }
}

/** pyas2lib as a company that keeps and sends files below `folder` and may be killed at any moment. */
export interface Pyas2Company {
  /** What came. */
  readonly inbox: string
  /** What is put here is sent until we confirm it, and then removed. */
  readonly outbox: string
  /** Kills it and starts it again. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface Pyas2CompanyConfig {
  readonly us: { readonly id: string; readonly key: string; readonly certificate: string }
  readonly theirId: string
  /** The other side's certificate (PEM), and where it takes messages. */
  readonly certificate: string
  readonly url: string
  /** Options of pyas2lib's `Partner`. */
  readonly way: object
  readonly port: number
  readonly folder: string
}

export async function startPyas2Company(python: string, config: Pyas2CompanyConfig): Promise<Pyas2Company> {
  const begin = async (): Promise<ChildProcess> => {
    const child = spawn(python, [join(import.meta.dirname, 'pyas2-company.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.write(`${JSON.stringify(config)}\n`)
    const [line] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown]
    if (child.exitCode !== null) throw new Error(`pyas2lib ended with ${String(line)}`)
    return child
  }
  let child = await begin()
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  return {
    inbox: join(config.folder, 'inbox'),
    outbox: join(config.folder, 'outbox'),
    async restart() {
      await kill()
      child = await begin()
    },
    stop: kill,
  }
}
