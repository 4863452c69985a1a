/**
 * One large file signed and encrypted, and back, beside gpg: the same work (AES-256 with detection code, one signature, no compression), then
 * with what gpg does unasked (ZLIB). Prints the memory that ours took. `node build/bench/openpgp.ts [--mib 1024] [--rounds 5]`
 */
import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startGnupg } from '../../e2e/servers/gpg.ts'
import type { Compression } from '../../shared/core/crypto/openpgp/index.ts'
import { generatePgpKey, protect, publicKeyText, readPgpKeys, unprotect } from '../../shared/core/crypto/openpgp/operations.ts'
import { readFrom, writeTo } from './file-streams.ts'
import { race } from './rounds.ts'

const { values } = parseArgs({ options: { mib: { type: 'string', default: '1024' }, rounds: { type: 'string', default: '5' }, armor: { type: 'boolean', default: false }, zlib: { type: 'boolean', default: true } }, allowNegative: true })
const mib = Number(values.mib)
const rounds = Number(values.rounds)
const { armor } = values
const CHUNK = 1024 * 1024

const gpg = startGnupg()
const at = (name: string): string => join(gpg.home, name)

try {
  const ours = await generatePgpKey({ name: 'Ours', algorithm: 'ed25519', expires: null })
  const theirFingerprint = gpg.generate('Key-Type: eddsa\nKey-Curve: ed25519\nSubkey-Type: ecdh\nSubkey-Curve: cv25519\nName-Real: Theirs\nExpire-Date: 0')
  const [theirs] = await readPgpKeys(gpg.run(['--export', theirFingerprint]))
  if (theirs === undefined) throw new Error('gpg exported no key')
  gpg.run(['--import'], publicKeyText(ours))
  const source = await open(at('source'), 'w')
  for (let count = 0; count < mib; count++) await source.write(randomBytes(CHUNK))
  await source.close()
  const form = armor ? ['--armor'] : []

  const write = async (compression: Compression): Promise<void> => {
    const made = await protect(readFrom(at('source')), { signWith: [ours], encryptTo: [theirs], encryptToSelf: ours, compression, armor, lend: true })
    await writeTo(at('by-us'), made.content)
    await made.result
  }
  const read = async (name: string): Promise<void> => {
    const opened = unprotect(readFrom(at(name)), { decryptWith: [ours], verifyWith: [theirs], lend: true })
    await writeTo(at('read-by-us'), opened.content)
    await opened.result
  }
  const theirWrite = (name: string, more: readonly string[]): Promise<void> => Promise.resolve(void gpg.run(['-u', theirFingerprint, '-r', ours.summary.fingerprint, ...form, ...more, '-o', at(name), '--sign', '--encrypt', at('source')]))
  const theirRead = (name: string): Promise<void> => Promise.resolve(void gpg.run(['-o', at('read-by-gpg'), '--decrypt', at(name)]))

  await race(`OpenPGP out${armor ? ', armoured' : ''}, ${mib} MiB`, mib, 'MiB', [
    { name: 'Waybill', run: () => write('none') },
    { name: 'gpg -z0', run: () => theirWrite('by-gpg', ['-z0']) },
  ], rounds)
  await race(`OpenPGP in${armor ? ', armoured' : ''}, ${mib} MiB`, mib, 'MiB', [
    { name: 'Waybill', run: () => read('by-gpg') },
    { name: 'gpg', run: () => theirRead('by-us') },
  ], rounds)
  const packedRounds = values.zlib ? Math.min(rounds, 3) : 0
  if (packedRounds > 0) await race(`OpenPGP out, ZLIB, ${mib} MiB`, mib, 'MiB', [
    { name: 'Waybill', run: () => write('zlib') },
    { name: 'gpg', run: () => theirWrite('packed-by-gpg', ['--compress-algo', 'zlib']) },
  ], packedRounds)
  if (packedRounds > 0) await race(`OpenPGP in, ZLIB, ${mib} MiB`, mib, 'MiB', [
    { name: 'Waybill', run: () => read('packed-by-gpg') },
    { name: 'gpg', run: () => theirRead('by-us') },
  ], packedRounds)
  process.stdout.write(`most memory of ours: ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB\n`)
} finally {
  gpg.stop()
  await rm(gpg.home, { recursive: true, force: true })
}
