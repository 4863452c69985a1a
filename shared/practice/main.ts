/** Entry of the practice partner's process. Its account comes over standard input; it ends when its parent does. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { generateSshKey, readPrivateKey } from '../core/crypto/ssh/index.ts'
import { startAs2Server, type As2Server } from './as2-server.ts'
import { PracticeConfig, PracticeRequest, type PracticeReady, type PracticeReply } from './protocol.ts'
import { startSftpServer } from './sftp-server.ts'

/** Kept, so that a partner that was trusted once is the same one tomorrow. */
async function hostKeyOf(folder: string): Promise<string> {
  const path = join(folder, 'host-key')
  try {
    return await readFile(path, 'utf8')
  } catch {
    const { privateKey } = generateSshKey('ed25519', 'practice partner')
    await writeFile(path, privateKey, { mode: 0o600, flag: 'wx' })
    return privateKey
  }
}

async function start(line: string): Promise<As2Server> {
  const { folder, username, password } = PracticeConfig.parse(JSON.parse(line))
  const files = join(folder, 'files')
  await mkdir(files, { recursive: true, mode: 0o700 })
  const hostKey = await hostKeyOf(folder)
  const server = await startSftpServer({ hostKey, folder: files, account: { username, password } })
  const as2 = await startAs2Server({ folder, files })
  const ready: PracticeReady = { port: server.port, hostKey: readPrivateKey(hostKey).publicKey, as2: { port: as2.port, certificate: as2.certificate } }
  process.stdout.write(`${JSON.stringify(ready)}\n`)
  return as2
}

async function answer(line: string, as2: As2Server): Promise<void> {
  const { number, know, send } = PracticeRequest.parse(JSON.parse(line))
  const reply = (content: Omit<PracticeReply, 'number'>): void => void process.stdout.write(`${JSON.stringify({ number, ...content } satisfies PracticeReply)}\n`)
  try {
    if (know !== undefined) as2.know(know)
    reply(send === undefined ? {} : { sent: await as2.send(send.url, send.name, Buffer.from(send.content, 'base64')) })
  } catch (error) {
    reply({ problem: error instanceof Error ? error.message : String(error) })
  }
}

/** Requests come line by line, and may come side by side. */
function listenTo(as2: As2Server): void {
  input.on('line', (next) => {
    answer(next, as2).catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
  })
}

const input = createInterface({ input: process.stdin })
input.once('line', (line) => {
  start(line).then(
    (as2) => listenTo(as2),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
      process.exit(1)
    },
  )
})
// The parent holds the other end: when it ends, however it ends, so do we.
input.once('close', () => process.exit(0))
