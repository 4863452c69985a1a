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
import { readFrom, writeTo } from './file-streams.ts'
import { race } from './rounds.ts'

const { values } = parseArgs({ options: { mib: { type: 'string', default: '256' }, rounds: { type: 'string', default: '5' } } })
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

const signer = { certificate, privateKey }

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
  const signed = signOpaque(readFrom(at('content')), { signer, digestAlgorithm: 'sha256' })
  await writeTo(at('ours.p7m'), encrypt(signed, { recipients: [{ certificate }], cipher: 'aes-256-cbc', lend: true }))
}

/** What AS2 does: the content, then a detached signature, both encrypted. */
async function buildDetached(forms: readonly DigestForm[]): Promise<void> {
  const set = createDigestSet({ algorithms: ['sha256'], forms, parallel: true })
  async function* entity(): AsyncGenerator<Uint8Array, void> {
    yield* digestWhile(readFrom(at('content')), set)
    const digest = findDigest(await set.finish(), { algorithm: 'sha256' })
    if (digest !== undefined) yield createDetachedSignature({ signer, digestAlgorithm: 'sha256', digest })
  }
  await writeTo(at('detached.p7m'), encrypt(entity(), { recipients: [{ certificate }], cipher: 'aes-256-cbc', lend: true }))
}

async function openOurs(name: string): Promise<void> {
  const decrypted = decrypt(readFrom(at(name)), { keys: [{ certificate, privateKey }], lend: true })
  const verified = verifyOpaque(decrypted.content, { trusted: [{ certificate }], lend: true })
  await writeTo(at('ours.out'), verified.content)
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
