import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { AppError } from '../core/kernel/errors.ts'
import { PracticeReady, PracticeReply, type PracticeConfig, type PracticeRequest, type PracticeSent, type PracticeUs } from './protocol.ts'

export interface PracticeServer {
  readonly port: number
  /** One OpenSSH line. */
  readonly hostKey: string
  readonly username: string
  readonly password: string
  readonly ftps: PracticeReady['ftps']
  readonly s3: PracticeReady['s3'] & PracticeConfig['s3']
  /** What FTPS and S3 show, in PEM. */
  readonly tlsCertificate: string
  readonly as2: PracticeReady['as2']
  /** Tells it who we are towards it in AS2. */
  know(us: PracticeUs): Promise<void>
  /** Lets it send a message to us. Rejects with what went wrong. */
  send(message: { readonly url: string; readonly name: string; readonly content: Uint8Array }): Promise<PracticeSent>
  stop(): Promise<void>
}

const START_WITHIN_MS = 15_000

/** Starts the practice partner in a process of its own. `folder` keeps its files and its host key. */
export async function startPractice(options: { readonly folder: string; readonly entry: string; readonly execPath: string }): Promise<PracticeServer> {
  const account = { username: 'practice', password: randomBytes(18).toString('base64url') }
  const s3 = { accessKeyId: `PRACTICE${randomBytes(6).toString('hex').toUpperCase()}`, secretAccessKey: randomBytes(30).toString('base64url') }
  const child = spawn(options.execPath, [options.entry], { stdio: ['pipe', 'pipe', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (data: Buffer) => (complaint = (complaint + data.toString()).slice(-2000)))
  const exited = once(child, 'exit')
  child.stdin.on('error', () => undefined)
  child.stdin.write(`${JSON.stringify({ folder: options.folder, ...account, s3 } satisfies PracticeConfig)}\n`)
  const lines = createInterface({ input: child.stdout })
  const line = await Promise.race([
    once(lines, 'line', { signal: AbortSignal.timeout(START_WITHIN_MS) }).then(([text]) => String(text)),
    exited.then(() => null),
  ]).catch(() => null)
  if (line === null) {
    child.kill()
    throw new AppError('internal.unexpected', `the practice partner did not start: ${complaint.trim() || 'no answer'}`)
  }
  const waiting = new Map<number, PromiseWithResolvers<PracticeReply>>()
  lines.on('line', (text) => {
    const reply = PracticeReply.parse(JSON.parse(text))
    waiting.get(reply.number)?.resolve(reply)
    waiting.delete(reply.number)
  })
  void exited.then(() => {
    for (const { reject } of waiting.values()) reject(new AppError('internal.unexpected', 'the practice partner has ended'))
  })
  let last = 0
  const ask = async (request: Omit<PracticeRequest, 'number'>): Promise<PracticeReply> => {
    const number = ++last
    const answer = Promise.withResolvers<PracticeReply>()
    waiting.set(number, answer)
    child.stdin.write(`${JSON.stringify({ number, ...request } satisfies PracticeRequest)}\n`)
    const reply = await answer.promise
    if (reply.problem !== undefined) throw new AppError('internal.unexpected', `practice partner: ${reply.problem}`)
    return reply
  }
  const ready = PracticeReady.parse(JSON.parse(line))
  return {
    ...ready,
    ...account,
    s3: { ...ready.s3, ...s3 },
    know: async (us) => void (await ask({ know: us })),
    async send({ url, name, content }) {
      const { sent } = await ask({ send: { url, name, content: Buffer.from(content).toString('base64') } })
      if (sent === undefined) throw new AppError('internal.unexpected', 'the practice partner did not say what came of it')
      return sent
    },
    async stop() {
      child.stdin.end()
      const limit = setTimeout(() => child.kill('SIGKILL'), 2_000)
      await exited
      clearTimeout(limit)
    },
  }
}
