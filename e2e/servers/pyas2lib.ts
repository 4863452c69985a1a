/** pyas2lib as a process of its own: building and reading messages for us, or as a station that speaks HTTP. */
import { spawn } from 'node:child_process'
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
