/**
 * Signs and encrypts a file, opens it again, file to file, beside `openssl cms` on the same file and in turns.
 * `node build/bench/cms.ts [--mib 256] [--rounds 5]`
 */
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createDetachedSignature, createDigestSet, decrypt, digestWhile, encrypt, findDigest, signOpaque, verifyOpaque, type DigestForm } from '../../shared/core/crypto/cms/index.ts'
import { generateSelfSigned, privateKeyPem } from '../../shared/core/crypto/x509/index.ts'
import { race } from './rounds.ts'

const { values } = parseArgs({ options: { mib: { type: 'string', default: '256' }, rounds: { type: 'string', default: '5' } } })
const READ_BYTES = 512 * 1024
const mib = Number(values.mib)
const rounds = Number(values.rounds)
const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'))
const at = (name: string): string => join(folder, name)
const { certificate, privateKey } = await generateSelfSigned({ subject: { commonName: 'bench' }, key: 'rsa-2048' })
await writeFile(at('certificate.pem'), certificate.pem())
await writeFile(at('key.pem'), privateKeyPem(privateKey), { mode: 0o600 })
const source = await open(at('content'), 'w')
for (let count = 0; count < mib; count++) await source.write(randomBytes(1024 * 1024))
await source.close()

/** Two buffers in turns: the next piece is read while the last one is worked on, and nothing is allocated for it. */
async function* read(name: string): AsyncGenerator<Uint8Array, void> {
  const file = await open(at(name), 'r')
  const buffers = [Buffer.allocUnsafeSlow(READ_BYTES), Buffer.allocUnsafeSlow(READ_BYTES)] as const
  try {
    let coming = file.read(buffers[0], 0, READ_BYTES)
    for (let turn = 0; ; turn++) {
      const { bytesRead } = await coming
      if (bytesRead === 0) return
      coming = file.read(buffers[((turn + 1) % 2) as 0 | 1], 0, READ_BYTES)
      yield buffers[(turn % 2) as 0 | 1].subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
const signer = { certificate, privateKey }

/** Gathers small chunks, as a system call for each costs more than copying them, and writes while the next ones are made. */
async function write(name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(at(name), 'w')
  let waiting: Uint8Array[] = []
  let bytes = 0
  let written: Promise<unknown> = Promise.resolve()
  try {
    for await (const chunk of chunks) {
      waiting.push(chunk)
      bytes += chunk.length
      if (bytes < 512 * 1024) continue
      await written
      written = file.writev(waiting)
      waiting = []
      bytes = 0
    }
    await written
    if (bytes > 0) await file.writev(waiting)
  } finally {
    await file.close()
  }
}

async function openssl(...stages: readonly (readonly string[])[]): Promise<void> {
  const processes = stages.map((args, index) => spawn('openssl', ['cms', ...args], { stdio: [index === 0 ? 'ignore' : 'pipe', index === stages.length - 1 ? 'ignore' : 'pipe', 'ignore'] }))
  processes.forEach((process, index) => {
    const next = processes[index + 1]?.stdin
    if (next) process.stdout?.pipe(next)
  })
  for (const [code] of await Promise.all(processes.map((process) => once(process, 'exit')))) if (code !== 0) throw new Error(`openssl ended with ${String(code)}`)
}

/** A pipe between the processes, so that nothing passes through this one. */
function opensslPipe(first: string, second: string): void {
  execFileSync('bash', ['-c', `set -o pipefail; openssl cms ${first} 2>/dev/null | openssl cms ${second}`], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
}

const signArgs = '-sign -binary -nodetach -stream -outform DER -md sha256 -in content -signer certificate.pem -inkey key.pem'
const encryptArgs = '-encrypt -binary -stream -outform DER -aes-256-cbc -out theirs.p7m certificate.pem'

async function buildOurs(): Promise<void> {
  const signed = signOpaque(read('content'), { signer, digestAlgorithm: 'sha256' })
  await write('ours.p7m', encrypt(signed, { recipients: [{ certificate }], cipher: 'aes-256-cbc' }))
}

/** What AS2 does: the content, then a detached signature, both encrypted. */
async function buildDetached(forms: readonly DigestForm[]): Promise<void> {
  const set = createDigestSet({ algorithms: ['sha256'], forms, parallel: true })
  async function* entity(): AsyncGenerator<Uint8Array, void> {
    yield* digestWhile(read('content'), set)
    const digest = findDigest(await set.finish(), { algorithm: 'sha256' })
    if (digest !== undefined) yield createDetachedSignature({ signer, digestAlgorithm: 'sha256', digest })
  }
  await write('detached.p7m', encrypt(entity(), { recipients: [{ certificate }], cipher: 'aes-256-cbc' }))
}

async function openOurs(name: string): Promise<void> {
  const decrypted = decrypt(read(name), { keys: [{ certificate, privateKey }] })
  const verified = verifyOpaque(decrypted.content, { trusted: [{ certificate }] })
  await write('ours.out', verified.content)
  await decrypted.result
  await verified.result
}

async function openTheirs(name: string): Promise<void> {
  await openssl(['-decrypt', '-binary', '-inform', 'DER', '-in', at(name), '-inkey', at('key.pem'), '-recip', at('certificate.pem'), '-out', at('theirs.p7s')])
  await openssl(['-verify', '-binary', '-inform', 'DER', '-in', at('theirs.p7s'), '-CAfile', at('certificate.pem'), '-purpose', 'any', '-out', at('theirs.out')])
}

try {
  await race(`sign and encrypt, ${mib} MiB, SHA-256, AES-256-CBC`, mib, 'MiB', [
    { name: 'Waybill', run: buildOurs },
    { name: 'Waybill, detached', run: () => buildDetached(['raw']) },
    { name: 'Waybill, detached, all forms', run: () => buildDetached(['raw', 'canonical', 'header-canonical']) },
    { name: 'openssl sign | encrypt', run: async () => await Promise.resolve(opensslPipe(signArgs, encryptArgs)) },
  ], rounds)
  const ours = process.resourceUsage().maxRSS / 1024
  await race(`decrypt and verify, ${mib} MiB, made by us`, mib, 'MiB', [
    { name: 'Waybill', run: () => openOurs('ours.p7m') },
    { name: 'openssl decrypt, verify', run: () => openTheirs('ours.p7m') },
  ], rounds)
  await race(`decrypt and verify, ${mib} MiB, made by openssl`, mib, 'MiB', [
    { name: 'Waybill', run: () => openOurs('theirs.p7m') },
    { name: 'openssl decrypt, verify', run: () => openTheirs('theirs.p7m') },
  ], rounds)
  if ((await stat(at('ours.out'))).size !== mib * 1024 * 1024) throw new Error('the opened file is not the one that was signed')
  process.stdout.write(`peak memory of this process: ${ours.toFixed(0)} MiB after writing, ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB after reading\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
