import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { AppError } from '../core/kernel/errors.ts'
import { PracticeReady, type PracticeConfig } from './protocol.ts'

export interface PracticeServer {
  readonly port: number
  /** One OpenSSH line. */
  readonly hostKey: string
  readonly username: string
  readonly password: string
  stop(): Promise<void>
}

const START_WITHIN_MS = 15_000

/** Starts the practice partner in a process of its own. `folder` keeps its files and its host key. */
export async function startPractice(options: { readonly folder: string; readonly entry: string; readonly execPath: string }): Promise<PracticeServer> {
  const account = { username: 'practice', password: randomBytes(18).toString('base64url') }
  const child = spawn(options.execPath, [options.entry], { stdio: ['pipe', 'pipe', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (data: Buffer) => (complaint = (complaint + data.toString()).slice(-2000)))
  const exited = once(child, 'exit')
  child.stdin.on('error', () => undefined)
  child.stdin.write(`${JSON.stringify({ folder: options.folder, ...account } satisfies PracticeConfig)}\n`)
  const lines = createInterface({ input: child.stdout })
  const line = await Promise.race([
    once(lines, 'line', { signal: AbortSignal.timeout(START_WITHIN_MS) }).then(([text]) => String(text)),
    exited.then(() => null),
  ]).catch(() => null)
  if (line === null) {
    child.kill()
    throw new AppError('internal.unexpected', `the practice partner did not start: ${complaint.trim() || 'no answer'}`)
  }
  return {
    ...PracticeReady.parse(JSON.parse(line)),
    ...account,
    async stop() {
      child.stdin.end()
      const limit = setTimeout(() => child.kill('SIGKILL'), 2_000)
      await exited
      clearTimeout(limit)
    },
  }
}
