/** What comes and goes in memory that is used again: everybody who keeps an octet for longer than it holds is found out. */
import { createHash, randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { lent } from '../../../../e2e/fixtures/lent.ts'
import { generateSelfSigned } from '../x509/index.ts'
import { compress, decompress, decrypt, encrypt, signOpaque, verifyOpaque, type ContentCipher, type SigningKey } from './index.ts'

async function read(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const chunk of content) parts.push(Buffer.from(chunk))
  return Buffer.concat(parts)
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('CMS in lent memory', () => {
  let signer: SigningKey
  const content = Buffer.concat([Buffer.alloc(300_001, 'what packs well\r\n'), randomBytes(700_003)])
  beforeAll(async () => {
    signer = await generateSelfSigned({ subject: { commonName: 'lent' }, key: 'ec-p256' })
  })

  it.each<[ContentCipher, number, number]>([
    ['aes-256-cbc', 1_000, 65_537],
    ['aes-256-cbc', 300_000, 1_009],
    ['aes-128-gcm', 65_536, 100_003],
    ['aes-128-gcm', 400_009, 200_000],
  ])('signed, packed and encrypted with %s in pieces of %i, and opened in pieces of %i', async (cipher, outward, inward) => {
    const { certificate, privateKey } = await generateSelfSigned({ subject: { commonName: 'recipient' }, key: 'rsa-2048' })
    for (const packed of [false, true]) {
      const signed = signOpaque(lent(content, outward), { signer, digestAlgorithm: 'sha256' })
      const message = await read(encrypt(packed ? compress(signed) : signed, { recipients: [{ certificate }], cipher, lend: true }))
      const opened = decrypt(lent(message, inward), { keys: [{ certificate, privateKey }], lend: true })
      const unpacked = packed ? decompress(opened.content, { maxOutputBytes: 2 ** 24 }) : opened
      const verified = verifyOpaque(unpacked.content, { trusted: [{ certificate: signer.certificate }] })
      expect(digest(await read(verified.content))).toBe(digest(content))
      expect(await verified.result).toMatchObject({ embeddedCertificates: [{ fingerprintSha256: signer.certificate.fingerprintSha256 }] })
      expect(await opened.result).toMatchObject({ cipher, trailingBytes: 0 })
    }
  })
})
