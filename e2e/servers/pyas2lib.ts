/** pyas2lib as a process that builds and reads messages for us. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Pyas2Lib {
  ask(request: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>
  stop(): void
}

/** `python` is the interpreter of its environment. Call `stop` when done. */
export function startPyas2Lib(python: string): Pyas2Lib {
  const child = spawn(python, [join(import.meta.dirname, 'drive-pyas2lib.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`)
      const answer = await lines.next()
      if (answer.done === true) throw new Error('pyas2lib has ended')
      return JSON.parse(answer.value) as Record<string, unknown>
    },
    stop: () => void child.kill(),
  }
}
