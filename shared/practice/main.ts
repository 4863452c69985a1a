/** Entry of the practice partner's process. Its account comes over standard input; it ends when its parent does. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { generateSshKey, readPrivateKey } from '../core/crypto/ssh/index.ts'
import { PracticeConfig, type PracticeReady } from './protocol.ts'
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

async function start(line: string): Promise<void> {
  const { folder, username, password } = PracticeConfig.parse(JSON.parse(line))
  const files = join(folder, 'files')
  await mkdir(files, { recursive: true, mode: 0o700 })
  const hostKey = await hostKeyOf(folder)
  const server = await startSftpServer({ hostKey, folder: files, account: { username, password } })
  const ready: PracticeReady = { port: server.port, hostKey: readPrivateKey(hostKey).publicKey }
  process.stdout.write(`${JSON.stringify(ready)}\n`)
}

const input = createInterface({ input: process.stdin })
input.once('line', (line) => {
  start(line).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  })
})
// The parent holds the other end: when it ends, however it ends, so do we.
input.once('close', () => process.exit(0))
