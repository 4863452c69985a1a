/** Entry of the practice partner's process. Its account comes over standard input; it ends when its parent does. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { generateSshKey, readPrivateKey } from '../core/crypto/ssh/index.ts'
import { startAs2Server, type As2Server } from './as2-server.ts'
import { PRACTICE_BUCKET, PRACTICE_OUT, PRACTICE_PREFIX, PracticeConfig, PracticeRequest, type PracticeReady, type PracticeReply } from './protocol.ts'
import { startFtpsServer } from './ftps-server.ts'
import { startS3Server } from './s3-server.ts'
import { startSftpServer } from './sftp-server.ts'
import { tlsIdentity } from './tls-identity.ts'

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
  const { folder, s3: s3Account, ...account } = PracticeConfig.parse(JSON.parse(line))
  const files = join(folder, 'files')
  // What it offers by one protocol can be collected by another.
  await mkdir(join(files, PRACTICE_OUT), { recursive: true, mode: 0o700 })
  const [hostKey, identity] = [await hostKeyOf(folder), await tlsIdentity(folder)]
  const sftp = await startSftpServer({ hostKey, folder: files, account })
  const ftps = await startFtpsServer({ identity, folder: files, account })
  const s3 = await startS3Server({ identity, account: s3Account, files, home: join(folder, 's3'), bucket: PRACTICE_BUCKET, prefix: PRACTICE_PREFIX })
  const as2 = await startAs2Server({ folder, files })
  const ready: PracticeReady = {
    port: sftp.port,
    hostKey: readPrivateKey(hostKey).publicKey,
    ftps: { port: ftps.port },
    s3: { port: s3.port },
    tlsCertificate: identity.certificate,
    as2: { port: as2.port, certificate: as2.certificate },
  }
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
