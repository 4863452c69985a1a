/** What comes and goes in memory that is used again: everybody who keeps an octet for longer than it holds is found out. */
import { createHash, randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { lent } from '../../../../e2e/fixtures/lent.ts'
import type { Opened } from '../cms/opened.ts'
import type { PgpKey } from './index.ts'
import { generatePgpKey, protect, unprotect, type ProtectOptions } from './operations.ts'

async function read<Report>({ content, result }: Opened<Report>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const chunk of content) parts.push(Buffer.from(chunk))
  await result
  return Buffer.concat(parts)
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('OpenPGP in lent memory', () => {
  let key: PgpKey
  /** Larger than what the thread that packs gets at once, and not a multiple of anything. */
  const content = Buffer.concat([Buffer.alloc(300_001, 'what packs well\r\n'), randomBytes(1_000_003)])
  beforeAll(async () => {
    key = await generatePgpKey({ name: 'Ours', algorithm: 'ed25519', expires: null })
  })

  it.each([
    ['encrypted and signed', { compression: 'none' }],
    ['compressed', { compression: 'zlib' }],
    ['compressed without a frame', { compression: 'zip' }],
    ['compressed and armoured', { compression: 'zlib', armor: true }],
    ['armoured', { armor: true }],
    ['with AEAD, compressed', { profile: 'modern', compression: 'zlib' }],
    ['signed only', { encryptTo: [] }],
  ] satisfies [string, ProtectOptions][])('%s, out and in, in pieces of any size', async (_, options) => {
    for (const [outward, inward] of [[1_000, 65_537], [300_000, 1_009]] as const) {
      const message = await read(await protect(lent(content, outward), { signWith: [key], encryptTo: [key], ...options, lend: true }))
      const keys = { verifyWith: [key], ...('encryptTo' in options ? {} : { decryptWith: [key] }) }
      expect(digest(await read(unprotect(lent(message, inward), { ...keys, lend: true })))).toBe(digest(content))
      const kept: Uint8Array[] = []
      const opened = unprotect(lent(message, inward), keys)
      for await (const chunk of opened.content) kept.push(chunk)
      expect(digest(Buffer.concat(kept)), 'kept until the end').toBe(digest(content))
    }
  })

  it('is refused where it was changed, compressed or not', async () => {
    for (const compression of ['none', 'zlib'] as const) {
      const message = await read(await protect(lent(content, 100_000), { signWith: [key], encryptTo: [key], compression, lend: true }))
      for (const at of [message.length - 5, message.length >> 1, 700]) {
        const changed = Buffer.from(message)
        changed[at] = (changed[at] ?? 0) ^ 1
        await expect(read(unprotect(lent(changed, 100_000), { decryptWith: [key], verifyWith: [key], lend: true }))).rejects.toMatchObject({ code: 'pgp.tampered' })
      }
    }
  })
})
